//! Bodies of the API: any JSON is taken or refused; what was taken and shown can be put back and changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde_json::Value;
use trimtab_api_types::v1::balancer::Owner;
use trimtab_api_types::v1::overrides::{self, Writing};
use trimtab_api_types::v1::{
    Balancer, Certificate, HealthCheck, Limits, Monitor, MonitorGroup, Override, Pool, balancer,
    certificate, feed, health_check, monitor, monitor_group, pool, record, token, zone,
};
use trimtab_model::certificate::CertificateFacts;
use trimtab_model::{
    AccountId, BalancerId, CertificateId, HealthCheckId, MonitorGroupId, MonitorId, Name,
    OverrideId, PoolId, Timestamp, Zone, ZoneId,
};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_700_000_001_000_000);

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, text)) = bytes.split_first() else { return };
    let Ok(body) = serde_json::from_slice::<Value>(text) else { return };
    match kind % 12 {
        0 => a_monitor(&body),
        1 => a_pool(&body),
        2 => a_balancer(&body),
        3 => drop(record::read(&body, &home())),
        4 => drop(token::read(&body)),
        5 => drop(zone::read(&body)),
        6 => a_certificate(&body),
        7 => drop(certificate::read_priorities(&body)),
        8 => a_monitor_group(&body),
        9 => an_override(&body),
        10 => a_health_check(&body),
        _ => drop(feed::read(&body, "", NOW)),
    }
});

fn a_monitor(body: &Value) {
    let limits = Limits::default();
    let Ok(draft) = monitor::read(body, &limits) else { return };
    let stored = draft.into_new(MonitorId::new([1; 16]), NOW);
    let again =
        monitor::read(&shown(&Monitor::from(&stored)), &limits).expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
}

fn a_pool(body: &Value) {
    let Ok(draft) = pool::read(body) else { return };
    let stored = draft.into_new(PoolId::new([1; 16]), NOW);
    let again = pool::read(&shown(&Pool::from(&stored))).expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
}

fn a_balancer(body: &Value) {
    let home = home();
    let Ok(draft) = balancer::read(body, &Owner::Zone(&home)) else { return };
    let stored = draft.into_new(BalancerId::new([1; 16]), NOW);
    let shown = shown(&Balancer::new(&stored, Some(&home)));
    let again = balancer::read(&shown, &Owner::Zone(&home)).expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
}

fn a_monitor_group(body: &Value) {
    let Ok(draft) = monitor_group::read(body) else { return };
    let stored = draft.into_new(MonitorGroupId::new([1; 16]), NOW);
    let again =
        monitor_group::read(&shown(&MonitorGroup::from(&stored))).expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
}

fn an_override(body: &Value) {
    let Ok(draft) = overrides::read(body, Writing { author: "me", now: NOW }) else { return };
    let stored = draft.into_new(OverrideId::new([1; 16]), NOW);
    let later = Writing { author: "you", now: LATER };
    let again = overrides::replace(&stored, &shown(&Override::new(&stored, LATER)), later)
        .expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
}

fn a_health_check(body: &Value) {
    let (home, limits) = (home(), Limits::default());
    let Ok(draft) = health_check::read(body, home.id, &limits) else { return };
    let stored = draft.into_new(HealthCheckId::new([1; 16]), NOW);
    let shown = shown(&HealthCheck::new(&stored, Default::default()));
    let again = health_check::read(&shown, home.id, &limits).expect("what is shown is taken");
    assert!(!again.onto(&stored, LATER).1);
    assert!(stored.monitor().id.bytes() == stored.pool().id.bytes());
}

/// What the chain says is not asked here.
fn a_certificate(body: &Value) {
    let Ok(draft) = certificate::read(body) else { return };
    let facts = CertificateFacts {
        hosts: vec!["www.example.com".into()],
        issuer: String::new(),
        signature: String::new(),
        starts_on: NOW,
        expires_on: LATER,
    };
    let place = (CertificateId::new([1; 16]), ZoneId::new([2; 16]));
    let stored = draft.into_new(place, facts.clone(), 0, NOW);
    let shown = shown(&Certificate::new(&stored, NOW));
    let again = certificate::patch(&stored, &shown).expect("what is shown is taken");
    assert!(!again.onto(&stored, facts, LATER).1);
}

/// What a client gets, and so what it sends back.
fn shown(resource: &impl Serialize) -> Value {
    let text = serde_json::to_string(resource).expect("answers are JSON");
    serde_json::from_str(&text).expect("answers are JSON")
}

fn home() -> Zone {
    Zone {
        id: ZoneId::new([2; 16]),
        account: AccountId::new([3; 16]),
        name: "example.com".parse::<Name>().expect("a name"),
        paused: false,
        created_on: NOW,
        modified_on: NOW,
        activated_on: NOW,
    }
}
