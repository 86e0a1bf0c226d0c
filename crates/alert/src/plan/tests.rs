//! Tables of who is told what, and a property: whatever happens and wherever it stops, what was told is what is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use trimtab_model::alert::{AlertPolicy, EventSource, Filters, Mechanisms, NewHealth, Silence};
use trimtab_model::config::{Document, Key};
use trimtab_model::pool::{Notify, NotifyFilter, NotifyRule};
use trimtab_model::{
    AlertDocument, AlertKey, AlertPolicyId, Change, PagerDutyId, Pool, PoolId, SilenceId, WebhookId,
};

use super::*;

const ACCOUNT: AccountId = AccountId::new([9; 16]);
const HOOK: WebhookId = WebhookId::new([8; 16]);
const PAGER: PagerDutyId = PagerDutyId::new([7; 16]);

fn pool(id: u8) -> PoolId {
    PoolId::new([id; 16])
}

fn a_pool(id: u8) -> Subject {
    Subject::Pool(pool(id))
}

fn an_origin(id: u8) -> Subject {
    Subject::Origin(pool(id), "o".into())
}

fn policy(filters: Filters) -> AlertPolicy {
    AlertPolicy {
        id: AlertPolicyId::new([1; 16]),
        name: "policy".into(),
        description: String::new(),
        enabled: true,
        alert_type: AlertType::LoadBalancingHealth,
        alert_interval: None,
        mechanisms: Mechanisms { email: Vec::new(), webhooks: vec![HOOK], pagerduty: vec![PAGER] },
        filters,
        created_on: at(0),
        modified_on: at(0),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

/// A world in which steps are applied as the engine applies them.
struct World {
    book: Book,
    told: Told,
    seen: Seen,
    now: i64,
    number: u64,
    ids: u64,
    room: usize,
}

impl World {
    fn new(policies: Vec<AlertPolicy>) -> World {
        let mut book = Book::default();
        for policy in policies {
            let key = Key::Alert(AlertKey::Policy(ACCOUNT, policy.id));
            put(&mut book, key, AlertDocument::Policy(policy));
        }
        let (told, seen) = Default::default();
        World { book, told, seen, now: 0, number: 0, ids: 0, room: 100 }
    }

    fn see(&mut self, subject: &Subject, condition: Condition) {
        self.seen.put(subject.clone(), ACCOUNT, condition);
    }

    fn steps(&mut self) -> Vec<Step> {
        self.now += 1;
        let mut ids = self.ids;
        let mut id = || {
            ids += 1;
            format!("id{ids}")
        };
        let facts = |_: &Subject| Facts::default();
        let (book, seen) = (&self.book, &self.seen);
        let look = Look { now: at(self.now), book, seen, facts: &facts };
        let mut mint = Mint { id: &mut id, number: self.number, room: self.room };
        let steps = plan(&self.told, look, &mut mint);
        self.number = mint.number;
        self.ids = ids;
        steps
    }

    /// What is sent, one line each: over what, phase, news.
    fn tell(&mut self) -> Vec<String> {
        let steps = self.steps();
        let mut lines = Vec::new();
        for step in steps {
            lines.extend(step.parcels.iter().map(|parcel| line(parcel, None)));
            let held_back = step.held_back.iter();
            lines.extend(held_back.map(|(parcel, result)| line(parcel, Some(*result))));
            self.told.put(step.incident);
        }
        assert!(!differs(&self.told, &self.seen), "something is left to tell");
        lines.sort();
        lines
    }
}

fn put(book: &mut Book, key: Key, document: AlertDocument) {
    book.apply(Change { key, document: Some(Document::Alert(Box::new(document))) });
}

fn line(parcel: &Parcel, result: Option<DeliveryResult>) -> String {
    let message = &parcel.message;
    let phase = match message.phase {
        Phase::Start => "start",
        Phase::End => "end",
    };
    let news = message.news.iter().map(|news| match &news.subject {
        Subject::Pool(id) => format!("pool{}={}", id.bytes()[0], news.turn),
        Subject::Origin(id, _) => format!("origin{}={}", id.bytes()[0], news.turn),
        Subject::Enablement(id) => format!("enabled{}={}", id.bytes()[0], news.turn),
        Subject::Check(id) => format!("check{}={}", id.bytes()[0], news.turn),
    });
    let news: Vec<String> = news.collect();
    let held_back = result.map(|result| format!("{result} ")).unwrap_or_default();
    format!("{held_back}{} {phase} {}", parcel.to.channel(), news.join(" "))
}

use Condition::{Bad, Good, NoWord, Unwatched};

#[test]
fn pools_that_fail_together_are_one_message_and_end_with_the_last_of_them() {
    let mut world = World::new(vec![policy(Filters::default())]);
    for subject in [a_pool(1), a_pool(2), an_origin(1)] {
        world.see(&subject, Bad);
    }
    let all = "pool1=Unhealthy pool2=Unhealthy origin1=Unhealthy";
    assert_eq!(world.tell(), [format!("pagerduty start {all}"), format!("webhook start {all}")]);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&a_pool(1), Good);
    assert_eq!(world.tell(), ["webhook start pool1=Healthy"]);
    world.see(&a_pool(2), Good);
    world.see(&an_origin(1), Good);
    let all = "pool2=Healthy origin1=Healthy";
    assert_eq!(world.tell(), [format!("pagerduty end {all}"), format!("webhook end {all}")]);
    assert_eq!(world.told, Told::default());
}

#[test]
fn a_filter_tells_what_it_names_and_pagerduty_is_resolved_whatever_it_says() {
    let check = |filters: Filters, start: &[&str], end: &[&str]| {
        let mut world = World::new(vec![policy(filters)]);
        world.see(&a_pool(1), Bad);
        world.see(&an_origin(1), Bad);
        assert_eq!(world.tell(), start);
        world.see(&a_pool(1), Good);
        world.see(&an_origin(1), Good);
        assert_eq!(world.tell(), end);
    };
    let both = Filters::default;
    let pool_alone = Filters { event_source: vec![EventSource::Pool], ..both() };
    check(
        pool_alone.clone(),
        &["pagerduty start pool1=Unhealthy", "webhook start pool1=Unhealthy"],
        &["pagerduty end pool1=Healthy", "webhook end pool1=Healthy"],
    );
    check(
        Filters { new_health: vec![NewHealth::Unhealthy], ..pool_alone.clone() },
        &["pagerduty start pool1=Unhealthy", "webhook start pool1=Unhealthy"],
        &["pagerduty end pool1=Healthy"],
    );
    check(
        Filters { new_health: vec![NewHealth::Healthy], ..pool_alone },
        &[],
        &["webhook end pool1=Healthy"],
    );
    check(Filters { pool_id: vec![pool(2)], ..both() }, &[], &[]);
}

#[test]
fn what_nobody_knows_keeps_what_was_told_and_what_nobody_watches_ends_it() {
    let mut world = World::new(vec![policy(Filters::default())]);
    world.see(&a_pool(1), NoWord);
    world.see(&a_pool(2), Unwatched);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&a_pool(1), Bad);
    world.see(&a_pool(2), Bad);
    assert_eq!(world.tell().len(), 2);
    world.see(&a_pool(1), NoWord);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&a_pool(1), Unwatched);
    assert_eq!(world.tell(), ["webhook start pool1=Unwatched"]);
    world.seen.subjects.remove(&a_pool(2));
    let end = "pool2=Unwatched";
    assert_eq!(world.tell(), [format!("pagerduty end {end}"), format!("webhook end {end}")]);
}

#[test]
fn an_endpoint_that_gets_another_name_is_no_news() {
    let named = |name: &str| Subject::Origin(pool(1), name.into());
    let mut world = World::new(vec![policy(Filters::default())]);
    let call = |world: &mut World, name: &str, condition| {
        world.seen.subjects.clear();
        world.seen.endpoints.insert((pool(1), 7), name.into());
        world.see(&named(name), condition);
    };
    call(&mut world, "o", Bad);
    assert_eq!(world.tell().len(), 2);
    call(&mut world, "other", Bad);
    assert_eq!(world.tell(), Vec::<String>::new());
    call(&mut world, "third", Good);
    let end = "origin1=Healthy";
    assert_eq!(world.tell(), [format!("pagerduty end {end}"), format!("webhook end {end}")]);
    // Another endpoint of the same name is another.
    call(&mut world, "third", Bad);
    assert_eq!(world.tell().len(), 2);
    world.seen.endpoints.clear();
    world.seen.subjects.clear();
    world.seen.endpoints.insert((pool(1), 8), "fourth".into());
    world.see(&named("fourth"), Good);
    let end = "origin1=Unwatched";
    assert_eq!(world.tell(), [format!("pagerduty end {end}"), format!("webhook end {end}")]);
}

#[test]
fn what_was_opened_is_closed_wherever_the_policy_leads_by_then() {
    let mut world = World::new(vec![policy(Filters::default())]);
    world.see(&a_pool(1), Bad);
    assert_eq!(world.tell().len(), 2);
    let mut elsewhere = policy(Filters::default());
    elsewhere.mechanisms = Mechanisms { email: vec!["a@b.c".into()], ..Mechanisms::default() };
    let key = Key::Alert(AlertKey::Policy(ACCOUNT, elsewhere.id));
    put(&mut world.book, key, AlertDocument::Policy(elsewhere));
    world.see(&a_pool(1), Good);
    assert_eq!(world.tell(), ["email end pool1=Healthy", "pagerduty end pool1=Healthy"]);
}

#[test]
fn a_destination_that_is_named_twice_is_told_once() {
    let mut twice = policy(Filters::default());
    let mail = || "a@b.c".to_owned();
    twice.mechanisms = Mechanisms {
        email: vec![mail(), mail()],
        webhooks: vec![HOOK, HOOK],
        pagerduty: Vec::new(),
    };
    let mut world = World::new(vec![twice]);
    with_mail(&mut world, "x@b.c, x@b.c");
    world.see(&a_pool(1), Bad);
    let start = "start pool1=Unhealthy";
    let told = [format!("email {start}"), format!("email {start}"), format!("webhook {start}")];
    assert_eq!(world.tell(), told);
}

#[test]
fn an_address_that_did_not_ask_how_endpoints_end_is_not_told_because_one_is_the_last_of_its_incident()
 {
    let mut world = World::new(Vec::new());
    with_mail(&mut world, "x@b.c");
    let origin = Some(NotifyRule { disable: false, healthy: Some(false) });
    world.book.pools.get_mut(&pool(1)).unwrap().notify.filter =
        Some(NotifyFilter { pool: None, origin });
    world.see(&a_pool(1), Bad);
    world.see(&an_origin(1), Bad);
    assert_eq!(world.tell(), ["email start pool1=Unhealthy origin1=Unhealthy"]);
    world.see(&a_pool(1), Good);
    assert_eq!(world.tell(), ["email start pool1=Healthy"]);
    world.see(&an_origin(1), Good);
    assert_eq!(world.tell(), Vec::<String>::new());
}

#[test]
fn the_address_of_a_deleted_pool_hears_that_it_is_gone() {
    let mut world = World::new(vec![]);
    with_mail(&mut world, "x@b.c");
    world.see(&a_pool(1), Bad);
    world.see(&a_pool(2), Bad);
    assert_eq!(world.tell(), ["email start pool1=Unhealthy"]);
    world.book.apply(Change { key: Key::Pool(ACCOUNT, pool(1)), document: None });
    world.seen.subjects.remove(&a_pool(1));
    let [step] = &world.steps()[..] else { panic!("not one step") };
    let message = &step.parcels[0].message;
    assert_eq!((&*message.policy_name, &*message.news[0].facts.name), ("pool fra", "fra"));
    assert_eq!(world.tell(), ["email end pool1=Unwatched"]);
}

/// Pool 1 is called fra and has these addresses.
fn with_mail(world: &mut World, email: &str) {
    let notify = Notify { email: email.into(), filter: None };
    let document = Pool { id: pool(1), name: "fra".into(), notify, ..trimtab_testkit::pool() };
    let document = Some(Document::Pool(Box::new(document)));
    world.book.apply(Change { key: Key::Pool(ACCOUNT, pool(1)), document });
}

#[test]
fn whoever_asked_for_good_news_alone_is_not_told_that_nobody_watches() {
    let good = Filters { new_health: vec![NewHealth::Healthy], ..Filters::default() };
    let mut world = World::new(vec![policy(good)]);
    world.see(&a_pool(1), Bad);
    world.see(&a_pool(2), Bad);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&a_pool(1), Unwatched);
    world.see(&a_pool(2), Good);
    assert_eq!(world.tell(), ["webhook end pool2=Healthy"]);
}

#[test]
fn a_silence_holds_back_starts_and_what_would_end_them_but_no_end_of_what_was_sent() {
    let silence = |world: &mut World, from: i64, until: i64| {
        let id = SilenceId::new([1; 16]);
        let silence = Silence {
            id,
            policy: AlertPolicyId::new([1; 16]),
            start: at(from),
            end: at(until),
            created_on: at(0),
            modified_on: at(0),
        };
        let key = Key::Alert(AlertKey::Silence(ACCOUNT, id));
        put(&mut world.book, key, AlertDocument::Silence(silence));
    };
    let mut world = World::new(vec![policy(Filters::default())]);
    silence(&mut world, 0, 2);
    world.see(&a_pool(1), Bad);
    let held_back =
        ["silenced pagerduty start pool1=Unhealthy", "silenced webhook start pool1=Unhealthy"];
    assert_eq!(world.tell(), held_back);
    world.see(&a_pool(1), Good);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&a_pool(1), Bad);
    assert_eq!(world.tell().len(), 2);
    silence(&mut world, 0, 100);
    world.see(&a_pool(1), Good);
    assert_eq!(world.tell(), ["pagerduty end pool1=Healthy", "webhook end pool1=Healthy"]);
}

#[test]
fn a_pools_own_address_is_told_what_its_filter_lets_through() {
    let check = |filter: Option<NotifyFilter>, start: &[&str], end: &[&str]| {
        let mut world = World::new(Vec::new());
        let notify = Notify { email: "a@b.c".into(), filter };
        let document = Pool { id: pool(1), notify, ..trimtab_testkit::pool() };
        let document = Some(Document::Pool(Box::new(document)));
        world.book.apply(Change { key: Key::Pool(ACCOUNT, pool(1)), document });
        for subject in [a_pool(1), an_origin(1), a_pool(2), Subject::Enablement(pool(1))] {
            world.see(&subject, Bad);
        }
        assert_eq!(world.tell(), start);
        for subject in [a_pool(1), an_origin(1), a_pool(2), Subject::Enablement(pool(1))] {
            world.see(&subject, Good);
        }
        assert_eq!(world.tell(), end);
    };
    let rule = |disable, healthy| Some(NotifyRule { disable, healthy });
    check(
        None,
        &["email start pool1=Unhealthy origin1=Unhealthy"],
        &["email end pool1=Healthy origin1=Healthy"],
    );
    check(
        Some(NotifyFilter { pool: rule(false, Some(false)), origin: rule(true, None) }),
        &["email start pool1=Unhealthy"],
        &[],
    );
    check(
        Some(NotifyFilter { pool: rule(false, Some(true)), origin: rule(true, None) }),
        &[],
        &["email end pool1=Healthy"],
    );
}

#[test]
fn what_there_is_no_room_for_is_dropped_with_a_word() {
    let mut world = World::new(vec![policy(Filters::default())]);
    world.room = 1;
    world.see(&a_pool(1), Bad);
    let dropped =
        ["dropped pagerduty start pool1=Unhealthy", "dropped webhook start pool1=Unhealthy"];
    assert_eq!(world.tell(), dropped);
}

#[test]
fn a_pool_that_was_made_disabled_is_no_news_until_it_is_enabled() {
    let enablement =
        AlertPolicy { alert_type: AlertType::PoolEnablement, ..policy(Filters::default()) };
    let mut world = World::new(vec![enablement]);
    let made = Pool {
        id: pool(1),
        enabled: false,
        disabled_at: Some(at(5)),
        created_on: at(5),
        ..trimtab_testkit::pool()
    };
    let document = Some(Document::Pool(Box::new(made)));
    world.book.apply(Change { key: Key::Pool(ACCOUNT, pool(1)), document });
    world.see(&Subject::Enablement(pool(1)), Bad);
    assert_eq!(world.tell(), Vec::<String>::new());
    world.see(&Subject::Enablement(pool(1)), Good);
    assert_eq!(world.tell(), ["webhook end enabled1=Healthy"]);
}

#[test]
fn an_outage_of_more_than_fits_one_incident_is_several() {
    let mut world = World::new(vec![policy(Filters::default())]);
    for number in 0..=MEMBERS_MAX {
        world.see(&Subject::Origin(pool(1), format!("o{number:04}")), Bad);
    }
    let steps = world.steps();
    let sizes: Vec<usize> = steps.iter().map(|step| step.incident.members.len()).collect();
    assert_eq!(sizes, [MEMBERS_MAX, 1]);
    let message = &steps[0].parcels[0].message;
    assert_eq!((message.news.len(), message.more), (DETAILS_MAX, MEMBERS_MAX - DETAILS_MAX));
}

/// What can happen between two looks; a crash forgets what was decided and not stored.
#[derive(Clone, Debug)]
enum Act {
    Turn(u8, bool),
    Look,
    /// Power fails after so many of the steps were stored.
    LookAndCrash(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..5_u8, any::<bool>()).prop_map(|(subject, up)| Act::Turn(subject, up)),
        2 => Just(Act::Look),
        1 => (0..3_usize).prop_map(Act::LookAndCrash),
    ];
    prop::collection::vec(act, 1..60)
}

fn subject(number: u8) -> Subject {
    match number {
        0..=1 => a_pool(number),
        _ => an_origin(number),
    }
}

proptest! {
    #[test]
    fn whatever_stops_it_each_things_last_word_is_what_it_is_and_starts_and_ends_alternate(acts in acts()) {
        let mut world = World::new(vec![policy(Filters::default())]);
        let mut now: BTreeMap<u8, bool> = (0..5).map(|number| (number, true)).collect();
        let mut sent: Vec<Parcel> = Vec::new();
        for act in acts.into_iter().chain([Act::Look]) {
            let stored = match act {
                Act::Turn(number, up) => {
                    now.insert(number, up);
                    world.see(&subject(number), if up { Good } else { Bad });
                    continue;
                }
                Act::Look => usize::MAX,
                Act::LookAndCrash(stored) => stored,
            };
            for step in world.steps().into_iter().take(stored) {
                sent.extend(step.parcels);
                world.told.put(step.incident);
            }
        }
        let mut last: BTreeMap<Subject, bool> = BTreeMap::new();
        let mut ids: BTreeMap<String, Parcel> = BTreeMap::new();
        let mut open: BTreeMap<String, u32> = BTreeMap::new();
        for parcel in &sent {
            prop_assert_eq!(ids.insert(parcel.id.clone(), parcel.clone()), None, "a key twice");
            if parcel.to.channel() == Channel::PagerDuty {
                let starts = open.entry(parcel.message.correlation.clone()).or_default();
                match parcel.message.phase {
                    Phase::Start => *starts += 1,
                    Phase::End => *starts -= 1,
                }
                prop_assert!(*starts <= 1);
                continue;
            }
            for news in &parcel.message.news {
                let up = news.turn == Turn::Healthy;
                let before = last.insert(news.subject.clone(), up).unwrap_or(true);
                prop_assert!(before != up, "{:?} was told twice", news.subject);
            }
        }
        for (number, up) in now {
            prop_assert_eq!(last.get(&subject(number)).copied().unwrap_or(true), up);
        }
        let down = world.told.0.values().filter(|incident| !incident.is_over()).count();
        prop_assert_eq!(open.values().filter(|starts| **starts == 1).count(), down);
    }
}
