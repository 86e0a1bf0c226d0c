//! The cookie that came last over a connection: most clients send the same one with every request.

use std::sync::Mutex;

use trimtab_model::BalancerId;
use trimtab_steer::Held;

use super::{Keys, VALUE_CHARS};
use crate::worker::locked;

/// Of one connection, whose streams share it. What was not opened is not kept: each time a forged one comes it is as new.
#[derive(Debug, Default)]
pub(crate) struct Opened(Mutex<Option<Last>>);

#[derive(Clone, Copy, Debug)]
struct Last {
    /// [`Keys::identity`]
    keys: u64,
    balancer: BalancerId,
    value: [u8; VALUE_CHARS],
    held: Held,
    expires: u32,
}

// === impl Opened ===

impl Opened {
    /// None for what this node's operator did not seal, sealed for another balancer, or let expire.
    pub(crate) fn open(
        &self,
        keys: &Keys,
        balancer: BalancerId,
        value: &[u8],
        now: u64,
    ) -> Option<Held> {
        let value = value.as_array::<VALUE_CHARS>()?;
        let mut last = locked(&self.0);
        let known = last.filter(|last| {
            last.value == *value && last.keys == keys.identity && last.balancer == balancer
        });
        let (held, expires) = match known {
            Some(last) => (last.held, last.expires),
            None => {
                let (held, expires) = keys.open(balancer, value)?;
                *last = Some(Last { keys: keys.identity, balancer, value: *value, held, expires });
                (held, expires)
            }
        };
        (u64::from(expires) > now).then_some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Held = Held { pool: 1, endpoint: 2 };
    const BALANCER: BalancerId = BalancerId::new([1; 16]);
    const OTHER: BalancerId = BalancerId::new([2; 16]);

    fn keys(secret: u8) -> Keys {
        Keys::new(std::iter::once((1, &[secret; 32]))).unwrap()
    }

    #[test]
    fn semantics_32_a_cookie_that_came_before_is_believed_no_longer_than_one_that_is_new() {
        let (first, rotated) = (keys(7), keys(8));
        let value = first.seal(BALANCER, HELD, 1000).unwrap();
        let other = first.seal(OTHER, HELD, 1000).unwrap();
        let mut forged = value.as_bytes().to_vec();
        forged[40] ^= 1;
        let opened = Opened::default();
        let check = |keys: &Keys, balancer, value: &[u8], now, want: Option<Held>| {
            // Twice: as it comes, and as it is known.
            for _ in 0..2 {
                assert_eq!(opened.open(keys, balancer, value, now), want, "{balancer:?} {now}");
            }
        };
        check(&first, BALANCER, value.as_bytes(), 999, Some(HELD));
        check(&first, BALANCER, value.as_bytes(), 1000, None);
        check(&first, OTHER, value.as_bytes(), 0, None);
        check(&first, BALANCER, &forged, 0, None);
        check(&first, BALANCER, other.as_bytes(), 0, None);
        check(&first, BALANCER, &value.as_bytes()[1..], 0, None);
        check(&first, BALANCER, value.as_bytes(), 0, Some(HELD));
        check(&rotated, BALANCER, value.as_bytes(), 0, None);
        check(&first, OTHER, other.as_bytes(), 0, Some(HELD));
    }

    #[test]
    fn a_cookie_is_opened_once_as_long_as_no_other_comes() {
        let keys = keys(7);
        let value = keys.seal(BALANCER, HELD, 1000).unwrap();
        let opened = Opened::default();
        assert_eq!(opened.open(&keys, BALANCER, value.as_bytes(), 0), Some(HELD));
        let moved = Held { pool: 3, endpoint: 4 };
        locked(&opened.0).as_mut().unwrap().held = moved;
        assert_eq!(opened.open(&keys, BALANCER, value.as_bytes(), 0), Some(moved));
    }
}
