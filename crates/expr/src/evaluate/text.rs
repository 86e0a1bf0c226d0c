//! Strings: lent from the facts and the literals where they are part of them, made in the scratch area where not.

use std::fmt::Write;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::Eval;
use crate::check::CONCAT_PARTS_MAX;
use crate::facts::{Headers, Lent};
use crate::program::{Each, Text};
use crate::scheme::TextField;
use crate::scratch::{Free, Out};
use crate::text::base64::{Alphabet, decode as decode_base64};
use crate::text::{json, substring, url};

// === impl Eval ===

impl<'e> Eval<'_, 'e> {
    #[inline]
    pub(super) fn text(&self, text: &'e Text) -> Option<&'e [u8]> {
        let found = match text {
            // Nearly all that rules compare are fields, which need no frame as large as functions do.
            Text::Field(field) => self.text_field(*field)?,
            other => self.find_text(other)?,
        };
        self.meter.spend(found.len())?;
        Some(found)
    }

    #[inline(never)]
    fn find_text(&self, text: &'e Text) -> Option<&'e [u8]> {
        match text {
            Text::Field(field) => self.text_field(*field),
            Text::Literal(literal) => Some(literal),
            Text::Element => Some(self.element),
            Text::Nth(each, place) => self.at_nth(&each.source, *place)?.text(&each.value),
            Text::Lower(of) => self.lower(of),
            Text::Upper(of) => self.upper(of),
            Text::Concat(parts) => self.concat(parts),
            Text::Substring(part) => {
                let start = self.number(&part.start)?;
                let end = match &part.end {
                    Some(end) => Some(self.number(end)?),
                    None => None,
                };
                Some(substring(self.text(&part.of)?, start, end))
            }
            Text::UrlDecode(of, options) => match self.text(of)? {
                plain if url::is_plain(plain) => Some(plain),
                encoded => self.scratch.write(|out| url::decode(encoded, *options, out)),
            },
            Text::Base64(of) => {
                let encoded = self.text(of)?.iter().copied();
                self.scratch.write(|out| decode_base64(Alphabet::Standard, encoded, out))
            }
            Text::RemoveBytes(of, removed) => self.remove_bytes(of, removed),
            Text::Json(of, path) => match json::string(self.text(of)?, path)? {
                raw if raw.is_plain() => Some(raw.0),
                raw => self.scratch.write(|out| raw.write(out)),
            },
            Text::Join(each, separator) => self.join(each, separator),
            Text::OfNumber(number) => {
                let number = self.number(number)?;
                self.scratch.write(|out| write!(out, "{number}").ok())
            }
            Text::OfAddress(address) => self.write_address(self.address(address)),
            Text::OfFlag(flag) => {
                Some(if self.flag(flag)? { b"true".as_slice() } else { b"false" })
            }
        }
    }

    fn text_field(&self, field: TextField) -> Option<&'e [u8]> {
        match self.facts.lend(field) {
            Lent::Absent => None,
            Lent::Text(text) => Some(text),
            Lent::Address(address) => self.write_address(*address),
            Lent::Cookies(headers) => self.join_cookies(headers),
        }
    }

    #[cold]
    fn write_address(&self, address: IpAddr) -> Option<&'e [u8]> {
        self.scratch.write(|out| write!(out, "{address}").ok())
    }

    #[cold]
    fn join_cookies(&self, headers: &dyn Headers) -> Option<&'e [u8]> {
        self.scratch.write(|out| {
            let (mut before, mut fits): (&[u8], _) = (b"", Some(()));
            headers.named(b"cookie", &mut |line| {
                fits = append(out, before, line);
                before = b"; ";
                go_on(fits)
            });
            fits
        })
    }

    fn lower(&self, of: &'e Text) -> Option<&'e [u8]> {
        let text = self.text(of)?;
        if !text.iter().any(u8::is_ascii_uppercase) {
            return Some(text);
        }
        self.scratch
            .write(|out| text.iter().try_for_each(|byte| out.push(byte.to_ascii_lowercase())))
    }

    fn upper(&self, of: &'e Text) -> Option<&'e [u8]> {
        let text = self.text(of)?;
        if !text.iter().any(u8::is_ascii_lowercase) {
            return Some(text);
        }
        self.scratch
            .write(|out| text.iter().try_for_each(|byte| out.push(byte.to_ascii_uppercase())))
    }

    fn remove_bytes(&self, of: &'e Text, removed: &'e Text) -> Option<&'e [u8]> {
        let (text, removed) = (self.text(of)?, self.text(removed)?);
        let mut kept = text.iter().filter(|byte| !removed.contains(byte));
        self.scratch.write(|out| kept.try_for_each(|byte| out.push(*byte)))
    }

    /// Parts that are absent are left out; without any there is nothing.
    fn concat(&self, parts: &'e [Text]) -> Option<&'e [u8]> {
        // Made before the whole is, as both use the same area.
        let mut made: [Option<&[u8]>; CONCAT_PARTS_MAX] = [None; CONCAT_PARTS_MAX];
        for (place, part) in made.iter_mut().zip(parts) {
            *place = self.text(part);
        }
        made.iter().find_map(|part| *part)?;
        self.scratch.write(|out| made.iter().flatten().try_for_each(|part| out.extend(part)))
    }

    /// Elements that are absent are left out. The result has half of the area, what is made for its elements the other.
    fn join(&self, each: &'e Each<Text>, separator: &[u8]) -> Option<&'e [u8]> {
        self.scratch.write_beside(|out, area| {
            let scratch = self.scratch.over(Free::Part(area));
            let Eval { facts, meter, element, .. } = *self;
            let eval = Eval { facts, scratch: &scratch, meter, element };
            let (mut first, mut fits) = (true, Some(()));
            eval.visit(&each.source, &mut |element| {
                let Some(text) = (Eval { element, ..eval }).text(&each.value) else {
                    return ControlFlow::Continue(());
                };
                let before = if first { &[] } else { separator };
                first = false;
                fits = append(out, before, text);
                go_on(fits)
            })?;
            fits
        })
    }
}

fn append(out: &mut Out<'_>, before: &[u8], text: &[u8]) -> Option<()> {
    out.extend(before)?;
    out.extend(text)
}

fn go_on(fits: Option<()>) -> ControlFlow<()> {
    match fits {
        Some(()) => ControlFlow::Continue(()),
        None => ControlFlow::Break(()),
    }
}
