//! The head that an origin gets: the client's, with what belongs to this hop taken out and who the client is put in.

use std::fmt::Write as _;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use crate::choice::Target;
use crate::h1::{RequestLine, put_decimal, put_field};
use crate::head::{Body, Known, RequestHead, Upgrade};
use crate::reply::is_nominated;

/// What is said of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    /// Whoever the request is from.
    pub(crate) client: IpAddr,
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    /// Its word on who the client is counts, and is passed on.
    pub(crate) is_trusted: bool,
    pub(crate) over_tls: bool,
    /// The certificate that it showed, see [`crate::tls::Shown`].
    pub(crate) certificate: Option<&'a str>,
    pub(crate) ray: &'a [u8],
}

/// What this node calls itself in `CDN-Loop` (RFC 8586).
pub(crate) const LOOP_NAME: &[u8] = b"trimtab";
/// Nobody knows where the client is.
const COUNTRY_UNKNOWN: &str = "XX";

/// A request that has been here (RFC 8586 section 2).
pub(crate) fn loops(head: &RequestHead) -> bool {
    head.fields.members(Known::CdnLoop).any(|member| {
        let name = member.split(|byte| *byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(LOOP_NAME)
    })
}

/// The whole head but the empty line and the fields that frame a streamed body.
pub(crate) fn put_head(
    out: &mut BytesMut,
    head: &RequestHead,
    target: &Target,
    sender: &Sender<'_>,
) {
    RequestLine { method: head.method(), target: head.target() }.put(out);
    put_field(out, b"host", host_of(head, target));
    each_field(head, target, sender, |name, value| put_field(out, name, value));
    if let Body::Length(length) = head.body {
        out.put_slice(b"content-length: ");
        put_decimal(out, length);
        out.put_slice(b"\r\n");
    } else if head.body == Body::None && has_meaning_for_body(head.method()) {
        out.put_slice(b"content-length: 0\r\n");
    }
    if head.upgrade == Upgrade::WebSocket {
        // HTTP/2 has none (RFC 8441 section 5), and origins of HTTP/1.1 want 16 bytes that they have not seen.
        if !head.fields.has(Known::WebSocketKey) {
            put_field(out, b"sec-websocket-key", &websocket_key(sender.ray));
        }
        out.put_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
    }
}

/// The endpoint's own `Host`, else what the client asked for.
pub(crate) fn host_of<'a>(head: &'a RequestHead, target: &'a Target) -> &'a [u8] {
    let own = target.endpoint().and_then(|endpoint| endpoint.host.as_deref());
    own.map_or_else(|| head.fields.text(head.authority), str::as_bytes)
}

/// Every field but the host and those that frame the body, in order.
pub(crate) fn each_field(
    head: &RequestHead,
    target: &Target,
    sender: &Sender<'_>,
    mut put: impl FnMut(&[u8], &[u8]),
) {
    let fields = &head.fields;
    let nominates = fields.has(Known::Connection);
    for (known, name, value) in fields.iter() {
        let passed = match known {
            Known::Other | Known::Cookie | Known::Accept | Known::Date | Known::Expect => true,
            Known::WebSocketKey => head.upgrade == Upgrade::WebSocket,
            // Chains grow: the last member is who spoke to whom (see `put_sender`).
            Known::CdnLoop | Known::XForwardedFor => false,
            Known::XForwardedProto | Known::CfVisitor => sender.is_trusted,
            Known::Host
            | Known::ContentLength
            | Known::TransferEncoding
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::ProxyAuthorization
            | Known::Te
            | Known::Trailer
            | Known::Upgrade
            | Known::Http2Settings
            | Known::CfConnectingIp
            | Known::CfRay
            | Known::CfIpCountry
            | Known::ClientCertificate => false,
        };
        if passed && !(nominates && is_nominated(fields, name)) {
            put(name, value);
        }
    }
    put_sender(head, target, sender, &mut put);
}

fn put_sender(
    head: &RequestHead,
    target: &Target,
    sender: &Sender<'_>,
    put: &mut impl FnMut(&[u8], &[u8]),
) {
    let mut text = Text::default();
    let fields = &head.fields;
    let (scheme, visitor) = match sender.over_tls {
        true => (&b"https"[..], &b"{\"scheme\":\"https\"}"[..]),
        false => (&b"http"[..], &b"{\"scheme\":\"http\"}"[..]),
    };
    if sender.is_trusted && fields.has(Known::XForwardedFor) {
        let mut chain = BytesMut::new();
        for member in fields.members(Known::XForwardedFor) {
            chain.put_slice(member);
            chain.put_slice(b", ");
        }
        chain.put_slice(text.of(sender.peer));
        put(b"x-forwarded-for", &chain);
    } else {
        put(b"x-forwarded-for", text.of(sender.client));
    }
    if !(sender.is_trusted && fields.has(Known::XForwardedProto)) {
        put(b"x-forwarded-proto", scheme);
    }
    put(b"cf-connecting-ip", text.of(sender.client));
    put(b"cf-ray", sender.ray);
    let country = target.country.as_ref().map_or(COUNTRY_UNKNOWN, |country| country.code());
    put(b"cf-ipcountry", country.as_bytes());
    if !(sender.is_trusted && fields.has(Known::CfVisitor)) {
        put(b"cf-visitor", visitor);
    }
    if let Some(certificate) = sender.certificate {
        put(b"x-trimtab-client-cert", certificate.as_bytes());
    }
    if fields.has(Known::CdnLoop) {
        let mut chain = BytesMut::new();
        for member in fields.members(Known::CdnLoop) {
            chain.put_slice(member);
            chain.put_slice(b", ");
        }
        chain.put_slice(LOOP_NAME);
        put(b"cdn-loop", &chain);
    } else {
        put(b"cdn-loop", LOOP_NAME);
    }
}

/// A ray begins with 16 characters of its own.
fn websocket_key(ray: &[u8]) -> Vec<u8> {
    STANDARD.encode(ray.get(..16).unwrap_or(ray)).into_bytes()
}

/// Methods whose requests say that they have no body (RFC 9110 section 8.6).
fn has_meaning_for_body(method: &[u8]) -> bool {
    matches!(method, b"POST" | b"PUT" | b"PATCH")
}

/// An address as text, written once.
#[derive(Default)]
struct Text {
    written: Option<(IpAddr, arrayvec::ArrayString<ADDRESS_CHARS_MAX>)>,
}

/// Of an IPv6 address with an IPv4 one at its end.
const ADDRESS_CHARS_MAX: usize = 45;

// === impl Text ===

impl Text {
    fn of(&mut self, address: IpAddr) -> &[u8] {
        if self.written.as_ref().is_none_or(|(known, _)| *known != address) {
            let mut text = arrayvec::ArrayString::new();
            // Every address fits.
            let fits = write!(text, "{address}");
            debug_assert!(fits.is_ok());
            self.written = Some((address, text));
        }
        self.written.as_ref().map_or(&[], |(_, text)| text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
