//! Good answers: a result in its envelope.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use trimtab_api_types::v1::envelope::{ApiMessage, Deleted};
use trimtab_api_types::v1::{Envelope, ResultInfo};

use crate::errors::Error;

/// <https://github.com/ndjson/ndjson-spec>; no registered type says it.
pub(crate) const LINES: &str = "application/x-ndjson";

/// What a handler gives back.
pub(crate) type Answer<T> = Result<Reply<T>, Error>;

/// A result, and what is worth knowing beside it.
#[derive(Debug)]
pub(crate) struct Reply<T>(Envelope<T>);

// === impl Reply ===

impl<T> Reply<T> {
    pub(crate) fn one(result: T) -> Reply<T> {
        Reply(Envelope::one(result))
    }

    /// For lists inside an object.
    pub(crate) fn with_info(mut self, info: ResultInfo) -> Reply<T> {
        self.0.result_info = Some(info);
        self
    }

    pub(crate) fn with_messages(mut self, messages: Vec<ApiMessage>) -> Reply<T> {
        self.0.messages.extend(messages);
        self
    }
}

impl<T> Reply<Vec<T>> {
    pub(crate) fn list((items, info): (Vec<T>, ResultInfo)) -> Reply<Vec<T>> {
        Reply(Envelope::list(items, info))
    }
}

impl Reply<Deleted> {
    /// Never an empty body: the official clients parse the answer of a DELETE.
    pub(crate) fn deleted(id: impl ToString) -> Reply<Deleted> {
        Reply::one(Deleted { id: id.to_string() })
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// Clients read a body only if its type says JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => typed(status, "application/json", bytes),
        Err(why) => Error::from(why).into_response(),
    }
}

/// For the few answers that are not JSON.
pub(crate) fn text(content: String) -> Response {
    typed(StatusCode::OK, "text/plain; charset=utf-8", content.into_bytes())
}

/// An object to a line, each sent as soon as it is there.
pub(crate) fn lines<T: Serialize>(lines: impl Stream<Item = T> + Send + 'static) -> Response {
    let bytes = lines.map(|line| {
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        Ok::<_, serde_json::Error>(bytes)
    });
    let mut response = Response::new(Body::from_stream(bytes));
    let kind = HeaderValue::from_static(LINES);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn typed(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
