//! The keys that authenticate session cookies: the same on every node, made by the first.

use serde::{Deserialize, Serialize};

use crate::{SecretBytes, Timestamp};

/// The newest signs; the one before it still verifies, so that a rotation ends no session.
pub const KEYS_MAX: usize = 2;

/// All keys, the newest first. None before the first start is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffinityKeys {
    pub keys: Vec<AffinityKey>,
}

/// One key; its id stands in the cookies that it signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffinityKey {
    pub id: u8,
    pub secret: SecretBytes,
    pub created_on: Timestamp,
}

// === impl AffinityKeys ===

impl AffinityKeys {
    /// What new cookies are signed with.
    pub fn newest(&self) -> Option<&AffinityKey> {
        self.keys.first()
    }

    pub fn find(&self, id: u8) -> Option<&AffinityKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// With another key in front; the oldest goes when there are too many.
    #[must_use]
    pub fn rotated(&self, secret: SecretBytes, now: Timestamp) -> AffinityKeys {
        let id = self.newest().map_or(0, |newest| newest.id.wrapping_add(1));
        let newest = AffinityKey { id, secret, created_on: now };
        let older = self.keys.iter().take(KEYS_MAX - 1).cloned();
        AffinityKeys { keys: std::iter::once(newest).chain(older).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_before_the_newest_still_verifies() {
        let secret = |byte| SecretBytes::new([byte; 32]);
        let at = Timestamp::from_micros;
        let key = |id, byte| AffinityKey { id, secret: secret(byte), created_on: at(byte.into()) };
        let first = AffinityKeys::default().rotated(secret(1), at(1));
        assert_eq!(first.keys, [key(0, 1)]);
        let third = first.rotated(secret(2), at(2)).rotated(secret(3), at(3));
        assert_eq!(third.keys, [key(2, 3), key(1, 2)]);
        assert_eq!(
            (third.newest(), third.find(1), third.find(0)),
            (Some(&key(2, 3)), Some(&key(1, 2)), None)
        );
        let last = AffinityKeys { keys: vec![key(255, 4)] };
        assert_eq!(last.rotated(secret(5), at(5)).keys, [key(0, 5), key(255, 4)]);
    }
}
