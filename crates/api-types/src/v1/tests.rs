//! Promises that hold for every resource: what GET returned can be PUT back, and no body can hurt.

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use trimtab_model::{Problems, Timestamp};

use super::balancer::Owner;
use super::record::{Parsed, RecordDraft};
use super::{
    Balancer, Envelope, Limits, Monitor, Pool, Record, account, alerting, balancer, certificate,
    monitor, pool, record, samples, token, zone,
};

mod watching;

const LATER: Timestamp = Timestamp::from_micros(5_000_000_000_000_000);

/// What a client would send back, byte by byte.
fn sent_back(rendered: &impl Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(rendered).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn semantics_37_a_monitor_put_back_changes_nothing(monitor in samples::monitor()) {
        let rendered = Monitor::from(&monitor);
        let draft = monitor::read(&sent_back(&rendered), &Limits::default()).unwrap();
        let (again, changed) = draft.onto(&monitor, LATER);
        prop_assert_eq!((&again, changed), (&monitor, false));
        prop_assert_eq!(Monitor::from(&again), rendered);
        let draft = monitor::patch(&monitor, &json!({}), &Limits::default()).unwrap();
        prop_assert_eq!(draft.onto(&monitor, LATER), (monitor, false));
    }

    #[test]
    fn semantics_37_a_pool_put_back_changes_nothing(pool in samples::pool()) {
        let rendered = Pool::from(&pool);
        let draft = pool::read(&sent_back(&rendered)).unwrap();
        let (again, changed) = draft.onto(&pool, LATER);
        prop_assert_eq!((&again, changed), (&pool, false));
        prop_assert_eq!(sent_back(&Pool::from(&again)), sent_back(&rendered));
        let draft = pool::patch(&pool, &json!({})).unwrap();
        prop_assert_eq!(draft.onto(&pool, LATER), (pool, false));
    }

    #[test]
    fn semantics_37_a_balancer_put_back_changes_nothing(balancer in samples::balancer()) {
        let zone = samples::zone();
        let rendered = Balancer::new(&balancer, Some(&zone));
        let draft = balancer::read(&sent_back(&rendered), &Owner::Zone(&zone)).unwrap();
        let (again, changed) = draft.onto(&balancer, LATER);
        prop_assert_eq!((&again, changed), (&balancer, false));
        prop_assert_eq!(sent_back(&Balancer::new(&again, Some(&zone))), sent_back(&rendered));
        let draft = balancer::patch(&balancer, &json!({}), &Owner::Zone(&zone)).unwrap();
        prop_assert_eq!(draft.onto(&balancer, LATER), (balancer, false));
    }

    #[test]
    fn semantics_37_a_record_put_back_changes_nothing(record in samples::record()) {
        let zone = samples::zone();
        let parsed = Parsed {
            content: record.content.clone(),
            data: record.data.clone(),
            rdata: record.rdata.clone(),
        };
        let unchanged = |draft: RecordDraft| {
            draft.onto(&record, &zone, parsed.clone(), LATER) == (record.clone(), false)
        };
        let rendered = sent_back(&Record::from(&record));
        prop_assert!(unchanged(record::read(&rendered, &zone).unwrap()));
        let patched = record::patch(&record, &json!({}), &zone).unwrap();
        prop_assert!(unchanged(patched));
    }

    #[test]
    fn every_pool_that_blocks_deletion_is_looked_up(balancer in samples::balancer()) {
        let mentioned: Vec<_> = balancer::pools(&balancer).into_iter().map(|(_, id)| id).collect();
        let blocking = balancer.pools();
        prop_assert!(blocking.iter().all(|pool| mentioned.contains(pool)));
        prop_assert!(mentioned.iter().all(|pool| blocking.contains(pool)));
    }

    #[test]
    fn the_place_of_a_mentioned_pool_is_its_place_in_the_body(balancer in samples::balancer()) {
        let body = sent_back(&Balancer::new(&balancer, None));
        for (pointer, pool) in balancer::pools(&balancer) {
            prop_assert_eq!(body.pointer(&pointer), Some(&json!(pool)), "{}", pointer);
        }
    }

    #[test]
    fn no_body_hurts_and_every_refusal_says_why(body in any_body()) {
        every_reader(&body);
    }

    /// Each field of a sound body in turn holds something else.
    #[test]
    fn no_value_of_a_field_hurts(
        balancer in samples::balancer(),
        pool in samples::pool(),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        for mut body in [sent_back(&Balancer::new(&balancer, None)), sent_back(&Pool::from(&pool))] {
            let places = places(&body);
            *body.pointer_mut(&places[at.index(places.len())]).unwrap() = value.clone();
            every_reader(&body);
        }
    }
}

/// Every reader meets the body; what is refused is refused with a reason and a pointer into the body.
fn every_reader(body: &Value) {
    let zone = samples::zone();
    check(body, monitor::read(body, &Limits::default()));
    check(body, pool::read(body));
    watching::every_reader(body);
    check(body, pool::read_clear_emails(body));
    check(body, certificate::read(body));
    check(body, certificate::read_priorities(body));
    check(body, balancer::read(body, &Owner::Zone(&zone)));
    check(body, balancer::read(body, &Owner::Account(zone.account)));
    check(body, record::read(body, &zone));
    check(body, record::Batch::read(body));
    check(body, zone::read(body));
    check(body, zone::patch(&zone, body, LATER));
    check(body, account::read(body));
    check(body, token::read(body));
    check(body, alerting::policy::read(body));
    check(body, alerting::webhook::read(body));
    check(body, alerting::pagerduty::read(body));
    check(body, alerting::silence::read(body));
    check(body, alerting::silence::read_edits(body));
}

fn check<T>(body: &Value, outcome: Result<T, Problems>) {
    let Err(problems) = outcome else { return };
    assert!(!problems.is_empty(), "refused without a reason: {body}");
    for problem in problems.iter() {
        let parent = problem.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        assert!(body.pointer(parent).is_some(), "{} is not in {body}", problem.pointer);
        assert!(problem.message.len() < 1000, "{}", problem.message);
    }
}

fn places(body: &Value) -> Vec<String> {
    fn walk(value: &Value, at: String, all: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                walk(value, format!("{at}/{key}"), all);
            }),
            Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
                walk(value, format!("{at}/{index}"), all);
            }),
            _ => {}
        }
        all.push(at);
    }
    let mut all = Vec::new();
    walk(body, String::new(), &mut all);
    all
}

/// JSON of any shape, with numbers at the edges and long texts.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["", "/", "~", "*", "@", "a.example.com", "2xx", "WNAM", "\u{0}"])
            .prop_map(Value::from),
        (90..3000_usize).prop_map(|length| "é".repeat(length).into()),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            fields(inner),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Value> {
    prop_oneof![1 => any_json(), 4 => fields(any_json())]
}

/// Objects whose keys are mostly ones that readers ask for.
fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let mut known = vec![
        "name",
        "type",
        "origins",
        "address",
        "header",
        "Host",
        "port",
        "weight",
        "interval",
        "rules",
        "overrides",
        "fixed_response",
        "pool_sets",
        "match",
        "topology",
        "pops",
        "default_pools",
        "fallback_pool",
        "region_pools",
        "random_steering",
        "pool_weights",
        "session_affinity",
        "session_affinity_attributes",
        "headers",
        "trimtab",
        "proximity_bias",
        "upstream",
        "certificates",
        "geo_restrictions",
        "load_shedding",
        "notification_filter",
        "pool",
        "latitude",
        "content",
        "data",
        "tags",
        "settings",
        "policies",
        "permission_groups",
        "resources",
        "condition",
        "posts",
        "puts",
        "id",
        "account",
        "expected_codes",
        "check_regions",
        "notification_email",
    ];
    known.extend(watching::FIELDS);
    let key = prop_oneof![
        8 => prop::sample::select(known).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    prop::collection::btree_map(key, value, 0..12)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

#[test]
fn huge_and_deep_bodies_are_refused_briefly() {
    let mut deep = json!([]);
    for _ in 0..120 {
        deep = json!({"overrides": [deep]});
    }
    let wide = json!(vec![json!({"address": 1}); 100_000]);
    for key in ["origins", "rules", "pool_sets", "default_pools", "name", "posts", "policies"] {
        every_reader(&json!({ key: deep }));
        every_reader(&json!({ key: wide }));
        every_reader(&json!({ key: "x".repeat(1 << 20) }));
    }
}

#[test]
fn schemas_have_one_name_each_and_refer_only_to_each_other() {
    let schemas = super::schemas();
    let names: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, NAMES);
    for (name, schema) in &schemas {
        let text = serde_json::to_string(schema).unwrap();
        for target in text.split("#/components/schemas/").skip(1) {
            let target = target.split('"').next().unwrap();
            assert!(names.contains(&target), "{name} refers to {target}");
        }
    }
}

#[test]
fn resources_without_an_extension_refuse_one() {
    let body = json!({
        "name": "p",
        "origins": [{"address": "::1"}],
        "expected_codes": "200",
        "trimtab": {"proximity_bias": {}},
    });
    let want = [("/trimtab/proximity_bias".into(), "unknown field: proximity_bias".into())];
    assert_eq!(samples::refusals(pool::read(&body)), want);
    assert_eq!(samples::refusals(monitor::read(&body, &Limits::default())), want);
}

#[test]
fn envelopes_are_named_by_what_they_hold() {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(Envelope<Pool>, Envelope<Vec<Pool>>, Envelope<Monitor>)))]
    struct Api;
    let components = <Api as utoipa::OpenApi>::openapi().components.unwrap();
    let names: Vec<_> =
        components.schemas.into_keys().filter(|name| name.starts_with("Envelope")).collect();
    assert_eq!(names, ["Envelope_Monitor", "Envelope_Pool", "Envelope_Vec_Pool"]);
}

const NAMES: &[&str] = &[
    "Account",
    "AccountSettings",
    "Acme",
    "AcmeName",
    "AdaptiveRouting",
    "AffinityKey",
    "AffinityKeys",
    "AlertEligible",
    "AlertHistory",
    "AlertHistoryExtension",
    "AlertMechanism",
    "AlertMechanisms",
    "AlertPolicy",
    "AlertTested",
    "AlertWritten",
    "ApiError",
    "ApiMessage",
    "AvailableAlert",
    "BalancerHealth",
    "BalancerPool",
    "CertificateExtension",
    "ChainedError",
    "CountryEntry",
    "CustomCertificate",
    "Deleted",
    "DnsQuestion",
    "DnsRecord",
    "DnsRecordBatch",
    "DnsRecordMeta",
    "DnsRecordSettings",
    "Drain",
    "Ejected",
    "EndpointSplit",
    "ErrorSource",
    "Event",
    "EventExtension",
    "EventMonitor",
    "EventOrigin",
    "EventPlace",
    "EventPool",
    "EvidencePhase",
    "Explanation",
    "ExplanationAnswer",
    "ExplanationCandidate",
    "ExplanationClient",
    "ExplanationEndpoint",
    "ExplanationFixedResponse",
    "ExplanationFlip",
    "ExplanationHttp",
    "ExplanationLoadBalancer",
    "ExplanationLocation",
    "ExplanationObserver",
    "ExplanationQuestion",
    "ExplanationRule",
    "ExplanationRuling",
    "ExplanationRunnerUp",
    "ExplanationStep",
    "ExplanationTried",
    "ExplanationTries",
    "ExplanationUpstream",
    "Failure",
    "FeedEntry",
    "FixedResponse",
    "GeoRestrictions",
    "GrpcHealth",
    "HealthCheck",
    "HealthCheckHttp",
    "HealthCheckTcp",
    "HostHeader",
    "KeptDecision",
    "LoadBalancer",
    "LoadShedding",
    "LocationStrategy",
    "MatrixMonitor",
    "MatrixOrigin",
    "MatrixPlace",
    "MatrixPool",
    "MatrixRegion",
    "Monitor",
    "MonitorGroup",
    "MonitorGroupMember",
    "Mx",
    "NotificationFilter",
    "NotificationRule",
    "Origin",
    "OriginAway",
    "OriginExtension",
    "OriginHealth",
    "OriginSteering",
    "Override",
    "Overrides",
    "PagerDuty",
    "PartialAttributes",
    "PartialLocationStrategy",
    "PartialRandomSteering",
    "PermissionGroup",
    "PermissionName",
    "Persistence",
    "PlaceHealth",
    "Pool",
    "PoolHealth",
    "PoolHealthExtension",
    "PoolSet",
    "PoolSetMatch",
    "PoolSplit",
    "PopHealth",
    "Preview",
    "ProbeEvidence",
    "ProbeLine",
    "ProbeOrder",
    "ProbePhases",
    "ProbeVerdict",
    "RandomSteering",
    "Reference",
    "RegionEntry",
    "Regions",
    "Required",
    "Requires",
    "ResultInfo",
    "Rule",
    "SearchResource",
    "SearchResult",
    "SessionAffinityAttributes",
    "Silence",
    "SmtpTalk",
    "Split",
    "SplitPart",
    "Srv",
    "SubdivisionEntry",
    "Token",
    "TokenPolicy",
    "Topology",
    "TrimtabBalancer",
    "TrimtabMonitor",
    "TrimtabOrigin",
    "TrimtabPool",
    "Unmonitored",
    "Upstream",
    "Usage",
    "User",
    "VerifiedToken",
    "Webhook",
    "Zone",
    "ZoneAccount",
    "ZoneMeta",
    "ZoneOwner",
    "ZonePlan",
];
