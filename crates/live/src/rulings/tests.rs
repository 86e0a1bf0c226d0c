use trimtab_model::overrides::Pattern;

use super::*;

const OURS: AccountId = AccountId::new([1; 16]);

fn clocks() -> Clocks {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    Clocks { monotonic: Moment::default() + Duration::from_secs(500), wall }
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn said(number: u8, pattern: &str, state: Forced, until: Option<i64>) -> Override {
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
    let origin = |name: &str| Origin { name: name.into(), ..trimtab_testkit::origin() };
    let origins = vec![origin("web-1"), origin("web-2")];
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
    of.map(|it| it.as_ref().map(|it| (it.state, it.until.map(end)))).collect()
}

#[test]
fn semantics_40_the_last_word_on_an_endpoint_stands_until_its_end() {
    use Forced::{Down, Drained, Up};
    let check = |all: &[(AccountId, Override)], want: &[Option<(Forced, Option<u64>)>]| {
        assert_eq!(standing(all), want, "{all:?}");
    };
    check(&[], &[]);
    check(&[(OURS, said(1, "iad/*", Down, None))], &[]);
    check(&[(AccountId::new([2; 16]), said(1, "fra/*", Down, None))], &[]);
    check(&[(OURS, said(1, "fra/web-2", Down, None))], &[None, Some((Down, None))]);
    // An exception said later, and one that ends in a minute.
    let site = (OURS, said(1, "f*", Drained, None));
    let exception = (OURS, said(2, "*/web-1", Up, Some(1_060)));
    check(&[exception.clone(), site.clone()], &[Some((Up, Some(560))), Some((Drained, None))]);
    // What is over counts no more, and uncovers what was said before it.
    let over = (OURS, said(3, "*", Down, Some(1_000)));
    check(&[over, site], &[Some((Drained, None)), Some((Drained, None))]);
}

#[test]
fn what_ends_is_told_when_it_does() {
    let mut rulings = Rulings::default();
    let said = said(1, "fra/web-1", Forced::Down, Some(1_060));
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
    let said = said(1, "fra/web-2", Forced::Drained, None);
    rulings.put(said.id, Some((OURS, said)));
    rulings.work_out(OURS, &pool(), clocks());
    let (pool, of) = (pool(), rulings.of_pool(pool().id));
    let drained = drained(&pool, of, clocks());
    let away = drained.origins.iter().map(|origin| (origin.enabled, origin.disabled_at));
    assert_eq!(away.collect::<Vec<_>>(), [(true, None), (false, Some(second(901)))]);
    assert!(matches!(super::drained(&pool, &[None, None], clocks()), Cow::Borrowed(_)));
}
