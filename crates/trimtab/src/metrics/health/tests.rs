use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use trimtab_health::{MemberHealth, Observation, PoolHealth, State, UP};
use trimtab_live::{CheckHealth, Clocks, Hosting, Publisher, Settings, Start};
use trimtab_model::balancer::Scope;
use trimtab_model::{self as model, AccountId, BalancerId, HealthCheckId, Moment, PoolId, ZoneId};
use trimtab_steer::{Balancer, Site};

use super::*;

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const ZONE: ZoneId = ZoneId::new([2; 16]);

#[derive(Debug)]
struct Scraped(Snapshot);

impl Collector for Scraped {
    fn encode(&self, mut to: DescriptorEncoder) -> fmt::Result {
        encode(&self.0, Timestamp::default(), &mut to)
    }
}

fn endpoint(state: State) -> EndpointHealth {
    let seen = Observation { state, ..Observation::unknown(Moment::default()) };
    let member = MemberHealth::alone(state.into(), [("FRA".parse().unwrap(), seen)].into());
    EndpointHealth::judge([member].into(), None)
}

fn pool(number: u8) -> Option<Arc<Pool>> {
    let config = model::Pool {
        id: PoolId::new([number; 16]),
        name: "twin".into(),
        origins: vec![model::Origin { name: "a".into(), ..trimtab_testkit::origin() }],
        ..trimtab_testkit::pool()
    };
    Some(Arc::new(Pool::build(&config, PoolHealth::unprobed([endpoint(UP)].into()))))
}

fn balancer(number: u8, scope: Scope) -> Option<Arc<Balancer>> {
    let config = model::Balancer {
        id: BalancerId::new([number; 16]),
        scope,
        name: "www.example.com".parse().unwrap(),
        ..trimtab_testkit::balancer()
    };
    Balancer::build(&config, |_| Some(PoolSlot(0))).map(Arc::new)
}

fn check() -> Arc<CheckHealth> {
    Arc::new(CheckHealth {
        account: ACCOUNT,
        zone: ZONE,
        zone_name: "example.com".parse().unwrap(),
        name: "gateway".into(),
        address: "192.0.2.1".into(),
        suspended: false,
        health: PoolHealth::unprobed([endpoint(UP)].into()),
    })
}

#[test]
fn every_series_is_there_once_whatever_things_are_called() {
    let settings = Settings {
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        observers: Vec::new(),
        node: Arc::new(trimtab_dns::Node::new()),
        hosting: Hosting {
            nameservers: vec!["ns1.example.net".parse().unwrap()],
            hostmaster: None,
            seed: trimtab_dns::Seed(1),
        },
        saved_to: None,
    };
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    let start = Start { geo, saved: None, clocks: Clocks::now() };
    let mut snapshot = Publisher::new(settings, start, mpsc::channel(1).0).snapshot();
    snapshot.world.pools = Arc::new(vec![pool(5), pool(6)]);
    let balancers = [balancer(7, Scope::Zone(ZONE)), balancer(8, Scope::Account(ACCOUNT))];
    snapshot.world.balancers = Arc::new(balancers.to_vec());
    let checks = [3, 4].map(|number| (HealthCheckId::new([number; 16]), check()));
    snapshot.checks = Arc::new(checks.into());
    let mut registry = Registry::with_prefix("trimtab");
    registry.register_collector(Box::new(Scraped(snapshot)));
    let mut scraped = String::new();
    text::encode(&mut scraped, &registry).unwrap();
    let rows = scraped.lines().filter(|line| !line.starts_with('#'));
    let series: Vec<&str> = rows.map(|row| row.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(series.len(), series.iter().collect::<BTreeSet<_>>().len(), "{scraped}");
    let id = "03".repeat(16);
    let labels = format!("check=\"gateway\",zone=\"example.com\",check_id=\"{id}\"");
    for told in [
        format!("trimtab_health_check_up{{{labels}}} 1"),
        format!("trimtab_pool_up{{pool=\"twin\",pool_id=\"{}\"}} 1", "05".repeat(16)),
    ] {
        assert!(scraped.contains(&told), "{told} is not in {scraped}");
    }
    assert!(scraped.contains("trimtab_lb_status{lb=\"www.example.com\","));
}
