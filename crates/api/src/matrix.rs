//! The matrix of health: what stands in the snapshot, told place by place.

use std::time::Duration;

use trimtab_api_types::number::Number;
use trimtab_api_types::v1::matrix::{
    BalancerHealth, BalancerPool, Evidence, EvidencePhase, MatrixMonitor, MatrixOrigin,
    MatrixPlace, MatrixPool, MatrixRegion,
};
use trimtab_health::{
    self as health, EndpointHealth, FailureReason, MemberHealth, Observation, Probing, Rule,
    Verdict,
};
use trimtab_live::{Job, Snapshot};
use trimtab_model::group::Role;
use trimtab_model::{Balancer, Moment, Pool, PoolId, Pop, Timestamp};
use trimtab_steer::pool::Usable;
use trimtab_steer::{self as steer, Endpoint};

use crate::explain::evidence::{millis, ruling, state_word};
use crate::health::Clocks;

/// The pool as it is; None while it is not live yet.
pub(crate) fn of_pool(world: &Snapshot, config: &Pool, now: Clocks) -> Option<MatrixPool> {
    let live = crate::health::find(world, config.id)?.1;
    let rule = Rule::of(&config.watch);
    let endpoints = live.endpoints.iter().zip(&live.health.endpoints);
    Some(MatrixPool {
        id: config.id,
        name: config.name.clone(),
        enabled: config.enabled,
        status: live.health.status.word(),
        usable: live.usable == Usable::Yes,
        why_not: (live.usable != Usable::Yes).then(|| live.usable.text()),
        rule: rule.text(),
        checks_per_minute: Number(checks_per_minute(world, config.id)),
        places: places(world, config.id),
        origins: endpoints.map(|(of, seen)| origin(live, of, seen, now)).collect(),
    })
}

/// None while it is not live yet.
pub(crate) fn of_balancer(world: &Snapshot, config: &Balancer) -> Option<BalancerHealth> {
    let mut live = world.world.balancers.iter().flatten();
    let live = live.find(|balancer| balancer.id == config.id)?;
    let pools = live.pools.iter().filter_map(|slot| world.world.pool(*slot));
    let pool = |pool: &steer::Pool| BalancerPool {
        id: pool.id,
        name: pool.name.to_string(),
        usable: pool.usable == Usable::Yes,
        why_not: (pool.usable != Usable::Yes).then(|| pool.usable.text()),
    };
    Some(BalancerHealth {
        id: live.id,
        name: live.name.to_string(),
        enabled: live.enabled,
        status: live.status(&world.world).word(),
        pools: pools.map(|of| pool(of)).collect(),
    })
}

/// Of each endpoint, by all places and monitors together.
pub(crate) fn checks_per_minute(world: &Snapshot, pool: PoolId) -> f64 {
    let jobs = world.jobs.iter().filter(|job| job.pool == pool);
    jobs.map(|job| job_checks_per_minute(job, job.schedule.interval)).sum()
}

/// Of each endpoint, by all places of a job, if they checked this often.
pub(crate) fn job_checks_per_minute(job: &Job, every: Duration) -> f64 {
    let places = u32::try_from(job.observers.len()).unwrap_or(u32::MAX);
    60.0 / every.as_secs_f64() * f64::from(places)
}

fn places(world: &Snapshot, pool: PoolId) -> Vec<String> {
    let jobs = world.jobs.iter().filter(|job| job.pool == pool);
    let mut places: Vec<Pop> = jobs.flat_map(|job| job.observers.iter().copied()).collect();
    places.sort_unstable();
    places.dedup();
    places.iter().map(Pop::to_string).collect()
}

fn origin(pool: &steer::Pool, of: &Endpoint, seen: &EndpointHealth, now: Clocks) -> MatrixOrigin {
    let members = pool.health.probings.iter().zip(&seen.members);
    MatrixOrigin {
        name: of.name.to_string(),
        address: of.address.to_string(),
        port: of.port,
        enabled: of.enabled,
        state: state_word(seen.verdict),
        since: seen.since.map(|since| now.timestamp_of(since)),
        failure_reason: seen.outcome().0.word(),
        because: because(seen, now.monotonic),
        ruling: seen.ruling.as_deref().map(|said| ruling(said, now.monotonic)),
        monitors: members.map(|(probing, seen)| monitor(probing, seen, now)).collect(),
    }
}

/// How the votes became the state.
fn because(seen: &EndpointHealth, now: Moment) -> String {
    if let Some(ruling) = &seen.ruling {
        return ruling.text();
    }
    if let Some(until) = seen.ejected_until() {
        let left = until.saturating_duration_since(now).as_secs();
        return format!("requests failed, and it is left out for another {left} s");
    }
    match &*seen.members {
        [] => "no monitor is attached".into(),
        [alone] => votes(alone),
        members => group(members),
    }
}

fn group(members: &[MemberHealth]) -> String {
    let voting = || members.iter().filter(|member| member.role != Role::Witness);
    let count = |said: Verdict| voting().filter(|member| member.verdict == said).count();
    let must = voting().find(|it| it.role == Role::Critical && it.verdict != Verdict::Up);
    match must {
        Some(must) if must.verdict == Verdict::Down => {
            "a monitor that must be healthy fails".into()
        }
        Some(_) => "a monitor that must be healthy has no result yet".into(),
        None => format!(
            "{} of {} monitors that know fail, and more than half must",
            count(Verdict::Down),
            count(Verdict::Down).saturating_add(count(Verdict::Up)),
        ),
    }
}

fn votes(of: &MemberHealth) -> String {
    let of_region = |it: &health::RegionCount| format!("{} {} of {}", it.region, it.up, it.all);
    let told: Vec<String> = of.regions.iter().map(of_region).collect();
    if told.is_empty() {
        return "no place has a result yet".into();
    }
    format!("up by region: {}", told.join(", "))
}

fn monitor(probing: &Probing, seen: &MemberHealth, now: Clocks) -> MatrixMonitor {
    let region = |of: &health::RegionCount| MatrixRegion {
        region: of.region.to_string(),
        up: of.up,
        of: of.all,
    };
    MatrixMonitor {
        id: probing.monitor,
        role: match probing.role {
            Role::Critical => "must_be_healthy",
            Role::Voter => "votes",
            Role::Witness => "monitoring_only",
        },
        state: state_word(seen.verdict),
        regions: seen.regions.iter().map(region).collect(),
        places: seen.observers.iter().map(|(pop, seen)| place(*pop, seen, now)).collect(),
    }
}

fn place(pop: Pop, seen: &Observation, now: Clocks) -> MatrixPlace {
    MatrixPlace {
        pop: pop.to_string(),
        state: state_word(Verdict::from(seen.state)),
        since: now.timestamp_of(seen.since),
        seen: now.timestamp_of(seen.seen),
        failure_reason: seen.last.map_or(FailureReason::None, |last| last.reason).word(),
        response_code: seen.last.map_or(0, |last| last.response_code),
        rtt_ms: seen.rtt.map(|rtt| millis(rtt.value())),
        evidence: seen.evidence.as_deref().map(evidence),
    }
}

pub(crate) fn evidence(of: &health::Evidence) -> Evidence {
    Evidence {
        error: of.error.to_string(),
        tries: of.tries,
        phases: of
            .phases
            .iter()
            .map(|(name, took)| EvidencePhase { name: (*name).into(), ms: millis(*took) })
            .collect(),
        answer: of.answer.escape_ascii().to_string(),
        repeat: of.repeat.to_string(),
    }
}

// === impl Clocks ===

impl Clocks {
    /// What the wall clock said or will say then.
    fn timestamp_of(&self, at: Moment) -> Timestamp {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let ahead = micros(at.saturating_duration_since(self.monotonic));
        let behind = micros(self.monotonic.saturating_duration_since(at));
        Timestamp::from_micros(self.wall.micros().saturating_add(ahead).saturating_sub(behind))
    }
}
