//! UDP-ICMP probes: a ping, then one datagram that must not be turned away.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};
use trimtab_connect::{ConnectError, Connector};

use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, icmp};

/// Recognisable in a capture, and the beginning of no protocol that is known.
const DATAGRAM: &[u8] = b"trimtab probe";
/// A host that turns a datagram away does so at once; longer silence adds nothing but time.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// The rest of a try is shared with whatever the machine does, so that silence is not its time limit.
const SILENCE_SHARE: u32 = 2;

/// Passes when the host replies to a ping and does not say that the port is unreachable.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let (began, port) = (Instant::now(), check.port()?);
    let ip = icmp::ping(connector, check, port, trace).await?;
    trace.enter(Phase::Silence);
    let to = SocketAddr::new(ip, port);
    let socket = connector.udp(to).await.map_err(ProbeError::Connect)?;
    socket.send(DATAGRAM).await.map_err(turned_away)?;
    let left = check.limit().saturating_sub(began.elapsed());
    let silence = (left / SILENCE_SHARE).min(SILENCE_MAX);
    trace.step(StepKind::Sent, format_args!("datagram to {to}, then {silence:?} of listening"));
    match timeout(silence, any_answer(&socket)).await {
        Err(_silent) => trace.step(StepKind::Answered, "nothing says that the port is closed"),
        Ok(answer) => {
            let length = answer.map_err(turned_away)?;
            trace.step(StepKind::Answered, format_args!("a datagram of {length} bytes"));
        }
    }
    Ok(0)
}

async fn any_answer(socket: &UdpSocket) -> io::Result<usize> {
    socket.recv(&mut [0; 1]).await
}

fn turned_away(error: io::Error) -> ProbeError {
    match ConnectError::from(error) {
        ConnectError::Refused => ProbeError::ClosedPort,
        error => ProbeError::Connect(error),
    }
}
