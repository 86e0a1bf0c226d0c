//! What the verbs need of HTTP: one request to the node's API, one envelope back.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::{Exit, Failure, Server};

/// Answers of the API that a verb shows are far smaller.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// On the way to a node.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// For the head of an answer, and between two pieces of one. What the node does for the slowest, a test message over a
/// mail server that hesitates at every step, takes not much less.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Between lines of an answer that tells what happens as it happens: a monitor may try six times for ten seconds each.
const LINE_WITHIN: Duration = Duration::from_secs(120);

/// Where the API is when only the host was said.
const BASE_PATH: &str = "/client/v4";
/// Codes of refusals with the status 400: no credentials, and some that cannot be any.
const CREDENTIALS: [u32; 2] = [9106, 6003];

/// Monitors and pools that are looked through for a name; who has more says the id.
const PER_PAGE: usize = 10_000;
/// Characters of an id, all of them hexadecimal.
const ID_CHARS: usize = 32;

/// One node's API.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    authority: String,
    base_path: String,
    token: Option<String>,
}

// === impl Client ===

impl Client {
    pub(crate) fn new(server: &Server) -> Result<Client, Failure> {
        let refuse =
            |why: &str| Failure::new(Exit::Usage, format!("--server {}: {why}", server.server));
        if !server.server.starts_with("http://") {
            return Err(refuse("must begin with http://"));
        }
        // An IPv6 address stands in brackets (RFC 3986 section 3.2.2).
        let url: Uri = server.server.parse().map_err(|why| refuse(&format!("{why}")))?;
        let host = url.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| refuse("names no host"))?;
        let authority = format!("{host}:{}", url.port_u16().unwrap_or(80));
        let path = match url.path().trim_end_matches('/') {
            "" => BASE_PATH,
            path => path,
        };
        Ok(Client { authority, base_path: path.to_owned(), token: server.token.clone() })
    }

    /// `path` is below the base URL, such as `/accounts`; the whole envelope comes back.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let (status, bytes) = self.send(method, &format!("{}{path}", self.base_path), body).await?;
        let envelope: Value =
            serde_json::from_slice(&bytes).map_err(|_why| self.no_api(path, status))?;
        match status {
            status if status.is_success() => Ok(envelope),
            status => Err(refused(status, path, &envelope)),
        }
    }

    /// `path` from the root of the server, such as `/readyz`; any status comes back.
    pub(crate) async fn get_plain(&self, path: &str) -> Result<(StatusCode, String), Failure> {
        let (status, bytes) = self.send(Method::GET, path, None).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The one account of a node.
    pub(crate) async fn account(&self) -> Result<String, Failure> {
        let accounts = self.call(Method::GET, "/accounts", None).await?;
        match accounts["result"][0]["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(Failure::new(Exit::Failed, "the node has no account")),
        }
    }

    /// All items of a list that comes in pages.
    pub(crate) async fn all_pages(
        &self,
        path: &str,
        per_page: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        for page in 1.. {
            let asked = format!("{path}?page={page}&per_page={per_page}");
            let answer = self.call(Method::GET, &asked, None).await?;
            let listed = items(&answer["result"]);
            all.extend_from_slice(listed);
            if listed.len() < per_page {
                break;
            }
        }
        Ok(all)
    }

    /// The id of the one that is called so, or whose id this is.
    pub(crate) async fn find(
        &self,
        base: &str,
        list: &str,
        name: &str,
        wanted: &str,
    ) -> Result<String, Failure> {
        // Whether there is one with this id is for the node to say.
        if wanted.len() == ID_CHARS && wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(wanted.to_owned());
        }
        let path = format!("{base}/load_balancers/{list}?per_page={PER_PAGE}");
        let envelope = self.call(Method::GET, &path, None).await?;
        let listed = items(&envelope["result"]).iter();
        let found: Vec<&Value> = listed.filter(|item| text(&item[name]) == wanted).collect();
        match *found {
            [one] => Ok(text(&one["id"]).to_owned()),
            [] => {
                let what = format!("none of the {list} has the {name} {wanted:?}");
                Err(Failure::new(Exit::NotFound, what))
            }
            [..] => {
                let what = format!("{} {list} have the {name} {wanted:?}: say the id", found.len());
                Err(Failure::new(Exit::Usage, what))
            }
        }
    }

    /// Hands each line of the answer on as it comes.
    pub(crate) async fn lines(
        &self,
        path: &str,
        body: &Value,
        mut line: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let url = format!("{}{path}", self.base_path);
        self.exchange(Method::POST, &url, Some(body), async |parts, body| {
            if !parts.status.is_success() {
                let bytes = self.whole(body).await?;
                return Err(match serde_json::from_slice(&bytes) {
                    Ok(envelope) => refused(parts.status, path, &envelope),
                    Err(_no_json) => self.no_api(path, parts.status),
                });
            }
            self.each_line(body, &mut line).await
        })
        .await
    }

    async fn each_line(
        &self,
        mut body: Incoming,
        line: &mut impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut unread = Vec::new();
        while let Some(frame) = self.in_time(LINE_WITHIN, body.frame()).await? {
            let frame = frame.map_err(|why| self.unreachable(&why))?;
            unread.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
                let rest = unread.split_off(end + 1);
                line(String::from_utf8_lossy(&unread).trim_end())?;
                unread = rest;
            }
            if unread.len() > ANSWER_BYTES_MAX {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("{}: endless line", self.authority),
                ));
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        self.exchange(method, path, body, async |parts, body| {
            Ok((parts.status, self.whole(body).await?))
        })
        .await
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, Failure> {
        let mut body = Limited::new(body, ANSWER_BYTES_MAX);
        let mut whole = BytesMut::new();
        while let Some(frame) = self.in_time(ANSWER_WITHIN, body.frame()).await? {
            let frame = frame.map_err(|why| self.unreachable(&*why))?;
            whole.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        }
        Ok(whole.freeze())
    }

    async fn in_time<T>(
        &self,
        within: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        timeout(within, answer).await.map_err(|_elapsed| {
            let what =
                format!("{}: not a byte within {} seconds", self.authority, within.as_secs());
            Failure::new(Exit::Unreachable, what)
        })
    }

    /// `read` takes the answer while the connection is open.
    async fn exchange<T>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        read: impl AsyncFnOnce(Parts, Incoming) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect(&self.authority)).await;
        // A port that drops connections looks to the kernel like one that is far away.
        let stream = stream.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|why| self.unreachable(&why))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|why| self.unreachable(&why))?;
        let request = self.request(method, path, body)?;
        let answer = async {
            let answer = self.in_time(ANSWER_WITHIN, sender.send_request(request)).await?;
            let (parts, body) = answer.map_err(|why| self.unreachable(&why))?.into_parts();
            read(parts, body).await
        };
        // The connection is driven here until the answer is whole, so no task outlives the call.
        tokio::pin!(answer);
        tokio::select! {
            biased;
            done = &mut answer => done,
            ended = connection => match ended {
                Ok(()) => answer.await,
                Err(why) => Err(self.unreachable(&why)),
            },
        }
    }

    fn unreachable(&self, why: &dyn std::error::Error) -> Failure {
        Failure::new(Exit::Unreachable, format!("{}: {why}", self.authority))
    }

    /// Such as a proxy, or the node itself below another path.
    fn no_api(&self, path: &str, status: StatusCode) -> Failure {
        let base = format!("http://{}{}", self.authority, self.base_path);
        let why = format!("{path}: {status}, and no JSON: is {base} the API of a node?");
        Failure::new(Exit::Failed, why)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", &self.authority);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(Value::to_string).unwrap_or_default();
        request.body(Full::new(bytes.into())).map_err(|why| Failure::from_error(Exit::Usage, &why))
    }
}

fn refused(status: StatusCode, path: &str, envelope: &Value) -> Failure {
    let listed = items(&envelope["errors"]);
    let errors: Vec<String> = listed
        .iter()
        .map(|error| {
            format!("{} ({})", error["message"].as_str().unwrap_or("no message"), error["code"])
        })
        .collect();
    let of_credentials =
        listed.iter().any(|error| CREDENTIALS.iter().any(|&code| error["code"] == code));
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Unauthorized,
        StatusCode::BAD_REQUEST if of_credentials => Exit::Unauthorized,
        StatusCode::NOT_FOUND => Exit::NotFound,
        _ => Exit::Failed,
    };
    Failure::new(exit, format!("{path}: {status}: {}", errors.join("; ")))
}

/// For a URL (RFC 3986 section 2.1): the node says what is wrong with a name, not the shell's luck.
pub(crate) fn escaped(name: &str) -> String {
    let escaped = name.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    escaped.collect()
}

/// The items of a list in an answer.
pub(crate) fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text in an answer.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

#[cfg(test)]
mod tests;
