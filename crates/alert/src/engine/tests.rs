//! The engine's memory against its store: what a crash leaves behind is gone on with, nothing is told twice.

use std::collections::BTreeMap;
use std::sync::Mutex;

use trimtab_health::{
    EndpointHealth, MemberHealth, Observation, PoolHealth, State as HealthState, UP,
};
use trimtab_live::CheckHealth;
use trimtab_model::alert::{
    AlertPolicy, AlertType, DeliveryResult, Filters, HistoryEntry, Mechanisms,
};
use trimtab_model::config::{Document, Key};
use trimtab_model::{
    AccountId, AlertDocument, AlertKey, AlertPolicyId, Change, HealthCheckId, Moment, WebhookId,
    ZoneId,
};

use super::state::{self, State};
use super::*;
use crate::Write;
use crate::message::{Phase, Turn};

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const HOOK: WebhookId = WebhookId::new([2; 16]);
const CHECK: HealthCheckId = HealthCheckId::new([4; 16]);
const DOWN: HealthState = HealthState::Down { passes: 0 };

/// A store in memory that can lose its power.
#[derive(Default)]
struct Memory {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    is_broken: Mutex<bool>,
}

impl Storage for Memory {
    async fn read(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let entries = self.entries.lock().unwrap();
        let under = entries.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(under.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        if *self.is_broken.lock().unwrap() {
            return Err("no power".into());
        }
        let mut entries = self.entries.lock().unwrap();
        for write in writes {
            match write {
                Write::Put(key, value) => drop(entries.insert(key, value)),
                Write::Delete(key) => drop(entries.remove(&key)),
            }
        }
        Ok(())
    }
}

impl Memory {
    fn keys(&self, prefix: &str) -> usize {
        self.entries.lock().unwrap().keys().filter(|key| key.starts_with(prefix)).count()
    }

    fn history(&self) -> Vec<HistoryEntry> {
        let entries = self.entries.lock().unwrap();
        let under = entries.iter().filter(|(key, _)| key.starts_with("alerts/history/"));
        under.map(|(_, value)| serde_json::from_slice(value).unwrap()).collect()
    }
}

fn book() -> Book {
    let id = AlertPolicyId::new([3; 16]);
    let policy = AlertPolicy {
        id,
        name: "checks".into(),
        description: String::new(),
        enabled: true,
        alert_type: AlertType::HealthCheckStatus,
        alert_interval: None,
        mechanisms: Mechanisms { webhooks: vec![HOOK], ..Mechanisms::default() },
        filters: Filters::default(),
        created_on: at(0),
        modified_on: at(0),
    };
    let mut book = Book::default();
    let document = Document::Alert(Box::new(AlertDocument::Policy(policy)));
    let key = Key::Alert(AlertKey::Policy(ACCOUNT, id));
    book.apply(Change { key, document: Some(document) });
    book
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

/// One place says so of the check, or said so before a restart.
fn check(state: HealthState, restored: bool) -> CheckHealth {
    let seen = Observation { state, restored, ..Observation::unknown(Moment::default()) };
    let pop = "FRA".parse().unwrap();
    let member = MemberHealth::alone(state.into(), Box::new([(pop, seen)]));
    let endpoint = EndpointHealth::judge(Box::new([member]), None);
    CheckHealth {
        account: ACCOUNT,
        zone: ZoneId::new([5; 16]),
        zone_name: "example.com".parse().unwrap(),
        name: "shop".into(),
        address: "192.0.2.1".into(),
        suspended: false,
        health: PoolHealth::unprobed(Box::new([endpoint])),
    }
}

/// A world without pools, and with at most one check.
fn world(check: Option<CheckHealth>) -> trimtab_live::Snapshot {
    use trimtab_live::{Clocks, Hosting, Publisher, Settings, Start};
    let settings = Settings {
        site: trimtab_steer::Site::at("FRA".parse().unwrap()).unwrap(),
        observers: Vec::new(),
        node: Arc::new(trimtab_dns::Node::new()),
        hosting: Hosting {
            nameservers: vec!["ns1.example.net".parse().unwrap()],
            hostmaster: None,
            seed: trimtab_dns::Seed(1),
        },
        saved_to: None,
    };
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    let start = Start { geo, saved: None, clocks: Clocks::now() };
    let empty = Publisher::new(settings, start, mpsc::channel(1).0).snapshot();
    let checks = check.into_iter().map(|check| (CHECK, Arc::new(check)));
    trimtab_live::Snapshot { checks: Arc::new(checks.collect()), ..empty }
}

fn up() -> Option<CheckHealth> {
    Some(check(UP, false))
}

fn down() -> Option<CheckHealth> {
    Some(check(DOWN, false))
}

async fn tell(state: &mut State, memory: &Memory, check: Option<CheckHealth>, now: i64) {
    state.tell(memory, &world(check), at(now)).await.unwrap();
}

/// What was told so far, the first first.
async fn told(memory: &Memory) -> Vec<(Phase, Turn)> {
    let parcels = state::parcels(memory).await;
    parcels.iter().map(|parcel| (parcel.message.phase, parcel.message.news[0].turn)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_still_there_after_a_crash_with_the_same_key_and_the_same_words() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, down(), 1).await;
    let sent = state.outbox.begin(Instant::now()).unwrap();
    let mut state = State::load(&memory, book()).await.unwrap();
    assert_eq!(state.outbox.begin(Instant::now()), Some(sent));
    assert!(!state.differs(&world(down())));
    tell(&mut state, &memory, up(), 9).await;
    let parcels = state::parcels(&memory).await;
    let want = [(Phase::Start, Turn::Unhealthy), (Phase::End, Turn::Healthy)];
    assert_eq!(told(&memory).await, want);
    assert_eq!(parcels[0].message.correlation, parcels[1].message.correlation);
    assert!(parcels[0].number < parcels[1].number);
}

#[tokio::test(start_paused = true)]
async fn what_was_known_before_a_restart_is_no_news_until_a_probe_says_the_same() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    let restored = |state| Some(check(state, true));
    tell(&mut state, &memory, restored(DOWN), 1).await;
    assert_eq!(told(&memory).await, []);
    tell(&mut state, &memory, down(), 2).await;
    let start = (Phase::Start, Turn::Unhealthy);
    assert_eq!(told(&memory).await, [start]);
    // It was killed before the flip was in its file, and what it knows again is older than what was told.
    let mut state = State::load(&memory, book()).await.unwrap();
    assert!(!state.differs(&world(restored(UP))));
    assert!(!state.differs(&world(Some(check(HealthState::Unknown, false)))));
    tell(&mut state, &memory, restored(UP), 3).await;
    tell(&mut state, &memory, down(), 4).await;
    assert_eq!(told(&memory).await, [start]);
    tell(&mut state, &memory, up(), 5).await;
    assert_eq!(told(&memory).await, [start, (Phase::End, Turn::Healthy)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_ends_when_the_check_is_deleted_or_suspended() {
    let suspended = Some(CheckHealth { suspended: true, ..check(DOWN, false) });
    for gone in [None, suspended] {
        let memory = Memory::default();
        let mut state = State::load(&memory, book()).await.unwrap();
        tell(&mut state, &memory, down(), 1).await;
        tell(&mut state, &memory, gone, 2).await;
        let want = [(Phase::Start, Turn::Unhealthy), (Phase::End, Turn::Unwatched)];
        assert_eq!(told(&memory).await, want);
        assert_eq!(memory.keys("alerts/incidents/"), 0);
        for parcel in state::parcels(&memory).await {
            let facts = &parcel.message.news[0].facts;
            let zone = facts.check.as_ref().map(|check| &*check.zone_name);
            assert_eq!((&*facts.name, zone), ("shop", Some("example.com")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_goes_from_the_outbox_to_the_history_in_one_step() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, down(), 1).await;
    let parcel = state.outbox.begin(Instant::now()).unwrap();
    let ending = |result| Ending { at: at(2), result, attempts: 3, error: None };
    *memory.is_broken.lock().unwrap() = true;
    state.end(&memory, &parcel, ending(DeliveryResult::Delivered)).await.unwrap_err();
    assert_eq!((memory.keys("alerts/outbox/"), memory.history().len()), (1, 0));
    *memory.is_broken.lock().unwrap() = false;
    state.end(&memory, &parcel, ending(DeliveryResult::Delivered)).await.unwrap();
    assert_eq!((memory.keys("alerts/outbox/"), memory.keys("alerts/standing/")), (0, 1));
    let [entry]: [HistoryEntry; 1] = memory.history().try_into().unwrap();
    assert_eq!((entry.id, entry.attempts, entry.sent), (parcel.id, 3, at(2)));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_told_later_and_once() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    *memory.is_broken.lock().unwrap() = true;
    state.tell(&memory, &world(down()), at(1)).await.unwrap_err();
    assert_eq!(state.outbox.len(), 0);
    *memory.is_broken.lock().unwrap() = false;
    tell(&mut state, &memory, down(), 2).await;
    tell(&mut state, &memory, down(), 3).await;
    assert_eq!((state.outbox.len(), memory.keys("alerts/incidents/")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_history_of_an_account_has_an_end() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, down(), 1).await;
    let parcel = state.outbox.begin(Instant::now()).unwrap();
    for second in 0..1_010 {
        let result = DeliveryResult::Delivered;
        let ending = Ending { at: at(second), result, attempts: 1, error: None };
        state.end(&memory, &parcel, ending).await.unwrap();
    }
    let history = memory.history();
    assert_eq!((history.len(), history[0].sent), (1_000, at(10)));
}

#[test]
fn a_message_is_given_up_for_good_reasons_and_after_a_day() {
    let ended = |for_good, age| {
        let account = trimtab_model::Account {
            id: ACCOUNT,
            name: String::new(),
            enforce_twofactor: false,
            created_on: at(0),
        };
        let to = crate::parcel::Destination::Email(String::new());
        let message = crate::Message::test(&account, None, at(0));
        let parcel = Parcel { number: 0, id: String::new(), to, made: at(0), message };
        let failure = Failure { for_good, ..Failure::for_good("") };
        verdict(&Err(failure), &parcel, at(age))
    };
    const DAY: i64 = 24 * 3600;
    assert_eq!(ended(false, DAY - 1), None);
    assert_eq!(ended(false, DAY), Some(DeliveryResult::GivenUp));
    assert_eq!(ended(true, 0), Some(DeliveryResult::GivenUp));
}
