//! What an authority looks at: a record in our DNS, or a certificate on our own port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use instant_acme::KeyAuthorization;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use tokio::time::timeout;
use trimtab_connect::challenges::Placed;
use trimtab_connect::{Challenges, provider};
use trimtab_dns::{Scratch, Transport, answer};
use trimtab_live::{Cell, Snapshot, clock};
use trimtab_model::Name;

use crate::error::OrderError;

/// What is written is served within one second; a busy machine gets more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// RFC 1035 section 4.2.2: a TCP message has 16 bits of length.
const ANSWER_BYTES_MAX: usize = 65_535;
const TXT: u16 = 16;
const CLASS_IN: u16 = 1;

/// Where the proof of a name stands (RFC 8555 section 8.4); that of a wildcard stands at the name it is below.
pub(crate) fn record_name(name: &Name) -> Option<Name> {
    let name = name.as_str();
    format!("_acme-challenge.{}", name.strip_prefix("*.").unwrap_or(name)).parse().ok()
}

/// Until this node's own DNS gives the value to whoever asks.
pub(crate) async fn until_answered(
    cell: &Cell,
    name: &Name,
    value: &str,
) -> Result<(), OrderError> {
    let mut published = cell.subscribe();
    let answered = published.wait_for(|_| answers(&cell.load(), name, value));
    match timeout(ANSWERED_WITHIN, answered).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(OrderError::NotAnswered(name.clone())),
    }
}

/// The very answer that an authority gets, searched for the value.
pub(crate) fn answers(snapshot: &Snapshot, name: &Name, value: &str) -> bool {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (query, mut out) = (query(name), vec![0; ANSWER_BYTES_MAX]);
    let mut scratch = Scratch::new();
    let view = snapshot.view();
    let told = answer(&query, from, Transport::Tcp, &view, clock::now(), 0, &mut scratch, &mut out);
    let told = out.get(..told.reply_len()).unwrap_or_default();
    let rdata = text_rdata(value);
    told.windows(rdata.len()).any(|part| part == rdata)
}

/// One character string (RFC 1035 section 3.3.14); a digest in base64 has 43 bytes.
fn text_rdata(value: &str) -> Vec<u8> {
    let mut rdata = vec![u8::try_from(value.len()).unwrap_or(u8::MAX)];
    rdata.extend(value.bytes().take(u8::MAX.into()));
    rdata
}

fn query(name: &Name) -> Vec<u8> {
    // Id 0, no flags, one question (RFC 1035 section 4.1.1).
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.labels() {
        query.extend(text_rdata(label));
    }
    query.push(0);
    query.extend(TXT.to_be_bytes());
    query.extend(CLASS_IN.to_be_bytes());
    query
}

/// A certificate that carries the digest of the authorization (RFC 8737 section 3), shown while the result lives.
pub(crate) fn place(
    challenges: &Arc<Challenges>,
    name: &Name,
    authorization: &KeyAuthorization,
) -> Result<Placed, OrderError> {
    let params = CertificateParams::new(vec![name.to_string()]);
    let mut params = params.map_err(OrderError::Proof)?;
    let extension = CustomExtension::new_acme_identifier(authorization.digest().as_ref());
    params.custom_extensions = vec![extension];
    let key = KeyPair::generate().map_err(OrderError::Proof)?;
    let certificate = params.self_signed(&key).map_err(OrderError::Proof)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let key = provider::key(key).map_err(OrderError::ProofKey)?;
    let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
    Ok(challenges.place(name.as_str(), certified))
}

#[cfg(test)]
mod tests {
    use trimtab_live::Batch;
    use trimtab_model::RecordType;

    use super::*;
    use crate::stage::{publisher, text_record};

    #[test]
    fn rfc8555_section_8_4_a_proof_stands_below_the_name_and_that_of_a_wildcard_below_its_parent() {
        let check = |name: &str, want: &str| {
            assert_eq!(record_name(&name.parse().unwrap()).unwrap().as_str(), want);
        };
        check("www.example.com", "_acme-challenge.www.example.com");
        check("*.example.com", "_acme-challenge.example.com");
    }

    #[test]
    fn a_proof_counts_once_the_node_answers_it_to_anyone() {
        let (name, value) = ("_acme-challenge.www.example.com", "gfj9Xq-Rg85nM");
        let check = |at: &str, kind, rdata: Vec<u8>, want: bool| {
            let mut publisher = publisher();
            let names = vec![text_record(at, kind, rdata)];
            publisher.load(Batch { revision: 1, changes: Vec::new(), names });
            let snapshot = publisher.snapshot();
            assert_eq!(answers(&snapshot, &name.parse().unwrap(), value), want, "{at} {kind}");
        };
        check(name, RecordType::Txt, text_rdata(value), true);
        check(name, RecordType::Txt, text_rdata("another"), false);
        check("www.example.com", RecordType::Txt, text_rdata(value), false);
        // Delegated: others are asked.
        let server = [text_rdata("ns"), text_rdata("example"), vec![0]].concat();
        check("www.example.com", RecordType::Ns, server, false);
    }
}
