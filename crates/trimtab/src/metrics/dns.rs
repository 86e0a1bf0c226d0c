//! Numbers of the name server and of its decisions.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use trimtab_dns::Rcode;
use trimtab_dns_server::Counted;
use trimtab_dns_server::counters::TYPES;
use trimtab_live::Snapshot;
use trimtab_model::balancer::SteeringPolicy;
use trimtab_proxy::Tally;
use trimtab_proxy::tally::Known;
use trimtab_steer::why::PoolChoice;
use trimtab_steer::{Balancer, Pool};

use super::{Labels, counters};

pub(super) fn encode(counted: &Counted, to: &mut DescriptorEncoder) -> fmt::Result {
    let one = |key: &'static str, value: &str| vec![(key, value.to_owned())];
    let [udp, tcp] = counted.queries;
    let requests = [(one("proto", "udp"), udp), (one("proto", "tcp"), tcp)];
    counters(to, "dns_requests", "queries received", requests)?;
    let types = TYPES.iter().map(|&(_, name)| name).chain(["other"]).zip(counted.by_type);
    let types = types.map(|(name, count)| (one("type", name), count));
    counters(to, "dns_queries_answered", "answers by type of question", types)?;
    let rcodes = Rcode::ALL.iter().zip(counted.by_rcode);
    let rcodes = rcodes.map(|(rcode, count)| (one("rcode", rcode.word()), count));
    counters(to, "dns_responses", "answers by response code", rcodes)?;
    let with = counted.with_subnet;
    let without = counted.by_rcode.iter().sum::<u64>().saturating_sub(with);
    let subnets = [(one("present", "yes"), with), (one("present", "no"), without)];
    counters(to, "dns_ecs_requests", "answered queries with a client subnet", subnets)?;
    let truncated = [(vec![], counted.truncated)];
    counters(to, "dns_truncated", "answers that did not fit and say so", truncated)?;
    let dropped = [
        (one("reason", "malformed"), counted.dropped),
        (one("reason", "send_failed"), counted.send_failed),
        (one("reason", "receive_failed"), counted.receive_failed),
    ];
    counters(to, "dns_dropped", "queries without an answer", dropped)?;
    counters(to, "dns_panics", "batches lost to a defect", [(vec![], counted.panics)])
}

/// Of both: what was decided for queries, and for proxied requests.
pub(super) fn decisions(
    counted: &Counted,
    proxied: &Tally,
    snapshot: &Snapshot,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let world = &snapshot.world;
    let of_dns = counted.decisions.iter().map(|(key, count)| {
        let pool = key.pool.and_then(|slot| world.pool(slot)).map(|pool| &**pool);
        let balancer = world.balancer(key.balancer).map(|balancer| &**balancer);
        (decision(balancer, pool, key.policy, key.chosen, snapshot), *count)
    });
    let known = Known::of(world);
    let of_http = proxied.requests.iter().filter_map(|(key, count)| {
        let pool = key.pool.and_then(|hash| known.pool(hash));
        let balancer = Some(known.balancer(key.balancer)?);
        Some((decision(balancer, pool, key.policy, key.chosen, snapshot), *count))
    });
    let mut sums: BTreeMap<Labels, u64> = BTreeMap::new();
    for (labels, count) in of_dns.chain(of_http) {
        *sums.entry(labels).or_default() += count;
    }
    counters(to, "lb_decisions", "answers of balancers, and requests that they sent on", sums)
}

/// Balancers and pools by name; one deleted since is named by nothing.
fn decision(
    balancer: Option<&Balancer>,
    pool: Option<&Pool>,
    policy: SteeringPolicy,
    chosen: PoolChoice,
    snapshot: &Snapshot,
) -> Labels {
    vec![
        ("lb", balancer.map(|balancer| balancer.name.to_string()).unwrap_or_default()),
        ("pool", pool.map(|pool| pool.name.to_string()).unwrap_or_default()),
        ("pop", snapshot.world.site.pop.to_string()),
        ("policy", policy.word().to_owned()),
        ("reason", chosen.label().to_owned()),
    ]
}
