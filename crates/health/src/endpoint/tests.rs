use trimtab_model::overrides::Forced;
use trimtab_model::{OverrideId, Region};

use super::*;
use crate::{Rule, Ruler, UP, Vote};

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn pop(code: &str) -> Pop {
    code.parse().unwrap()
}

fn seen(state: State, since: Moment) -> Observation {
    Observation { state, ..Observation::unknown(since) }
}

fn alone(state: State, since: Moment) -> Box<[MemberHealth]> {
    let vote = Vote { region: Region::Weu, state };
    let verdict = Rule::Regions.verdict(&[vote]);
    Box::new([MemberHealth::alone(verdict, Box::new([(pop("FRA"), seen(state, since))]))])
}

const DOWN: State = State::Down { passes: 0 };

#[test]
fn a_verdict_that_stays_keeps_its_time() {
    let up = EndpointHealth::judge(alone(UP, at(0)), None);
    let still = EndpointHealth::judge(alone(State::Up { fails: 1, passes: 0 }, at(5)), Some(&up));
    let down = EndpointHealth::judge(alone(DOWN, at(5)), Some(&still));
    assert_eq!([up.since, still.since, down.since], [Some(at(0)), Some(at(0)), Some(at(5))]);
}

#[test]
fn semantics_40_a_ruling_stands_over_what_probes_say_and_a_drain_says_nothing_of_health() {
    let ruling = |state, until| {
        let by = Ruler::Person(OverrideId::new([1; 16]));
        let (reason, author) = ("racks".into(), "alice".into());
        let state = Some(state);
        Some(Arc::new(Ruling { by, state, weight: None, reason, author, since: at(7), until }))
    };
    let check = |probed: State, forced, want: Verdict, since, outcome| {
        let health = EndpointHealth::judge(alone(probed, at(1)), None);
        let health = health.ruled(ruling(forced, Some(at(9))));
        assert_eq!((health.verdict, health.since), (want, Some(since)), "{probed:?} {forced}");
        assert_eq!((health.outcome(), health.ends()), ((outcome, 0), Some(at(9))));
    };
    check(DOWN, Forced::Up, Verdict::Up, at(7), FailureReason::None);
    check(UP, Forced::Up, Verdict::Up, at(1), FailureReason::None);
    check(UP, Forced::Down, Verdict::Down, at(7), FailureReason::Overridden);
    check(DOWN, Forced::Down, Verdict::Down, at(1), FailureReason::Overridden);
    check(UP, Forced::Drained, Verdict::Up, at(1), FailureReason::None);
    assert_eq!(EndpointHealth::unmonitored().ruled(None), EndpointHealth::unmonitored());
}

#[test]
fn semantics_4_a_place_sees_what_all_monitors_that_vote_see_there() {
    let outcome = |passed, reason, millis| Outcome {
        passed,
        reason,
        response_code: 0,
        rtt: Some(Duration::from_millis(millis)),
    };
    let pass = outcome(Passed::Pass, FailureReason::None, 10);
    let fail = outcome(Passed::Fail, FailureReason::TcpTimeout, 30);
    let member = |role, fra: Outcome, nrt: Outcome| {
        let observer = |code, last: Outcome| {
            let state = if last.passed == Passed::Pass { UP } else { DOWN };
            (pop(code), Observation { last: Some(last), ..seen(state, at(0)) })
        };
        let observers = Box::new([observer("FRA", fra), observer("NRT", nrt)]);
        MemberHealth { role, ..MemberHealth::alone(Verdict::Up, observers) }
    };
    let members = [
        member(Role::Critical, pass, fail),
        member(Role::Voter, fail, pass),
        member(Role::Witness, fail, fail),
    ];
    let health = EndpointHealth::judge(Box::new(members), None);
    let mean = Some(Duration::from_millis(20));
    let sight = |code, verdict| {
        let last = Outcome { rtt: mean, ..fail };
        Sight { pop: pop(code), verdict, last, evidence: None }
    };
    // One of two is a tie, which is healthy; where the critical one fails, nothing else counts.
    assert_eq!(health.sights(), [sight("FRA", Verdict::Up), sight("NRT", Verdict::Down)]);
    assert_eq!(health.votes().count(), 4);
}
