//! The engine's memory against its store: what a crash leaves behind is gone on with, nothing is told twice.

use std::collections::BTreeMap;
use std::sync::Mutex;

use trimtab_model::alert::{
    AlertPolicy, AlertType, DeliveryResult, Filters, HistoryEntry, Mechanisms,
};
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, AlertDocument, AlertKey, AlertPolicyId, Change, WebhookId};

use super::state::{self, State};
use super::*;
use crate::Write;
use crate::message::{Phase, Turn};
use crate::seen::CheckChange;

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const HOOK: WebhookId = WebhookId::new([2; 16]);

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

fn check(healthy: Option<bool>) -> CheckChange {
    CheckChange {
        account: ACCOUNT,
        id: "c".into(),
        name: "shop".into(),
        address: "192.0.2.1".into(),
        healthy,
        reason: String::new(),
        zone_id: String::new(),
        zone_name: String::new(),
        failing_regions: Vec::new(),
        at: at(0),
    }
}

/// A world without pools.
fn snapshot() -> trimtab_live::Snapshot {
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
    Publisher::new(settings, start, mpsc::channel(1).0).snapshot()
}

async fn tell(state: &mut State, memory: &Memory, healthy: Option<bool>, now: i64) {
    state.checks.insert("c".into(), check(healthy));
    state.tell(memory, &snapshot(), at(now)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_still_there_after_a_crash_with_the_same_key_and_the_same_words() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, Some(false), 1).await;
    let sent = state.outbox.begin(Instant::now()).unwrap();
    let mut state = State::load(&memory, book()).await.unwrap();
    assert_eq!(state.outbox.begin(Instant::now()), Some(sent));
    // Nobody has heard of the check since the start: that is no news.
    assert!(!state.differs(&snapshot()));
    tell(&mut state, &memory, Some(true), 9).await;
    let parcels: Vec<_> = state::parcels(&memory).await;
    let told: Vec<_> = parcels.iter().map(|p| (p.message.phase, p.message.news[0].turn)).collect();
    assert_eq!(told, [(Phase::Start, Turn::Unhealthy), (Phase::End, Turn::Healthy)]);
    assert_eq!(parcels[0].message.correlation, parcels[1].message.correlation);
    assert!(parcels[0].number < parcels[1].number);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_goes_from_the_outbox_to_the_history_in_one_step() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, Some(false), 1).await;
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
    state.checks.insert("c".into(), check(Some(false)));
    state.tell(&memory, &snapshot(), at(1)).await.unwrap_err();
    assert_eq!(state.outbox.len(), 0);
    *memory.is_broken.lock().unwrap() = false;
    tell(&mut state, &memory, Some(false), 2).await;
    tell(&mut state, &memory, Some(false), 3).await;
    assert_eq!((state.outbox.len(), memory.keys("alerts/incidents/")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_history_of_an_account_has_an_end() {
    let memory = Memory::default();
    let mut state = State::load(&memory, book()).await.unwrap();
    tell(&mut state, &memory, Some(false), 1).await;
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
