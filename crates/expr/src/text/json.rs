//! One value out of a JSON document (RFC 8259): a walk along its path that reads nothing behind it.

use crate::scratch::Out;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Name(Box<[u8]>),
    /// Counted from zero.
    Place(usize),
}

/// A string between its quotes, escapes and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw<'j>(pub(crate) &'j [u8]);

struct Walk<'j> {
    rest: &'j [u8],
}

/// The string at the end of the path; of equal names the first one counts.
pub(crate) fn string<'j>(document: &'j [u8], path: &[Key]) -> Option<Raw<'j>> {
    Walk::to(document, path)?.string()
}

/// A plain integer that fits; `42.0` and `1e3` are none.
pub(crate) fn integer(document: &[u8], path: &[Key]) -> Option<i64> {
    let mut walk = Walk::to(document, path)?;
    let token = walk.scalar()?;
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    let plain =
        digits.iter().all(u8::is_ascii_digit) && (digits == b"0" || !digits.starts_with(b"0"));
    std::str::from_utf8(token).ok().filter(|_| plain)?.parse().ok()
}

// === impl Raw ===

impl<'j> Raw<'j> {
    pub(crate) fn is_plain(self) -> bool {
        memchr::memchr(b'\\', self.0).is_none()
    }

    pub(crate) fn write(self, out: &mut Out<'_>) -> Option<()> {
        self.pieces(|piece| out.extend(piece))
    }

    fn equals(self, name: &[u8]) -> bool {
        let mut left = name;
        let same = self.pieces(|piece| {
            left = left.strip_prefix(piece)?;
            Some(())
        });
        same.is_some() && left.is_empty()
    }

    /// Hands out the decoded text part by part. None for an escape that is none.
    fn pieces(self, mut each: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
        let mut rest = self.0;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            each(rest.get(..at)?)?;
            let (escaped, behind) = rest.get(at.checked_add(1)?..)?.split_first()?;
            rest = behind;
            let plain = match escaped {
                b'"' | b'\\' | b'/' => *escaped,
                b'b' => 0x08,
                b'f' => 0x0C,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => {
                    let (char, behind) = unicode(rest)?;
                    rest = behind;
                    each(char.encode_utf8(&mut [0; 4]).as_bytes())?;
                    continue;
                }
                _ => return None,
            };
            each(&[plain])?;
        }
        each(rest)
    }
}

/// Behind `\u`: a code unit, or two that are one character.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let unit = |text: &[u8]| -> Option<u16> {
        let digits = std::str::from_utf8(text.get(..4)?).ok()?;
        let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| all_hex)
    };
    let first = unit(text)?;
    let behind = text.get(4..)?;
    if let Some(char) = char::from_u32(first.into()) {
        return Some((char, behind));
    }
    let second = unit(behind.strip_prefix(br"\u")?)?;
    let char = char::decode_utf16([first, second]).next()?.ok()?;
    Some((char, behind.get(6..)?))
}

// === impl Walk ===

impl<'j> Walk<'j> {
    fn to(document: &'j [u8], path: &[Key]) -> Option<Walk<'j>> {
        let mut walk = Walk { rest: document };
        for key in path {
            match key {
                Key::Name(name) => walk.member(name)?,
                Key::Place(place) => walk.element(*place)?,
            }
        }
        walk.skip_space();
        Some(walk)
    }

    fn member(&mut self, name: &[u8]) -> Option<()> {
        self.take(b'{')?;
        loop {
            self.skip_space();
            let key = self.string()?;
            self.take(b':')?;
            if key.equals(name) {
                return Some(());
            }
            self.value()?;
            self.take(b',')?;
        }
    }

    fn element(&mut self, place: usize) -> Option<()> {
        self.take(b'[')?;
        for _ in 0..place {
            self.value()?;
            self.take(b',')?;
        }
        Some(())
    }

    /// Goes behind a value. Nesting is counted, not recursed into: a document can be as deep as it is long.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.skip_space();
            match self.rest.first()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth = depth.checked_add(1)?;
                    self.skip(1);
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.skip(1);
                }
                b',' | b':' if depth > 0 => {
                    self.skip(1);
                    continue;
                }
                _ => drop(self.scalar()?),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<Raw<'j>> {
        let text = self.rest.strip_prefix(b"\"")?;
        let mut at = 0_usize;
        loop {
            at = at.checked_add(memchr::memchr2(b'"', b'\\', text.get(at..)?)?)?;
            match text.get(at)? {
                b'"' => break,
                _ => at = at.checked_add(2)?,
            }
        }
        self.rest = text.get(at.checked_add(1)?..)?;
        Some(Raw(text.get(..at)?))
    }

    /// A number or a word.
    fn scalar(&mut self) -> Option<&'j [u8]> {
        let in_scalar = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.rest.iter().take_while(in_scalar).count();
        let token = self.rest.get(..length).filter(|token| !token.is_empty())?;
        self.skip(length);
        Some(token)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(&[wanted])?;
        Some(())
    }

    fn skip_space(&mut self) {
        let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.skip(self.rest.iter().take_while(space).count());
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or(&[]);
    }
}

#[cfg(test)]
mod tests;
