//! Events in, events out.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::event::{EvidenceSaid, MonitorSaid, ORIGINS_MAX, OriginHealth, PlaceSaid, PoolHealth};
use crate::limits::{QUERY_LIMIT_DEFAULT, QUERY_LIMIT_MAX, TEXT_BYTES_MAX};

pub(super) const EVERYTHING: Retention = Retention {
    events: u32::MAX,
    age: Duration::MAX,
    decisions: u32::MAX,
    explanations_bytes: u64::MAX,
};

fn pool(id: &str, healthy: bool) -> PoolHealth {
    PoolHealth {
        id: id.into(),
        name: format!("name of {id}"),
        healthy,
        changed: true,
        minimum_origins: 1,
    }
}

fn origin(name: &str, healthy: bool) -> OriginHealth {
    OriginHealth {
        name: name.into(),
        ip: None,
        address: format!("{name}.example.com"),
        enabled: true,
        healthy,
        changed: false,
        failure_reason: None,
        response_code: None,
        said: Vec::new(),
    }
}

fn event(timestamp: i64, pool: PoolHealth, origins: Vec<OriginHealth>) -> NewEvent {
    NewEvent { timestamp, pool, origins }
}

pub(super) fn plain(timestamp: i64) -> NewEvent {
    event(timestamp, pool("p", true), vec![origin("a", true)])
}

pub(super) fn numbered(id: i64, event: NewEvent) -> Event {
    Event { id, timestamp: event.timestamp, pool: event.pool, origins: event.origins }
}

pub(super) async fn ids(log: &EventLog, filter: Filter) -> Vec<i64> {
    log.query(filter).await.unwrap().iter().map(|event| event.id).collect()
}

pub(super) fn all() -> Filter {
    Filter { limit: Some(usize::MAX), ..Filter::default() }
}

#[tokio::test]
async fn an_event_comes_back_as_it_was() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let failed = OriginHealth {
        ip: Some("2001:db8::5".parse().unwrap()),
        enabled: false,
        changed: true,
        failure_reason: Some("HTTP timeout occurred".into()),
        response_code: Some(503),
        said: vec![MonitorSaid {
            id: "m".into(),
            healthy: false,
            failure_reason: "HTTP timeout occurred".into(),
            response_code: 503,
            must_be_healthy: true,
            monitoring_only: false,
            places: vec![PlaceSaid {
                pop: "FRA".into(),
                healthy: false,
                failure_reason: "HTTP timeout occurred".into(),
                response_code: 503,
                rtt: Some(12_345),
                evidence: Some(EvidenceSaid {
                    error: "no verdict in time".into(),
                    tries: 3,
                    phases: vec![("connect".into(), 12)],
                    answer: String::new(),
                    repeat: "curl".into(),
                }),
            }],
        }],
        ..origin("b", false)
    };
    let reported = [
        event(1_700_000_000_123_456, pool("p", true), vec![origin("z", true), failed]),
        event(1_700_000_000_123_457, PoolHealth { changed: false, ..pool("q", false) }, vec![]),
    ];
    reported.iter().for_each(|event| log.append(event.clone()));
    let [first, second] = reported;
    let found = log.query(Filter::default()).await.unwrap();
    assert_eq!(found, [numbered(2, second), numbered(1, first)]);
    assert_eq!(log.dropped(), 0);
}

#[tokio::test]
async fn each_filter_selects() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    log.append(event(100, pool("p", true), vec![origin("a", true), origin("b", true)]));
    log.append(event(200, pool("p", false), vec![origin("a", false), origin("b", true)]));
    log.append(event(300, pool("q", false), vec![origin("a", true), origin("c", false)]));
    log.append(event(250, pool("q", true), vec![]));
    let name = |text: &str| Some(text.to_string());
    let none = Filter::default;
    let rows = [
        (none(), vec![3, 4, 2, 1]),
        (Filter { since: Some(200), ..none() }, vec![3, 4, 2]),
        (Filter { until: Some(250), ..none() }, vec![2, 1]),
        (Filter { since: Some(201), until: Some(300), ..none() }, vec![4]),
        (Filter { pool_id: name("p"), ..none() }, vec![2, 1]),
        (Filter { pool_name: name("name of q"), ..none() }, vec![3, 4]),
        (Filter { pool_name: name("name"), ..none() }, vec![]),
        (Filter { pool_healthy: Some(true), ..none() }, vec![4, 1]),
        (Filter { pool_healthy: Some(false), ..none() }, vec![3, 2]),
        (Filter { origin_name: name("b"), ..none() }, vec![2, 1]),
        (Filter { origin_healthy: Some(false), ..none() }, vec![3, 2]),
        (Filter { origin_healthy: Some(true), ..none() }, vec![3, 2, 1]),
        (Filter { origin_name: name("a"), origin_healthy: Some(false), ..none() }, vec![2]),
        (Filter { origin_name: name("b"), origin_healthy: Some(false), ..none() }, vec![]),
        (Filter { pool_id: name("q"), pool_healthy: Some(false), ..none() }, vec![3]),
        (Filter { limit: Some(2), ..none() }, vec![3, 4]),
        (Filter { limit: Some(0), ..none() }, vec![]),
    ];
    for (filter, wanted) in rows {
        assert_eq!(ids(&log, filter.clone()).await, wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn a_query_has_a_limit() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    (0..1_500).for_each(|n| log.append(plain(n)));
    assert_eq!(ids(&log, Filter::default()).await.len(), QUERY_LIMIT_DEFAULT);
    assert_eq!(ids(&log, all()).await.len(), QUERY_LIMIT_MAX);
}

#[tokio::test]
async fn the_oldest_events_make_room() {
    let log = EventLog::in_memory(Retention { events: 3, ..EVERYTHING }).unwrap();
    (1..=5).for_each(|n| log.append(plain(n)));
    assert_eq!(ids(&log, all()).await, [5, 4, 3]);
}

#[tokio::test]
async fn events_are_kept_for_a_time() {
    let retention = Retention { age: Duration::from_micros(100), ..EVERYTHING };
    let log = EventLog::in_memory(retention).unwrap();
    [1_000, 1_050, 1_100].into_iter().for_each(|at| log.append(plain(at)));
    assert_eq!(ids(&log, all()).await, [3, 2, 1]);
    log.append(plain(1_101));
    assert_eq!(ids(&log, all()).await, [4, 3, 2]);
    log.append(plain(9_000));
    assert_eq!(ids(&log, all()).await, [5]);
}

#[tokio::test]
async fn what_is_too_large_is_dropped_and_counted() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let longest = "x".repeat(TEXT_BYTES_MAX);
    let too_long = "x".repeat(TEXT_BYTES_MAX + 1);
    let with_reason = |reason: &str| {
        let origin = OriginHealth { failure_reason: Some(reason.into()), ..origin("a", false) };
        event(1, pool("p", false), vec![origin])
    };
    log.append(with_reason(&longest));
    log.append(event(1, pool("p", true), vec![origin("a", true); ORIGINS_MAX]));
    assert_eq!(log.dropped(), 0);
    log.append(with_reason(&too_long));
    log.append(event(1, pool(&too_long, true), vec![]));
    log.append(event(1, pool("p", true), vec![origin(&too_long, true)]));
    log.append(event(1, pool("p", true), vec![origin("a", true); ORIGINS_MAX + 1]));
    assert_eq!((log.dropped(), ids(&log, all()).await), (4, vec![2, 1]));
}

/// Somebody who holds the file keeps the thread from writing, and the queue fills.
#[tokio::test]
async fn a_full_queue_drops_and_counts_without_waiting() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = EventLog::open(&path, EVERYTHING).unwrap();
    let operator = Connection::open(&path).unwrap();
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut reported = 0;
    let refused = loop {
        (0..3 * QUEUE_MAX as i64).for_each(|n| log.append(plain(n)));
        reported += 3 * QUEUE_MAX as u64;
        // Where the thread takes its first batch only now, there is room for one query.
        if let Ok(answer) = tokio::time::timeout(Duration::ZERO, log.query(all())).await {
            break answer;
        }
    };
    assert!(matches!(refused, Err(QueryError::Busy)));
    let dropped = log.dropped();
    assert!(dropped > QUEUE_MAX as u64, "{dropped}");
    operator.execute_batch("COMMIT").unwrap();
    log.close().unwrap();
    assert_eq!(log.dropped(), dropped);
    let written: u64 = operator
        .query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u32>(0))
        .unwrap()
        .into();
    assert_eq!(written + dropped, reported);
}

#[tokio::test]
async fn events_that_cannot_be_written_are_counted_and_later_ones_are_written() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = EventLog::open(&path, EVERYTHING).unwrap();
    let operator = Connection::open(&path).unwrap();
    operator
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .unwrap();
    (0..3).for_each(|n| log.append(plain(n)));
    assert_eq!((ids(&log, all()).await, log.dropped()), (vec![], 3));
    operator.execute_batch("DROP TRIGGER full").unwrap();
    log.append(plain(4));
    assert_eq!((ids(&log, all()).await, log.dropped()), (vec![1], 3));
}

#[tokio::test]
async fn events_are_there_after_opening_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = EventLog::open(&path, EVERYTHING).unwrap();
    (1..=300).for_each(|n| log.append(plain(n)));
    drop(log);

    let log = EventLog::open(&path, EVERYTHING).unwrap();
    let found = log.query(all()).await.unwrap();
    let wanted: Vec<Event> = (1..=300).rev().map(|n| numbered(n, plain(n))).collect();
    assert_eq!(found, wanted);
    drop(log);

    let log = EventLog::open(&path, Retention { events: 2, ..EVERYTHING }).unwrap();
    assert_eq!(ids(&log, all()).await, [300, 299]);
    log.append(plain(301));
    assert_eq!(ids(&log, all()).await, [301, 300]);
    log.close().unwrap();
    let origins: u32 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM origins", [], |row| row.get(0))
        .unwrap();
    assert_eq!(origins, 2);
}

#[tokio::test]
async fn a_closed_log_says_so() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    log.append(plain(1));
    log.close().unwrap();
    log.close().unwrap();
    assert!(matches!(log.query(all()).await, Err(QueryError::Closed)));
    log.append(plain(2));
    assert_eq!(log.dropped(), 1);
}

#[test]
fn a_newer_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    drop(EventLog::open(&path, EVERYTHING).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let refused = EventLog::open(&path, EVERYTHING).err().unwrap();
    assert_eq!(refused.to_string(), format!("cannot use {}", path.display()));
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(cause, "its tables have version 7, this program knows version 4");
}

fn any_event() -> impl Strategy<Value = NewEvent> {
    let origin = ("[ab]", any::<bool>()).prop_map(|(name, healthy)| origin(&name, healthy));
    let pool = ("[pq]", any::<bool>()).prop_map(|(id, healthy)| pool(&id, healthy));
    (-50..50_i64, pool, prop::collection::vec(origin, 0..4))
        .prop_map(|(at, pool, origins)| event(at, pool, origins))
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let text = |pattern| proptest::option::of(pattern);
    let time = || proptest::option::of(-50..50_i64);
    let fact = || proptest::option::of(any::<bool>());
    (time(), time(), text("[pq]"), fact(), text("[abc]"), fact(), proptest::option::of(0..9_usize))
        .prop_map(|(since, until, pool_id, pool_healthy, origin_name, origin_healthy, limit)| {
            let pool_name = None;
            Filter {
                since,
                until,
                pool_id,
                pool_name,
                pool_healthy,
                origin_name,
                origin_healthy,
                limit,
            }
        })
}

fn passes(event: &Event, filter: &Filter) -> bool {
    let named = |name: &String| filter.origin_name.as_ref().is_none_or(|wanted| wanted == name);
    let in_health = |healthy| filter.origin_healthy.is_none_or(|wanted| wanted == healthy);
    let any_origin = filter.origin_name.is_none() && filter.origin_healthy.is_none();
    filter.since.is_none_or(|since| event.timestamp >= since)
        && filter.until.is_none_or(|until| event.timestamp < until)
        && filter.pool_id.as_ref().is_none_or(|id| *id == event.pool.id)
        && filter.pool_healthy.is_none_or(|healthy| healthy == event.pool.healthy)
        && (any_origin || event.origins.iter().any(|o| named(&o.name) && in_health(o.healthy)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_query_gives_what_a_search_by_hand_gives(
        events in prop::collection::vec(any_event(), 0..30),
        filters in prop::collection::vec(any_filter(), 1..8),
    ) {
        let log = EventLog::in_memory(EVERYTHING).unwrap();
        events.iter().for_each(|event| log.append(event.clone()));
        let mut known: Vec<Event> =
            (1..).zip(events).map(|(id, event)| numbered(id, event)).collect();
        known.sort_by_key(|event| std::cmp::Reverse((event.timestamp, event.id)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for filter in filters {
            let limit = filter.limit.unwrap_or(QUERY_LIMIT_DEFAULT);
            let wanted: Vec<Event> =
                known.iter().filter(|event| passes(event, &filter)).take(limit).cloned().collect();
            let found = runtime.block_on(log.query(filter.clone())).unwrap();
            prop_assert_eq!(found, wanted, "{:?}", filter);
        }
    }
}
