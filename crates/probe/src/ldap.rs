//! LDAP probes: an anonymous bind, which every directory answers.

mod message;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trimtab_connect::Connector;
use trimtab_model::monitor::MonitorType;

pub use self::message::BindResult;
use self::message::{ANONYMOUS_BIND, UNBIND};
use crate::first_bytes::Tap;
use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, tcp};

/// What an answer is read with at a time.
const CHUNK_BYTES: usize = 1024;

/// Passes when the bind succeeds.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let port = check.port()?;
    let stream = tcp::connect(connector, check, &check.target.address, port, trace).await?;
    trace.enter(Phase::FirstByte);
    let mut tap = Tap::new(stream);
    let result = bind(&mut tap, trace).await;
    if result.is_err() {
        trace.answer(tap.answer());
    }
    result
}

async fn bind(tap: &mut Tap<TcpStream>, trace: &mut Trace<'_>) -> Result<u16, ProbeError> {
    tap.write_all(&ANONYMOUS_BIND).await.map_err(ProbeError::of_talk)?;
    trace.step(StepKind::Sent, "anonymous bind");
    let BindResult { code, text } = answer(tap).await?;
    trace.step(StepKind::Answered, format_args!("result {code} {text:?}"));
    if code != 0 {
        return Err(ProbeError::LdapResult { code, text });
    }
    // The verdict stands already; a server that hung up needs no goodbye.
    if let Err(error) = tap.write_all(&UNBIND).await {
        trace.step(StepKind::Sent, format_args!("unbind: {error}"));
    }
    Ok(code)
}

async fn answer(tap: &mut Tap<TcpStream>) -> Result<BindResult, ProbeError> {
    let mut read = Vec::new();
    loop {
        if let Some(result) = BindResult::read(&read).map_err(not_ldap)? {
            return Ok(result);
        }
        let mut chunk = [0; CHUNK_BYTES];
        match tap.read(&mut chunk).await.map_err(ProbeError::of_talk)? {
            0 => return Err(not_ldap("the connection ended before the answer did")),
            length => read.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
    }
}

fn not_ldap(why: &'static str) -> ProbeError {
    ProbeError::NotSpoken { protocol: MonitorType::Ldap, why }
}
