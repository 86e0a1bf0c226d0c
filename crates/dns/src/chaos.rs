//! Class CHAOS: what a server says of itself (RFC 4892), and nothing else.

use crate::name::Folded;
use crate::node::Node;
use crate::zone::TXT;

pub(crate) const CLASS_CHAOS: u16 = 3;
/// QTYPE `*`.
const ANY: u16 = 255;

/// The text to answer with, when the operator wants it told.
pub(crate) fn text<'n>(name: &Folded, qtype: u16, node: &'n Node) -> Option<&'n str> {
    if !matches!(qtype, TXT | ANY) {
        return None;
    }
    match name.wire() {
        b"\x02id\x06server\x00" | b"\x08hostname\x04bind\x00" => node.server_id(),
        b"\x07version\x06server\x00" | b"\x07version\x04bind\x00" => node.version(),
        _ => None,
    }
}
