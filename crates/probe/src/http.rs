//! HTTP and HTTPS probes: one request, redirects if the monitor follows them, and the verdict on the answer.

mod body;
pub(crate) mod hop;
pub(crate) mod request;

use std::fmt;
use std::pin::pin;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, LOCATION};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use trimtab_connect::{Connector, Spoken};

use self::body::Held;
use self::hop::{Hop, Scheme};
use crate::first_bytes::Tap;
use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, secure, tcp};

/// A service that needs more is looping, and each costs a connection within one time limit.
const REDIRECTS_MAX: usize = 5;

/// Of the answer's head; larger ones are no health page.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A request for people.
struct Asked<'a>(&'a Request<Empty<Bytes>>);

/// What an answer leads to.
enum Step {
    Pass(u16),
    Redirect { status: u16, location: String },
}

pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let mut hop = Hop::first(check);
    let mut hops = 0;
    loop {
        let (status, location) = match ask(connector, check, &hop, trace).await? {
            Step::Pass(status) => return Ok(status),
            Step::Redirect { status, location } => (status, location),
        };
        if hops == REDIRECTS_MAX {
            return Err(ProbeError::TooManyRedirects { status, hops });
        }
        trace.step(StepKind::Redirected, format_args!("{status} leads to {location:?}"));
        hop = match hop.follow(&location) {
            Some(next) => next,
            None => return Err(ProbeError::BadRedirect { status, location }),
        };
        hops += 1;
    }
}

async fn ask(
    connector: &Connector,
    check: &Check<'_>,
    hop: &Hop,
    trace: &mut Trace<'_>,
) -> Result<Step, ProbeError> {
    let request = request::build(check, hop)?;
    let proxied = secure::proxied(check).filter(|_| hop.home);
    let server = match hop.scheme {
        Scheme::Http => None,
        Scheme::Https => {
            let named = proxied.and_then(|upstream| upstream.server_name.as_deref());
            Some(secure::server_name(named.unwrap_or(&hop.host))?)
        }
    };
    let stream = tcp::connect(connector, check, &hop.address, hop.port, trace).await?;
    let Some(server) = server else { return exchange(stream, request, check, trace).await };
    let secured = match proxied {
        Some(upstream) => {
            secure::handshake_by(connector, check, stream, server, upstream, trace).await?
        }
        None => secure::handshake(connector, check, stream, server, Spoken::Http1, trace).await?,
    };
    exchange(secured, request, check, trace).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Empty<Bytes>>,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<Step, ProbeError> {
    trace.enter(Phase::FirstByte);
    trace.step(StepKind::Sent, Asked(&request));
    let mut tap = Tap::new(stream);
    let result = converse(&mut tap, request, check, trace).await;
    // What a body holds was kept by who read it.
    if !matches!(result, Ok(_) | Err(ProbeError::WrongBody { .. })) {
        trace.answer(tap.answer());
    }
    result
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Empty<Bytes>>,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<Step, ProbeError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ProbeError::of_exchange)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(ProbeError::of_exchange)?;
        judge(response, check, trace).await
    };
    let (mut answer, connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        step = &mut answer => return step,
        // What ended it, if anything did, is also what the answer ends with.
        _ended = connection => {}
    }
    answer.await
}

async fn judge(
    response: Response<Incoming>,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<Step, ProbeError> {
    let probe = &check.monitor.probe;
    let status = response.status().as_u16();
    trace.step(StepKind::Answered, format_args!("{:?} {}", response.version(), response.status()));
    if probe.follow_redirects
        && let Some(location) = redirect(&response)
    {
        return Ok(Step::Redirect { status, location });
    }
    if !probe.expected_codes.is_none() && !probe.expected_codes.pass(status) {
        return Err(ProbeError::WrongStatus { status });
    }
    if probe.expected_body.is_empty() {
        return Ok(Step::Pass(status));
    }
    trace.enter(Phase::Body);
    match body::holds(response.into_body(), &probe.expected_body).await {
        Ok(Held::Found) => {
            trace.step(StepKind::Answered, "body holds what is expected");
            Ok(Step::Pass(status))
        }
        Ok(Held::Missing(body)) => {
            trace.answer(&body);
            Err(ProbeError::WrongBody { status })
        }
        Err(error) => Err(ProbeError::of_exchange(error)),
    }
}

/// RFC 9110 section 15.4: these and no other 3xx lead elsewhere, and only with a Location.
fn redirect(response: &Response<Incoming>) -> Option<String> {
    let location = match response.status().as_u16() {
        301 | 302 | 303 | 307 | 308 => response.headers().get(LOCATION)?,
        _ => return None,
    };
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

// === impl Asked ===

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.headers().get(HOST).and_then(|host| host.to_str().ok());
        write!(f, "{} {} for {}", self.0.method(), self.0.uri(), host.unwrap_or("nobody"))
    }
}
