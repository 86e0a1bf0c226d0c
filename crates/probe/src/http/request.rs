//! The bytes of a probe's request: who asks, which host is meant, and the monitor's own headers.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use hyper::{Method, Request, Uri};
use trimtab_model::PoolId;

use super::hop::Hop;
use crate::{Check, ProbeError};

/// Not taken from a monitor: who asks and which host is meant is settled, and the rest would break
/// the framing of a request that has no body and wants one answer.
pub(crate) const OURS: [HeaderName; 9] =
    [HOST, USER_AGENT, CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

pub(super) fn build(check: &Check<'_>, hop: &Hop) -> Result<Request<Empty<Bytes>>, ProbeError> {
    let probe = &check.monitor.probe;
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::from_bytes(probe.method.as_bytes())
        .map_err(|_| ProbeError::BadRequest("method is not a token"))?;
    *request.uri_mut() = hop
        .path
        .parse::<Uri>()
        .map_err(|_| ProbeError::BadRequest("path holds characters that no path has"))?;
    *request.headers_mut() = headers(check, hop)?;
    Ok(request)
}

fn headers(check: &Check<'_>, hop: &Hop) -> Result<HeaderMap, ProbeError> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(HOST, value(&hop.host)?);
    headers.insert(USER_AGENT, value(&user_agent(check.pool))?);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    // What an operator wrote for one host, a token perhaps, is not for another.
    if !hop.home {
        return Ok(headers);
    }
    for (name, values) in &check.monitor.probe.header {
        let name: HeaderName =
            name.parse().map_err(|_| ProbeError::BadRequest("header name is not a token"))?;
        if OURS.contains(&name) {
            continue;
        }
        headers.remove(&name);
        for text in values {
            headers.append(name.clone(), value(text)?);
        }
    }
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, ProbeError> {
    text.parse().map_err(|_| ProbeError::BadRequest("header value holds control characters"))
}

/// Endpoints recognise probes by it, so no monitor can replace it.
pub(crate) fn user_agent(pool: PoolId) -> String {
    let pool = pool.to_string();
    let first_16 = pool.get(..16).unwrap_or(&pool);
    format!("Mozilla/5.0 (compatible; Trimtab-Traffic-Manager/1.0; pool-id: {first_16})")
}
