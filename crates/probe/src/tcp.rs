//! TCP probes, and the connection below every other probe.

use tokio::net::TcpStream;
use tokio::time::sleep;
use trimtab_connect::{ConnectError, Connector};
use trimtab_model::pool::Address;

use crate::attempt::Stopwatch;
use crate::{Check, Phase, ProbeError};

/// Of a name with many addresses only the first are tried: dead ones use up the time of the try.
const ADDRESSES_MAX: usize = 4;

/// Passes when the handshake does.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    watch: &mut Stopwatch,
) -> Result<u16, ProbeError> {
    let port = check.port().ok_or(ProbeError::NoPort)?;
    connect(connector, check, &check.target.address, port, watch).await?;
    Ok(0)
}

/// A connection to the first address that accepts one.
pub(crate) async fn connect(
    connector: &Connector,
    check: &Check<'_>,
    to: &Address,
    port: u16,
    watch: &mut Stopwatch,
) -> Result<TcpStream, ProbeError> {
    watch.enter(Phase::Resolve);
    let addresses = connector.resolve(to, port).await.map_err(|error| match to {
        Address::Ip(_) => ProbeError::Connect(error),
        Address::Host(_) => ProbeError::Resolve(error),
    })?;
    watch.enter(Phase::Connect);
    if !check.delay.is_zero() {
        sleep(check.delay).await;
    }
    let mut last = ConnectError::UnknownHost(to.to_string());
    for address in addresses.into_iter().take(ADDRESSES_MAX) {
        match connector.tcp(address, check.limit()).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(ProbeError::Connect(last))
}
