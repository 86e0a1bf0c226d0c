//! Wire form into text, field by field.

use std::net::{Ipv4Addr, Ipv6Addr};

use domain::utils::{base16, base64};
use serde_json::Value;
use trimtab_model::RecordType;

use super::shape::{Field, Shape, fields};
use super::token::{escape, quote};
use super::write::is_absolute;
use super::{loc, params};
use crate::wire::Cursor;

/// A field that was read from the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Number(u16),
    /// Needs no quotes.
    Plain(String),
    /// With its last dot.
    Name(String),
    /// Texts stand between quotes.
    Texts(Vec<Vec<u8>>),
}

/// RFC 8659 section 4.1 recommends no more.
const TAG_BYTES_MAX: usize = 15;

/// The fields of a record; None when the bytes are not of that type.
pub(super) fn show(kind: RecordType, rdata: &[u8]) -> Option<Vec<(&'static Field, Shown)>> {
    let mut from = Cursor::new(rdata);
    let shown: Option<Vec<_>> = fields(kind)
        .iter()
        .map(|field| Some((field, show_field(field.shape, &mut from)?)))
        .collect();
    shown.filter(|_| from.is_empty())
}

fn show_field(shape: Shape, from: &mut Cursor<'_>) -> Option<Shown> {
    Some(match shape {
        Shape::Ipv4 => Shown::Plain(Ipv4Addr::from(from.array::<4>()?).to_string()),
        Shape::Ipv6 => Shown::Plain(Ipv6Addr::from(from.array::<16>()?).to_string()),
        Shape::U8 | Shape::Algorithm => Shown::Number(from.u8()?.into()),
        Shape::U16 | Shape::CertType => Shown::Number(from.u16()?),
        Shape::Name => Shown::Name(show_name(from)?),
        Shape::Tag => {
            let length = from.u8()?;
            let tag = from.take(length.into()).filter(|tag| is_tag(tag))?;
            Shown::Plain(escape(tag))
        }
        Shape::Text => {
            let length = from.u8()?;
            Shown::Texts(vec![from.take(length.into())?.to_vec()])
        }
        Shape::Texts => Shown::Texts(show_texts(from)?),
        Shape::RestText => Shown::Texts(vec![take_rest(from)?.to_vec()]),
        Shape::RestHex => Shown::Plain(base16::encode_string(take_some(from)?).to_lowercase()),
        Shape::RestBase64 => Shown::Plain(base64::encode_string(take_some(from)?)),
        Shape::ServiceParams => Shown::Plain(params::show(take_rest(from)?)?),
        Shape::Location => Shown::Plain(loc::show(from.array()?)?),
    })
}

fn take_rest<'a>(from: &mut Cursor<'a>) -> Option<&'a [u8]> {
    from.take(from.rest().len())
}

/// RFC 8659 section 4.1.
pub(super) fn is_tag(tag: &[u8]) -> bool {
    (1..=TAG_BYTES_MAX).contains(&tag.len()) && tag.iter().all(u8::is_ascii_alphanumeric)
}

/// An empty key or digest has no text that could be read back.
fn take_some<'a>(from: &mut Cursor<'a>) -> Option<&'a [u8]> {
    take_rest(from).filter(|bytes| !bytes.is_empty())
}

fn show_texts(from: &mut Cursor<'_>) -> Option<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    while !from.is_empty() {
        let length = from.u8()?;
        texts.push(from.take(length.into())?.to_vec());
    }
    (!texts.is_empty()).then_some(texts)
}

/// With the last dot; dots and blanks inside labels are escaped.
fn show_name(from: &mut Cursor<'_>) -> Option<String> {
    let mut name = String::new();
    loop {
        match from.u8()? {
            0 if name.is_empty() => return Some(".".into()),
            0 => return Some(name),
            length @ 1..=63 => {
                for &byte in from.take(length.into())? {
                    match byte {
                        b'.' | b';' | b'(' | b')' | b'@' | b'"' | b'\\' | b'$' => {
                            name.extend(['\\', byte.into()]);
                        }
                        b'!'..=b'~' => name.push(byte.into()),
                        _ => name.push_str(&format!("\\{byte:03}")),
                    }
                }
                name.push('.');
            }
            64..=255 => return None,
        }
    }
}

// === impl Shown ===

impl Shown {
    /// As a zone file has it.
    pub(super) fn to_text(&self) -> String {
        match self {
            Shown::Number(number) => number.to_string(),
            Shown::Plain(text) | Shown::Name(text) => text.clone(),
            Shown::Texts(texts) => {
                texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// The same, but a name without its last dot.
    pub(super) fn to_bare_text(&self) -> String {
        match self {
            Shown::Name(name) if name.len() > 1 && is_absolute(name) => {
                name.strip_suffix('.').unwrap_or(name).to_owned()
            }
            Shown::Name(_) | Shown::Number(_) | Shown::Plain(_) | Shown::Texts(_) => self.to_text(),
        }
    }

    /// As a `data` object has it; None for bytes that are no text there.
    pub(super) fn to_json(&self, bare_names: bool) -> Option<Value> {
        Some(match self {
            Shown::Number(number) => (*number).into(),
            Shown::Texts(texts) => std::str::from_utf8(&texts.concat()).ok()?.into(),
            Shown::Name(_) if bare_names => self.to_bare_text().into(),
            Shown::Name(text) | Shown::Plain(text) => text.clone().into(),
        })
    }
}
