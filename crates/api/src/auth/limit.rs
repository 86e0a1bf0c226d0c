//! How often somebody may ask: one bucket per token, one per address that guesses.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use trimtab_model::TokenId;

use super::Refusal;

/// Buckets kept at a time. Full ones are forgotten first, since a full bucket and none are the same;
/// beyond that, newcomers are not counted: a table that others fill must not lock anybody out.
const BUCKETS_MAX: usize = 10_000;
/// Wrong credentials from one address in a minute: more than any client with an old token makes, far
/// too few to guess 240 bits.
const GUESSES_PER_MINUTE: u32 = 60;
/// What a bucket holds, and how long an empty one takes to fill.
const WINDOW: Duration = Duration::from_secs(60);

/// All buckets of a node.
pub(crate) struct Limits {
    requests_per_minute: u32,
    by_token: Buckets<TokenId>,
    guesses: Buckets<IpAddr>,
}

/// The generic cell rate algorithm: per key, only the time at which its bucket will be full again.
struct Buckets<Key>(Mutex<HashMap<Key, Duration>>);

// === impl Limits ===

impl Limits {
    pub(crate) fn new(requests_per_minute: u32) -> Limits {
        let empty = || Mutex::new(HashMap::new());
        let by_token = Buckets(empty());
        Limits { requests_per_minute, by_token, guesses: Buckets(Mutex::new(HashMap::new())) }
    }

    /// Counts a request of a token.
    pub(crate) fn request(&self, token: TokenId, now: Duration) -> Result<(), Refusal> {
        self.by_token
            .take(token, self.requests_per_minute, now)
            .map_err(|wait| Refusal::TooFast { retry_after_seconds: wait })
    }

    /// Refuses an address that guessed too often, whatever it says now.
    pub(crate) fn may_try(&self, from: Option<IpAddr>, now: Duration) -> Result<(), Refusal> {
        let Some(from) = from else { return Ok(()) };
        self.guesses
            .peek(&network(from), GUESSES_PER_MINUTE, now)
            .map_err(|wait| Refusal::TooManyFailures { retry_after_seconds: wait })
    }

    pub(crate) fn guessed(&self, from: Option<IpAddr>, now: Duration) {
        let Some(from) = from else { return };
        // The guess is refused anyway; the next one meets the empty bucket.
        let _counted = self.guesses.take(network(from), GUESSES_PER_MINUTE, now);
    }
}

// === impl Buckets ===

impl<Key: Eq + Hash> Buckets<Key> {
    /// Takes one out, or says in how many seconds there will be one.
    fn take(&self, key: Key, per_minute: u32, now: Duration) -> Result<(), u64> {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= BUCKETS_MAX && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= BUCKETS_MAX {
                return Ok(());
            }
        }
        let at = full_at.entry(key).or_insert(now);
        let next = (*at).max(now).saturating_add(step(per_minute));
        admit(next, now)?;
        *at = next;
        Ok(())
    }

    fn peek(&self, key: &Key, per_minute: u32, now: Duration) -> Result<(), u64> {
        let full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = full_at.get(key).copied().unwrap_or(now).max(now);
        admit(at.saturating_add(step(per_minute)), now)
    }
}

/// How long one request takes to be forgotten.
fn step(per_minute: u32) -> Duration {
    WINDOW.checked_div(per_minute).unwrap_or(WINDOW)
}

/// A bucket that would be full only after a whole window is empty now.
fn admit(full_at: Duration, now: Duration) -> Result<(), u64> {
    let over = full_at.saturating_sub(now).saturating_sub(WINDOW);
    if over.is_zero() { Ok(()) } else { Err(over.as_secs().saturating_add(1)) }
}

/// Whoever has one address of IPv6 has its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: TokenId = TokenId::new([1; 16]);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_has_a_minute_of_requests_at_once_and_then_its_rate() {
        let limits = Limits::new(60);
        let passed = |now| (0..1000).take_while(|_| limits.request(TOKEN, now).is_ok()).count();
        assert_eq!(passed(seconds(1000)), 60);
        assert_eq!(passed(seconds(1000)), 0);
        assert_eq!(passed(seconds(1003)), 3);
        assert_eq!(passed(seconds(2000)), 60);
    }

    #[test]
    fn the_time_to_wait_is_told_and_is_enough() {
        let limits = Limits::new(2);
        let now = seconds(10);
        let retry = || match limits.request(TOKEN, now) {
            Err(Refusal::TooFast { retry_after_seconds }) => Some(retry_after_seconds),
            _ => None,
        };
        assert_eq!([retry(), retry(), retry()], [None, None, Some(31)]);
        assert!(limits.request(TOKEN, seconds(41)).is_ok());
    }

    #[test]
    fn one_token_does_not_pay_for_another() {
        let limits = Limits::new(1);
        assert!(limits.request(TOKEN, seconds(0)).is_ok());
        assert!(limits.request(TOKEN, seconds(0)).is_err());
        assert!(limits.request(TokenId::new([2; 16]), seconds(0)).is_ok());
    }

    #[test]
    fn guesses_close_the_door_to_their_network() {
        let limits = Limits::new(60);
        let from = |text: &str| Some(text.parse().unwrap());
        for _ in 0..GUESSES_PER_MINUTE {
            limits.guessed(from("2001:db8::1"), seconds(5));
        }
        assert!(limits.may_try(from("2001:db8::ffff"), seconds(5)).is_err());
        assert!(limits.may_try(from("2001:db8:0:1::1"), seconds(5)).is_ok());
        assert!(limits.may_try(from("192.0.2.1"), seconds(5)).is_ok());
        assert!(limits.may_try(None, seconds(5)).is_ok());
        assert!(limits.may_try(from("2001:db8::1"), seconds(70)).is_ok());
    }

    #[test]
    fn a_full_table_locks_nobody_out_and_empties_with_time() {
        let buckets = Buckets(Mutex::new(HashMap::new()));
        for key in 0..BUCKETS_MAX + 5 {
            assert_eq!(buckets.take(key, 1, seconds(0)), Ok(()));
        }
        assert_eq!(buckets.take(BUCKETS_MAX + 1, 1, seconds(0)), Ok(()), "not counted");
        assert_eq!(buckets.take(0, 1, seconds(0)), Err(61));
        assert_eq!(buckets.take(BUCKETS_MAX + 1, 1, seconds(120)), Ok(()));
        assert_eq!(buckets.0.lock().unwrap().len(), 1);
    }
}
