//! HTTP towards an authority: through the node's one way out, one connection for each request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::time::timeout;
use trimtab_connect::{ConnectError, Connector, Ready, ServerName};
use trimtab_model::pool::Address;

/// A CA that checks before it answers takes some seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A chain of ten large certificates fits a few times.
const BODY_BYTES_MAX: usize = 1 << 20;
const PORT_DEFAULT: u16 = 443;

/// Speaks to whatever address the authority's directory names.
#[derive(Clone, Debug)]
pub(crate) struct Https {
    pub(crate) connector: Connector,
    pub(crate) tls: Ready,
    pub(crate) asked: Asked,
}

/// For how long the authority asked to be left alone, in its last refusal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Mutex<Option<Duration>>>);

/// Why there was no response.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("{0} is not an https address")]
    Address(Uri),
    #[error("connect to {host}")]
    Connect { host: String, source: ConnectError },
    #[error("speak HTTP with {host}")]
    Http { host: String, source: hyper::Error },
    #[error("read the response of {host}")]
    Body { host: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{host} did not answer in {} seconds", REQUEST_TIMEOUT.as_secs())]
    Late { host: String },
}

// === impl Https ===

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let answer = timeout(REQUEST_TIMEOUT, client.send(request)).await;
            let response = answer.unwrap_or(Err(RequestError::Late { host }));
            let response = response.map_err(|why| Error::Other(why.into()))?;
            client.asked.note(&response);
            Ok(BytesResponse::from(response))
        })
    }
}

impl Https {
    async fn send(
        &self,
        mut request: Request<BodyWrapper<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, RequestError> {
        let uri = request.uri().clone();
        let refused = || RequestError::Address(uri.clone());
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
        let authority = authority.ok_or_else(refused)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let field = HeaderValue::from_str(authority.as_str()).map_err(|_| refused())?;
        request.headers_mut().insert(HOST, field);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| refused())?;
        let port = authority.port_u16().unwrap_or(PORT_DEFAULT);
        let stream = self.connect(&host, port).await.map_err(|source| match source {
            Some(source) => RequestError::Connect { host: host.clone(), source },
            None => refused(),
        })?;
        exchange(request, stream, &host).await
    }

    /// None: the host is none.
    async fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> Result<
        impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
        Option<ConnectError>,
    > {
        let to = Address::read(host).ok_or(None)?;
        let server = ServerName::try_from(host.to_owned()).map_err(|_| None)?;
        let mut failed = None;
        for address in self.connector.resolve(&to, port).await? {
            match self.connector.tcp(address, CONNECT_TIMEOUT).await {
                Ok(tcp) => {
                    let tls = self.connector.tls_by(&self.tls, tcp, server, CONNECT_TIMEOUT);
                    return Ok(TokioIo::new(tls.await?));
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed)
    }
}

async fn exchange(
    request: Request<BodyWrapper<Bytes>>,
    stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    host: &str,
) -> Result<Response<Full<Bytes>>, RequestError> {
    let spoke = |source| RequestError::Http { host: host.to_owned(), source };
    let (mut sender, connection) = http1::handshake(stream).await.map_err(spoke)?;
    let answered = async move {
        let (head, body) = sender.send_request(request).await.map_err(spoke)?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|source| RequestError::Body { host: host.to_owned(), source })?;
        Ok(Response::from_parts(head, Full::new(body.to_bytes())))
    };
    // The connection ends with its sender; what it has to say of that came to the sender as well.
    let (answer, _ended) = tokio::join!(answered, connection);
    answer
}

// === impl Asked ===

impl Asked {
    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note<B>(&self, response: &Response<B>) {
        let refuses = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        if refuses.contains(&response.status())
            && let Some(asked) = response.headers().get(RETRY_AFTER).and_then(read_retry_after)
        {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        }
    }
}

/// Seconds, or a date (RFC 9110 section 10.2.3).
fn read_retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let date = || httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok();
    seconds.or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_may_ask_for_seconds_or_a_date_and_only_by_a_refusal() {
        let check = |status: u16, field: &str, want: Option<u64>| {
            let response = Response::builder().status(status).header(RETRY_AFTER, field);
            let asked = Asked::default();
            asked.note(&response.body(()).unwrap());
            assert_eq!(asked.take(), want.map(Duration::from_secs), "{status} {field}");
            assert_eq!(asked.take(), None);
        };
        check(429, "120", Some(120));
        check(503, " 5 ", Some(5));
        check(200, "120", None);
        check(429, "soon", None);
        check(429, "Sun, 06 Nov 1994 08:49:37 GMT", None);
        let hour = SystemTime::now() + Duration::from_secs(3_600);
        let value = HeaderValue::from_str(&httpdate::fmt_http_date(hour)).unwrap();
        let read = read_retry_after(&value).unwrap().as_secs();
        assert!((3_590..=3_600).contains(&read), "{read}");
    }
}
