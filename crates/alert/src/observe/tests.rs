use std::time::Duration;

use trimtab_health::{PoolHealth, Probing, Ruling, Schedule, Thresholds};
use trimtab_model::overrides::Forced;
use trimtab_model::{self as model, Moment, MonitorId, OverrideId, PoolId};

use super::*;

/// What probes say, and who rules over them.
type Endpoint = (Verdict, Option<(Ruler, Forced)>);

const ALICE: Ruler = Ruler::Person(OverrideId::new([1; 16]));

fn endpoint(&(verdict, ruling): &Endpoint) -> EndpointHealth {
    let ruling = ruling.map(|(by, state)| {
        let (since, until) = (Moment::default(), None);
        let (state, weight) = (Some(state), None);
        Ruling { by, state, weight, reason: "racks".into(), author: "alice".into(), since, until }
            .into()
    });
    EndpointHealth { verdict, ..EndpointHealth::unmonitored() }.ruled(ruling)
}

fn pool(minimum_origins: u32, of: &[Endpoint]) -> Pool {
    let drained = |(_, ruling): &Endpoint| matches!(ruling, Some((_, Forced::Drained)));
    let origin = |index: usize| model::Origin {
        name: index.to_string(),
        enabled: !drained(&of[index]),
        ..trimtab_testkit::origin()
    };
    let config = model::Pool {
        id: PoolId::new([1; 16]),
        origins: (0..of.len()).map(origin).collect(),
        minimum_origins,
        ..trimtab_testkit::pool()
    };
    let health: Box<[EndpointHealth]> = of.iter().map(endpoint).collect();
    let is_watched = of.iter().any(|(verdict, _)| *verdict != Verdict::Unmonitored);
    let health = if is_watched {
        let limits = Thresholds::new(1, 1);
        let schedule = Schedule::new(Moment::default(), Duration::from_secs(60), limits);
        let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
        PoolHealth::new(health, of.iter().map(|it| !drained(it)), minimum_origins, probings)
    } else {
        PoolHealth::unprobed(health)
    };
    Pool::build(&config, health)
}

#[test]
fn a_pool_is_unhealthy_when_too_few_are_up_and_a_person_alone_makes_it_neither() {
    use Condition::{Bad, Good, NoWord, Unwatched};
    use Verdict::{Down, Unknown, Unmonitored, Up};
    let check =
        |of: &[Endpoint], want: Condition| assert_eq!(of_pool(&pool(1, of)), want, "{of:?}");
    let ejected = Verdict::Ejected { until: Moment::default() };
    let (up, down) = (Some((ALICE, Forced::Up)), Some((ALICE, Forced::Down)));
    check(&[(Up, None), (Up, None)], Good);
    check(&[(Up, None), (Down, None)], Good);
    check(&[(Down, None), (Down, None)], Bad);
    check(&[(Down, None), (ejected, None)], Bad);
    check(&[(Unknown, None)], NoWord);
    check(&[(Unmonitored, None)], Unwatched);
    // Nobody but a person took it down, or keeps it up.
    check(&[(Up, down), (Up, down)], NoWord);
    check(&[(Down, up), (Down, None)], NoWord);
    // The last one that a person had left fails.
    check(&[(Up, down), (Down, None)], Bad);
    check(&[(Up, down), (Up, None)], Good);
    check(&[(Up, Some((Ruler::Feed, Forced::Down)))], Bad);
    // What is drained leaves too few, and the others are well or not.
    let drained = Some((ALICE, Forced::Drained));
    let of_two = |of: &[Endpoint], want| assert_eq!(of_pool(&pool(2, of)), want, "{of:?}");
    of_two(&[(Up, drained), (Up, None)], NoWord);
    of_two(&[(Up, drained), (Down, None)], Bad);
    of_two(&[(Up, Some((Ruler::Feed, Forced::Drained))), (Up, None)], Bad);
    check(&[(Up, drained), (Up, None)], Good);
}

#[test]
fn a_pool_says_what_it_lacks_and_of_what_others_lack_for_it() {
    use Verdict::{Down, Up};
    let reason = |pool: &Pool| of_whole_pool(pool).reason;
    let well = pool(1, &[(Up, None), (Down, Some((Ruler::Feed, Forced::Down)))]);
    assert_eq!(reason(&well), FailureReason::Fed.word());
    let wanted = Requirement { at_least: 1, of: 2, healthy: 0, restored: false };
    let hanging = well.requiring(Some(wanted));
    assert_eq!(of_pool(&hanging), Condition::Bad);
    assert_eq!(reason(&hanging), "it requires 1 of 2 others to be healthy, and 0 are");
}

#[test]
fn what_is_known_from_before_a_restart_is_no_word_but_what_is_held_is() {
    use trimtab_health::{MemberHealth, Observation, State, UP};
    let restored = |state: State| {
        let seen = Observation { state, restored: true, ..Observation::unknown(Moment::default()) };
        let pop = "FRA".parse().unwrap();
        let member = MemberHealth::alone(state.into(), [(pop, seen)].into());
        EndpointHealth::judge([member].into(), None)
    };
    let down = State::Down { passes: 0 };
    for state in [UP, down] {
        assert_eq!(of_endpoint(&restored(state)), Condition::NoWord);
    }
    let fed = endpoint(&(Verdict::Up, Some((Ruler::Feed, Forced::Down)))).ruling;
    assert_eq!(of_endpoint(&restored(UP).ruled(fed)), Condition::Bad);
    let mut mixed = pool(1, &[(Verdict::Down, None), (Verdict::Down, None)]);
    assert_eq!(of_pool(&mixed), Condition::Bad);
    mixed.health.endpoints[1] = restored(down);
    assert_eq!(of_pool(&mixed), Condition::NoWord);
}

#[test]
fn an_endpoint_is_what_machines_say_of_it() {
    use Verdict::{Down, Unknown, Unmonitored, Up};
    let check =
        |of: Endpoint, want: Condition| assert_eq!(of_endpoint(&endpoint(&of)), want, "{of:?}");
    check((Up, None), Condition::Good);
    check((Down, None), Condition::Bad);
    check((Unknown, None), Condition::NoWord);
    check((Unmonitored, None), Condition::Unwatched);
    check((Verdict::Ejected { until: Moment::default() }, None), Condition::NoWord);
    check((Up, Some((ALICE, Forced::Down))), Condition::NoWord);
    check((Down, Some((ALICE, Forced::Up))), Condition::NoWord);
    check((Down, Some((ALICE, Forced::Drained))), Condition::Bad);
    check((Up, Some((Ruler::Feed, Forced::Down))), Condition::Bad);
}
