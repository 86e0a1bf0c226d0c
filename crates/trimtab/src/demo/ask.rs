//! A small DNS client: one question with a client subnet, the answer in words. For people without dig, and the self-test.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::base::iana::Rcode;
use domain::base::opt::AllOptData;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::{A, Aaaa, AllRecordData};
use ipnet::IpNet;
use tokio::net::UdpSocket;

/// The demo answers within microseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// RFC 6891 section 6.2.5: a good size to offer.
const ANSWER_BYTES_MAX: usize = 4096;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rcode: Rcode,
    pub(crate) addresses: Vec<IpAddr>,
    /// Of the first answer, in seconds.
    pub(crate) ttl: Option<u32>,
    /// SCOPE PREFIX-LENGTH of the client subnet (RFC 7871).
    pub(crate) scope: Option<u8>,
    /// There is an SOA in the authority section.
    pub(crate) negative: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("{0:?} is not a domain name")]
    Name(String),
    #[error("question about {0} does not fit a message")]
    Question(String),
    #[error("ask {0}")]
    Socket(SocketAddr, #[source] std::io::Error),
    #[error("{0} gave no answer within {PATIENCE:?}")]
    Silence(SocketAddr),
    #[error("answer of {0} is no DNS message")]
    Unreadable(SocketAddr),
}

/// Asks for A, or AAAA when the subnet is an IPv6 one.
pub(crate) async fn ask(
    server: SocketAddr,
    name: &str,
    subnet: Option<IpNet>,
) -> Result<Answer, AskError> {
    let question = question(name, subnet)?;
    let failed = |source| AskError::Socket(server, source);
    let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await.map_err(failed)?;
    socket.connect(server).await.map_err(failed)?;
    socket.send(&question).await.map_err(failed)?;
    let mut bytes = vec![0; ANSWER_BYTES_MAX];
    let received = tokio::time::timeout(PATIENCE, socket.recv(&mut bytes)).await;
    let length = received.map_err(|_elapsed| AskError::Silence(server))?.map_err(failed)?;
    bytes.truncate(length);
    read(&bytes).ok_or(AskError::Unreadable(server))
}

fn question(name: &str, subnet: Option<IpNet>) -> Result<Vec<u8>, AskError> {
    let too_long = || AskError::Question(name.into());
    let qname: Name<Vec<u8>> = name.parse().map_err(|_why| AskError::Name(name.into()))?;
    let kind = if matches!(subnet, Some(IpNet::V6(_))) { Rtype::AAAA } else { Rtype::A };
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_random_id();
    let mut message = message.question();
    message.push((&qname, kind)).map_err(|_full| too_long())?;
    let mut message = message.additional();
    message
        .opt(|opt| {
            opt.set_udp_payload_size(1232);
            match subnet {
                Some(net) => opt.client_subnet(net.prefix_len(), 0, net.network()),
                None => Ok(()),
            }
        })
        .map_err(|_full| too_long())?;
    Ok(message.finish())
}

/// None when any part of the message cannot be parsed.
fn read(bytes: &[u8]) -> Option<Answer> {
    let message = Message::from_octets(bytes).ok()?;
    let mut answer = Answer {
        rcode: message.header().rcode(),
        addresses: Vec::new(),
        ttl: None,
        scope: None,
        negative: false,
    };
    for record in message.answer().ok()?.limit_to::<AllRecordData<_, _>>() {
        let record = record.ok()?;
        answer.ttl = answer.ttl.or(Some(record.ttl().as_secs()));
        match record.data() {
            AllRecordData::A(address) => answer.addresses.push(v4(address)),
            AllRecordData::Aaaa(address) => answer.addresses.push(v6(address)),
            _ => {}
        }
    }
    for record in message.authority().ok()? {
        answer.negative |= record.ok()?.rtype() == Rtype::SOA;
    }
    if let Some(opt) = message.opt() {
        for option in opt.opt().iter::<AllOptData<_, _>>() {
            if let AllOptData::ClientSubnet(subnet) = option.ok()? {
                answer.scope = Some(subnet.scope_prefix_len());
            }
        }
    }
    Some(answer)
}

fn v4(address: &A) -> IpAddr {
    IpAddr::V4(address.addr())
}

fn v6(address: &Aaaa) -> IpAddr {
    IpAddr::V6(address.addr())
}
