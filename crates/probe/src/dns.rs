//! DNS probes: one question over UDP, over TCP when the answer is cut off.

mod message;

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trimtab_connect::{ConnectError, Connector};
use trimtab_model::monitor::MonitorType;
use trimtab_model::monitor::extension::Dns;

pub use self::message::{Answer, Question};
use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, tcp};

/// No datagram is larger.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Passes with the response code and, where one is named, the record that are expected.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let asked = check.own().and_then(|own| own.dns.as_ref());
    let asked = asked.ok_or(ProbeError::BadRequest("the monitor asks for no name"))?;
    let question = Question::new(asked, RandomState::new().hash_one(check.target.key) as u16)
        .ok_or(ProbeError::BadRequest("the name cannot be asked for"))?;
    let port = check.port()?;
    let addresses = tcp::resolve(connector, check, &check.target.address, port, trace).await?;
    let mut last = ConnectError::UnknownHost(check.target.address.to_string());
    for address in addresses {
        match over_udp(connector, asked, &question, address, trace).await {
            Ok(answer) if answer.truncated => {
                trace.step(StepKind::Answered, "it is truncated: asked again over tcp");
                let answer = over_tcp(connector, check, &question, address, trace).await?;
                return judge(asked, &answer);
            }
            Ok(answer) => return judge(asked, &answer),
            Err(ProbeError::Connect(error)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(ProbeError::Connect(last))
}

fn judge(asked: &Dns, answer: &Answer) -> Result<u16, ProbeError> {
    if answer.rcode != asked.rcode.number() {
        return Err(ProbeError::DnsCode { code: answer.rcode, wanted: asked.rcode });
    }
    match &asked.answer {
        Some(wanted) if !answer.holds(wanted) => {
            Err(ProbeError::DnsAnswer { wanted: wanted.clone(), got: answer.shown() })
        }
        Some(_) | None => Ok(u16::from(answer.rcode)),
    }
}

/// Datagrams that answer something else are waited past: anybody can send them.
async fn over_udp(
    connector: &Connector,
    asked: &Dns,
    question: &Question,
    to: SocketAddr,
    trace: &mut Trace<'_>,
) -> Result<Answer, ProbeError> {
    let socket = connector.udp(to).await.map_err(ProbeError::Connect)?;
    socket.send(question.bytes()).await.map_err(turned_away)?;
    trace.step(StepKind::Sent, format_args!("{} {} to {to}", asked.name, asked.rtype));
    trace.enter(Phase::FirstByte);
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let length = socket.recv(&mut datagram).await.map_err(turned_away)?;
        let datagram = datagram.get(..length).unwrap_or_default();
        trace.answer(datagram);
        if let Some(answer) = read(question, datagram, trace)? {
            return Ok(answer);
        }
    }
}

/// RFC 7766: the same message behind its length.
async fn over_tcp(
    connector: &Connector,
    check: &Check<'_>,
    question: &Question,
    to: SocketAddr,
    trace: &mut Trace<'_>,
) -> Result<Answer, ProbeError> {
    trace.enter(Phase::Connect);
    let stream = connector.tcp(to, check.limit()).await;
    let mut stream = stream.map_err(ProbeError::Connect)?;
    trace.enter(Phase::FirstByte);
    let length = u16::try_from(question.bytes().len());
    let length = length.map_err(|_| ProbeError::BadRequest("the question is too long"))?;
    let message = [&length.to_be_bytes()[..], question.bytes()].concat();
    stream.write_all(&message).await.map_err(ProbeError::of_talk)?;
    let length = stream.read_u16().await.map_err(cut_off)?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.map_err(cut_off)?;
    trace.answer(&answer);
    read(question, &answer, trace)?.ok_or(not_dns("the answer is to another question"))
}

fn read(
    question: &Question,
    message: &[u8],
    trace: &mut Trace<'_>,
) -> Result<Option<Answer>, ProbeError> {
    let answer = question.answer(message).map_err(not_dns)?;
    if let Some(answer) = &answer {
        let (rcode, shown) = (answer.rcode, answer.shown());
        trace.step(StepKind::Answered, format_args!("response code {rcode}, records: {shown}"));
    }
    Ok(answer)
}

fn turned_away(error: std::io::Error) -> ProbeError {
    match ConnectError::from(error) {
        ConnectError::Refused => ProbeError::ClosedPort,
        error => ProbeError::Connect(error),
    }
}

fn cut_off(error: std::io::Error) -> ProbeError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => not_dns("the connection ended before the answer did"),
        _ => ProbeError::of_talk(error),
    }
}

fn not_dns(why: &'static str) -> ProbeError {
    ProbeError::NotSpoken { protocol: MonitorType::Dns, why }
}
