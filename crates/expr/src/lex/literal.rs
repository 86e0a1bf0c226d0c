//! Literals: strings in three spellings, patterns, numbers, addresses.

use std::net::IpAddr;

use super::Cursor;
use crate::error::{Reason, Refused};

/// As many `#` as may stand around a raw string; more is a mistake.
pub(crate) const HASHES_MAX: usize = 255;

/// How many `#` keep a raw string of `text` from ending early.
pub(crate) fn hashes_around(text: &str) -> usize {
    let behind_quotes = text.split('"').skip(1);
    let hashes = |part: &str| part.len().saturating_sub(part.trim_start_matches('#').len());
    behind_quotes.map(hashes).max().map_or(0, |most| most.saturating_add(1))
}

// === impl Cursor ===

impl<'s> Cursor<'s> {
    pub(crate) fn begins_string(&self) -> bool {
        self.peek() == Some(b'"') || self.begins_raw()
    }

    pub(crate) fn begins_integer(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-')
    }

    /// A quoted, raw or byte string.
    pub(crate) fn string(&mut self) -> Result<Vec<u8>, Refused> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            _ if self.begins_raw() => Ok(self.raw()?.as_bytes().to_vec()),
            _ => self.bytes(),
        }
    }

    /// What stands behind `matches`.
    pub(crate) fn pattern(&mut self) -> Result<String, Refused> {
        match self.peek() {
            Some(b'"') => self.quoted_pattern(),
            _ if self.begins_raw() => Ok(self.raw()?.to_owned()),
            _ => Refused::at(self.here(), Reason::Expected("a regular expression in quotes")),
        }
    }

    /// Decimal, `0x` hexadecimal, or octal behind a zero.
    pub(crate) fn integer(&mut self) -> Result<i64, Refused> {
        let start = self.at;
        let sign = if self.eat("-") { "-" } else { "" };
        let digits = self.run(|byte| byte.is_ascii_alphanumeric());
        if !digits.starts_with(|char: char| char.is_ascii_digit()) {
            self.at = start;
            return Refused::at(self.here(), Reason::Expected("a number"));
        }
        let (radix, digits) = match digits.strip_prefix('0') {
            None | Some("") => (10, digits),
            Some(behind) => behind.strip_prefix('x').map_or((8, behind), |hex| (16, hex)),
        };
        let refused = |_| Refused { reason: Reason::Integer { radix }, span: self.since(start) };
        i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(refused)
    }

    pub(crate) fn address(&mut self) -> Result<IpAddr, Refused> {
        let start = self.at;
        let run = self.rest().bytes().take_while(|b| b.is_ascii_hexdigit() || b":.".contains(b));
        let run = self.rest().get(..run.count()).unwrap_or("");
        // Two dots are those of a range.
        let text = run.split("..").next().unwrap_or(run);
        if text.is_empty() {
            return Refused::at(self.here(), Reason::Expected("an address"));
        }
        self.skip(text.len());
        text.parse().map_err(|_| Refused { reason: Reason::Address, span: self.since(start) })
    }

    fn begins_raw(&self) -> bool {
        let behind = self.rest().strip_prefix('r');
        behind.is_some_and(|behind| behind.trim_start_matches('#').starts_with('"'))
    }

    fn quoted(&mut self) -> Result<Vec<u8>, Refused> {
        let start = self.at;
        self.skip(1);
        let mut string = Vec::new();
        loop {
            let plain = self.rest().find(['"', '\\']);
            let Some((text, behind)) = plain.and_then(|at| self.rest().split_at_checked(at)) else {
                return Refused::at(self.unended(start), Reason::EndingQuote);
            };
            string.extend_from_slice(text.as_bytes());
            self.skip(text.len());
            if behind.starts_with('"') {
                self.skip(1);
                return Ok(string);
            }
            string.push(self.escape()?);
        }
    }

    /// `\"`, `\\`, `\xHH` and `\OOO`; nothing else, so that a pattern is not mistaken for a string.
    fn escape(&mut self) -> Result<u8, Refused> {
        let start = self.at;
        let behind = self.rest().get(1..).unwrap_or("");
        let (byte, length) = match behind.bytes().next() {
            Some(byte @ (b'"' | b'\\')) => (Some(byte), 2),
            Some(b'x') => (digits(behind.get(1..3), 16), 4),
            Some(b'0'..=b'7') => (digits(behind.get(..3), 8), 4),
            Some(_) | None => (None, 2),
        };
        let Some(byte) = byte else {
            let width = behind.chars().next().map_or(1, |char| char.len_utf8().saturating_add(1));
            self.skip(width);
            return Refused::at(self.since(start), Reason::Escape);
        };
        self.skip(length);
        Ok(byte)
    }

    /// `\"` is a quote; every other backslash is the pattern's own. Between brackets a quote ends nothing.
    fn quoted_pattern(&mut self) -> Result<String, Refused> {
        let start = self.at;
        self.skip(1);
        let mut pattern = String::new();
        let mut in_class = false;
        let mut chars = self.rest().char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' if !in_class => {
                    self.skip(at.saturating_add(1));
                    return Ok(pattern);
                }
                '\\' => match chars.next() {
                    Some((_, '"')) if !in_class => pattern.push('"'),
                    Some((_, escaped)) => pattern.extend(['\\', escaped]),
                    None => break,
                },
                _ => {
                    in_class = if in_class { char != ']' } else { char == '[' };
                    pattern.push(char);
                }
            }
        }
        Refused::at(self.unended(start), Reason::EndingQuote)
    }

    fn raw(&mut self) -> Result<&'s str, Refused> {
        let start = self.at;
        self.skip(1);
        let hashes = self.run(|byte| byte == b'#');
        if hashes.len() > HASHES_MAX {
            return Refused::at(self.since(start), Reason::Hashes);
        }
        self.skip(1);
        let end = format!("\"{hashes}");
        match self.rest().split_once(&end) {
            Some((text, _)) => {
                self.skip(text.len().saturating_add(end.len()));
                Ok(text)
            }
            None => Refused::at(self.unended(start), Reason::EndingQuote),
        }
    }

    /// `01:2e:f3`: pairs of hexadecimal digits, at least two.
    fn bytes(&mut self) -> Result<Vec<u8>, Refused> {
        let mut bytes = Vec::new();
        let mut rest = self.rest();
        while let Some(byte) = digits(rest.get(..2), 16) {
            bytes.push(byte);
            rest = rest.get(2..).unwrap_or("");
            let goes_on = digits(rest.get(1..3), 16).is_some();
            match rest.strip_prefix([':', '-', '.']) {
                Some(behind) if goes_on => rest = behind,
                Some(_) | None => break,
            }
        }
        if bytes.len() < 2 {
            return Refused::at(self.here(), Reason::Expected("a string"));
        }
        self.skip(self.rest().len().saturating_sub(rest.len()));
        Ok(bytes)
    }

    fn unended(&self, start: usize) -> super::Span {
        super::Span { start, end: self.source.len() }
    }
}

/// `from_str_radix` alone would take a sign.
fn digits(text: Option<&str>, radix: u32) -> Option<u8> {
    let text = text.filter(|text| text.chars().all(|char| char.is_digit(radix)))?;
    u8::from_str_radix(text, radix).ok()
}
