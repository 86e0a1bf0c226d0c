//! The status of a balancer: what its pools make of it, whoever asks.

use crate::pool::Usable;
use crate::{Balancer, World};

/// What a balancer's page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancerStatus {
    /// Every pool may be used.
    Healthy,
    /// Some may not, and others carry the traffic.
    Degraded,
    /// None may: traffic is on the fallback pool.
    Critical,
}

// === impl BalancerStatus ===

impl BalancerStatus {
    pub const ALL: [BalancerStatus; 3] =
        [BalancerStatus::Healthy, BalancerStatus::Degraded, BalancerStatus::Critical];

    pub const fn word(self) -> &'static str {
        match self {
            BalancerStatus::Healthy => "healthy",
            BalancerStatus::Degraded => "degraded",
            BalancerStatus::Critical => "critical",
        }
    }
}

// === impl Balancer ===

impl Balancer {
    /// Pools of sets and rules count as the balancer's own: which of them a request goes to is up to who sends it.
    /// Pools that a person disabled do not count while there are others. The fallback pool counts where it is one of
    /// the others.
    pub fn status(&self, world: &World) -> BalancerStatus {
        let lists = self.candidates.iter().map(|candidate| candidate.pool);
        let lists = lists.chain(self.geo.pools()).chain(self.rules.pools());
        let usable = lists.filter_map(|slot| world.pool(slot)).map(|pool| pool.usable);
        let usable: Vec<Usable> = usable.filter(|usable| *usable != Usable::Disabled).collect();
        match usable.iter().filter(|usable| **usable == Usable::Yes).count() {
            0 => BalancerStatus::Critical,
            all if all == usable.len() => BalancerStatus::Healthy,
            _ => BalancerStatus::Degraded,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use trimtab_health::{EndpointHealth, PoolHealth, Verdict};
    use trimtab_model::balancer::{Overrides, PoolSet, PoolSetMatch, Rule, RuleAction};
    use trimtab_model::{self as model, PoolId};

    use super::*;
    use crate::{Pool, PoolSlot, Site};

    /// `u`p, `d`own, or `x` for disabled: a pool each.
    fn world(pools: &str) -> World {
        let pool = |(number, letter): (u8, char)| {
            let config = model::Pool {
                id: PoolId::new([number; 16]),
                enabled: letter != 'x',
                origins: vec![trimtab_testkit::origin()],
                ..trimtab_testkit::pool()
            };
            let verdict = if letter == 'd' { Verdict::Down } else { Verdict::Up };
            let endpoint = EndpointHealth { verdict, ..EndpointHealth::unmonitored() };
            Some(Arc::new(Pool::build(&config, PoolHealth::unprobed(Box::new([endpoint])))))
        };
        World {
            pools: Arc::new((1..).zip(pools.chars()).map(pool).collect()),
            balancers: Arc::default(),
            geo: Arc::new(trimtab_geo::Builder::empty().unwrap().build()),
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        }
    }

    fn ids(numbers: &[u8]) -> Vec<PoolId> {
        numbers.iter().map(|&number| PoolId::new([number; 16])).collect()
    }

    fn status(config: &model::Balancer, pools: &str) -> BalancerStatus {
        let slot = |id: PoolId| Some(PoolSlot(u32::from(id.bytes()[0]).saturating_sub(1)));
        Balancer::build(config, slot).unwrap().status(&world(pools))
    }

    #[test]
    fn semantics_7_pools_of_sets_and_rules_count_where_they_may_hold() {
        let check = |disabled, condition: &str, pools: &str, want: BalancerStatus| {
            let over = |pools: Overrides| RuleAction::Overrides(Box::new(pools));
            let set = PoolSet {
                name: String::new(),
                matches: PoolSetMatch::Default,
                disabled,
                action: over(Overrides { pools: Some(ids(&[2])), ..Overrides::default() }),
            };
            let region = ("WEU".parse().unwrap(), ids(&[3]));
            let map = Some([region].into_iter().collect());
            let rule = Rule {
                name: String::new(),
                condition: condition.into(),
                disabled,
                priority: 0,
                terminates: false,
                action: over(Overrides {
                    region_pools: map,
                    fallback_pool: Some(PoolId::new([4; 16])),
                    ..Overrides::default()
                }),
            };
            let steering = model::balancer::Steering {
                default_pools: ids(&[1]),
                fallback_pool: PoolId::new([4; 16]),
                ..trimtab_testkit::steering()
            };
            let (pool_sets, rules) = (vec![set], vec![rule]);
            let base = trimtab_testkit::balancer();
            let config = model::Balancer { steering, pool_sets, rules, ..base };
            assert_eq!(status(&config, pools), want, "{disabled} {condition:?} {pools}");
        };
        check(false, "", "uuuu", BalancerStatus::Healthy);
        check(false, "", "uuud", BalancerStatus::Healthy);
        check(false, "", "dudd", BalancerStatus::Degraded);
        check(false, "", "ddud", BalancerStatus::Degraded);
        check(false, "", "uddd", BalancerStatus::Degraded);
        check(false, "", "dddu", BalancerStatus::Critical);
        check(false, "no.such.field", "ddud", BalancerStatus::Critical);
        check(false, "no.such.field", "uudd", BalancerStatus::Healthy);
        check(true, "", "uddd", BalancerStatus::Healthy);
        check(true, "", "duuu", BalancerStatus::Critical);
    }

    #[test]
    fn semantics_7_a_balancer_is_what_its_pools_are() {
        let check = |pools: &str, want: BalancerStatus| {
            let all: Vec<u8> = (1..).zip(pools.chars()).map(|(number, _)| number).collect();
            let all = ids(&all);
            let steering = model::balancer::Steering {
                // The last is the fallback and nothing else.
                default_pools: all[..all.len() - 1].to_vec(),
                fallback_pool: all[all.len() - 1],
                ..trimtab_testkit::steering()
            };
            let config = model::Balancer { steering, ..trimtab_testkit::balancer() };
            assert_eq!(status(&config, pools), want, "{pools}");
        };
        check("uuu", BalancerStatus::Healthy);
        check("uud", BalancerStatus::Healthy);
        check("udu", BalancerStatus::Degraded);
        check("ddu", BalancerStatus::Critical);
        check("uxu", BalancerStatus::Healthy);
        check("dxu", BalancerStatus::Critical);
        check("xxu", BalancerStatus::Critical);
    }
}
