//! ICMP probes: one echo request, and its reply.

use std::net::IpAddr;

use trimtab_connect::{ConnectError, Connector};

use crate::trace::{StepKind, Trace};
use crate::{Check, ProbeError, tcp};

/// Ports mean nothing to ICMP.
const NO_PORT: u16 = 0;
/// Each try has a socket and a payload of its own, so there is nothing to count.
const SEQUENCE: u16 = 1;

/// Passes with the reply.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    ping(connector, check, NO_PORT, trace).await?;
    Ok(0)
}

/// The first address that replies. `port` is for the policy alone.
pub(crate) async fn ping(
    connector: &Connector,
    check: &Check<'_>,
    port: u16,
    trace: &mut Trace<'_>,
) -> Result<IpAddr, ProbeError> {
    let to = &check.target.address;
    let mut last = ConnectError::UnknownHost(to.to_string());
    for address in tcp::resolve(connector, check, to, port, trace).await? {
        let ip = address.ip();
        let icmp = connector.icmp(ip).await.map_err(ProbeError::of_icmp)?;
        trace.step(StepKind::Sent, format_args!("echo request to {ip}"));
        match icmp.echo(SEQUENCE).await {
            Ok(()) => {
                trace.step(StepKind::Answered, format_args!("echo reply from {ip}"));
                return Ok(ip);
            }
            Err(error) => {
                trace.step(StepKind::Answered, format_args!("{ip}: {error}"));
                last = error;
            }
        }
    }
    Err(ProbeError::Connect(last))
}
