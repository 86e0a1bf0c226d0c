use super::*;

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
        let schedule = Schedule { phase: at(500), interval: Duration::from_secs(10), limits };
        let seen = Observation { state: State::Up { fails: 0 }, ..Observation::unknown(start) };
        let pop = "FRA".parse().unwrap();
        let endpoint = EndpointHealth {
            verdict: Verdict::Up,
            since: None,
            observers: Box::new([(pop, seen)]),
        };
        let pool = PoolHealth::new(Box::new([endpoint]), std::iter::once(true), 1, schedule);
        assert_eq!(pool.soonest_flip_of(&pool.endpoints[0], at(now)), pool.soonest_flip(at(now)));
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
fn a_verdict_that_stays_keeps_its_time() {
    let start = Moment::default();
    let later = start + Duration::from_secs(5);
    let judge = |state, since, before: Option<&EndpointHealth>| {
        let seen = Observation { state, ..Observation::unknown(since) };
        let pop = "FRA".parse().unwrap();
        let vote = Vote { region: trimtab_model::Region::Weu, state };
        EndpointHealth::judge(Box::new([(pop, seen)]), &[vote], Rule::Regions, before)
    };
    let up = judge(State::Up { fails: 0 }, start, None);
    let still = judge(State::Up { fails: 1 }, later, Some(&up));
    let down = judge(State::Down { passes: 0 }, later, Some(&still));
    assert_eq!([up.since, still.since, down.since], [Some(start), Some(start), Some(later)]);
}

#[test]
fn semantics_27_the_end_of_an_ejection_and_the_next_probe_bound_what_holds() {
    let at = |seconds| Moment::default() + Duration::from_secs(seconds);
    let ejected = |until| EndpointHealth {
        verdict: Verdict::Ejected { until: at(until) },
        ..EndpointHealth::unmonitored()
    };
    let seen = Observation { state: State::Up { fails: 0 }, ..Observation::unknown(at(0)) };
    let seen = || -> Box<[(Pop, Observation)]> { Box::new([("FRA".parse().unwrap(), seen)]) };
    let probed = |endpoint| EndpointHealth { observers: seen(), ..endpoint };
    let endpoints = || [ejected(130), EndpointHealth::unmonitored(), ejected(120)];
    let unprobed = PoolHealth::unprobed(Box::new(endpoints()));
    assert_eq!(unprobed.status, PoolStatus::Unknown);
    let limits = Thresholds::new(3, 3);
    let schedule = Schedule { phase: at(0), interval: Duration::from_secs(15), limits };
    let probed = Box::new(endpoints().map(probed));
    let probed = PoolHealth::new(probed, [true; 3].into_iter(), 1, schedule);
    let check = |pool: &PoolHealth, now: u64, want: [u64; 2]| {
        let waits = [pool.soonest_flip(at(now)), pool.soonest_flip_of(&pool.endpoints[0], at(now))];
        assert_eq!(waits.map(Wait::as_secs), want, "at {now}");
    };
    check(&unprobed, 100, [20, 30]);
    check(&unprobed, 121, [0, 9]);
    // One probe that passes is enough, whatever the thresholds.
    check(&probed, 100, [5, 5]);
    check(&probed, 118, [2, 2]);
}
