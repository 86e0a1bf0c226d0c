//! TLS over a connection that stands.

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use trimtab_connect::{ConnectError, Connector, Profile, ServerName, Session, Spoken, Trust};
use trimtab_model::Upstream;

use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError};

pub(crate) async fn handshake(
    connector: &Connector,
    check: &Check<'_>,
    stream: TcpStream,
    server: ServerName<'static>,
    spoken: Spoken,
    trace: &mut Trace<'_>,
) -> Result<TlsStream<TcpStream>, ProbeError> {
    trace.enter(Phase::Tls);
    let (trust, limit) = (check.trust(), check.limit());
    let secured = connector.tls_speaking(spoken, stream, server, trust, limit).await;
    let stream = secured.map_err(unsecured)?;
    trace.step(StepKind::Secured, Session::of(&stream));
    Ok(stream)
}

/// How the proxy would reach the endpoint, for a monitor that takes its path: one with a zone.
pub(crate) fn proxied<'a>(check: &Check<'a>) -> Option<&'a Upstream> {
    let upstream = check.target.upstream.as_deref();
    upstream.filter(|_| check.monitor.probe.probe_zone.is_some())
}

/// The same with the certificate, the authorities and the name that the proxy uses.
pub(crate) async fn handshake_by(
    connector: &Connector,
    check: &Check<'_>,
    stream: TcpStream,
    server: ServerName<'static>,
    upstream: &Upstream,
    trace: &mut Trace<'_>,
) -> Result<TlsStream<TcpStream>, ProbeError> {
    trace.enter(Phase::Tls);
    let key = upstream.client_key.as_ref().map(|key| key.reveal());
    let profile = connector.profile(&Profile {
        trust: if upstream.verify { check.trust() } else { Trust::Anyone },
        // One request on a connection of its own.
        http2: false,
        ca: upstream.ca.as_deref(),
        client: upstream.client_certificate.as_deref().zip(key),
    });
    let profile = profile.map_err(ProbeError::Profile)?;
    let secured = connector.tls_by(&profile, stream, server, check.limit()).await;
    let stream = secured.map_err(unsecured)?;
    trace.step(StepKind::Secured, Session::of(&stream));
    Ok(stream)
}

/// Sent as SNI when it is a name; an address is only compared with the certificate.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, ProbeError> {
    ServerName::try_from(bare_host(host).to_owned())
        .map_err(|_| ProbeError::BadRequest("host is neither a name nor an address"))
}

/// The host of a `Host` value, without port and brackets.
pub(crate) fn bare_host(host: &str) -> &str {
    match host.rsplit_once(':') {
        // In `[::1]` the last colon belongs to the address.
        Some((name, port)) if !port.ends_with(']') => bare(name),
        _ => bare(host),
    }
}

pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn unsecured(error: ConnectError) -> ProbeError {
    match error {
        // The connection stood already, so it was not that which took too long.
        ConnectError::Timeout => ProbeError::TimedOut(Phase::Tls),
        error => ProbeError::Connect(error),
    }
}
