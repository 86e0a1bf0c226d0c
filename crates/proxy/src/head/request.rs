//! The head of a request, the same for every protocol, and what a strict reader refuses in it.

use std::ops::ControlFlow;

use trimtab_expr::{Headers, HttpRequest};

use super::{Fields, Host, Known, Span};
use crate::refusal::Refusal;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct RequestHead {
    pub(crate) fields: Fields,
    pub(crate) method: Span,
    /// Path and query, or `*`.
    pub(crate) target: Span,
    /// The host without port, in lower case; legal.
    pub(crate) host: Span,
    /// As the client wrote it, with its port.
    pub(crate) authority: Span,
    pub(crate) version: Version,
    pub(crate) body: Body,
    pub(crate) upgrade: Upgrade,
    /// The connection may serve another request.
    pub(crate) keeps: bool,
}

/// The protocol that the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    Http11,
    Http2,
    #[cfg_attr(
        not(feature = "http3"),
        expect(dead_code, reason = "no connection speaks it in a program without it")
    )]
    Http3,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    Length(u64),
    /// In chunks, or in frames of HTTP/2 or 3: ends when it says so.
    Streamed,
    /// A response's, which ends with its connection.
    UntilClose,
}

/// What the connection shall become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    None,
    WebSocket,
}

// === impl RequestHead ===

impl RequestHead {
    pub(crate) fn method(&self) -> &[u8] {
        self.fields.text(self.method)
    }

    pub(crate) fn target(&self) -> &[u8] {
        self.fields.text(self.target)
    }

    pub(crate) fn host(&self) -> &[u8] {
        self.fields.text(self.host)
    }

    /// As rules read it, at this second of the wall clock.
    pub(crate) fn request(&self, wall: u64) -> HttpRequest<'_> {
        HttpRequest {
            method: self.method(),
            host: self.host(),
            uri: self.target(),
            version: self.version.name(),
            timestamp_seconds: i64::try_from(wall).unwrap_or(i64::MAX),
            headers: self,
        }
    }

    /// Repeating it does no more than doing it once (RFC 9110 section 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.method(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE")
    }

    /// The client said that it is its last one, and sends nothing behind it.
    pub(crate) fn ends_connection(&self) -> bool {
        !self.keeps && self.body == Body::None
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method() == b"HEAD"
    }
}

// === impl Version ===

impl Version {
    /// As conditions of rules compare it.
    pub(crate) const fn name(self) -> &'static [u8] {
        match self {
            Version::Http10 => b"HTTP/1.0",
            Version::Http11 => b"HTTP/1.1",
            Version::Http2 => b"HTTP/2",
            Version::Http3 => b"HTTP/3",
        }
    }
}

/// What RFC 9112 section 6.3 says of a request's body, and nothing that two readers could take differently.
pub(crate) fn body_of_request(fields: &Fields, version: Version) -> Result<Body, Refusal> {
    let mut lengths = fields.values(Known::ContentLength);
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(Refusal::ContentLength);
    }
    let mut codings = fields.values(Known::TransferEncoding);
    match (length, codings.next()) {
        (None, None) => Ok(Body::None),
        (Some(digits), None) => Ok(match read_length(digits).ok_or(Refusal::ContentLength)? {
            0 => Body::None,
            length => Body::Length(length),
        }),
        (Some(_), Some(_)) => Err(Refusal::TwoLengths),
        (None, Some(_)) if version != Version::Http11 => Err(Refusal::TransferEncoding),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => match codings.next() {
            None => Ok(Body::Streamed),
            Some(_) => Err(Refusal::TransferEncoding),
        },
        (None, Some(_)) => Err(Refusal::TransferCoding),
    }
}

/// Digits and nothing else, not even a list of the same.
pub(crate) fn read_length(digits: &[u8]) -> Option<u64> {
    /// 10¹⁸ bytes are more than any body has.
    const DIGITS_MAX: usize = 18;
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

/// The one host of the request: of the target where it is a whole address, else of the field.
pub(crate) fn check_host(value: &[u8]) -> Result<Host<'_>, Refusal> {
    Host::read(value).ok_or(Refusal::Host)
}

/// A WebSocket handshake (RFC 6455 section 4.1); any other upgrade is left out, which a server may do.
pub(crate) fn upgrade_of(fields: &Fields, method: &[u8], body: Body) -> Upgrade {
    let asked = method == b"GET"
        && body == Body::None
        && fields.members(Known::Connection).any(|m| m.eq_ignore_ascii_case(b"upgrade"))
        && fields.members(Known::Upgrade).any(|m| m.eq_ignore_ascii_case(b"websocket"));
    if asked { Upgrade::WebSocket } else { Upgrade::None }
}

/// Whether the connection outlives the message (RFC 9112 section 9.3).
pub(crate) fn keeps(fields: &Fields, version: Version) -> bool {
    let mut members = fields.members(Known::Connection);
    match version {
        Version::Http10 => members.any(|member| member.eq_ignore_ascii_case(b"keep-alive")),
        Version::Http11 | Version::Http2 | Version::Http3 => {
            !members.any(|member| member.eq_ignore_ascii_case(b"close"))
        }
    }
}

impl Headers for RequestHead {
    fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {
        for (_, name, value) in self.fields.iter() {
            if visit(name, value).is_break() {
                return;
            }
        }
    }

    fn named<'h>(&'h self, name: &[u8], visit: &mut dyn FnMut(&'h [u8]) -> ControlFlow<()>) {
        for value in self.fields.named(name) {
            if visit(value).is_break() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::h1::read_request;

    #[test]
    fn rules_find_lines_by_their_name_in_the_order_they_came() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nX-List: a\r\nX-Last: b\r\nx-list:\r\n\
            COOKIE: b=2\r\n\r\n";
        let head = read_request(BytesMut::from(head), Vec::new()).unwrap();
        let check = |name: &str, want: &[&str]| {
            let mut found = Vec::new();
            head.named(name.as_bytes(), &mut |value| {
                found.push(std::str::from_utf8(value).unwrap());
                ControlFlow::Continue(())
            });
            assert_eq!(found, want, "{name}");
            let mut first = None;
            head.named(name.as_bytes(), &mut |value| {
                assert_eq!(first.replace(value), None, "a visitor that has enough is asked again");
                ControlFlow::Break(())
            });
        };
        check("host", &["a"]);
        check("cookie", &["a=1", "b=2"]);
        check("x-list", &["a", ""]);
        check("x-last", &["b"]);
        check("x-none", &[]);
        check("x-lis", &[]);
        check("", &[]);
    }
}
