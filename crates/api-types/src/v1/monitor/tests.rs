use serde_json::json;

use super::*;
use crate::v1::samples::{refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn minimal() -> Value {
    json!({"expected_codes": "200"})
}

fn made(body: &Value) -> model::Monitor {
    read(body, &Limits::default()).unwrap().into_new(MonitorId::new([1; 16]), NOW)
}

fn rendered(body: &Value) -> Value {
    serde_json::to_value(Monitor::from(&made(body))).unwrap()
}

/// The minimal body with one change is refused for just this.
fn check(change: Value, pointer: &str, message: &str) {
    let got = refusals(read(&with(&minimal(), change.clone()), &Limits::default()));
    assert_eq!(got, [(pointer.to_owned(), message.to_owned())], "{change}");
}

#[test]
fn defaults_are_echoed() {
    let want = json!({
        "id": "01010101010101010101010101010101",
        "type": "http",
        "description": "",
        "method": "GET",
        "path": "/",
        "port": 0,
        "header": {},
        "timeout": 5,
        "retries": 2,
        "interval": 60,
        "consecutive_up": 0,
        "consecutive_down": 0,
        "expected_codes": "200",
        "expected_body": "",
        "follow_redirects": false,
        "allow_insecure": false,
        "probe_zone": "",
        "created_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
    });
    assert_eq!(rendered(&minimal()), want);
}

#[test]
fn what_was_sent_comes_back_as_it_was_sent() {
    let body = json!({
        "type": "https",
        "description": "Login page monitor",
        "method": "GET",
        "path": "/health",
        "header": {"Host": ["example.com"], "X-App-ID": ["abc123"]},
        "port": 8080,
        "timeout": 3,
        "retries": 0,
        "interval": 90,
        "expected_body": "alive",
        "expected_codes": "2xx",
        "follow_redirects": true,
        "allow_insecure": true,
        "consecutive_up": 3,
        "consecutive_down": 2,
        "probe_zone": "example.com",
    });
    let got = rendered(&body);
    assert_eq!(with(&got, body), got);
}

#[test]
fn other_types_have_other_methods_and_no_path() {
    for (kind, method) in
        [("tcp", "connection_established"), ("udp_icmp", ""), ("icmp_ping", ""), ("ldap", "")]
    {
        let got = made(&json!({"type": kind, "port": 25})).probe;
        assert_eq!((got.method.as_str(), got.path.as_str()), (method, ""), "{kind}");
    }
    // Terraform's provider sends its own defaults whatever the type is.
    let sent =
        json!({"type": "tcp", "port": 25, "method": "GET", "path": "/", "expected_codes": "200"});
    let got = rendered(&sent);
    assert_eq!(with(&got, sent), got);
}

#[test]
fn empty_texts_of_go_clients_are_not_set() {
    let got = made(
        &json!({"method": "", "path": "", "header": null, "port": null, "expected_codes": "2xx"}),
    );
    assert_eq!((got.probe.method.as_str(), got.probe.path.as_str()), ("GET", "/"));
}

#[test]
fn each_field_has_its_range() {
    check(
        json!({"type": "ldaps"}),
        "/type",
        "type \"ldaps\" is not one of http, https, tcp, udp_icmp, icmp_ping, smtp, ldap, dns, grpc",
    );
    check(json!({"type": 1}), "/type", "type is not a string");
    check(
        json!({"description": "x".repeat(1025)}),
        "/description",
        "description is longer than 1024 characters",
    );
    check(json!({"method": "PUT"}), "/method", "method \"PUT\" is not one of GET, HEAD");
    check(
        json!({"method": "connection_established"}),
        "/method",
        "method \"connection_established\" is not one of GET, HEAD",
    );
    check(
        json!({"path": "health"}),
        "/path",
        "path \"health\" is not a request path such as /health",
    );
    check(json!({"path": "/a b"}), "/path", "path \"/a b\" is not a request path such as /health");
    check(
        json!({"path": "/a\r\nX: y"}),
        "/path",
        "path \"/a\\r\\nX: y\" is not a request path such as /health",
    );
    check(json!({"port": 65_536}), "/port", "port is not in range [0, 65535]");
    check(json!({"port": -1}), "/port", "port is not in range [0, 65535]");
}

#[test]
fn the_pace_has_its_ranges() {
    check(json!({"timeout": 0}), "/timeout", "timeout is not in range [1, 10]");
    check(json!({"timeout": 11}), "/timeout", "timeout is not in range [1, 10]");
    check(json!({"retries": 6}), "/retries", "retries is not in range [0, 5]");
    check(json!({"interval": 9}), "/interval", "interval is not in range [10, 3600]");
    check(json!({"interval": 3601}), "/interval", "interval is not in range [10, 3600]");
    check(json!({"interval": "60"}), "/interval", "interval is not a whole number");
    check(
        json!({"consecutive_up": 11}),
        "/consecutive_up",
        "consecutive_up is not in range [0, 10]",
    );
    check(
        json!({"consecutive_down": -1}),
        "/consecutive_down",
        "consecutive_down is not in range [0, 10]",
    );
}

#[test]
fn what_must_come_back_has_its_range() {
    check(
        json!({"expected_codes": "2x"}),
        "/expected_codes",
        "expected_codes \"2x\" is not a list such as 200, 2xx or 200-299",
    );
    check(json!({"expected_body": 1}), "/expected_body", "expected_body is not a string");
    check(
        json!({"follow_redirects": 0}),
        "/follow_redirects",
        "follow_redirects is not true or false",
    );
    check(
        json!({"allow_insecure": "no"}),
        "/allow_insecure",
        "allow_insecure is not true or false",
    );
    check(json!({"probe_zone": "a..b"}), "/probe_zone", "invalid hostname: a..b");
}

#[test]
fn headers_are_names_with_values() {
    check(json!({"header": []}), "/header", "header is not an object");
    check(json!({"header": {"Host": "x"}}), "/header/Host", "Host is not a list");
    check(
        json!({"header": {"Host": []}}),
        "/header/Host",
        "the header value list length must be in range [1, 10]",
    );
    check(
        json!({"header": {"Host": ["a\r\nb"]}}),
        "/header/Host/0",
        "Host[0] holds a control character",
    );
    check(json!({"header": {"a b": ["x"]}}), "/header/a b", "header \"a b\" is not a header name");
    check(
        json!({"header": {"user-agent": ["x"]}}),
        "/header/user-agent",
        "header \"user-agent\" cannot be replaced",
    );
}

#[test]
fn http_needs_expected_codes_and_the_rest_needs_a_port() {
    for kind in ["http", "https"] {
        let message = format!("expected_codes is required for {kind} monitors");
        check(json!({"type": kind, "expected_codes": null}), "/expected_codes", &message);
        check(json!({"type": kind, "expected_codes": ""}), "/expected_codes", &message);
    }
    for kind in ["tcp", "udp_icmp", "smtp", "grpc"] {
        check(json!({"type": kind}), "/port", &format!("port is required for {kind} monitors"));
        check(
            json!({"type": kind, "port": 0}),
            "/port",
            &format!("port is required for {kind} monitors"),
        );
    }
    for kind in ["icmp_ping", "ldap"] {
        assert_eq!(made(&json!({"type": kind})).probe.port, 0, "{kind}");
    }
}

#[test]
fn semantics_42_an_interval_leaves_room_for_every_retry() {
    let message = "interval must be greater than (retries + 1) * timeout";
    check(json!({"interval": 15}), "/interval", message);
    check(json!({"interval": 10, "retries": 0, "timeout": 10}), "/interval", message);
    made(&with(&minimal(), json!({"interval": 16})));
    made(&with(&minimal(), json!({"interval": 10, "retries": 0, "timeout": 9})));
}

#[test]
fn semantics_42_below_the_hosted_floor_an_interval_is_taken_as_it_is() {
    let limits = Limits { monitor_interval_min: 1 };
    let fast = with(&minimal(), json!({"interval": 1, "timeout": 1, "retries": 0}));
    assert_eq!(refusals(read(&fast, &limits)), []);
    let slow = with(&minimal(), json!({"interval": 15}));
    let message = "interval must be greater than (retries + 1) * timeout";
    assert_eq!(refusals(read(&slow, &limits)), [("/interval".into(), message.into())]);
    let none = with(&minimal(), json!({"interval": 0}));
    let message = "interval is not in range [1, 3600]";
    assert_eq!(refusals(read(&none, &limits)), [("/interval".into(), message.into())]);
}

#[test]
fn all_problems_of_a_body_come_at_once() {
    let body = json!({
        "type": "https", "description": 1, "method": "POST", "path": "x", "port": 1e9, "header": {"": 1},
        "timeout": 99, "retries": 99, "interval": 1, "consecutive_up": 99, "consecutive_down": 99,
        "expected_body": [], "follow_redirects": 1, "allow_insecure": 1, "probe_zone": "*",
    });
    let pointers: Vec<_> =
        refusals(read(&body, &Limits::default())).into_iter().map(|(pointer, _)| pointer).collect();
    let want = [
        "/description",
        "/timeout",
        "/retries",
        "/interval",
        "/consecutive_up",
        "/consecutive_down",
        "/method",
        "/path",
        "/port",
        "/header/",
        "/header/",
        "/expected_body",
        "/follow_redirects",
        "/allow_insecure",
        "/probe_zone",
        "/expected_codes",
    ];
    assert_eq!(pointers, want);
}

#[test]
fn a_patch_changes_what_it_names_and_null_resets_the_port() {
    let current =
        made(&json!({"type": "http", "port": 8080, "retries": 0, "expected_codes": "2xx"}));
    let check = |body: Value, want: model::Monitor| {
        let later = Timestamp::from_micros(NOW.micros() + 1);
        let (got, changed) =
            patch(&current, &body, &Limits::default()).unwrap().onto(&current, later);
        let modified_on = if changed { later } else { NOW };
        assert_eq!(got, model::Monitor { modified_on, ..want }, "{body}");
        assert_eq!(changed, got != current, "{body}");
    };
    let with_port = |port| {
        let probe = Probe { port, ..current.probe.clone() };
        model::Monitor { probe, ..current.clone() }
    };
    check(json!({}), current.clone());
    check(json!({"port": 8080}), current.clone());
    check(json!({"port": 8081}), with_port(8081));
    check(json!({"port": null}), with_port(0));
    check(json!({"retries": null, "description": null}), current.clone());
    let text = "about".to_owned();
    check(json!({"description": "about"}), model::Monitor { description: text, ..current.clone() });
}

#[test]
fn semantics_39_what_is_ours_is_absent_until_it_is_written() {
    let with_own = |kind: &str, own: Value| json!({"type": kind, "port": 9, "trimtab": own});
    let check = |kind: &str, own: Value, want: Value| {
        let body = with_own(kind, own);
        assert_eq!(rendered(&with(&body, minimal())).get("trimtab"), Some(&want), "{body}");
    };
    assert_eq!(rendered(&minimal()).get("trimtab"), None);
    assert_eq!(rendered(&with(&minimal(), json!({"trimtab": {}}))).get("trimtab"), None);
    check("http", json!({"timeout_ms": 250}), json!({"timeout_ms": 250}));
    let pace = json!({"fast_interval": 5, "forgive_after": 10});
    check("http", pace.clone(), pace);
    check("tcp", json!({"fast_interval": 30}), json!({"fast_interval": 30}));
    check("smtp", json!({"smtp": {}}), json!({"smtp": {"starttls": false}}));
    check("smtp", json!({"smtp": {"starttls": true}}), json!({"smtp": {"starttls": true}}));
    check("grpc", json!({"grpc": {"tls": true}}), json!({"grpc": {"service": "", "tls": true}}));
    let filled = json!({"dns": {"name": "www.example.com", "type": "A", "rcode": "NOERROR"}});
    check("dns", json!({"dns": {"name": "WWW.example.com."}}), filled);
    let asked = json!({"dns": {
        "name": "example.com", "type": "SOA", "rcode": "NOERROR", "answer": "ns1.example.com."
    }});
    check("dns", asked.clone(), asked);
}

#[test]
fn what_is_ours_has_its_ranges_and_its_owner() {
    let check = |kind: &str, own: Value, want: &[(&str, &str)]| {
        let body = json!({"type": kind, "port": 9, "expected_codes": "200", "trimtab": own});
        let got = refusals(read(&body, &Limits::default()));
        let got: Vec<_> = got.iter().map(|(at, why)| (at.as_str(), why.as_str())).collect();
        assert_eq!(got, want, "{body}");
    };
    let outside = "timeout_ms is not in range [10, 10000]";
    check("tcp", json!({"timeout_ms": 9}), &[("/trimtab/timeout_ms", outside)]);
    let longer = "timeout_ms is longer than timeout, 5000 ms";
    check("tcp", json!({"timeout_ms": 5001}), &[("/trimtab/timeout_ms", longer)]);
    let outside = "fast_interval is not in range [1, 1800]";
    check("tcp", json!({"fast_interval": 0}), &[("/trimtab/fast_interval", outside)]);
    let beside = "fast_interval must be shorter than interval and divide it, 60 s";
    for fast in [7, 60, 120] {
        check("tcp", json!({"fast_interval": fast}), &[("/trimtab/fast_interval", beside)]);
    }
    let outside = "forgive_after is not in range [2, 100]";
    for many in [0, 1, 101] {
        check("tcp", json!({"forgive_after": many}), &[("/trimtab/forgive_after", outside)]);
    }
    check("tcp", json!({"color": 1}), &[("/trimtab/color", "unknown field: color")]);
    let foreign = [
        ("/trimtab/smtp", "smtp is for smtp monitors"),
        ("/trimtab/dns", "dns is for dns monitors"),
        ("/trimtab/grpc", "grpc is for grpc monitors"),
    ];
    let all = json!({"smtp": {}, "dns": {"name": "a"}, "grpc": {}});
    check("http", all, &foreign);
    check("dns", json!({}), &[("/trimtab/dns", "dns is required for dns monitors")]);
    check("dns", Value::Null, &[("/trimtab", "trimtab.dns is required for dns monitors")]);
    let wrong = json!({"dns": {
        "name": "a\r\nb", "type": "ANY", "rcode": "BADVERS", "answer": "1\u{0}2", "class": "CH"
    }});
    let types = "type \"ANY\" is not one of A, AAAA, CAA, CNAME, HTTPS, MX, NAPTR, NS, PTR, SOA, \
                 SRV, SVCB, TXT";
    let rcodes = "rcode \"BADVERS\" is not one of NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, \
                  REFUSED";
    let want = [
        ("/trimtab/dns/class", "unknown field: class"),
        ("/trimtab/dns/name", "invalid hostname: a\r\nb"),
        ("/trimtab/dns/type", types),
        ("/trimtab/dns/rcode", rcodes),
        ("/trimtab/dns/answer", "answer holds a control character"),
    ];
    check("dns", wrong, &want);
    let idle = json!({"dns": {"name": "a", "rcode": "REFUSED", "answer": "192.0.2.1"}});
    check("dns", idle, &[("/trimtab/dns/answer", "answer needs the rcode NOERROR")]);
    check(
        "grpc",
        json!({"grpc": {"service": "a\nb", "tls": 1}}),
        &[
            ("/trimtab/grpc/service", "service holds a control character"),
            ("/trimtab/grpc/tls", "tls is not true or false"),
        ],
    );
}

#[test]
fn a_patch_of_the_interval_keeps_a_multiple_of_the_faster_one() {
    let current = made(&with(&minimal(), json!({"trimtab": {"fast_interval": 15}})));
    let patched =
        |interval: u32| patch(&current, &json!({"interval": interval}), &Limits::default());
    assert_eq!(refusals(patched(30)), []);
    let message = "fast_interval must be shorter than interval and divide it, 40 s";
    assert_eq!(refusals(patched(40)), [("/trimtab/fast_interval".into(), message.into())]);
    let reset = patch(&current, &json!({"interval": 40, "trimtab": null}), &Limits::default());
    let (after, _) = reset.unwrap().onto(&current, NOW);
    assert_eq!(after.pace, Pace { interval: 40, ..Pace::default() });
}

#[test]
fn what_does_not_act_of_a_pace_is_told() {
    let check = |more: Value, want: &[&str]| {
        assert_eq!(notices(&made(&with(&minimal(), more.clone()))), want, "{more}");
    };
    let often = json!({"trimtab": {"fast_interval": 20}, "consecutive_up": 2});
    check(json!({}), &[]);
    check(often.clone(), &[]);
    check(
        with(&often, json!({"consecutive_up": 1})),
        &[
            "fast_interval has no effect while consecutive_up and consecutive_down are 1: one outcome is enough",
        ],
    );
    check(
        with(&often, json!({"trimtab": {"fast_interval": 15}})),
        &[
            "warning: a probe whose every try times out takes 15 s, and fast_interval is 15 s: probes that would begin \
           meanwhile are left out; shorten timeout or retries",
        ],
    );
    check(with(&often, json!({"trimtab": {"fast_interval": 2, "timeout_ms": 600}})), &[]);
    let forgiving = json!({"trimtab": {"forgive_after": 5}});
    check(with(&forgiving, json!({"consecutive_down": 2})), &[]);
    check(
        forgiving,
        &["forgive_after has no effect while consecutive_down is 1: one failure is enough"],
    );
}
