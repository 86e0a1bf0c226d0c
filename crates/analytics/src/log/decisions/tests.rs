//! Decisions in, decisions out.

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::decision::EXPLANATION_BYTES_MAX;
use crate::event::Filter;
use crate::limits::{QUERY_LIMIT_DEFAULT, QUERY_LIMIT_MAX, TEXT_BYTES_MAX};
use crate::log::tests::{EVERYTHING, all, ids, numbered, plain};
use crate::log::{DECISIONS_WAITING_MAX, EventLog, OpenError, QueryError};

/// A file as the first version made it.
const VERSION_1: &str = "
CREATE TABLE events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at              INTEGER NOT NULL,   -- microseconds since 1970
    pool_id         TEXT NOT NULL,
    pool_name       TEXT NOT NULL,
    healthy         INTEGER NOT NULL,
    changed         INTEGER NOT NULL,
    minimum_origins INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);

CREATE TABLE origins (
    event          INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    name           TEXT NOT NULL,
    ip             TEXT,
    address        TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    healthy        INTEGER NOT NULL,
    changed        INTEGER NOT NULL,
    failure_reason TEXT,
    response_code  INTEGER,
    PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;

INSERT INTO events VALUES (7, 1, 'p', 'name of p', 1, 1, 1);
INSERT INTO origins VALUES (7, 0, 'a', NULL, 'a.example.com', 1, 1, 0, NULL, NULL);
";

fn kept(trace: u64) -> Kept {
    Kept {
        trace,
        timestamp: 1_000 + trace as i64,
        kind: Kind::Dns,
        account: "acme".into(),
        balancer: "0123456789abcdef0123456789abcdef".into(),
        name: "www.example.com".into(),
        explanation: format!(r#"{{"trace":{trace}}}"#),
    }
}

fn sized(trace: u64, bytes: usize) -> Kept {
    Kept { explanation: "x".repeat(bytes), ..kept(trace) }
}

fn head(decision: &Kept) -> KeptHead {
    let Kept { trace, timestamp, kind, account, balancer, name, explanation: _ } = decision.clone();
    KeptHead { trace, timestamp, kind, account, balancer, name }
}

fn acme() -> DecisionFilter {
    DecisionFilter { account: "acme".into(), limit: Some(usize::MAX), ..DecisionFilter::default() }
}

async fn traces(log: &EventLog, filter: DecisionFilter) -> Vec<u64> {
    log.decisions(filter).await.unwrap().iter().map(|head| head.trace).collect()
}

fn open(path: &Path) -> EventLog {
    EventLog::open(path, EVERYTHING).unwrap()
}

#[tokio::test]
async fn a_decision_comes_back_as_it_was() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let said = r#"{"step":"räumlich","empty":""}"#;
    let reported = [
        Kept { explanation: said.into(), ..kept(1) },
        Kept { trace: u64::MAX, timestamp: -5, explanation: String::new(), ..kept(2) },
        Kept { trace: 1 << 63, timestamp: i64::MAX - 1, kind: Kind::Http, ..kept(3) },
        Kept { trace: 0, account: String::new(), kind: Kind::Http, ..kept(4) },
    ];
    reported.iter().for_each(|decision| log.keep(decision.clone()));
    for decision in &reported {
        let found = log.decision(&decision.account, decision.trace).await.unwrap();
        assert_eq!(found.as_ref(), Some(decision));
    }
    let heads = [&reported[2], &reported[0], &reported[1]].map(head);
    assert_eq!(log.decisions(acme()).await.unwrap(), heads);
    assert_eq!((log.decisions_dropped(), log.dropped()), (0, 0));
}

#[tokio::test]
async fn a_trace_gives_the_newest_of_its_account() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let at = |timestamp, explanation: &str| Kept {
        timestamp,
        explanation: explanation.into(),
        ..kept(1)
    };
    let theirs = Kept { account: "other".into(), ..at(900, "theirs") };
    [at(500, "middle"), at(700, "newest"), at(100, "oldest"), theirs.clone()]
        .into_iter()
        .for_each(|decision| log.keep(decision));
    let rows = [
        ("acme", 1, Some(at(700, "newest"))),
        ("other", 1, Some(theirs)),
        ("acme", 2, None),
        ("nobody", 1, None),
    ];
    for (account, trace, wanted) in rows {
        assert_eq!(log.decision(account, trace).await.unwrap(), wanted, "{account} {trace}");
    }
    log.keep(at(700, "as new, and later"));
    let found = log.decision("acme", 1).await.unwrap();
    assert_eq!(found, Some(at(700, "as new, and later")));
}

#[tokio::test]
async fn each_filter_selects() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let text = |text: &str| text.to_string();
    let named = |trace, name| Kept { name: text(name), ..kept(trace) };
    log.keep(kept(1));
    log.keep(named(2, "api.example.com"));
    log.keep(Kept { balancer: text("b"), timestamp: 1_005, ..named(3, "API.example.com") });
    log.keep(Kept { account: text("other"), ..kept(4) });
    log.keep(Kept { timestamp: 1_002, ..kept(5) });
    let of = |account| DecisionFilter { account: text(account), ..DecisionFilter::default() };
    let name = |name| Some(text(name));
    let rows = [
        (of("acme"), vec![3, 5, 2, 1]),
        (of("other"), vec![4]),
        (of("nobody"), vec![]),
        (DecisionFilter { balancer: name("b"), ..of("acme") }, vec![3]),
        (DecisionFilter { balancer: name("b"), ..of("other") }, vec![]),
        (DecisionFilter { name: name("www.example.com"), ..of("acme") }, vec![5, 1]),
        (DecisionFilter { name: name("api.Example.com"), ..of("acme") }, vec![3, 2]),
        (DecisionFilter { name: name("example.com"), ..of("acme") }, vec![]),
        (DecisionFilter { since: Some(1_002), ..of("acme") }, vec![3, 5, 2]),
        (DecisionFilter { until: Some(1_002), ..of("acme") }, vec![1]),
        (DecisionFilter { since: Some(1_002), until: Some(1_005), ..of("acme") }, vec![5, 2]),
        (DecisionFilter { limit: Some(2), ..of("acme") }, vec![3, 5]),
        (DecisionFilter { limit: Some(0), ..of("acme") }, vec![]),
    ];
    for (filter, wanted) in rows {
        assert_eq!(traces(&log, filter.clone()).await, wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn a_query_has_a_limit() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    for trace in 0..1_500 {
        log.keep(kept(trace));
        if trace % 100 == 0 {
            assert_eq!(traces(&log, acme()).await[0], trace);
        }
    }
    let newest: Vec<u64> = (0..1_500).rev().collect();
    assert_eq!(traces(&log, acme()).await, newest[..QUERY_LIMIT_MAX]);
    let unsaid = DecisionFilter { limit: None, ..acme() };
    assert_eq!(traces(&log, unsaid).await, newest[..QUERY_LIMIT_DEFAULT]);
}

#[tokio::test]
async fn the_oldest_decisions_make_room() {
    let log = EventLog::in_memory(Retention { decisions: 3, ..EVERYTHING }).unwrap();
    (1..=5).for_each(|trace| log.keep(kept(trace)));
    assert_eq!(traces(&log, acme()).await, [5, 4, 3]);
    assert_eq!(log.decision("acme", 2).await.unwrap(), None);
    log.keep(kept(6));
    assert_eq!(traces(&log, acme()).await, [6, 5, 4]);
    assert_eq!(log.decisions_dropped(), 0);
}

#[tokio::test]
async fn the_bytes_of_all_explanations_are_bounded() {
    let log = EventLog::in_memory(Retention { explanations_bytes: 100, ..EVERYTHING }).unwrap();
    let rows = [
        (sized(1, 40), vec![1]),
        (sized(2, 60), vec![2, 1]),
        (sized(3, 0), vec![3, 2, 1]),
        (sized(4, 1), vec![4, 3, 2]),
        (sized(5, 100), vec![5]),
        (sized(6, 101), vec![]),
        (sized(7, 50), vec![7]),
        (Kept { explanation: "ä".repeat(25), ..kept(8) }, vec![8, 7]),
        (sized(9, 1), vec![9, 8]),
    ];
    for (decision, wanted) in rows {
        let trace = decision.trace;
        log.keep(decision);
        assert_eq!(traces(&log, acme()).await, wanted, "after {trace}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_counted() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    let longest = "x".repeat(TEXT_BYTES_MAX);
    log.keep(sized(1, EXPLANATION_BYTES_MAX));
    log.keep(Kept { balancer: longest.clone(), name: longest.clone(), ..kept(2) });
    assert_eq!(log.decisions_dropped(), 0);
    let too_long = longest + "x";
    let refused = [
        sized(3, EXPLANATION_BYTES_MAX + 1),
        Kept { account: too_long.clone(), ..kept(4) },
        Kept { balancer: too_long.clone(), ..kept(5) },
        Kept { name: too_long, ..kept(6) },
    ];
    for (count, decision) in (1..).zip(refused) {
        log.keep(decision);
        assert_eq!(log.decisions_dropped(), count);
    }
    assert_eq!((traces(&log, acme()).await, log.dropped()), (vec![2, 1], 0));
}

/// Somebody who holds the file keeps the thread from writing, and the room for decisions fills.
/// Events have their own.
#[tokio::test]
async fn a_full_queue_drops_and_counts_without_waiting() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = open(&path);
    let operator = Connection::open(&path).unwrap();
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let room = DECISIONS_WAITING_MAX as u64;
    (0..3 * room).for_each(|trace| log.keep(kept(trace)));
    assert_eq!(log.decisions_dropped(), 2 * room);
    (0..1_000).for_each(|n| log.append(plain(n)));
    assert_eq!(log.dropped(), 0);
    // Those that the thread has taken and not written yet fill the room too.
    for count in 1..=1_000 {
        log.keep(kept(room));
        assert_eq!(log.decisions_dropped(), 2 * room + count);
        std::thread::yield_now();
    }
    operator.execute_batch("COMMIT").unwrap();

    assert_eq!(traces(&log, acme()).await, (0..room).rev().collect::<Vec<_>>());
    log.keep(kept(room));
    assert_eq!(traces(&log, acme()).await[0], room);
    assert_eq!((log.decisions_dropped(), ids(&log, all()).await.len()), (2 * room + 1_000, 1_000));
}

#[tokio::test]
async fn what_cannot_be_written_of_one_kind_does_not_lose_the_other() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = open(&path);
    let operator = Connection::open(&path).unwrap();
    let refuse = |table: &str| {
        let body = "BEGIN SELECT RAISE(ABORT, 'full'); END";
        operator
            .execute_batch(&format!("CREATE TRIGGER full BEFORE INSERT ON {table} {body}"))
            .unwrap();
    };
    let report = async |trace: u64| {
        log.append(plain(trace as i64));
        log.keep(kept(trace));
        (ids(&log, all()).await, traces(&log, acme()).await)
    };
    refuse("decisions");
    assert_eq!(report(1).await, (vec![1], vec![]));
    assert_eq!((log.dropped(), log.decisions_dropped(), log.decisions_kept()), (0, 1, 0));
    operator.execute_batch("DROP TRIGGER full").unwrap();
    refuse("events");
    assert_eq!(report(2).await, (vec![1], vec![2]));
    assert_eq!((log.dropped(), log.decisions_dropped()), (1, 1));
    operator.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(report(3).await, (vec![2, 1], vec![3, 2]));
    assert_eq!((log.dropped(), log.decisions_dropped(), log.decisions_kept()), (1, 1, 2));
}

#[tokio::test]
async fn events_and_decisions_do_not_push_each_other_out() {
    let log = EventLog::in_memory(Retention { events: 2, decisions: 3, ..EVERYTHING }).unwrap();
    for n in 1..=9 {
        log.append(plain(n as i64));
        log.keep(kept(n));
    }
    assert_eq!(traces(&log, acme()).await, [9, 8, 7]);
    (10..=19).for_each(|trace| log.keep(kept(trace)));
    let wanted = [numbered(9, plain(9)), numbered(8, plain(8))];
    assert_eq!(log.query(Filter::default()).await.unwrap(), wanted);
    (10..=19).for_each(|n| log.append(plain(n)));
    assert_eq!(traces(&log, acme()).await, [19, 18, 17]);
}

#[tokio::test]
async fn decisions_are_there_after_opening_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let log = open(&path);
    (1..=200).for_each(|trace| log.keep(sized(trace, 10)));
    drop(log);

    let log = open(&path);
    assert_eq!(traces(&log, acme()).await, (1..=200).rev().collect::<Vec<_>>());
    assert_eq!(log.decision("acme", 7).await.unwrap(), Some(sized(7, 10)));
    drop(log);

    let by_bytes = Retention { explanations_bytes: 45, ..EVERYTHING };
    let log = EventLog::open(&path, by_bytes).unwrap();
    assert_eq!(traces(&log, acme()).await, [200, 199, 198, 197]);
    log.keep(sized(201, 16));
    assert_eq!(traces(&log, acme()).await, [201, 200, 199]);
    drop(log);

    let log = EventLog::open(&path, Retention { decisions: 1, ..EVERYTHING }).unwrap();
    assert_eq!(traces(&log, acme()).await, [201]);
}

#[tokio::test]
async fn a_file_of_the_first_version_gains_decisions() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    drop(old);

    for trace in 1..=2 {
        let log = open(&path);
        log.keep(kept(trace));
        assert_eq!(log.decision("acme", 1).await.unwrap(), Some(kept(1)));
        assert_eq!(log.query(all()).await.unwrap(), [numbered(7, plain(1))]);
        drop(log);
    }
    let log = open(&path);
    log.append(plain(2));
    assert_eq!((ids(&log, all()).await, traces(&log, acme()).await), (vec![8, 7], vec![2, 1]));
    drop(log);

    let shape = |path: &Path| -> Vec<String> {
        let conn = Connection::open(path).unwrap();
        let mut all = conn.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").unwrap();
        let mut shape: Vec<String> =
            all.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        shape.push(
            conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
                .unwrap()
                .to_string(),
        );
        shape
    };
    let new = dir.path().join("new.db");
    drop(open(&new));
    assert_eq!(shape(&path), shape(&new));
}

#[tokio::test]
async fn decisions_that_were_kept_before_there_were_kinds_are_of_dns() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.execute_batch(TABLE).unwrap();
    let Kept { account, balancer, name, explanation, .. } = kept(1);
    old.execute(
        "INSERT INTO decisions VALUES (3, 1001, 1, ?1, ?2, ?3, 70, ?4)",
        params![account, balancer, name, explanation],
    )
    .unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    drop(old);

    let log = open(&path);
    log.keep(Kept { kind: Kind::Http, ..kept(2) });
    assert_eq!(log.decision("acme", 1).await.unwrap(), Some(kept(1)));
    let heads = [Kept { kind: Kind::Http, ..kept(2) }, kept(1)].each_ref().map(head);
    assert_eq!(log.decisions(acme()).await.unwrap(), heads);
}

#[test]
fn a_damaged_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("analytics.db");
    std::fs::write(&path, "no database, but something of another program ".repeat(100)).unwrap();
    let refused = EventLog::open(&path, EVERYTHING).err().unwrap();
    assert!(matches!(refused, OpenError::Open { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_closed_log_says_so() {
    let log = EventLog::in_memory(EVERYTHING).unwrap();
    log.close().unwrap();
    log.keep(kept(1));
    assert_eq!((log.decisions_dropped(), log.dropped()), (1, 0));
    assert!(matches!(log.decision("acme", 1).await, Err(QueryError::Closed)));
    assert!(matches!(log.decisions(acme()).await, Err(QueryError::Closed)));
}

/// However many decisions there are.
#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(TABLE).unwrap();
    conn.execute_batch(WITH_KIND).unwrap();
    let rows = [
        (INSERT, "INTEGER PRIMARY KEY"),
        (PRUNE_COUNT, "INTEGER PRIMARY KEY"),
        (PRUNE_BYTES, "decisions_by_place"),
        (FIND, "decisions_by_trace"),
        (HEADS, "decisions_by_time"),
    ];
    for (statement, index) in rows {
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let unset = vec![None::<i64>; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(unset), |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN decisions")), "{steps:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn what_is_kept_is_the_longest_run_within_both_bounds(
        sizes in prop::collection::vec(prop::collection::vec(0..40_usize, 1..6), 0..8),
        decisions in 0..12_u32,
        explanations_bytes in 0..150_u64,
    ) {
        let retention = Retention { decisions, explanations_bytes, ..EVERYTHING };
        let mut conn = Connection::open_in_memory().unwrap();
        crate::log::tables::prepare(&mut conn, retention).unwrap();
        let mut known: Vec<Kept> = Vec::new();
        for batch in sizes {
            let first = known.len() as u64;
            let batch: Vec<Kept> =
                (first..).zip(batch).map(|(trace, bytes)| sized(trace, bytes)).collect();
            write(&conn, &batch, retention).unwrap();
            known.extend(batch);
            let mut room = explanations_bytes;
            let fits = |decision: &&Kept| {
                let left = room.checked_sub(decision.explanation.len() as u64);
                room = left.unwrap_or(0);
                left.is_some()
            };
            let wanted: Vec<KeptHead> =
                known.iter().rev().take(decisions as usize).take_while(fits).map(head).collect();
            prop_assert_eq!(query(&conn, &acme()).unwrap(), wanted);
        }
    }
}
