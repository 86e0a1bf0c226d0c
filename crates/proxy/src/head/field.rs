//! One field line: where its name and value stand, and whether it is one that a proxy must know.

use std::ops::Range;

/// A part of a head's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    len: u16,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// In lower case.
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) known: Known,
}

/// Names that are not simply passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Other,
    Host,
    ContentLength,
    // Of one connection alone (RFC 9110 section 7.6.1).
    TransferEncoding,
    Connection,
    KeepAlive,
    ProxyConnection,
    ProxyAuthorization,
    Te,
    Trailer,
    Upgrade,
    Expect,
    Cookie,
    Accept,
    Date,
    // Set by a proxy for the origin.
    XForwardedFor,
    XForwardedProto,
    CfConnectingIp,
    CfRay,
    CfIpCountry,
    CfVisitor,
    CdnLoop,
    Http2Settings,
    WebSocketKey,
    ClientCertificate,
}

// === impl Span ===

impl Span {
    /// None beyond what 16 bits point to.
    pub(crate) fn new(start: usize, len: usize) -> Option<Span> {
        let end = start.checked_add(len)?;
        u16::try_from(end).ok()?;
        Some(Span { start: start as u16, len: len as u16 })
    }

    pub(crate) fn len(self) -> usize {
        usize::from(self.len)
    }

    pub(crate) fn range(self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len)
    }
}

// === impl Known ===

impl Known {
    /// The name must be in lower case.
    pub(crate) fn of(name: &[u8]) -> Known {
        match name {
            b"te" => Known::Te,
            b"host" => Known::Host,
            b"date" => Known::Date,
            b"cookie" => Known::Cookie,
            b"accept" => Known::Accept,
            b"expect" => Known::Expect,
            b"cf-ray" => Known::CfRay,
            b"trailer" => Known::Trailer,
            b"upgrade" => Known::Upgrade,
            b"cdn-loop" => Known::CdnLoop,
            b"connection" => Known::Connection,
            b"keep-alive" => Known::KeepAlive,
            b"cf-visitor" => Known::CfVisitor,
            b"cf-ipcountry" => Known::CfIpCountry,
            b"content-length" => Known::ContentLength,
            b"http2-settings" => Known::Http2Settings,
            b"x-forwarded-for" => Known::XForwardedFor,
            b"cf-connecting-ip" => Known::CfConnectingIp,
            b"proxy-connection" => Known::ProxyConnection,
            b"x-forwarded-proto" => Known::XForwardedProto,
            b"transfer-encoding" => Known::TransferEncoding,
            b"sec-websocket-key" => Known::WebSocketKey,
            b"proxy-authorization" => Known::ProxyAuthorization,
            b"x-trimtab-client-cert" => Known::ClientCertificate,
            _ => Known::Other,
        }
    }

    /// Ends at this hop (RFC 9110 section 7.6.1); what of it the next hop gets is written anew.
    pub(crate) fn is_of_one_hop(self) -> bool {
        match self {
            Known::TransferEncoding
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::ProxyAuthorization
            | Known::Te
            | Known::Trailer
            | Known::Upgrade
            | Known::Http2Settings => true,
            Known::Other
            | Known::Host
            | Known::ContentLength
            | Known::Expect
            | Known::Cookie
            | Known::Accept
            | Known::Date
            | Known::XForwardedFor
            | Known::XForwardedProto
            | Known::CfConnectingIp
            | Known::CfRay
            | Known::CfIpCountry
            | Known::CfVisitor
            | Known::CdnLoop
            | Known::WebSocketKey
            | Known::ClientCertificate => false,
        }
    }
}
