//! Who is counted, found by what counts are kept by.

use hashbrown::HashMap;
use trimtab_model::BalancerId;
use trimtab_steer::{Balancer, Endpoint, Pool, World};

use super::EndpointKey;

/// The balancers and pools of one moment.
#[derive(Debug)]
pub struct Known<'a> {
    balancers: HashMap<BalancerId, &'a Balancer>,
    pools: HashMap<u64, &'a Pool>,
}

// === impl Known ===

impl<'a> Known<'a> {
    pub fn of(world: &'a World) -> Known<'a> {
        let balancers = world.balancers.iter().flatten();
        Known {
            balancers: balancers.map(|balancer| (balancer.id, &**balancer)).collect(),
            pools: pools(world.pools.iter().flatten().map(|pool| &**pool)),
        }
    }

    pub fn balancer(&self, id: BalancerId) -> Option<&'a Balancer> {
        self.balancers.get(&id).copied()
    }

    pub fn pool(&self, hash: u64) -> Option<&'a Pool> {
        self.pools.get(&hash).copied()
    }

    /// With its pool. Where the list has another one at its place now, it is the first at the same address.
    pub fn endpoint(&self, key: EndpointKey) -> Option<(&'a Pool, &'a Endpoint)> {
        let pool = self.pool(key.pool)?;
        let is_it = |endpoint: &&Endpoint| endpoint.hash == key.endpoint;
        let at = pool.endpoints.get(usize::from(key.index)).filter(is_it);
        Some((pool, at.or_else(|| pool.endpoints.iter().find(is_it))?))
    }
}

fn pools<'a>(all: impl Iterator<Item = &'a Pool>) -> HashMap<u64, &'a Pool> {
    all.map(|pool| (pool.hash, pool)).collect()
}

#[cfg(test)]
mod tests {
    use trimtab_health::PoolHealth;
    use trimtab_model as model;
    use trimtab_model::pool::{Address, Origin};

    use super::*;
    use crate::fault::Fault;
    use crate::tally::Tally;

    /// With endpoints of these names and addresses.
    fn pool(origins: &[(&str, &str)]) -> Pool {
        let origin = |&(name, address): &(&str, &str)| Origin {
            name: name.into(),
            address: Address::Ip(address.parse().unwrap()),
            ..trimtab_testkit::origin()
        };
        let origins: Vec<Origin> = origins.iter().map(origin).collect();
        let count = origins.len();
        let config = model::Pool { origins, ..trimtab_testkit::pool() };
        Pool::build(&config, PoolHealth::unmonitored(count))
    }

    fn key(pool: &Pool, index: u16) -> EndpointKey {
        let endpoint = pool.endpoints[usize::from(index)].hash;
        EndpointKey { pool: pool.hash, endpoint, index }
    }

    const A: (&str, &str) = ("a", "192.0.2.1");
    const B: (&str, &str) = ("b", "192.0.2.2");
    /// At the address of the first.
    const C: (&str, &str) = ("c", "192.0.2.1");

    #[test]
    fn an_endpoint_keeps_its_counts_wherever_it_is_in_the_list() {
        let check = |before: &[_], index, after: &[_], want: Option<&str>| {
            let after = pool(after);
            let known = Known { balancers: HashMap::new(), pools: pools([&after].into_iter()) };
            let found = known.endpoint(key(&pool(before), index));
            assert_eq!(found.map(|(_, endpoint)| &*endpoint.name), want);
        };
        check(&[A, B], 0, &[A, B], Some("a"));
        check(&[A, B], 0, &[B, A], Some("a"));
        check(&[A, B], 1, &[A], None);
        check(&[A, C], 1, &[A, C], Some("c"));
        check(&[A, C], 1, &[A], Some("a"));
    }

    #[test]
    fn what_is_no_more_is_forgotten() {
        let (before, after) = (pool(&[A, B]), pool(&[B]));
        let mut tally = Tally::default();
        tally.fault(key(&before, 0), Fault::Refused);
        tally.fault(key(&before, 1), Fault::Refused);
        tally.retry(BalancerId::new([1; 16]), Fault::Refused);
        tally.retain(&Known { balancers: HashMap::new(), pools: pools([&after].into_iter()) });
        let left: Vec<_> = tally.faults.into_keys().collect();
        assert_eq!(left, [(key(&before, 1), "refused")]);
        assert!(tally.retries.is_empty());
    }
}
