//! Tokens that carry a message, a time and the HMAC-SHA256 (RFC 2104) of both.

use std::cell::Cell;

use ring::hmac;
use subtle::ConstantTimeEq;

use crate::scratch::Scratch;
use crate::text::base64::{Alphabet, decode};

/// Checks `message separator timestamp "-" mac`; the MAC is over message and timestamp.
#[derive(Clone, Debug)]
pub(crate) struct TimedHmac {
    key: hmac::Key,
    ttl_seconds: i64,
    separator_bytes: usize,
    alphabet: Alphabet,
}

/// Of a Unix time.
const TIMESTAMP_BYTES: usize = 10;
/// SHA-256 in URL-safe Base64, which has no padding.
const MAC_URL_SAFE_BYTES: usize = 43;
const MAC_BYTES: usize = 32;

// === impl TimedHmac ===

impl TimedHmac {
    pub(crate) fn new(
        key: &[u8],
        ttl_seconds: i64,
        separator_bytes: usize,
        alphabet: Alphabet,
    ) -> TimedHmac {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        TimedHmac { key, ttl_seconds, separator_bytes, alphabet }
    }

    /// False for every token that is not one.
    pub(crate) fn is_valid(&self, token: &[u8], now: i64) -> bool {
        self.check(token, now).is_some()
    }

    fn check(&self, token: &[u8], now: i64) -> Option<()> {
        let (signed, mac) = self.split(token)?;
        let (message, timestamp) =
            signed.split_at_checked(signed.len().checked_sub(TIMESTAMP_BYTES)?)?;
        let digits = timestamp.iter().all(u8::is_ascii_digit);
        let issued: i64 = std::str::from_utf8(timestamp).ok().filter(|_| digits)?.parse().ok()?;
        let message = message.get(..message.len().checked_sub(self.separator_bytes)?)?;
        if message.is_empty() || now > issued.saturating_add(self.ttl_seconds) {
            return None;
        }
        let (mut area, full) = ([0; MAC_BYTES], Cell::new(false));
        let scratch = Scratch::new(&mut area, &full);
        let mac = scratch.write(|out| decode(self.alphabet, unescaped(mac), out))?;
        self.verify(message, timestamp, mac)
    }

    /// At the last hyphen that can be the one before the MAC.
    fn split<'t>(&self, token: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let at = match self.alphabet {
            // Its letters have hyphens of their own.
            Alphabet::UrlSafe => token.len().checked_sub(MAC_URL_SAFE_BYTES.checked_add(1)?)?,
            Alphabet::Standard => memchr::memrchr(b'-', token)?,
        };
        let (signed, mac) = token.split_at_checked(at)?;
        Some((signed, mac.strip_prefix(b"-")?))
    }

    /// In constant time.
    fn verify(&self, message: &[u8], timestamp: &[u8], mac: &[u8]) -> Option<()> {
        let mut signing = hmac::Context::with_key(&self.key);
        signing.update(message);
        signing.update(timestamp);
        let expected = signing.sign();
        bool::from(expected.as_ref().ct_eq(mac)).then_some(())
    }
}

/// `+`, `/` and `=` are escaped inside of a URL; unlike in forms, a plus is a plus.
fn unescaped(mac: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = mac.iter().copied();
    std::iter::from_fn(move || {
        let byte = rest.next()?;
        let mut ahead = rest.clone();
        let digits = (ahead.next().and_then(hex), ahead.next().and_then(hex));
        match (byte, digits) {
            (b'%', (Some(high), Some(low))) => {
                rest = ahead;
                Some(high << 4 | low)
            }
            _ => Some(byte),
        }
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: i64 = 1_484_063_787;
    /// Of `/download/cat.jpg1484063787` under `mysecretkey`, made with OpenSSL.
    const MAC: &str = "JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5+BFS9zZZ0=";
    const MAC_ESCAPED: &str = "JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D";
    const MAC_URL_SAFE: &str = "JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5-BFS9zZZ0";

    fn check(alphabet: Alphabet, token: &str, now: i64, expected: bool) {
        let hmac = TimedHmac::new(b"mysecretkey", 60, 8, alphabet);
        assert_eq!(hmac.is_valid(token.as_bytes(), now), expected, "{token} at {now}");
    }

    fn token(message: &str, issued: i64, mac: &str) -> String {
        format!("{message}?verify={issued}-{mac}")
    }

    #[test]
    fn a_token_is_valid_for_its_time() {
        for (alphabet, mac) in [
            (Alphabet::Standard, MAC),
            (Alphabet::Standard, MAC_ESCAPED),
            (Alphabet::UrlSafe, MAC_URL_SAFE),
        ] {
            let token = token("/download/cat.jpg", ISSUED, mac);
            check(alphabet, &token, ISSUED, true);
            check(alphabet, &token, 0, true);
            check(alphabet, &token, 1_484_063_847, true);
            check(alphabet, &token, 1_484_063_848, false);
        }
    }

    #[test]
    fn what_was_changed_is_not_valid() {
        let now = ISSUED;
        check(Alphabet::Standard, &token("/download/dog.jpg", now, MAC), now, false);
        check(Alphabet::Standard, &token("/download/cat.jpg", 1_484_063_788, MAC), now, false);
        check(Alphabet::Standard, &token("/download/cat.jpg", now, MAC_URL_SAFE), now, false);
        check(Alphabet::UrlSafe, &token("/download/cat.jpg", now, MAC), now, false);
        check(Alphabet::Standard, &token("/download/cat.jpg", now, "AAAA"), now, false);
        check(Alphabet::Standard, &format!("1484063787-{MAC}"), now, false);
        for token in ["", "-", "?verify=1484063787-", "x?verify=+484063787-a"] {
            check(Alphabet::Standard, token, now, false);
            check(Alphabet::UrlSafe, token, now, false);
        }
    }
}
