//! Base64 (RFC 4648 sections 4 and 5), as whole strings.

use crate::scratch::Out;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Padded, or without its padding.
    Standard,
    /// Never padded.
    UrlSafe,
}

/// None for anything that is not Base64, or has bits left over that are not zero.
pub(crate) fn decode(
    alphabet: Alphabet,
    text: impl Iterator<Item = u8>,
    out: &mut Out<'_>,
) -> Option<()> {
    let (mut bits, mut held) = (0_u32, 0_u32);
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for byte in text {
        if byte == b'=' && alphabet == Alphabet::Standard {
            padding = padding.saturating_add(1);
            continue;
        }
        let digit = if padding == 0 { value(alphabet, byte)? } else { return None };
        digits = digits.saturating_add(1);
        bits = (bits << 6 | digit) & 0xFFFF;
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            let [.., byte] = (bits >> held).to_be_bytes();
            out.push(byte)?;
        }
    }
    let whole = matches!((digits & 3, padding), (0 | 2 | 3, 0) | (2, 2) | (3, 1));
    let rest = bits & (1_u32 << held).wrapping_sub(1);
    (whole && rest == 0).then_some(())
}

fn value(alphabet: Alphabet, byte: u8) -> Option<u32> {
    let digit = match (byte, alphabet) {
        (b'A'..=b'Z', _) => byte.wrapping_sub(b'A'),
        (b'a'..=b'z', _) => byte.wrapping_sub(b'a').wrapping_add(26),
        (b'0'..=b'9', _) => byte.wrapping_sub(b'0').wrapping_add(52),
        (b'+', Alphabet::Standard) | (b'-', Alphabet::UrlSafe) => 62,
        (b'/', Alphabet::Standard) | (b'_', Alphabet::UrlSafe) => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn check(alphabet: Alphabet, text: &str, expected: Option<&[u8]>) {
        let (mut area, full) = ([0; 64], std::cell::Cell::new(false));
        let scratch = Scratch::new(&mut area, &full);
        let decoded = scratch.write(|out| decode(alphabet, text.bytes(), out));
        assert_eq!(decoded, expected, "{text}");
    }

    #[test]
    fn rfc4648_10_vectors() {
        for (text, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9vYg", "foob"),
        ] {
            check(Alphabet::Standard, text, Some(expected.as_bytes()));
        }
    }

    #[test]
    fn rfc4648_5_the_alphabets_differ_in_two_letters() {
        check(Alphabet::Standard, "+/+/", Some(b"\xfb\xff\xbf"));
        check(Alphabet::UrlSafe, "-_-_", Some(b"\xfb\xff\xbf"));
        check(Alphabet::Standard, "-_-_", None);
        check(Alphabet::UrlSafe, "+/+/", None);
        check(Alphabet::UrlSafe, "Zg==", None);
    }

    #[test]
    fn what_is_not_base64_is_absent() {
        for text in ["Z", "Zg=", "Zg===", "Zm9v=", "Zm9vY", "Zg=a", "Zh==", "Zm 9v", "Zm9\n", "é"]
        {
            check(Alphabet::Standard, text, None);
        }
    }
}
