use std::time::Duration;

use trimtab_model::group::Role;
use trimtab_model::{MonitorId, Pop};

use super::*;
use crate::{MemberHealth, Observation, Schedule, State, Thresholds, UP};

fn alone(schedule: Schedule) -> Box<[Probing]> {
    Box::new([Probing::alone(MonitorId::new([1; 16]), schedule)])
}

fn seen_by_fra(state: State) -> Box<[MemberHealth]> {
    let seen = Observation { state, ..Observation::unknown(Moment::default()) };
    let observers: Box<[(Pop, Observation)]> = Box::new([("FRA".parse().unwrap(), seen)]);
    Box::new([MemberHealth::alone(Verdict::from(state), observers)])
}

fn status(text: &str, minimum_origins: u32) -> PoolStatus {
    let endpoints = text.chars().map(|letter| Counted {
        enabled: letter != 'x',
        verdict: match letter {
            'u' => Verdict::Up,
            'd' | 'x' => Verdict::Down,
            '?' => Verdict::Unknown,
            _ => Verdict::Unmonitored,
        },
    });
    PoolStatus::of(endpoints, minimum_origins)
}

#[test]
fn semantics_6_pool_status_counts_enabled_endpoints_against_the_minimum() {
    for (endpoints, minimum, want) in [
        ("uu", 1, PoolStatus::Healthy),
        ("ud", 1, PoolStatus::Degraded),
        ("ud", 2, PoolStatus::Critical),
        ("dd", 1, PoolStatus::Critical),
        ("dd", 0, PoolStatus::Critical),
        ("ux", 1, PoolStatus::Healthy),
        ("xx", 1, PoolStatus::Unknown),
        ("??", 1, PoolStatus::Unknown),
        ("u?", 1, PoolStatus::Degraded),
        ("--", 1, PoolStatus::Unknown),
        ("uu", 3, PoolStatus::Critical),
        ("", 1, PoolStatus::Unknown),
    ] {
        assert_eq!(status(endpoints, minimum), want, "{endpoints:?} of which {minimum}");
    }
}

#[test]
fn semantics_5_unknown_is_down_and_unmonitored_is_not() {
    let serves = [Verdict::Up, Verdict::Unmonitored, Verdict::Unknown, Verdict::Down];
    assert_eq!(serves.map(Verdict::serves), [true, true, false, false]);
}

#[test]
fn semantics_27_the_soonest_flip_is_the_probe_that_could_decide() {
    let start = Moment::default();
    let at = |millis| start + Duration::from_millis(millis);
    let check = |consecutive_down: u32, now: u64, want: u64| {
        let limits = Thresholds::new(consecutive_down, 1);
        let schedule = Schedule::new(at(500), Duration::from_secs(10), limits);
        let endpoint = EndpointHealth::judge(seen_by_fra(UP), None);
        let endpoints: Box<[EndpointHealth]> = Box::new([endpoint]);
        let pool = PoolHealth::new(endpoints, std::iter::once(true), 1, alone(schedule));
        assert_eq!(pool.soonest_flip_of(0, at(now)), pool.soonest_flip(at(now)));
        assert_eq!(
            pool.soonest_flip(at(now)).duration().map(|wait| at(now) + wait),
            Some(at(want)),
            "{consecutive_down} at {now}"
        );
    };
    check(1, 0, 500);
    check(1, 500, 10_500);
    check(1, 600, 10_500);
    check(1, 10_499, 10_500);
    check(3, 600, 30_500);
    assert_eq!(PoolHealth::unmonitored(1).soonest_flip(start), Wait::FOREVER);
}

#[test]
fn semantics_27_the_end_of_an_ejection_and_the_next_probe_bound_what_holds() {
    let at = |seconds| Moment::default() + Duration::from_secs(seconds);
    let ejected = |until| EndpointHealth {
        verdict: Verdict::Ejected { until: at(until) },
        ..EndpointHealth::unmonitored()
    };
    let probed = |endpoint| EndpointHealth { members: seen_by_fra(UP), ..endpoint };
    let endpoints = || [ejected(130), EndpointHealth::unmonitored(), ejected(120)];
    let unprobed = PoolHealth::unprobed(Box::new(endpoints()));
    assert_eq!(unprobed.status, PoolStatus::Unknown);
    let limits = Thresholds::new(3, 3);
    let schedule = Schedule::new(at(0), Duration::from_secs(15), limits);
    let probed = Box::new(endpoints().map(probed));
    let probed = PoolHealth::new(probed, [true; 3].into_iter(), 1, alone(schedule));
    let check = |pool: &PoolHealth, now: u64, want: [u64; 2]| {
        let waits = [pool.soonest_flip(at(now)), pool.soonest_flip_of(0, at(now))];
        assert_eq!(waits.map(Wait::as_secs), want, "at {now}");
    };
    check(&unprobed, 100, [20, 30]);
    check(&unprobed, 121, [0, 9]);
    // One probe that passes is enough, whatever the thresholds.
    check(&probed, 100, [5, 5]);
    check(&probed, 118, [2, 2]);
}

#[test]
fn semantics_27_a_state_about_to_change_is_probed_faster_and_held_for_less() {
    let at = |seconds| Moment::default() + Duration::from_secs(seconds);
    let fast = Some(Duration::from_secs(5));
    let schedule = Schedule::new(at(0), Duration::from_secs(60), Thresholds::new(3, 3));
    let check = |state, now: u64, want: u64| {
        let endpoints: Box<[EndpointHealth]> =
            Box::new([EndpointHealth::judge(seen_by_fra(state), None)]);
        let probings = alone(Schedule { fast, ..schedule });
        let pool = PoolHealth::new(endpoints, std::iter::once(true), 1, probings);
        let waits = [pool.soonest_flip(at(now)), pool.soonest_flip_of(0, at(now))];
        assert_eq!(waits.map(Wait::as_secs), [want; 2], "{state:?} at {now}");
    };
    check(UP, 61, 59 + 10);
    check(State::Up { fails: 1, passes: 0 }, 61, 4 + 5);
    check(State::Up { fails: 2, passes: 0 }, 61, 4);
    check(State::Down { passes: 0 }, 61, 59 + 10);
    check(State::Down { passes: 1 }, 61, 4 + 5);
}

#[test]
fn semantics_27_any_monitor_of_a_group_bounds_what_holds_but_one_that_only_watches() {
    let at = |seconds| Moment::default() + Duration::from_secs(seconds);
    let probing = |role, interval| {
        let limits = Thresholds::new(1, 1);
        let schedule = Schedule::new(at(0), Duration::from_secs(interval), limits);
        Probing { role, ..Probing::alone(MonitorId::new([1; 16]), schedule) }
    };
    let seen = |role| MemberHealth { role, ..seen_by_fra(UP)[0].clone() };
    let roles = [(Role::Voter, 60), (Role::Critical, 30), (Role::Witness, 5)];
    let endpoint = EndpointHealth::judge(roles.map(|(role, _)| seen(role)).into(), None);
    let probings = roles.map(|(role, interval)| probing(role, interval)).into();
    let pool = PoolHealth::new(Box::new([endpoint]), std::iter::once(true), 1, probings);
    let waits = [pool.soonest_flip(at(1)), pool.soonest_flip_of(0, at(1))];
    assert_eq!(waits.map(Wait::as_secs), [29; 2]);
}
