//! Percent-encoding (RFC 3986 section 2.1) as forms write it.

use crate::scratch::Out;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UrlOptions {
    /// What decoding makes is decoded again, until nothing changes.
    recursive: bool,
    /// `%uXXXX` too, to UTF-8.
    unicode: bool,
}

// === impl UrlOptions ===

impl UrlOptions {
    /// `r` and `u`, in any order.
    pub(crate) fn parse(letters: &[u8]) -> Option<UrlOptions> {
        letters.iter().try_fold(UrlOptions::default(), |options, letter| match letter {
            b'r' => Some(UrlOptions { recursive: true, ..options }),
            b'u' => Some(UrlOptions { unicode: true, ..options }),
            _ => None,
        })
    }
}

pub(crate) fn is_plain(text: &[u8]) -> bool {
    memchr::memchr2(b'%', b'+', text).is_none()
}

/// `+` is a space; an escape that is none stays as it is.
pub(crate) fn decode(text: &[u8], options: UrlOptions, out: &mut Out<'_>) -> Option<()> {
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        if options.recursive {
            // An escape may end with any byte that is put: looking at the tail after each one finds the same
            // as decoding again and again, in one walk.
            out.push(plus(byte))?;
            while let Some((begin, decoded)) = tail_escape(out.made(), options) {
                out.truncate(begin);
                decoded.put(out)?;
            }
            rest = behind;
            continue;
        }
        match escape(rest, options) {
            Some((decoded, length)) => {
                decoded.put(out)?;
                rest = rest.get(length..)?;
            }
            None => {
                out.push(plus(byte))?;
                rest = behind;
            }
        }
    }
    Some(())
}

#[derive(Clone, Copy)]
enum Decoded {
    Byte(u8),
    Char(char),
}

// === impl Decoded ===

impl Decoded {
    fn put(self, out: &mut Out<'_>) -> Option<()> {
        match self {
            Decoded::Byte(byte) => out.push(byte),
            Decoded::Char(char) => out.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    /// Decoded again.
    fn again(self) -> Decoded {
        match self {
            Decoded::Byte(byte) => Decoded::Byte(plus(byte)),
            Decoded::Char('+') => Decoded::Char(' '),
            Decoded::Char(char) => Decoded::Char(char),
        }
    }
}

fn plus(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte }
}

/// The escape that `text` begins with, and its length.
fn escape(text: &[u8], options: UrlOptions) -> Option<(Decoded, usize)> {
    match *text {
        [b'%', b'u', a, b, c, d, ..] if options.unicode => {
            let code = hex(a)? << 12 | hex(b)? << 8 | hex(c)? << 4 | hex(d)?;
            Some((Decoded::Char(char::from_u32(code)?), 6))
        }
        [b'%', high, low, ..] => {
            let [.., byte] = (hex(high)? << 4 | hex(low)?).to_be_bytes();
            Some((Decoded::Byte(byte), 3))
        }
        _ => None,
    }
}

/// The escape that `made` ends with, and where it begins.
fn tail_escape(made: &[u8], options: UrlOptions) -> Option<(usize, Decoded)> {
    [3, 6].into_iter().find_map(|length| {
        let begin = made.len().checked_sub(length)?;
        let (decoded, found) = escape(made.get(begin..)?, options)?;
        (found == length).then_some((begin, decoded.again()))
    })
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scratch::Scratch;

    fn decoded(text: &[u8], options: &str) -> Option<Vec<u8>> {
        let (mut area, full) = ([0; 256], std::cell::Cell::new(false));
        let options = UrlOptions::parse(options.as_bytes()).unwrap();
        Scratch::new(&mut area, &full).write(|out| decode(text, options, out)).map(<[u8]>::to_vec)
    }

    fn check(text: &str, options: &str, expected: &[u8]) {
        assert_eq!(decoded(text.as_bytes(), options).unwrap(), expected, "{text} {options}");
    }

    #[test]
    fn escapes_are_decoded_once_or_to_the_end() {
        check("John%20Doe", "", b"John Doe");
        check("John+Doe", "", b"John Doe");
        check("%e4%BD", "", b"\xe4\xbd");
        check("%2520", "", b"%20");
        check("%2520", "r", b" ");
        check("%252525252541%2", "r", b"A%2");
        check("%%34%31", "r", b"A");
        check("%2B", "", b"+");
        check("%2B", "r", b" ");
        check("%u2601", "", b"%u2601");
        check("%u2601", "u", b"\xe2\x98\x81");
        check("%u0025%34%31", "ur", b"A");
        check("%uD800 %u12", "u", b"%uD800 %u12");
        check("%", "ru", b"%");
        check("%4%zz%", "", b"%4%zz%");
        assert_eq!(UrlOptions::parse(b"x"), None);
    }

    proptest! {
        #[test]
        fn recursive_is_again_and_again(text in "[%u+0-57aAbB]{0,60}", unicode in any::<bool>()) {
            let (once, recursive) = if unicode { ("u", "ur") } else { ("", "r") };
            let mut expected = text.clone().into_bytes();
            loop {
                let next = decoded(&expected, once).unwrap();
                if next == expected {
                    break;
                }
                expected = next;
            }
            prop_assert_eq!(decoded(text.as_bytes(), recursive).unwrap(), expected);
        }
    }
}
