//! What is known of one request, lent by the caller: nothing is copied, and what no rule reads costs nothing.

use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::scheme::{Phase, TextField};

#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Host name of the load balancer.
    pub balancer: &'a [u8],
    /// Region code of the node that answers.
    pub region: &'a [u8],
    /// The client as the balancer sees it, which is what `ip.src` is.
    pub source: IpAddr,
    /// Looks up the client's autonomous system; called whenever a rule reads it, and not before.
    pub asn: &'a dyn Fn() -> Option<u32>,
    pub request: Request<'a>,
}

/// A field as it is at hand: a text, or what one is to be made of.
#[derive(Clone, Copy)]
pub(crate) enum Lent<'a> {
    Absent,
    Text(&'a [u8]),
    Address(&'a IpAddr),
    /// Those of several lines, which HTTP/2 may send (RFC 9113 section 8.2.3).
    Cookies(&'a dyn Headers),
}

#[derive(Clone, Copy)]
pub enum Request<'a> {
    Dns(&'a DnsQuestion<'a>),
    Http(&'a HttpRequest<'a>),
    /// A connection or datagram whose content is not looked at.
    Opaque,
}

#[derive(Clone, Copy, Debug)]
pub struct DnsQuestion<'a> {
    /// Presentation form in lower case, with the last dot.
    pub name: &'a [u8],
    pub qtype: u16,
    /// The message was a query, not a response.
    pub is_question: bool,
    /// Address of the client subnet option (RFC 7871 section 6), bits behind its prefix zero.
    pub client_subnet: Option<IpAddr>,
}

#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// Upper case.
    pub method: &'a [u8],
    /// Without a port.
    pub host: &'a [u8],
    /// Path and query as they came.
    pub uri: &'a [u8],
    /// `HTTP/1.1`, `HTTP/2`.
    pub version: &'a [u8],
    /// When the request came, in seconds of Unix time.
    pub timestamp_seconds: i64,
    pub headers: &'a dyn Headers,
}

/// Header lines as whoever parsed them keeps them.
pub trait Headers {
    /// All lines, repeated ones in the order they came; names in lower case.
    fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>);

    /// Values of the lines of one name, which is in lower case. Rules ask for more names than there are lines of them:
    /// whoever has lines at hand compares names here, and is not asked for each line.
    fn named<'h>(&'h self, name: &[u8], visit: &mut dyn FnMut(&'h [u8]) -> ControlFlow<()>) {
        self.each(&mut |key, value| match key == name {
            true => visit(value),
            false => ControlFlow::Continue(()),
        });
    }
}

// === impl Facts ===

impl<'a> Facts<'a> {
    #[inline]
    pub(crate) fn lend(&self, field: TextField) -> Lent<'a> {
        let (http, dns) = (self.request.http(), self.request.dns());
        match field {
            TextField::Balancer => Lent::Text(self.balancer),
            TextField::Region => Lent::Text(self.region),
            TextField::Host => Lent::text(http.map(|request| request.host)),
            TextField::Method => Lent::text(http.map(|request| request.method)),
            TextField::Uri => Lent::text(http.map(|request| request.uri)),
            TextField::Path => Lent::text(http.map(HttpRequest::path)),
            TextField::Query => Lent::text(http.map(HttpRequest::query)),
            TextField::Version => Lent::text(http.map(|request| request.version)),
            TextField::Referer => {
                Lent::text(http.and_then(|request| request.first_line(b"referer")))
            }
            TextField::Cookie => http.map_or(Lent::Absent, HttpRequest::cookie),
            TextField::QueryName => Lent::text(dns.map(|question| question.name)),
            TextField::ClientSubnet => {
                let subnet = dns.and_then(|question| question.client_subnet.as_ref());
                subnet.map_or(Lent::Absent, Lent::Address)
            }
        }
    }
}

// === impl Lent ===

impl<'a> Lent<'a> {
    #[inline]
    fn text(text: Option<&'a [u8]>) -> Lent<'a> {
        text.map_or(Lent::Absent, Lent::Text)
    }
}

// === impl Request ===

impl<'a> Request<'a> {
    /// None for traffic that is neither.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Request::Dns(_) => Some(Phase::Dns),
            Request::Http(_) => Some(Phase::Http),
            Request::Opaque => None,
        }
    }

    pub(crate) fn dns(&self) -> Option<&'a DnsQuestion<'a>> {
        match self {
            Request::Dns(question) => Some(question),
            Request::Http(_) | Request::Opaque => None,
        }
    }

    pub(crate) fn http(&self) -> Option<&'a HttpRequest<'a>> {
        match self {
            Request::Http(request) => Some(request),
            Request::Dns(_) | Request::Opaque => None,
        }
    }
}

// === impl HttpRequest ===

impl<'a> HttpRequest<'a> {
    pub(crate) fn path(&self) -> &'a [u8] {
        self.split().0
    }

    /// Without the question mark; empty when there is none.
    pub(crate) fn query(&self) -> &'a [u8] {
        self.split().1
    }

    /// Names and values as they came, in their order; a name without `=` has an empty value.
    pub(crate) fn args(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let parts = self.query().split(|byte| *byte == b'&').filter(|part| !part.is_empty());
        parts.map(|part| cut(part, b'='))
    }

    pub(crate) fn first_line(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut first = None;
        self.headers.named(name, &mut |line| {
            first = Some(line);
            ControlFlow::Break(())
        });
        first
    }

    fn cookie(&self) -> Lent<'a> {
        let mut cookie = Lent::Absent;
        self.headers.named(b"cookie", &mut |line| match cookie {
            Lent::Absent => {
                cookie = Lent::Text(line);
                ControlFlow::Continue(())
            }
            Lent::Text(_) | Lent::Address(_) | Lent::Cookies(_) => {
                cookie = Lent::Cookies(self.headers);
                ControlFlow::Break(())
            }
        });
        cookie
    }

    fn split(&self) -> (&'a [u8], &'a [u8]) {
        cut(self.uri, b'?')
    }
}

fn cut(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    let found = memchr::memchr(at, bytes).and_then(|index| bytes.split_at_checked(index));
    found.map_or((bytes, &[]), |(before, behind)| (before, behind.get(1..).unwrap_or(&[])))
}

// === impl Headers ===

/// Pairs of name and value.
impl Headers for &[(&[u8], &[u8])] {
    fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {
        for (name, value) in *self {
            if visit(name, value).is_break() {
                return;
            }
        }
    }

    fn named<'h>(&'h self, name: &[u8], visit: &mut dyn FnMut(&'h [u8]) -> ControlFlow<()>) {
        for (key, value) in *self {
            if *key == name && visit(value).is_break() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, path: &str, query: &str, args: &[(&str, &str)]) {
        let request = HttpRequest {
            method: b"GET",
            host: b"",
            uri: uri.as_bytes(),
            version: b"HTTP/1.1",
            timestamp_seconds: 0,
            headers: &[].as_slice(),
        };
        assert_eq!((request.path(), request.query()), (path.as_bytes(), query.as_bytes()));
        let args: Vec<_> = args.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect();
        assert_eq!(request.args().collect::<Vec<_>>(), args, "{uri}");
    }

    #[test]
    fn a_query_is_split_and_not_decoded() {
        check("/", "/", "", &[]);
        check("/a?", "/a", "", &[]);
        check(
            "/a?b=1&B=%32&b=&c&=d&&b=1=2?",
            "/a",
            "b=1&B=%32&b=&c&=d&&b=1=2?",
            &[("b", "1"), ("B", "%32"), ("b", ""), ("c", ""), ("", "d"), ("b", "1=2?")],
        );
    }
}
