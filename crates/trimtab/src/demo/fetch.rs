//! A small HTTP client: one request as a client of some city, the answer with what it says of its decision.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{COOKIE, HOST, SET_COOKIE};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One request. The demo's proxy believes clients on loopback who they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) client: IpAddr,
    pub(crate) cookie: Option<&'a str>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) pool: String,
    pub(crate) origin: String,
    pub(crate) why: String,
    /// Name and value of the cookie that was set, without its attributes.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("connect to {0}")]
    Connect(SocketAddr, #[source] std::io::Error),
    #[error("request")]
    Request(#[from] hyper::http::Error),
    #[error("exchange with {0}")]
    Exchange(SocketAddr, #[source] hyper::Error),
    #[error("body of more than {BODY_BYTES_MAX} bytes, or cut")]
    Body,
    #[error("{0} gave no answer within {PATIENCE:?}")]
    Silence(SocketAddr),
}

/// An origin that is slowed may take its time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The demo's pages are a line.
const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) async fn fetch(proxy: SocketAddr, wanted: &Wanted<'_>) -> Result<Page, FetchError> {
    let exchange = tokio::time::timeout(PATIENCE, exchange(proxy, wanted)).await;
    exchange.map_err(|_elapsed| FetchError::Silence(proxy))?
}

async fn exchange(proxy: SocketAddr, wanted: &Wanted<'_>) -> Result<Page, FetchError> {
    let stream = TcpStream::connect(proxy).await;
    let stream = stream.map_err(|source| FetchError::Connect(proxy, source))?;
    let failed = |source| FetchError::Exchange(proxy, source);
    let (mut requests, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let mut request = Request::get(wanted.path)
        .header(HOST, wanted.host)
        .header("cf-connecting-ip", wanted.client.to_string());
    if let Some(cookie) = wanted.cookie {
        request = request.header(COOKIE, cookie);
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let answered = async {
        let (head, body) = requests.send_request(request).await.map_err(failed)?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|_why| FetchError::Body)?.to_bytes();
        Ok(Page::of(head.status.as_u16(), &head.headers, &body))
    };
    tokio::select! {
        page = answered => page,
        Err(source) = connection => Err(failed(source)),
    }
}

// === impl Page ===

impl Page {
    fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Page {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let cookie = headers.get(SET_COOKIE).and_then(|value| value.to_str().ok());
        Page {
            status,
            pool: text("x-trimtab-pool"),
            origin: text("x-trimtab-origin"),
            why: text("x-trimtab-why"),
            cookie: cookie.and_then(|set| set.split(';').next()).map(str::to_owned),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.pool.is_empty() {
            write!(f, " from {} of pool {} ({})", self.origin, self.pool, self.why)?;
        }
        if let Some(cookie) = &self.cookie {
            write!(f, "\n--cookie {cookie}")?;
        }
        write!(f, "\n{}", self.body.trim_end())
    }
}
