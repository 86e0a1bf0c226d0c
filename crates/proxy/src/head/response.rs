//! The head of a response, as an origin sent it.

use super::request::read_length;
use super::{Body, Fields, Known};

/// A response as it came.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) fields: Fields,
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// The connection may carry another request.
    pub(crate) keeps: bool,
}

// === impl ResponseHead ===

impl ResponseHead {
    /// 1xx: another head follows (RFC 9110 section 15.2).
    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != SWITCHING_PROTOCOLS
    }

    pub(crate) fn switches(&self) -> bool {
        self.status == SWITCHING_PROTOCOLS
    }
}

pub(crate) const SWITCHING_PROTOCOLS: u16 = 101;

/// RFC 9112 section 6.3. None where two readers could see two bodies.
pub(crate) fn body_of_response(fields: &Fields, status: u16, to_head: bool) -> Option<Body> {
    if to_head || status < 200 || status == 204 || status == 304 {
        return Some(Body::None);
    }
    let mut lengths = fields.values(Known::ContentLength);
    let length = lengths.next();
    if lengths.next().is_some() {
        return None;
    }
    let mut codings = fields.members(Known::TransferEncoding);
    match (length, codings.next()) {
        (None, None) => Some(Body::UntilClose),
        (Some(digits), None) => Some(match read_length(digits)? {
            0 => Body::None,
            length => Body::Length(length),
        }),
        (Some(_), Some(_)) => None,
        (None, Some(coding)) => {
            let chunked = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            chunked.then_some(Body::Streamed)
        }
    }
}
