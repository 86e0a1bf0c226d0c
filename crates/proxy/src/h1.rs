//! HTTP/1.1 on the wire (RFC 9112): strict reading, framing of bodies, and one connection of either side.

mod body;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod parse;
mod wire;
mod write;

#[cfg(test)]
pub(crate) use parse::read_request;
pub(crate) use wire::Wire;
pub(crate) use write::{RequestLine, StatusLine, put_decimal, put_field, reason_of};
