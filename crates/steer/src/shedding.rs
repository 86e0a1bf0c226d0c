//! Load shedding: the part of its requests that a pool hands on to the next one in the policy's order.

use trimtab_model::pool::ShedPolicy;
use trimtab_model::{self as model, PoolId};

use crate::client::Client;
use crate::dice::{Dice, hash_bytes};
use crate::persistence::Identity;
use crate::pool::hash_ip;

/// What a pool sheds of one kind of requests: those of sessions, or all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shedding {
    /// Of [`WHOLE`].
    parts: u32,
    pub policy: ShedPolicy,
    /// Gives each pool its own places in the hash space: what one sheds, the next one does not shed with it.
    seed: u64,
}

/// A percentage with four decimals.
const WHOLE: u32 = 1_000_000;

// === impl Shedding ===

impl Shedding {
    /// None for a pool that keeps everything.
    pub(crate) fn build(pool: &model::Pool) -> Option<Shedding> {
        let written = &pool.load_shedding;
        Shedding::new(written.default_percent, written.default_policy, pool.id)
    }

    /// Of sessions, which go by hash alone: one must not be torn apart.
    pub(crate) fn of_sessions(pool: &model::Pool) -> Option<Shedding> {
        Shedding::new(pool.load_shedding.session_percent, ShedPolicy::Hash, pool.id)
    }

    fn new(percent: f64, policy: ShedPolicy, pool: PoolId) -> Option<Shedding> {
        let parts = (percent * f64::from(WHOLE) / 100.0).round() as u32;
        (parts > 0).then_some(Shedding { parts, policy, seed: seed(pool) })
    }

    pub fn percent(&self) -> f64 {
        f64::from(self.parts) * 100.0 / f64::from(WHOLE)
    }

    /// By `random` each request draws anew; by `hash` a client's place in the hash space decides, the same
    /// for each of its requests, and so it is by either for a client that keeps its endpoint.
    pub(crate) fn sheds(
        &self,
        client: &Client<'_>,
        kept: Option<&Identity>,
        dice: &mut Dice,
    ) -> bool {
        let place = match (self.policy, kept) {
            (_, Some(identity)) => Dice::new(identity.place(self.seed)).below(WHOLE),
            (ShedPolicy::Random, None) => dice.below(WHOLE),
            (ShedPolicy::Hash, None) => {
                Dice::new(hash_ip(client.address(), self.seed)).below(WHOLE)
            }
        };
        place < self.parts
    }
}

fn seed(pool: PoolId) -> u64 {
    hash_bytes(pool.bytes(), 0)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::Wanted;

    const CLIENTS: u32 = 20_000;

    fn shedding(percent: f64, policy: ShedPolicy, pool: u8) -> Shedding {
        let parts = (percent * f64::from(WHOLE) / 100.0) as u32;
        Shedding { parts, policy, seed: seed(PoolId::new([pool; 16])) }
    }

    fn client(number: u32) -> Client<'static> {
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 | number));
        Client {
            name: b"",
            address,
            subnet: None,
            wanted: Wanted::A,
            load: None,
            session: false,
            http: None,
        }
    }

    /// The share of clients, within five standard deviations.
    fn check_share(what: &str, share: f64, holds: impl Fn(u32) -> bool) {
        let count = (0..CLIENTS).filter(|&number| holds(number)).count() as f64;
        let mean = f64::from(CLIENTS) * share;
        assert!((count - mean).abs() <= 5.0 * (mean * (1.0 - share)).sqrt(), "{what}: {count}");
    }

    #[test]
    fn semantics_19_hash_sheds_its_percentage_of_clients_and_always_the_same() {
        for percent in [0.0, 0.5, 20.0, 50.0, 99.0, 100.0] {
            let shedding = shedding(percent, ShedPolicy::Hash, 1);
            let sheds = |number, dice| shedding.sheds(&client(number), None, &mut Dice::new(dice));
            check_share(&percent.to_string(), percent / 100.0, |number| sheds(number, 1));
            assert!((0..500).all(|number| sheds(number, 1) == sheds(number, 2)), "{percent}");
        }
    }

    #[test]
    fn semantics_19_who_is_shed_by_one_pool_is_shed_by_the_next_as_often_as_others() {
        let pools = [1, 2].map(|pool| shedding(50.0, ShedPolicy::Hash, pool));
        let sheds = |number| pools.map(|pool| pool.sheds(&client(number), None, &mut Dice::new(1)));
        check_share("both", 0.25, |number| sheds(number) == [true, true]);
        check_share("the first", 0.25, |number| sheds(number) == [true, false]);
    }

    #[test]
    fn semantics_19_random_draws_anew_for_each_request() {
        for percent in [0.0, 0.5, 20.0, 100.0] {
            let shedding = shedding(percent, ShedPolicy::Random, 1);
            check_share(&percent.to_string(), percent / 100.0, |dice| {
                shedding.sheds(&client(7), None, &mut Dice::new(dice.into()))
            });
        }
    }
}
