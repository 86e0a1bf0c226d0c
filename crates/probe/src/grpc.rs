//! gRPC probes: `grpc.health.v1.Health/Check` over HTTP/2, with prior knowledge or TLS.

mod message;

use std::pin::pin;

use bytes::Bytes;
use h2::RecvStream;
use hyper::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use trimtab_connect::{Connector, Spoken};
use trimtab_model::monitor::MonitorType;
use trimtab_model::monitor::extension::Grpc;

use self::message::ANSWER_BYTES_MAX;
pub use self::message::Serving;
use crate::first_bytes::Tap;
use crate::http::hop::bracketed;
use crate::http::request::user_agent;
use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, secure, tcp};

const PATH: &str = "/grpc.health.v1.Health/Check";
/// Characters of a message of the server that an error repeats.
const TEXT_CHARS_MAX: usize = 200;

/// Passes when the service says that it is serving.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let grpc = check.own().and_then(|own| own.grpc.clone()).unwrap_or_default();
    let port = check.port()?;
    let host = match check.named_host() {
        Some(host) => host.to_owned(),
        None => format!("{}:{port}", bracketed(&check.target.address)),
    };
    let request = request(check, &grpc, &host)?;
    let server = if grpc.tls { Some(secure::server_name(&host)?) } else { None };
    let stream = tcp::connect(connector, check, &check.target.address, port, trace).await?;
    let Some(server) = server else {
        return exchange(stream, request, &grpc, trace).await;
    };
    let secured = secure::handshake(connector, check, stream, server, Spoken::Http2, trace).await?;
    exchange(secured, request, &grpc, trace).await
}

fn request(check: &Check<'_>, grpc: &Grpc, host: &str) -> Result<Request<()>, ProbeError> {
    let scheme = if grpc.tls { "https" } else { "http" };
    let millis = check.limit().as_millis();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{scheme}://{host}{PATH}"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, user_agent(check.pool))
        .header("grpc-timeout", format!("{millis}m"));
    request.body(()).map_err(|_| ProbeError::BadRequest("host is no authority"))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<()>,
    grpc: &Grpc,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    trace.enter(Phase::FirstByte);
    let mut tap = Tap::new(stream);
    let result = call(&mut tap, request, grpc, trace).await;
    if result.is_err() {
        trace.answer(tap.answer());
    }
    result
}

async fn call(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<()>,
    grpc: &Grpc,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let (sender, connection) = h2::client::handshake(stream).await.map_err(ProbeError::of_http2)?;
    let message = Bytes::from(message::request(&grpc.service));
    let answer = async {
        let mut sender = sender.ready().await.map_err(ProbeError::of_http2)?;
        trace.step(StepKind::Sent, format_args!("{PATH} of {:?}", grpc.service));
        let (response, mut body) =
            sender.send_request(request, false).map_err(ProbeError::of_http2)?;
        body.send_data(message, true).map_err(ProbeError::of_http2)?;
        let (head, body) = response.await.map_err(ProbeError::of_http2)?.into_parts();
        trace.step(StepKind::Answered, format_args!("status {}", head.status));
        judge(head.status, &head.headers, body, trace).await
    };
    let (mut answer, connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        verdict = &mut answer => return verdict,
        // What ended it, if anything did, is also what the answer ends with.
        _ended = connection => {}
    }
    answer.await
}

async fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: RecvStream,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    if status != StatusCode::OK {
        return Err(ProbeError::WrongStatus { status: status.as_u16() });
    }
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        return Err(not_grpc("its content-type is not application/grpc"));
    }
    // A call that fails at once has its status in the head (Trailers-Only).
    succeeded(headers)?;
    let (message, trailers) = read(body).await?;
    succeeded(&trailers)?;
    let serving = Serving::read(&message).map_err(not_grpc)?;
    trace.step(StepKind::Answered, serving);
    match serving {
        Serving::Serving => Ok(status.as_u16()),
        Serving::Unknown | Serving::NotServing | Serving::ServiceUnknown => {
            Err(ProbeError::NotServing(serving))
        }
    }
}

/// The message and the trailers behind it.
async fn read(mut body: RecvStream) -> Result<(Vec<u8>, HeaderMap), ProbeError> {
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(ProbeError::of_http2)?;
        body.flow_control().release_capacity(data.len()).map_err(ProbeError::of_http2)?;
        message.extend_from_slice(&data);
        if message.len() > ANSWER_BYTES_MAX {
            return Err(not_grpc("the message is too long"));
        }
    }
    let trailers = body.trailers().await.map_err(ProbeError::of_http2)?;
    Ok((message, trailers.unwrap_or_default()))
}

fn succeeded(fields: &HeaderMap) -> Result<(), ProbeError> {
    let Some(status) = fields.get("grpc-status") else { return Ok(()) };
    let code = status.to_str().ok().and_then(|status| status.parse().ok());
    let code = code.ok_or(not_grpc("its grpc-status is no number"))?;
    if code == 0 {
        return Ok(());
    }
    let text = fields.get("grpc-message").map_or(&b""[..], |text| text.as_bytes());
    let text = String::from_utf8_lossy(text).chars().take(TEXT_CHARS_MAX).collect();
    Err(ProbeError::GrpcStatus { code, text })
}

fn not_grpc(why: &'static str) -> ProbeError {
    ProbeError::NotSpoken { protocol: MonitorType::Grpc, why }
}
