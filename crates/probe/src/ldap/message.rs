//! The two messages of an LDAP bind, in the little of BER that they need: RFC 4511 sections 4.1.1, 4.1.9 and 4.2.

/// Bytes of an answer; a result with a long diagnostic message has a few hundred.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A bind with no name and no password.
pub(super) const ANONYMOUS_BIND: [u8; 14] = [
    0x30, 0x0c, // LDAPMessage
    0x02, 0x01, 0x01, // messageID 1
    0x60, 0x07, // BindRequest
    0x02, 0x01, 0x03, // version 3
    0x04, 0x00, // name ""
    0x80, 0x00, // simple ""
];
/// The polite end: nothing answers it.
pub(super) const UNBIND: [u8; 7] = [0x30, 0x05, 0x02, 0x01, 0x02, 0x42, 0x00];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const OCTETS: u8 = 0x04;
const BIND_RESPONSE: u8 = 0x61;
/// A server that is about to hang up says why (RFC 4511 section 4.4.1).
const EXTENDED_RESPONSE: u8 = 0x78;

/// What a server says of a bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindResult {
    /// 0 is success.
    pub code: u16,
    /// Bytes beyond ASCII are replaced.
    pub text: String,
}

/// A tag with what is inside, and what follows it.
struct Element<'a> {
    tag: u8,
    inside: &'a [u8],
    rest: &'a [u8],
}

// === impl BindResult ===

impl BindResult {
    /// None while the message is not whole.
    ///
    /// # Errors
    /// When the bytes cannot become the answer to a bind.
    pub fn read(bytes: &[u8]) -> Result<Option<BindResult>, &'static str> {
        if bytes.first().is_some_and(|&tag| tag != SEQUENCE) {
            return Err("the answer is no sequence");
        }
        let Some(message) = Element::read(bytes)? else { return Ok(None) };
        let id = message.first(INTEGER)?;
        let response = whole(id.rest)?;
        if response.tag != BIND_RESPONSE && response.tag != EXTENDED_RESPONSE {
            return Err("the answer is to no bind");
        }
        let result = response.first(ENUMERATED)?;
        let code = number(result.inside)?;
        let matched = whole(result.rest)?.of(OCTETS)?;
        let text = whole(matched.rest)?.of(OCTETS)?;
        let text = String::from_utf8_lossy(text.inside).into_owned();
        Ok(Some(BindResult { code, text }))
    }
}

// === impl Element ===

impl<'a> Element<'a> {
    /// None while bytes are missing.
    fn read(bytes: &'a [u8]) -> Result<Option<Element<'a>>, &'static str> {
        let [tag, short, after @ ..] = bytes else { return Ok(None) };
        // X.690 section 8.1.3: the length itself, or how many bytes hold it.
        let (length, after) = match short {
            0..=0x7f => (usize::from(*short), after),
            0x81..=0x84 => {
                let count = usize::from(short & 0x7f);
                let Some((digits, after)) = after.split_at_checked(count) else { return Ok(None) };
                (digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)), after)
            }
            _ => return Err("a length is in a form that LDAP does not use"),
        };
        if length > ANSWER_BYTES_MAX {
            return Err("the answer is too long");
        }
        let parts = after.split_at_checked(length);
        Ok(parts.map(|(inside, rest)| Element { tag: *tag, inside, rest }))
    }

    fn of(self, tag: u8) -> Result<Element<'a>, &'static str> {
        if self.tag == tag { Ok(self) } else { Err("a part of the answer is of another type") }
    }

    fn first(&self, tag: u8) -> Result<Element<'a>, &'static str> {
        whole(self.inside)?.of(tag)
    }
}

/// Inside a message that is whole nothing is still to come.
fn whole(bytes: &[u8]) -> Result<Element<'_>, &'static str> {
    Element::read(bytes)?.ok_or("a part of the answer is longer than the whole")
}

fn number(bytes: &[u8]) -> Result<u16, &'static str> {
    match *bytes {
        [low] => Ok(u16::from(low)),
        [high, low] => Ok(u16::from_be_bytes([high, low])),
        _ => Err("the result code is no small number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A result with a code and a text, in lengths of one byte.
    fn answer(tag: u8, code: u8, text: &str) -> Vec<u8> {
        let text_length = u8::try_from(text.len()).unwrap();
        let result = [&[10, 1, code, 4, 0, 4, text_length], text.as_bytes()].concat();
        let inner = u8::try_from(result.len()).unwrap();
        [&[0x30, inner + 5, 2, 1, 1, tag, inner], &result[..]].concat()
    }

    fn check(bytes: &[u8], want: Result<Option<(u16, &str)>, &'static str>) {
        let got = BindResult::read(bytes);
        let want = want.map(|read| read.map(|(code, text)| BindResult { code, text: text.into() }));
        assert_eq!(got, want, "{bytes:02x?}");
    }

    #[test]
    fn rfc_4511_4_2_2_a_bind_is_answered_with_a_code_and_a_text() {
        check(&answer(0x61, 0, ""), Ok(Some((0, ""))));
        check(
            &answer(0x61, 48, "anonymous bind disallowed"),
            Ok(Some((48, "anonymous bind disallowed"))),
        );
        check(&answer(0x78, 52, "shutting down"), Ok(Some((52, "shutting down"))));
        let long = [0x30, 0x84, 0, 0, 0, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0];
        check(&long, Ok(Some((0, ""))));
        for length in 0..long.len() {
            check(&long[..length], Ok(None));
        }
    }

    #[test]
    fn what_is_no_answer_to_a_bind_is_found_out() {
        check(b"220 mail", Err("the answer is no sequence"));
        check(&answer(0x65, 0, ""), Err("the answer is to no bind"));
        check(&[0x30, 0x80, 0], Err("a length is in a form that LDAP does not use"));
        check(&[0x30, 0x82, 0x40, 1], Err("the answer is too long"));
        check(&[0x30, 3, 2, 9, 1], Err("a part of the answer is longer than the whole"));
        check(&[0x30, 3, 4, 1, 1], Err("a part of the answer is of another type"));
        let mut wide = answer(0x61, 0, "");
        (wide[7], wide[8]) = (10, 0);
        check(&wide, Err("the result code is no small number"));
    }
}
