//! The value of a token: random text that is shown once and kept only as its digest.

use ring::digest::{SHA256, digest};

/// The letters that tokens of the hosted API are made of.
const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
/// Characters; six bits each make 240 bits, and the shortest that clients accept.
const CHARS: usize = 40;
/// Characters; clients check these bounds before they ask.
const CHARS_ALLOWED: std::ops::RangeInclusive<usize> = 40..=80;

/// A value that looks like a token. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// SHA-256 of a value.
pub(crate) type Digest = [u8; 32];

// === impl Secret ===

impl Secret {
    /// None unless it matches `^[0-9A-Za-z_-]{40,80}$`.
    pub fn read(text: &str) -> Option<Secret> {
        let sound =
            CHARS_ALLOWED.contains(&text.len()) && text.bytes().all(|b| ALPHABET.contains(&b));
        sound.then(|| Secret(text.into()))
    }

    pub(crate) fn random() -> Result<Secret, getrandom::Error> {
        let mut bytes = [0; CHARS];
        getrandom::fill(&mut bytes)?;
        // 64 letters: the low six bits choose one, each as likely as the others.
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        Ok(Secret(letters.map(|&letter| char::from(letter)).collect()))
    }

    /// The value itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        let digest = digest(&SHA256, self.0.as_bytes());
        std::array::from_fn(|index| digest.as_ref().get(index).copied().unwrap_or(0))
    }

    /// As the store keeps it.
    pub(crate) fn digest_text(&self) -> String {
        self.digest().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What [`Secret::digest_text`] wrote. None for a text of another kind.
pub(crate) fn read_digest(text: &str) -> Option<Digest> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    rest.is_empty().then_some(())?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_40_to_80_letters_of_its_alphabet() {
        let check = |text: &str, want: bool| {
            assert_eq!(Secret::read(text).is_some(), want, "{text:?}");
        };
        check(&"a".repeat(39), false);
        check(&"a".repeat(40), true);
        check(&"Z9_-".repeat(20), true);
        check(&"a".repeat(81), false);
        check(&format!("{}.", "a".repeat(45)), false);
        check(&format!("{}ä", "a".repeat(45)), false);
    }

    #[test]
    fn random_values_are_tokens_and_differ() {
        let (one, two) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(Secret::read(one.reveal()), Some(one));
    }

    #[test]
    fn the_digest_is_sha_256_and_reads_back() {
        let secret = Secret("abc".into());
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(secret.digest_text(), text);
        assert_eq!(read_digest(text), Some(secret.digest()));
        assert_eq!(read_digest("ba78"), None);
        assert_eq!(read_digest(&"x".repeat(64)), None);
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::random().unwrap()), "Secret(..)");
    }
}
