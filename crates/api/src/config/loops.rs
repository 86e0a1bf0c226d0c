//! Loops: endpoints whose host name leads back to the pool or load balancer that answers with them.
//!
//! A name leads to the load balancer or the CNAME record that this node answers it with, a load balancer to the
//! host names in its pools. Only writes that add such a step are asked: a pool that gains a host name, a load
//! balancer that gets its name or gains a pool. The guards of the change hold until it is committed.

mod paths;

use std::collections::{BTreeMap, BTreeSet};

use trimtab_api_types::v1::balancer;
use trimtab_model::balancer::Scope;
use trimtab_model::pool::Address;
use trimtab_model::{Balancer, Name, Pool, PoolId, Problems};

use self::paths::Paths;
use super::Config;
use super::balancers::NamedPools;
use super::change::Change;
use super::monitors::refused;
use crate::errors::Error;

// === impl Config ===

impl Config {
    /// For a pool that is in the store already: nothing leads to one that is just being made.
    pub(super) async fn refuse_pool_loops(
        &self,
        change: &mut Change,
        current: &Pool,
        pool: &Pool,
    ) -> Result<(), Error> {
        let known: BTreeSet<&Name> = hosts(current).map(|(_, host)| host).collect();
        let gained: Vec<_> = hosts(pool).filter(|(_, host)| !known.contains(host)).collect();
        if gained.is_empty() {
            return Ok(());
        }
        let mut paths = Paths::read(self, change).await?;
        let mut problems = Problems::default();
        for (index, host) in gained {
            let is_back = |balancer: &Balancer| balancer.pools().contains(&pool.id);
            if let Some(path) = paths.back(change, host, is_back).await? {
                let place = format!("/origins/{index}/address");
                problems.add(place, format_args!("{host} {}", path.told("this pool")));
            }
        }
        problems.or(()).map_err(refused)
    }

    /// Private load balancers are not answered, so that nothing leads to them.
    pub(super) async fn refuse_balancer_loops(
        &self,
        change: &mut Change,
        current: Option<&Balancer>,
        balancer: &Balancer,
        named: &NamedPools,
    ) -> Result<(), Error> {
        let Scope::Zone(zone) = balancer.scope else { return Ok(()) };
        let known = current.filter(|current| current.name == balancer.name).map(Balancer::pools);
        let is_new = |id: &PoolId| known.as_ref().is_none_or(|known| !known.contains(id));
        let gained = named.iter().filter(|(id, _)| is_new(id)).map(|(_, stored)| &stored.value);
        let gained: Vec<_> = gained.filter(|pool| hosts(pool).next().is_some()).collect();
        if gained.is_empty() {
            return Ok(());
        }
        let mut paths = Paths::read(self, change).await?;
        paths.put(zone, current, balancer);
        let mut looping = BTreeMap::new();
        for pool in gained {
            for (_, host) in hosts(pool) {
                let is_back = |other: &Balancer| other.id == balancer.id;
                if let Some(path) = paths.back(change, host, is_back).await? {
                    let told = path.told("this load balancer");
                    looping
                        .insert(pool.id, format!("endpoint {host} of pool {:?} {told}", pool.name));
                    break;
                }
            }
        }
        at_each_mention(balancer, &looping).or(()).map_err(refused)
    }
}

fn at_each_mention(balancer: &Balancer, looping: &BTreeMap<PoolId, String>) -> Problems {
    let mut problems = Problems::default();
    for (pointer, pool) in balancer::pools(balancer) {
        if let Some(message) = looping.get(&pool) {
            problems.add(pointer, message);
        }
    }
    problems
}

/// Each with the place of its endpoint in the list.
fn hosts(pool: &Pool) -> impl Iterator<Item = (usize, &Name)> {
    pool.origins.iter().enumerate().filter_map(|(index, origin)| match &origin.address {
        Address::Ip(_) => None,
        Address::Host(name) => Some((index, name)),
    })
}
