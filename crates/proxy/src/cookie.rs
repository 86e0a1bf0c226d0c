//! The session cookie: which endpoint, of which balancer, until when; sealed, so that no client reads or makes one.

mod field;
mod opened;

use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayString;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use trimtab_model::BalancerId;
use trimtab_steer::Held;

pub(crate) use self::field::Binding;
use self::field::Fields;
pub(crate) use self::opened::Opened;

/// With the sign behind it.
const NAME: &[u8] = b"__cflb=";

/// The keys of one moment; the first one seals.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<(u8, LessSafeKey)>,
    /// Unlike that of any other maker of nonces; followed by a number that rises.
    nonce_prefix: [u8; 4],
    nonces: AtomicU64,
    /// Unlike that of any other keys, of earlier and later moments too.
    identity: u64,
    fields: Fields,
}

/// A cookie's value as it is sent.
pub(crate) type Value = ArrayString<VALUE_CHARS>;

/// Pool, endpoint, and the second in which it expires.
const CONTENT_BYTES: usize = 8 + 8 + 4;
const TAG_BYTES: usize = 16;
/// Key, nonce, content, tag.
const SEALED_BYTES: usize = 1 + NONCE_LEN + CONTENT_BYTES + TAG_BYTES;
/// In base 64 without padding.
const VALUE_CHARS: usize = (SEALED_BYTES * 4).div_ceil(3);

// === impl Keys ===

impl Keys {
    /// Secrets with the number that names each in cookies. None when the system has no random bytes.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = (u8, &'a [u8; 32])>) -> Option<Keys> {
        let random = SystemRandom::new();
        let (mut nonce_prefix, mut start, mut identity) = ([0; 4], [0; 8], [0; 8]);
        random.fill(&mut nonce_prefix).ok()?;
        random.fill(&mut start).ok()?;
        random.fill(&mut identity).ok()?;
        let key = |(id, secret): (u8, &[u8; 32])| {
            Some((id, LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).ok()?)))
        };
        let nonces = AtomicU64::new(u64::from_be_bytes(start));
        Some(Keys {
            keys: secrets.filter_map(key).collect(),
            nonce_prefix,
            nonces,
            identity: u64::from_be_bytes(identity),
            fields: Fields::default(),
        })
    }

    /// None without any key.
    fn seal(&self, balancer: BalancerId, held: Held, expires: u32) -> Option<Value> {
        let (id, key) = self.keys.first()?;
        let nonce = self.next_nonce();
        let mut sealed = [0; SEALED_BYTES];
        let (front, rest) = sealed.split_at_mut(1 + NONCE_LEN);
        let (content, tag) = rest.split_at_mut(CONTENT_BYTES);
        front.first_mut().map(|byte| *byte = *id)?;
        front.get_mut(1..)?.copy_from_slice(&nonce);
        write_content(content, held, expires)?;
        let aad = Aad::from(balancer.bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Fails only for content longer than any here.
        tag.copy_from_slice(key.seal_in_place_separate_tag(nonce, aad, content).ok()?.as_ref());
        let mut text = [0; VALUE_CHARS];
        let length = URL_SAFE_NO_PAD.encode_slice(sealed, &mut text).ok()?;
        Value::from(std::str::from_utf8(text.get(..length)?).ok()?).ok()
    }

    /// What it says, and the second in which it expires. None for what this node's operator did not seal, or sealed for
    /// another balancer.
    fn open(&self, balancer: BalancerId, value: &[u8]) -> Option<(Held, u32)> {
        let mut sealed = [0; SEALED_BYTES + 2];
        let length = URL_SAFE_NO_PAD.decode_slice(value, &mut sealed).ok()?;
        let sealed = sealed.get_mut(..length).filter(|sealed| sealed.len() == SEALED_BYTES)?;
        let (front, content) = sealed.split_at_mut(1 + NONCE_LEN);
        let (id, nonce) = front.split_first()?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        // A forged one is no error of anybody's here: it is as good as none.
        let content = key.open_in_place(nonce, Aad::from(balancer.bytes()), content).ok()?;
        read_content(content)
    }

    fn next_nonce(&self) -> [u8; NONCE_LEN] {
        let number = self.nonces.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut nonce = [0; NONCE_LEN];
        let (front, back) = nonce.split_at_mut(self.nonce_prefix.len());
        front.copy_from_slice(&self.nonce_prefix);
        back.copy_from_slice(&number);
        nonce
    }
}

/// The value of the session cookie in one `Cookie` field (RFC 6265 section 5.4).
pub(crate) fn find(field: &[u8]) -> Option<&[u8]> {
    let mut rest = field;
    loop {
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (pair, behind) = rest.split_at_checked(end)?;
        if let Some(value) = pair.trim_ascii_start().strip_prefix(NAME) {
            return Some(value.trim_ascii_end());
        }
        rest = behind.get(1..)?;
    }
}

fn write_content(content: &mut [u8], held: Held, expires: u32) -> Option<()> {
    let (pool, rest) = content.split_first_chunk_mut::<8>()?;
    let (endpoint, rest) = rest.split_first_chunk_mut::<8>()?;
    *pool = held.pool.to_be_bytes();
    *endpoint = held.endpoint.to_be_bytes();
    *rest.first_chunk_mut::<4>()? = expires.to_be_bytes();
    Some(())
}

fn read_content(content: &[u8]) -> Option<(Held, u32)> {
    let (pool, rest) = content.split_first_chunk::<8>()?;
    let (endpoint, rest) = rest.split_first_chunk::<8>()?;
    let held = Held { pool: u64::from_be_bytes(*pool), endpoint: u64::from_be_bytes(*endpoint) };
    Some((held, u32::from_be_bytes(*rest.first_chunk::<4>()?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELD: Held = Held { pool: 0x0102_0304_0506_0708, endpoint: u64::MAX - 1 };

    fn balancer(number: u8) -> BalancerId {
        BalancerId::new([number; 16])
    }

    fn keys(secrets: &[(u8, u8)]) -> Keys {
        let secrets: Vec<(u8, [u8; 32])> =
            secrets.iter().map(|(id, byte)| (*id, [*byte; 32])).collect();
        Keys::new(secrets.iter().map(|(id, secret)| (*id, secret))).unwrap()
    }

    #[test]
    fn semantics_32_a_cookie_opens_for_its_balancer() {
        let keys = keys(&[(1, 7)]);
        let value = keys.seal(balancer(1), HELD, 1000).unwrap();
        assert_eq!(keys.open(balancer(1), value.as_bytes()), Some((HELD, 1000)));
        assert_eq!(keys.open(balancer(2), value.as_bytes()), None, "of another balancer");
    }

    #[test]
    fn semantics_32_a_cookie_outlives_one_rotation_and_no_more() {
        let value = keys(&[(1, 7)]).seal(balancer(1), HELD, 1000).unwrap();
        let open = |secrets: &[(u8, u8)]| keys(secrets).open(balancer(1), value.as_bytes());
        assert_eq!(open(&[(2, 8), (1, 7)]), Some((HELD, 1000)));
        assert_eq!(open(&[(3, 9), (2, 8)]), None);
        assert_eq!(open(&[(1, 8)]), None, "another secret under the same number");
        assert_eq!(open(&[]), None);
    }

    #[test]
    fn no_two_cookies_are_alike() {
        let keys = keys(&[(1, 7)]);
        assert_ne!(keys.seal(balancer(1), HELD, 1000), keys.seal(balancer(1), HELD, 1000));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let check = |field: &str, want: Option<&str>| {
            assert_eq!(find(field.as_bytes()), want.map(str::as_bytes), "{field}");
        };
        check("__cflb=abc", Some("abc"));
        check("a=1; __cflb=abc; b=2", Some("abc"));
        check("a=1;__cflb=abc ", Some("abc"));
        check("x__cflb=abc", None);
        check("__cflbx=abc", None);
        check("__cflb", None);
        check("__cflb=;a=1", Some(""));
        check("a=1; ; __cflb=abc;", Some("abc"));
        check("__CFLB=abc", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn semantics_32_a_cookie_with_any_bit_changed_is_none(bit in 0..VALUE_CHARS * 8) {
            let keys = keys(&[(1, 7)]);
            let mut value = keys.seal(balancer(1), HELD, 1000).unwrap().as_bytes().to_vec();
            value[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(keys.open(balancer(1), &value), None);
        }

        #[test]
        fn rubbish_is_none(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(keys(&[(1, 7)]).open(balancer(1), &value), None);
        }
    }
}
