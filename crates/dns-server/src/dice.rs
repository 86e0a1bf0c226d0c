//! One thread's source of chance: unpredictable to clients, cheap to draw from.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A splitmix64 stream seeded by the operating system.
#[derive(Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new() -> Seeded {
        Seeded(RandomState::new().build_hasher().finish())
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        trimtab_steer::dice::mix(self.0)
    }
}
