//! Random resources for property tests: everything a body can make, and nothing else.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use trimtab_model::monitor::extension::{Dns, Grpc, QueryType, ResponseCode, Smtp};
use trimtab_model::monitor::{ExpectedCodes, Extension, MonitorType, Pace, Probe};
use trimtab_model::pool::{
    Address, CheckRegions, LoadShedding, Notify, NotifyFilter, NotifyRule, OriginPolicy, Service,
    ShedPolicy, UpstreamTls, Watch, Weight,
};
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{
    AccountId, Coordinates, Monitor, MonitorGroupId, MonitorId, Name, Origin, Pool, PoolId,
    Problems, Record, RecordId, RecordType, Region, SecretPem, Timestamp, Upstream, Zone, ZoneId,
};

use super::record::Form;

mod balancer;
mod watching;

pub(super) use balancer::balancer;
pub(super) use watching::{forced, health_check, monitor_group};

/// The refusals of an outcome as pointer and message; none for a good one.
pub(super) fn refusals<T>(outcome: Result<T, Problems>) -> Vec<(String, String)> {
    let problems = outcome.err().unwrap_or_default();
    problems.iter().map(|problem| (problem.pointer.clone(), problem.message.clone())).collect()
}

/// `body` with the fields of `changes` laid over it; null takes a field out.
pub(super) fn with(body: &Value, changes: Value) -> Value {
    let (Value::Object(mut fields), Value::Object(changes)) = (body.clone(), changes) else {
        panic!("both are objects");
    };
    for (key, value) in changes {
        if value.is_null() {
            fields.remove(&key);
        } else {
            fields.insert(key, value);
        }
    }
    Value::Object(fields)
}

pub(super) fn zone() -> Zone {
    let time = Timestamp::from_micros(1_000_000);
    Zone {
        id: ZoneId::new([7; 16]),
        account: AccountId::new([8; 16]),
        name: "example.com".parse().unwrap(),
        paused: false,
        created_on: time,
        modified_on: time,
        activated_on: time,
    }
}

pub(super) fn monitor() -> impl Strategy<Value = Monitor> {
    (any::<[u8; 16]>(), probe(), pace(), words(), time(), time()).prop_map(
        |(id, probe, pace, description, created_on, modified_on)| Monitor {
            id: MonitorId::new(id),
            probe,
            pace,
            description,
            created_on,
            modified_on,
        },
    )
}

fn pace() -> impl Strategy<Value = Pace> {
    let counts = [0..=5_u32, 0..=10, 0..=10];
    let own = (option::of(1..=5_u32), option::of(2..=100_u32));
    (1..=10_u32, counts, 0..=3500_u32, own).prop_map(
        |(timeout, [retries, consecutive_up, consecutive_down], spare, own)| {
            let interval = (timeout * (retries + 1) + 1 + spare).clamp(10, 3600);
            let (fast_interval, forgive_after) = own;
            Pace {
                timeout,
                retries,
                interval,
                consecutive_up,
                consecutive_down,
                fast_interval: fast_interval.filter(|&fast| interval.is_multiple_of(fast)),
                forgive_after,
            }
        },
    )
}

fn probe() -> impl Strategy<Value = Probe> {
    let header = btree_map("[A-Z][a-z-]{1,8}", vec("[ -~]{0,12}", 1..3), 0..3);
    let kinds = (select(MonitorType::ALL), 1..=u16::MAX, any::<bool>());
    let codes = select(vec!["200", "2xx", "200,302", "200-299, 404"]);
    let texts = (words(), option::of(name()));
    (kinds, header, codes, texts, any::<[bool; 2]>()).prop_map(
        |((kind, port, head), header, codes, (expected_body, probe_zone), flags)| {
            let http = matches!(kind, MonitorType::Http | MonitorType::Https);
            let [follow_redirects, allow_insecure] = flags;
            Probe {
                kind,
                method: if head { "HEAD" } else { "GET" }.into(),
                path: if http { "/health?x=1" } else { "" }.into(),
                port,
                header,
                expected_codes: match http {
                    true => ExpectedCodes::try_from(codes.to_owned()).unwrap(),
                    false => ExpectedCodes::none(),
                },
                expected_body,
                follow_redirects,
                allow_insecure,
                probe_zone,
                extension: extension(kind, flags),
            }
        },
    )
}

fn extension(kind: MonitorType, [some, other]: [bool; 2]) -> Option<Box<Extension>> {
    let mut own = Extension { timeout_ms: other.then_some(900), ..Extension::default() };
    match kind {
        MonitorType::Smtp if some => own.smtp = Some(Smtp { starttls: other }),
        MonitorType::Grpc if some => own.grpc = Some(Grpc { service: "a.B".into(), tls: other }),
        MonitorType::Dns => {
            own.dns = Some(Dns {
                name: "www.example.com".parse().unwrap(),
                rtype: if some { QueryType::Txt } else { QueryType::Aaaa },
                rcode: ResponseCode::NoError,
                answer: other.then(|| "2001:db8::1".to_owned()),
            });
        }
        _ => {}
    }
    Some(Box::new(own)).filter(|own| !own.is_empty())
}

pub(super) fn pool() -> impl Strategy<Value = Pool> {
    let identity = (any::<[u8; 16]>(), "[-_a-zA-Z0-9]{1,12}", words(), any::<bool>(), time());
    let parts = (origins(), watch(), option::of(coordinates()), load_shedding(), notify());
    let rest = (
        select(OriginPolicy::ALL),
        0..=1000_u32,
        vec("[a-z]{1,5}", 0..3),
        option::of(upstream()),
        time(),
    );
    (identity, parts, rest).prop_map(
        |((id, name, description, enabled, created_on), parts, rest)| {
            let (origins, watch, coordinates, load_shedding, notify) = parts;
            let (origin_steering, minimum_origins, networks, upstream, modified_on) = rest;
            Pool {
                id: PoolId::new(id),
                name,
                description,
                enabled,
                disabled_at: (!enabled).then_some(created_on),
                origins,
                origin_steering,
                minimum_origins,
                watch,
                coordinates,
                load_shedding,
                notify,
                networks,
                upstream: upstream.map(Box::new),
                created_on,
                modified_on,
            }
        },
    )
}

fn upstream() -> impl Strategy<Value = Upstream> {
    let tls = (select(UpstreamTls::ALL), any::<[bool; 3]>(), option::of("[a-z]{1,8}\\.example"));
    let pems = (option::of("-----BEGIN [ -~\\n]{0,20}"), option::of(("[ -~]{1,9}", "[ -~]{1,9}")));
    let waits = (1..=60_000_u32, 1..=6_000_u32, 1..=900_u32, 1..=86_400_u32, 0..=3_600_u32);
    let limits = (0..=100_000_u32, 0..=100_000_u32);
    (tls, pems, waits, limits).prop_map(|((tls, flags, server_name), pems, waits, limits)| {
        let [http2, verify, ejection] = flags;
        let (ca, client) = pems;
        let (connect_timeout, response_timeout, idle_timeout, max_age, slow_start) = waits;
        let (max_connections, max_pending) = limits;
        let (client_certificate, client_key) = client.unzip();
        Upstream {
            tls,
            http2,
            verify,
            server_name,
            ca,
            client_certificate,
            client_key: client_key.map(|key: String| SecretPem::new(key)),
            connect_timeout,
            response_timeout,
            idle_timeout,
            max_age,
            max_connections,
            max_pending,
            slow_start,
            ejection,
        }
    })
}

fn origins() -> impl Strategy<Value = Vec<Origin>> {
    let address = select(vec!["192.0.2.1", "2001:db8::5", "origin.example.com", "10.0.0.1"]);
    let hosts = (option::of("[a-z]{1,8}\\.example"), option::of("[0-9a-f]{8}-[0-9a-f]{4}"));
    let one = (address, hosts, 0..=100_u8, any::<[bool; 2]>(), time());
    vec(one, 1..6).prop_map(|origins| {
        let numbered = origins.into_iter().enumerate();
        let origin = numbered.map(|(index, (address, (host, network), weight, flags, at))| {
            let [enabled, flatten_cname] = flags;
            Origin {
                name: if index == 0 { String::new() } else { format!("origin-{}", 9 - index) },
                address: Address::read(address).unwrap(),
                enabled,
                disabled_at: (!enabled).then_some(at),
                weight: Weight::from_share(f64::from(weight) / 100.0, 1).unwrap(),
                // Makes the endpoints distinct whatever their addresses are.
                port: index as u16,
                host,
                virtual_network_id: network,
                flatten_cname,
                service: service_of(address, index as u16),
            }
        });
        origin.collect()
    })
}

/// None, mail and service by turns.
fn service_of(address: &str, index: u16) -> Option<Service> {
    match (address, index) {
        ("origin.example.com", 1) => Some(Service::Mx { priority: 10 }),
        ("origin.example.com", 2) => Some(Service::Srv { priority: 0, weight: 65_535 }),
        _ => None,
    }
}

fn watch() -> impl Strategy<Value = Watch> {
    let regions = subsequence(&Region::ALL[..], 1..=13).prop_shuffle();
    let check_regions = prop_oneof![
        Just(CheckRegions::Default),
        Just(CheckRegions::All),
        regions.prop_map(CheckRegions::Named),
    ];
    let ids = (any::<[u8; 16]>(), 0..3_u8);
    let rest = (any::<bool>(), watching::quorum(), option::of(watching::requires()));
    (ids, check_regions, rest).prop_map(
        |((id, which), check_regions, (regional, quorum, requires))| Watch {
            monitor: (which == 0).then(|| MonitorId::new(id)),
            monitor_group: (which == 1).then(|| MonitorGroupId::new(id)),
            regional_health: regional && check_regions != CheckRegions::Default,
            check_regions,
            quorum,
            requires: requires.map(Box::new),
        },
    )
}

fn coordinates() -> impl Strategy<Value = Coordinates> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lon)| Coordinates::new(lat, lon).unwrap())
}

fn load_shedding() -> impl Strategy<Value = LoadShedding> {
    (0.0..=100.0, select(ShedPolicy::ALL), 0..=100_u8).prop_map(|(percent, policy, session)| {
        LoadShedding {
            default_percent: percent,
            default_policy: policy,
            session_percent: f64::from(session),
        }
    })
}

fn notify() -> impl Strategy<Value = Notify> {
    let rule = (any::<bool>(), option::of(any::<bool>()))
        .prop_map(|(disable, healthy)| NotifyRule { disable, healthy });
    let filter = (option::of(rule.clone()), option::of(rule))
        .prop_map(|(pool, origin)| NotifyFilter { pool, origin });
    let email = select(vec!["", "a@example.com", "a@example.com, b@example.net"]);
    (email, option::of(filter)).prop_map(|(email, filter)| Notify { email: email.into(), filter })
}

pub(super) fn record() -> impl Strategy<Value = Record> {
    let times = ([time(), time()], [option::of(time()), option::of(time())]);
    let settings = (option::of(any::<bool>()), option::of(any::<bool>())).prop_map(
        |(ipv4_only, flatten_cname)| RecordSettings { ipv4_only, ipv6_only: None, flatten_cname },
    );
    let names = select(vec!["example.com", "*.example.com", "a.b.example.com"]);
    let texts = (option::of("[a-z]{1,9}"), vec("[a-z]{1,5}:[a-z]{0,5}", 0..3), words());
    let numbers = (prop_oneof![Just(1), 30..=86_400_u32], any::<u16>(), any::<bool>());
    let ids = (any::<[u8; 16]>(), select(RecordType::ALL), names);
    (ids, texts, numbers, settings, times).prop_map(
        |(
            (id, kind, name),
            (comment, tags, content),
            (ttl, priority, proxied),
            settings,
            times,
        )| {
            let form = Form::of(kind);
            let ([created_on, modified_on], [comment_modified_on, tags_modified_on]) = times;
            Record {
                id: RecordId::new(id),
                zone: zone().id,
                name: name.parse().unwrap(),
                kind,
                content,
                data: form.data.then(|| json!({"flags": 1, "tag": "issue", "value": "x"})),
                rdata: Rdata(Box::from([1, 2, 3])),
                ttl,
                priority: form.priority.then_some(priority),
                proxied: proxied && form.proxiable,
                settings,
                comment,
                tags,
                created_on,
                modified_on,
                comment_modified_on,
                tags_modified_on,
            }
        },
    )
}

fn words() -> impl Strategy<Value = String> {
    "[ -~]{0,20}"
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_000_i64).prop_map(Timestamp::from_micros)
}

fn name() -> impl Strategy<Value = Name> {
    "[a-z]{1,8}\\.example".prop_map(|name| name.parse().unwrap())
}
