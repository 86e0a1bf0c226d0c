use trimtab_model::overrides::{Forced, Pattern};

use super::*;

const OURS: AccountId = AccountId::new([1; 16]);

fn clocks() -> Clocks {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    Clocks { monotonic: Moment::default() + Duration::from_secs(500), wall }
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn override_of(number: u8, pattern: &str, state: Forced, until: Option<i64>) -> Override {
    Override {
        id: OverrideId::new([number; 16]),
        pattern: Pattern::read(pattern).unwrap(),
        state,
        reason: "racks".into(),
        author: "alice".into(),
        until: until.map(second),
        created_on: second(900 + i64::from(number)),
        modified_on: second(900),
    }
}

fn pool() -> Pool {
    let origin = |name: &str, port| Origin { name: name.into(), port, ..trimtab_testkit::origin() };
    let origins = vec![origin("web-1", 81), origin("web-2", 82)];
    Pool { name: "fra".into(), origins, ..trimtab_testkit::pool() }
}

/// What stands for each endpoint: its state, and the second of its end.
fn standing(all: &[(AccountId, Override)]) -> Vec<Option<(Forced, Option<u64>)>> {
    let mut rulings = Rulings::default();
    for (account, said) in all {
        rulings.put(said.id, Some((*account, said.clone())));
    }
    rulings.work_out(OURS, &pool(), clocks());
    let of = rulings.of_pool(pool().id).iter();
    let end = |until: Moment| until.saturating_duration_since(Moment::default()).as_secs();
    of.map(|it| it.as_ref().map(|it| (it.state.unwrap(), it.until.map(end)))).collect()
}

#[test]
fn semantics_40_the_last_word_on_an_endpoint_stands_until_its_end() {
    use Forced::{Down, Drained, Up};
    let check = |all: &[(AccountId, Override)], want: &[Option<(Forced, Option<u64>)>]| {
        assert_eq!(standing(all), want, "{all:?}");
    };
    check(&[], &[]);
    check(&[(OURS, override_of(1, "iad/*", Down, None))], &[]);
    check(&[(AccountId::new([2; 16]), override_of(1, "fra/*", Down, None))], &[]);
    check(&[(OURS, override_of(1, "fra/web-2", Down, None))], &[None, Some((Down, None))]);
    // An exception said later, and one that ends in a minute.
    let site = (OURS, override_of(1, "f*", Drained, None));
    let exception = (OURS, override_of(2, "*/web-1", Up, Some(1_060)));
    check(&[exception.clone(), site.clone()], &[Some((Up, Some(560))), Some((Drained, None))]);
    // What is over counts no more, and uncovers what was said before it.
    let over = (OURS, override_of(3, "*", Down, Some(1_000)));
    check(&[over, site], &[Some((Drained, None)), Some((Drained, None))]);
}

#[test]
fn what_ends_is_told_when_it_does() {
    let mut rulings = Rulings::default();
    let said = override_of(1, "fra/web-1", Forced::Down, Some(1_060));
    rulings.put(said.id, Some((OURS, said)));
    rulings.work_out(OURS, &pool(), clocks());
    let end = Moment::default() + Duration::from_secs(560);
    assert_eq!(rulings.next_end(), Some(end));
    assert!(rulings.over(end.saturating_sub(Duration::from_millis(1))).is_empty());
    assert_eq!(rulings.over(end), BTreeSet::from([pool().id]));
}

#[test]
fn semantics_33_a_drained_endpoint_is_disabled_since_somebody_said_so() {
    let mut rulings = Rulings::default();
    let said = override_of(1, "fra/web-2", Forced::Drained, None);
    rulings.put(said.id, Some((OURS, said)));
    rulings.work_out(OURS, &pool(), clocks());
    let (pool, of) = (pool(), rulings.of_pool(pool().id));
    let drained = ruled(&pool, of, clocks());
    let away = drained.origins.iter().map(|origin| (origin.enabled, origin.disabled_at));
    assert_eq!(away.collect::<Vec<_>>(), [(true, None), (false, Some(second(901)))]);
    assert!(matches!(ruled(&pool, &[None, None], clocks()), Cow::Borrowed(_)));
}

fn fed(name: &str, word: Option<(Option<Forced>, Option<f64>)>) -> Fed {
    let origin = pool().origins.into_iter().find(|origin| origin.name == name).unwrap();
    let word = word.map(|(state, weight)| FedWord {
        state,
        weight,
        note: "busy".into(),
        author: "scaler".into(),
        since: second(990),
        lasts: Duration::from_secs(30),
    });
    let (address, port) = (origin.address, origin.port);
    let origin = FedOrigin { place: 7, name: origin.name, address, port };
    Fed { account: OURS, pool: pool().id, origin, word }
}

#[test]
fn semantics_40_a_feed_stands_below_a_person_and_above_probes_until_it_is_over() {
    let mut rulings = Rulings::default();
    assert!(rulings.feed(fed("web-1", Some((Some(Forced::Down), None))), &pool()));
    assert!(rulings.feed(fed("web-2", Some((None, Some(0.25)))), &pool()));
    rulings.work_out(OURS, &pool(), clocks());
    type Said = Option<(bool, Option<Forced>, Option<u8>)>;
    let said = |rulings: &Rulings| -> Vec<Said> {
        let of = rulings.of_pool(pool().id).iter();
        of.map(|it| it.as_ref().map(|it| (it.by == Ruler::Feed, it.state, it.weight))).collect()
    };
    let web_2 = Some((true, None, Some(25)));
    assert_eq!(said(&rulings), [Some((true, Some(Forced::Down), None)), web_2]);
    assert_eq!(rulings.standing().len(), 2);
    let (of, pool_of_two) = (rulings.of_pool(pool().id), pool());
    let weights: Vec<u8> =
        ruled(&pool_of_two, of, clocks()).origins.iter().map(|it| it.weight.hundredths()).collect();
    assert_eq!(weights, [100, 25]);
    // A person knows better.
    let up = override_of(1, "fra/web-1", Forced::Up, None);
    rulings.put(up.id, Some((OURS, up.clone())));
    rulings.work_out(OURS, &pool(), clocks());
    assert_eq!(said(&rulings), [Some((false, Some(Forced::Up), None)), web_2]);
    // Taken back, and over.
    assert!(rulings.feed(fed("web-2", None), &pool()));
    rulings.put(up.id, None);
    let later = Clocks { wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_020), ..clocks() };
    rulings.work_out(OURS, &pool(), later);
    assert_eq!((said(&rulings), rulings.standing()), (vec![], vec![]));
}

#[test]
fn a_feed_on_an_endpoint_that_is_gone_is_nobody_s() {
    let gone = Fed {
        origin: FedOrigin { name: "web-9".into(), ..fed("web-1", None).origin },
        ..fed("web-1", Some((Some(Forced::Down), None)))
    };
    assert!(!Rulings::default().feed(gone, &pool()));
    // One that moved is another, and nothing is listed of where it was.
    let mut rulings = Rulings::default();
    assert!(rulings.feed(fed("web-1", Some((Some(Forced::Down), None))), &pool()));
    let mut moved = pool();
    moved.origins[0].port = 83;
    rulings.work_out(OURS, &moved, clocks());
    assert_eq!((rulings.of_pool(moved.id).len(), rulings.standing()), (0, vec![]));
}
