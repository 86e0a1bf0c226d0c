//! TCP probes, and the connection below every other probe.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;
use trimtab_connect::{ConnectError, Connector, keep_alive};
use trimtab_model::pool::Address;

use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError};

/// Of a name with many addresses only the first are tried: dead ones use up the time of the try.
const ADDRESSES_MAX: usize = 4;
/// Between the questions whether the other end is still there: often enough within the shortest time limit,
/// which is a second.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Addresses for people.
struct Listed<'a>(&'a [SocketAddr]);

/// Passes when the handshake does.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let port = check.port()?;
    connect(connector, check, &check.target.address, port, trace).await?;
    Ok(0)
}

/// A connection to the first address that accepts one.
pub(crate) async fn connect(
    connector: &Connector,
    check: &Check<'_>,
    to: &Address,
    port: u16,
    trace: &mut Trace<'_>,
) -> Result<TcpStream, ProbeError> {
    let addresses = resolve(connector, check, to, port, trace).await?;
    let mut last = ConnectError::UnknownHost(to.to_string());
    for address in addresses {
        match connector.tcp(address, check.limit()).await {
            Ok(stream) => {
                keep_alive(&stream, KEEP_ALIVE)
                    .map_err(|error| ProbeError::Connect(error.into()))?;
                trace.step(StepKind::Connected, format_args!("connected to {address}"));
                return Ok(stream);
            }
            Err(error) => {
                trace.step(StepKind::Connected, format_args!("{address}: {error}"));
                last = error;
            }
        }
    }
    Err(ProbeError::Connect(last))
}

/// The addresses to try, once the simulated way there is over.
pub(crate) async fn resolve(
    connector: &Connector,
    check: &Check<'_>,
    to: &Address,
    port: u16,
    trace: &mut Trace<'_>,
) -> Result<Vec<SocketAddr>, ProbeError> {
    trace.enter(Phase::Resolve);
    let mut addresses = connector.resolve(to, port).await.map_err(|error| match to {
        Address::Ip(_) => ProbeError::Connect(error),
        Address::Host(_) => ProbeError::Resolve(error),
    })?;
    addresses.truncate(ADDRESSES_MAX);
    trace.step(StepKind::Resolved, format_args!("{to} is {}", Listed(&addresses)));
    trace.enter(Phase::Connect);
    if !check.delay.is_zero() {
        sleep(check.delay).await;
    }
    Ok(addresses)
}

// === impl Listed ===

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (address, place) in self.0.iter().zip(0..) {
            let gap = if place > 0 { ", " } else { "" };
            write!(f, "{gap}{}", address.ip())?;
        }
        Ok(())
    }
}
