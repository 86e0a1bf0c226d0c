//! Heads of messages, whatever protocol carried them: a method or status, and fields that point into the bytes as they came.

mod field;
mod host;
mod request;
mod response;

use bytes::BytesMut;

pub(crate) use field::{Field, Known, Span};
pub(crate) use host::Host;
pub(crate) use request::{
    Body, RequestHead, Upgrade, Version, body_of_request, check_host, keeps, upgrade_of,
};
pub(crate) use response::{ResponseHead, body_of_response};

/// Bytes of one head, its start line and all fields; offsets in it are 16 bits.
pub(crate) const HEAD_BYTES_MAX: usize = u16::MAX as usize;
/// Twice what browsers behind several proxies send.
pub(crate) const FIELDS_MAX: usize = 100;
/// Of the start line: longer targets are cut by half of the world's servers anyway.
pub(crate) const START_LINE_BYTES_MAX: usize = 8 * 1024;

/// The fields of a head, with the bytes they point into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) bytes: BytesMut,
    pub(crate) list: Vec<Field>,
}

// === impl Fields ===

impl Fields {
    pub(crate) fn text(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Known, &[u8], &[u8])> {
        self.list.iter().map(|field| (field.known, self.text(field.name), self.text(field.value)))
    }

    /// Values of the lines of one name, in their order.
    pub(crate) fn values(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let lines = self.list.iter().filter(move |field| field.known == known);
        lines.map(|field| self.text(field.value))
    }

    /// The same for any name, in lower case; most are told apart by their length.
    pub(crate) fn named(&self, name: &[u8]) -> impl Iterator<Item = &[u8]> {
        let lines = self.list.iter();
        let lines = lines.filter(move |field| field.name.len() == name.len());
        let lines = lines.filter(move |field| self.text(field.name) == name);
        lines.map(|field| self.text(field.value))
    }

    pub(crate) fn first(&self, known: Known) -> Option<&[u8]> {
        self.values(known).next()
    }

    pub(crate) fn has(&self, known: Known) -> bool {
        self.list.iter().any(|field| field.known == known)
    }

    /// Members of a comma-separated list over all lines of the name (RFC 9110 section 5.6.1).
    pub(crate) fn members(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let members = self.values(known).flat_map(|value| value.split(|byte| *byte == b','));
        members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
    }

    /// Adds a line that no wire brought; it is left out when the head is full.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) -> bool {
        let start = self.bytes.len();
        let Some(name_span) = Span::new(start, name.len()) else { return false };
        let Some(value_span) = Span::new(start + name.len(), value.len()) else { return false };
        if self.list.len() == FIELDS_MAX {
            return false;
        }
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.list.push(Field { name: name_span, value: value_span, known: Known::of(name) });
        true
    }
}
