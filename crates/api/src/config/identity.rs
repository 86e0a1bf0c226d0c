//! What is wrong with certificates and keys, said where they stand in a body.

use trimtab_api_types::v1::certificate::CertificateDraft;
use trimtab_connect::{Chain, ChainError, KeyError, roots};
use trimtab_model::certificate::{CertificateFacts, CertificateStatus};
use trimtab_model::{Name, Pool, Problems, Timestamp, Upstream, Zone};

use crate::errors::{Error, Service, code};

/// Of a pool's body.
const CA: &str = "/trimtab/upstream/ca";
const CLIENT_CERTIFICATE: &str = "/trimtab/upstream/client_certificate";
const CLIENT_KEY: &str = "/trimtab/upstream/client_key";

/// What the chain of a zone's certificate says, if clients can be shown it from `now` on or later.
pub(super) fn checked(
    draft: &CertificateDraft,
    zone: &Zone,
    now: Timestamp,
) -> Result<CertificateFacts, Error> {
    let chain = Chain::read(&draft.chain_pem).map_err(|why| {
        Error::coded("/certificate", chain_code(&why), format_args!("certificate {why}"))
    })?;
    let mut problems = Problems::default();
    refuse_facts(chain.facts(), zone, now, &mut problems);
    if let Err(why) = chain.with_key(draft.key_pem.reveal()) {
        refuse_key(&why, &mut problems);
    }
    let refused = |problems| Error::refused(Service::Plain, problems);
    problems.or(chain.facts().clone()).map_err(refused)
}

/// A certificate for none of the zone's names would be shown for those of others, or never.
fn refuse_facts(facts: &CertificateFacts, zone: &Zone, now: Timestamp, problems: &mut Problems) {
    if facts.status(now) == CertificateStatus::Expired {
        let message = format_args!("certificate expired on {}", facts.expires_on);
        problems.add_coded("/certificate", code::CERTIFICATE_EXPIRED, message);
    }
    let inside = |host: &String| host.parse().is_ok_and(|host: Name| host.is_in(&zone.name));
    if !facts.hosts.iter().any(inside) {
        let message = format_args!("certificate is for no name in {}", zone.name);
        problems.add_coded("/certificate", code::CERTIFICATE_HOSTS, message);
    }
}

fn refuse_key(why: &KeyError, problems: &mut Problems) {
    let number = match why {
        KeyError::Missing | KeyError::Encrypted => code::KEY_UNREADABLE,
        KeyError::Unsupported => code::KEY_UNSUPPORTED,
        KeyError::Unmatched => code::KEY_UNMATCHED,
        KeyError::Certificate(_) => {
            problems.add("/certificate", why);
            return;
        }
    };
    problems.add_coded("/private_key", number, format_args!("private_key {why}"));
}

fn chain_code(why: &ChainError) -> u32 {
    match why {
        ChainError::Pem(_)
        | ChainError::Foreign
        | ChainError::NotX509(_)
        | ChainError::NotARoot(..) => code::CERTIFICATE_INVALID,
        ChainError::Empty => code::CERTIFICATE_ABSENT,
        ChainError::TooMany | ChainError::OutOfOrder(_) => code::CERTIFICATE_CHAIN,
    }
}

/// What the proxy could not use of how a pool's endpoints are to be reached.
pub(super) fn refuse_upstream(pool: &Pool, problems: &mut Problems) {
    let Some(upstream) = pool.upstream.as_deref() else { return };
    if let Some(Err(why)) = upstream.ca.as_deref().map(roots) {
        problems.add(CA, format_args!("ca {why}"));
    }
    match upstream.client_certificate.as_deref().map(Chain::read) {
        None => {}
        Some(Err(why)) => {
            problems.add(CLIENT_CERTIFICATE, format_args!("client_certificate {why}"));
        }
        Some(Ok(chain)) => refuse_client_key(&chain, upstream, problems),
    }
}

fn refuse_client_key(chain: &Chain, upstream: &Upstream, problems: &mut Problems) {
    let Some(key) = &upstream.client_key else {
        problems.add(CLIENT_KEY, "client_key is required with a client_certificate");
        return;
    };
    match chain.with_key(key.reveal()) {
        Ok(_) => {}
        Err(why @ KeyError::Certificate(_)) => problems.add(CLIENT_CERTIFICATE, why),
        Err(why) => problems.add(CLIENT_KEY, format_args!("client_key {why}")),
    }
}
