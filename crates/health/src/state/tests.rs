use super::*;
use Passed::{Fail, Pass};
use State::{Down, Unknown, Up};

#[test]
fn semantics_2_every_state_and_outcome() {
    let limits = Thresholds::new(2, 3);
    let one_fail = Up { fails: 1, passes: 0 };
    for (state, outcome, want) in [
        (Unknown, Pass, UP),
        (Unknown, Fail, Down { passes: 0 }),
        (UP, Pass, UP),
        (UP, Fail, one_fail),
        (one_fail, Pass, UP),
        (one_fail, Fail, Down { passes: 0 }),
        (Down { passes: 0 }, Fail, Down { passes: 0 }),
        (Down { passes: 0 }, Pass, Down { passes: 1 }),
        (Down { passes: 1 }, Pass, Down { passes: 2 }),
        (Down { passes: 1 }, Fail, Down { passes: 0 }),
        (Down { passes: 2 }, Pass, UP),
        (Down { passes: 2 }, Fail, Down { passes: 0 }),
    ] {
        assert_eq!(state.after(outcome, limits), want, "{state:?} after {outcome:?}");
    }
}

#[test]
fn every_state_and_outcome_where_fails_are_forgiven_after_several_passes() {
    let pace = Pace { consecutive_down: 3, forgive_after: Some(2), ..Pace::default() };
    let limits = Thresholds::of(&pace);
    let up = |fails, passes| Up { fails, passes };
    for (state, outcome, want) in [
        (UP, Pass, UP),
        (UP, Fail, up(1, 0)),
        (up(1, 0), Pass, up(1, 1)),
        (up(1, 1), Pass, UP),
        (up(1, 1), Fail, up(2, 0)),
        (up(2, 0), Pass, up(2, 1)),
        (up(2, 1), Fail, Down { passes: 0 }),
        (up(2, 0), Fail, Down { passes: 0 }),
        (up(2, 1), Pass, UP),
    ] {
        assert_eq!(state.after(outcome, limits), want, "{state:?} after {outcome:?}");
    }
}

#[test]
fn an_endpoint_that_fails_every_other_time_goes_down_only_where_fails_leak() {
    let after = |forgive_after| {
        let pace = Pace { consecutive_down: 3, forgive_after, ..Pace::default() };
        let flapping = [Pass, Fail].into_iter().cycle().take(6);
        flapping.fold(Unknown, |state, outcome| state.after(outcome, Thresholds::of(&pace)))
    };
    assert_eq!(after(None), Up { fails: 1, passes: 0 });
    assert!(!after(Some(2)).is_up());
}

#[test]
fn semantics_2_a_threshold_of_zero_is_one() {
    let limits = Thresholds::new(0, 0);
    assert_eq!(UP.after(Fail, limits), Down { passes: 0 });
    assert_eq!(Down { passes: 0 }.after(Pass, limits), UP);
}

#[test]
fn probes_to_flip_count_down_with_the_streak() {
    let limits = Thresholds::new(3, 2);
    for (state, want) in [
        (Unknown, 1),
        (UP, 3),
        (Up { fails: 2, passes: 0 }, 1),
        (Down { passes: 0 }, 2),
        (Down { passes: 1 }, 1),
    ] {
        assert_eq!(state.probes_to_flip(limits), want, "{state:?}");
    }
}

#[test]
fn since_moves_only_when_the_state_flips() {
    let limits = Thresholds::new(2, 1);
    let at = |seconds| Moment::default() + Duration::from_secs(seconds);
    let fail = Outcome::fail(FailureReason::TcpTimeout, 0, None);
    let pass = Outcome::pass(200, Duration::from_millis(5));
    let seen = Observation::unknown(at(0)).after(pass, limits, at(1));
    let still_up = seen.clone().after(fail, limits, at(2));
    let down = still_up.clone().after(fail, limits, at(3));
    assert_eq!([seen.since, still_up.since, down.since], [at(1), at(1), at(3)]);
    assert_eq!([seen.seen, still_up.seen, down.seen], [at(1), at(2), at(3)]);
    assert_eq!(down.rtt, seen.rtt, "a fail does not move the round-trip time");
}
