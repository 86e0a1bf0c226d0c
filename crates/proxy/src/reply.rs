//! What a client is sent back: an origin's response, or one made here.

use std::time::SystemTime;

use arrayvec::ArrayVec;
use bytes::{BufMut, Bytes, BytesMut};

use crate::fault::Fault;
use crate::h1::{put_decimal, reason_of};
use crate::head::{Body, Fields, Known, RequestHead, ResponseHead};
use crate::refusal::Refusal;

/// Fields that this node adds: to an origin's response at most a date, a ray, the number of its decision, where HTTP/3
/// is, a cookie, and four that tell of the decision; to one made here eight.
pub(crate) type Added<'a> = ArrayVec<(&'static [u8], &'a [u8]), 9>;

/// The head of one response to a client.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) status: u16,
    /// Without those of one hop.
    pub(crate) of_origin: Option<&'a Fields>,
    pub(crate) added: Added<'a>,
    pub(crate) body: Body,
    /// The answer to HEAD, whose length is of a body that does not come.
    pub(crate) to_head: bool,
}

/// A whole response made here.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    pub(crate) status: u16,
    pub(crate) content_type: Bytes,
    pub(crate) location: Option<Bytes>,
    pub(crate) body: Bytes,
    /// Seconds.
    pub(crate) retry_after: Option<u32>,
    /// Methods, of a response that says that another one is not allowed (RFC 9110 section 15.5.6).
    pub(crate) allow: Option<&'static str>,
}

/// What the head of a response made here says in numbers, as text.
#[derive(Debug)]
pub(crate) struct Texts {
    date: String,
    retry_after: Option<String>,
}

// === impl Reply ===

impl<'a> Reply<'a> {
    pub(crate) fn of(response: &'a ResponseHead, request: &RequestHead) -> Reply<'a> {
        Reply {
            status: response.status,
            of_origin: Some(&response.fields),
            added: Added::new(),
            body: response.body,
            to_head: request.is_head(),
        }
    }

    /// Every field but those that frame the body.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let origin = self.of_origin;
        let of_origin = origin.into_iter().flat_map(|fields| {
            let passed = fields.iter().filter(move |(known, name, _)| {
                !known.is_of_one_hop()
                    && *known != Known::ContentLength
                    && *known != Known::CfRay
                    && !is_nominated(fields, name)
            });
            passed.map(|(_, name, value)| (name, value))
        });
        of_origin.chain(self.added.iter().map(|(name, value)| (*name, *value)))
    }

    /// The length that the client is told: none of interim responses and where the body tells its end by itself.
    pub(crate) fn told_length(&self) -> Option<u64> {
        match self.body {
            Body::Length(length) => Some(length),
            Body::Streamed | Body::UntilClose => None,
            Body::None if self.status < 200 || self.status == 204 => None,
            // What a GET would have got (RFC 9110 section 8.6); the origin may not say it.
            Body::None if self.to_head || self.status == 304 => {
                let told = self.of_origin?.first(Known::ContentLength)?;
                std::str::from_utf8(told).ok()?.parse().ok()
            }
            Body::None => Some(0),
        }
    }
}

/// Named in `Connection`, and so of this hop alone (RFC 9110 section 7.6.1).
pub(crate) fn is_nominated(fields: &Fields, name: &[u8]) -> bool {
    fields.members(Known::Connection).any(|member| member.eq_ignore_ascii_case(name))
}

// === impl Own ===

impl Own {
    pub(crate) fn text(status: u16, text: &str) -> Own {
        Own {
            status,
            content_type: Bytes::from_static(b"text/plain; charset=utf-8"),
            location: None,
            body: Bytes::copy_from_slice(format!("{text}\n").as_bytes()),
            retry_after: None,
            allow: None,
        }
    }

    pub(crate) fn refusal(refusal: Refusal) -> Own {
        let allow = matches!(refusal, Refusal::Method).then_some(METHODS);
        Own { allow, ..Own::text(refusal.status(), &refusal.to_string()) }
    }

    /// What a node says that cannot serve for the moment; a second is four looks at its memory.
    pub(crate) fn full() -> Own {
        Own { retry_after: Some(1), ..Own::text(503, "this node is full for the moment") }
    }

    /// In HTML for people and JSON for programs; who the origin is stays unsaid.
    pub(crate) fn fault(fault: Fault, ray: &str, accepts_json: bool) -> Own {
        let status = fault.status();
        let reason = reason_of(status);
        let (content_type, body) = match accepts_json {
            true => (&b"application/json"[..], error_json(fault, reason, ray)),
            false => (&b"text/html; charset=utf-8"[..], error_page(fault, reason, ray)),
        };
        let retry_after = matches!(fault, Fault::Busy).then_some(1);
        let content_type = Bytes::from_static(content_type);
        let body = body.into();
        Own { status, content_type, location: None, body, retry_after, allow: None }
    }

    pub(crate) fn texts(&self) -> Texts {
        Texts { date: date(), retry_after: self.retry_after.map(|seconds| seconds.to_string()) }
    }

    /// Its head; the caller adds the fields of the connection.
    pub(crate) fn head<'a>(&'a self, texts: &'a Texts) -> Reply<'a> {
        let mut added = Added::new();
        added.push((b"date", texts.date.as_bytes()));
        added.push((b"content-type", &self.content_type));
        if let Some(location) = &self.location {
            added.push((b"location", location));
        }
        if let Some(retry_after) = &texts.retry_after {
            added.push((b"retry-after", retry_after.as_bytes()));
        }
        if let Some(allow) = self.allow {
            added.push((b"allow", allow.as_bytes()));
        }
        added.push((b"cache-control", b"no-store"));
        let body = match self.body.len() as u64 {
            0 => Body::None,
            length => Body::Length(length),
        };
        Reply { status: self.status, of_origin: None, added, body, to_head: false }
    }
}

/// Every method but CONNECT is passed on; these are the ones that everybody knows.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

/// The number that the hosted product prints beside 530 for a name that leads nowhere.
const ORIGIN_DNS_ERROR: u16 = 1016;

fn code_of(fault: Fault) -> u16 {
    if fault == Fault::NoOrigin { ORIGIN_DNS_ERROR } else { fault.status() }
}

fn error_json(fault: Fault, reason: &str, ray: &str) -> String {
    let (status, code) = (fault.status(), code_of(fault));
    format!(
        "{{\"status\":{status},\"error_code\":{code},\"error\":\"{reason}\",\"ray_id\":\"{ray}\"}}\n"
    )
}

fn error_page(fault: Fault, reason: &str, ray: &str) -> String {
    let (status, code) = (fault.status(), code_of(fault));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{status}: {reason}</title></head>\n\
         <body><h1>{status}: {reason}</h1><p>Error {code}. Ray ID: {ray}</p></body></html>\n"
    )
}

/// The time in the only form that is sent (RFC 9110 section 5.6.7).
pub(crate) fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}

/// A field `name: number` as text that lives as long as its owner.
pub(crate) fn decimal(number: u64) -> BytesMut {
    let mut out = BytesMut::with_capacity(20);
    put_decimal(&mut out, number);
    out
}

/// `<16 hexadecimal digits>-<place>`, the same in request and response.
pub(crate) fn ray(id: u64, place: &str) -> BytesMut {
    let mut out = BytesMut::with_capacity(20);
    for shift in (0..16).rev() {
        let nibble = (id >> (shift * 4)) & 0xF;
        out.put_u8(b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0'));
    }
    out.put_u8(b'-');
    out.put_slice(place.as_bytes());
    out
}

#[cfg(test)]
mod tests;
