//! One POST through the node's one way out, on a connection of its own; redirects are answers like any other.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use trimtab_connect::{ConnectError, Connector, ServerName, Trust};
use trimtab_model::alert::HttpUrl;

/// Receivers that queue answer at once; one that works first gets some time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Nothing in an answer matters but its beginning, for whoever tests.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const ANSWER_CHARS_SHOWN: usize = 200;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Its beginning.
    pub(crate) text: String,
}

/// Why nothing came back. The address is not in the text: for some services it is the secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("the address is none")]
    Address,
    #[error("a header cannot be sent")]
    Header(#[source] http::Error),
    #[error("connect to {host}")]
    Connect { host: String, source: ConnectError },
    #[error("speak HTTP with {host}")]
    Http { host: String, source: hyper::Error },
    #[error("read the answer of {host}")]
    Body { host: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{host} did not answer in {} seconds", REQUEST_TIMEOUT.as_secs())]
    Late { host: String },
}

// === impl PostError ===

impl PostError {
    /// No further try changes it.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            PostError::Address | PostError::Header(_) => true,
            PostError::Connect { source, .. } => matches!(source, ConnectError::Forbidden { .. }),
            PostError::Http { .. } | PostError::Body { .. } | PostError::Late { .. } => false,
        }
    }
}

pub(crate) async fn post(
    connector: &Connector,
    url: &HttpUrl<'_>,
    path: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Answer, PostError> {
    let request = request(url, path, headers, body).map_err(PostError::Header)?;
    let host = url.host.to_string();
    let late = PostError::Late { host: host.clone() };
    timeout(REQUEST_TIMEOUT, send(connector, url, request, &host)).await.unwrap_or(Err(late))
}

fn request(
    url: &HttpUrl<'_>,
    path: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, http::Error> {
    const AGENT: &str = concat!("trimtab/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header(HOST, url.authority).header(USER_AGENT, AGENT);
    request = request.header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        request = request.header(HeaderName::from_static(name), value);
    }
    request.body(Full::new(body.into()))
}

async fn send(
    connector: &Connector,
    url: &HttpUrl<'_>,
    request: Request<Full<Bytes>>,
    host: &str,
) -> Result<Answer, PostError> {
    let refused = |source| PostError::Connect { host: host.to_owned(), source };
    let mut failed = None;
    for address in connector.resolve(&url.host, url.port).await.map_err(refused)? {
        let tcp = match connector.tcp(address, CONNECT_TIMEOUT).await {
            Ok(tcp) => tcp,
            Err(error) => {
                failed = Some(error);
                continue;
            }
        };
        if !url.is_https {
            return exchange(request, TokioIo::new(tcp), host).await;
        }
        let server = ServerName::try_from(host.to_owned()).map_err(|_| PostError::Address)?;
        let tls = connector.tls(tcp, server, Trust::Certified, CONNECT_TIMEOUT).await;
        return exchange(request, TokioIo::new(tls.map_err(refused)?), host).await;
    }
    Err(failed.map_or(PostError::Address, refused))
}

async fn exchange(
    request: Request<Full<Bytes>>,
    stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    host: &str,
) -> Result<Answer, PostError> {
    let spoke = |source| PostError::Http { host: host.to_owned(), source };
    let (mut sender, connection) = http1::handshake(stream).await.map_err(spoke)?;
    let answered = async move {
        let (head, body) = sender.send_request(request).await.map_err(spoke)?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|source| PostError::Body { host: host.to_owned(), source })?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let text = text.chars().take(ANSWER_CHARS_SHOWN).collect();
        Ok(Answer { status: head.status.as_u16(), text })
    };
    // The connection ends with its sender; what it has to say of that came to the sender as well.
    let (answer, _ended) = tokio::join!(answered, connection);
    answer
}
