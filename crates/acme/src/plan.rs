//! Which names need a certificate that nobody uploaded, and when it has to be ordered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use trimtab_live::Snapshot;
use trimtab_model::balancer::Scope;
use trimtab_model::certificate::{CertificateSource, CertificateStatus};
use trimtab_model::{Certificate, Name, Timestamp, ZoneId};

/// A name that is proxied and that no uploaded certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub zone: ZoneId,
    /// Of the certificate that was ordered last; None without one.
    pub expires_on: Option<Timestamp>,
    /// The next one is to be ordered from then on.
    pub due_on: Timestamp,
}

/// Of a certificate's life: one that lives for less than the time to renew it before would be ordered without end.
const LAST_PART: u32 = 3;

/// All of one moment. An uploaded certificate counts while it is valid: before and after that clients do not believe it.
pub fn wanted(snapshot: &Snapshot, renew_before: Duration, now: Timestamp) -> BTreeMap<Name, Want> {
    let mut uploaded = HashSet::new();
    let mut ordered: HashMap<Name, &Certificate> = HashMap::new();
    for certificate in snapshot.certificates.values() {
        match certificate.source {
            CertificateSource::Upload if is_valid(certificate, now) => {
                uploaded.extend(snapshot.hosts_of(certificate));
            }
            CertificateSource::Upload => {}
            CertificateSource::Acme => {
                for host in snapshot.hosts_of(certificate) {
                    let latest = ordered.entry(host).or_insert(certificate);
                    if latest.facts.expires_on < certificate.facts.expires_on {
                        *latest = certificate;
                    }
                }
            }
        }
    }
    let want = |(zone, name): (ZoneId, &Name)| match ordered.get(name) {
        Some(last) => Want {
            zone,
            expires_on: Some(last.facts.expires_on),
            due_on: due_on(last, renew_before),
        },
        None => Want { zone, expires_on: None, due_on: Timestamp::default() },
    };
    proxied(snapshot)
        .filter(|(_, name)| !covers(&uploaded, name))
        .map(|found| (found.1.clone(), want(found)))
        .collect()
}

fn proxied(snapshot: &Snapshot) -> impl Iterator<Item = (ZoneId, &Name)> {
    let balancers = snapshot.world.balancers.iter().flatten();
    balancers.filter(|balancer| balancer.enabled && balancer.proxied).filter_map(|balancer| {
        match balancer.scope {
            Scope::Zone(zone) => Some((zone, &balancer.name)),
            Scope::Account(_) => None,
        }
    })
}

/// A wildcard stands for one label (RFC 6125 section 6.4.3), and never for another wildcard.
fn covers(hosts: &HashSet<Name>, name: &Name) -> bool {
    let above = || {
        let (_, above) = name.as_str().split_once('.').filter(|_| !name.is_wildcard())?;
        format!("*.{above}").parse::<Name>().ok()
    };
    hosts.contains(name) || above().is_some_and(|above| hosts.contains(&above))
}

fn is_valid(certificate: &Certificate, now: Timestamp) -> bool {
    certificate.facts.status(now) == CertificateStatus::Active
}

fn due_on(certificate: &Certificate, renew_before: Duration) -> Timestamp {
    let [starts, ends] =
        [certificate.facts.starts_on, certificate.facts.expires_on].map(Timestamp::micros);
    let last_part = ends.saturating_sub(starts).max(0) / i64::from(LAST_PART);
    let before = i64::try_from(renew_before.as_micros()).unwrap_or(i64::MAX).min(last_part);
    Timestamp::from_micros(ends.saturating_sub(before))
}

#[cfg(test)]
mod tests;
