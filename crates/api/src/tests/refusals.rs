//! Refusals.

use serde_json::{Value, json};
use trimtab_store::Store;

use super::bench::{Bench, TOKEN};

/// Refused for exactly these places and reasons; what was there is there as before, and nothing was written.
pub(super) async fn refused(
    bench: &Bench,
    method: &str,
    path: &str,
    body: &Value,
    want: &[(&str, &str)],
) {
    let before = (bench.get(path).await.text, bench.store.now_rev().await.unwrap());
    let got = bench.send(method, path, Some(body)).await;
    let errors = got.json()["errors"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = errors.iter().map(|error| {
        (error["code"].as_u64(), text(&error["source"]["pointer"]), text(&error["message"]))
    });
    let want = want.iter().map(|(place, message)| {
        (Some(1002), (*place).to_owned(), format!("{message}: validation failed"))
    });
    let (said, want): (Vec<_>, Vec<_>) = (said.collect(), want.collect());
    assert_eq!((got.status, said), (400, want), "{method} {path} {body}");
    let after = (bench.get(path).await.text, bench.store.now_rev().await.unwrap());
    assert_eq!(after, before, "{method} {path} {body}");
}

/// A change of a sound body, the place of what is wrong with it, and what is said.
type Row = (Value, String, String);

/// A resource in the store, and the body that it was made of.
struct Subject {
    bench: Bench,
    all: String,
    one: String,
    body: Value,
}

// === impl Subject ===

impl Subject {
    async fn new(bench: Bench, all: String, body: Value) -> Subject {
        let one = format!("{all}/{}", bench.post(&all, &body).await.id());
        Subject { bench, all, one, body }
    }

    /// Each row is refused on POST, PUT and PATCH alike, in the same words, together with another change that is
    /// sound.
    async fn refuses(&self, rows: Vec<Row>) {
        for (change, place, message) in rows {
            let sound = with(json!({"description": "new"}), &change);
            let full = with(self.body.clone(), &sound);
            let fresh = json!({"name": self.body["name"].as_str().unwrap().replace("www", "new")});
            let want = [(place.as_str(), message.as_str())];
            refused(&self.bench, "POST", &self.all, &with(full.clone(), &fresh), &want).await;
            refused(&self.bench, "PUT", &self.one, &full, &want).await;
            refused(&self.bench, "PATCH", &self.one, &sound, &want).await;
        }
    }
}

fn with(mut body: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn row(change: Value, place: &str, message: &str) -> Row {
    (change, place.to_owned(), message.to_owned())
}

/// The override in a rule that is not the first.
fn in_rule(over: Value, place: &str, message: &str) -> Row {
    let rules = json!([{"overrides": {"ttl": 60}}, {"overrides": over}]);
    (json!({"rules": rules}), format!("/rules/1/overrides{place}"), message.to_owned())
}

fn in_pool_set(over: Value, place: &str, message: &str) -> Row {
    let sets = json!([{"overrides": over}]);
    (json!({"pool_sets": sets}), format!("/pool_sets/0/overrides{place}"), message.to_owned())
}

fn condition(text: &str, message: &str) -> Row {
    let rules = json!([{"condition": text, "overrides": {"ttl": 60}}]);
    (json!({"rules": rules}), "/rules/0/condition".into(), message.to_owned())
}

async fn balancer() -> (Subject, String) {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let pool = bench.pool("one").await;
    let body = json!({"name": "www.example.com", "default_pools": [pool], "fallback_pool": pool});
    (Subject::new(bench, format!("/zones/{zone}/load_balancers"), body).await, pool)
}

async fn pool() -> Subject {
    let bench = Bench::new().await;
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    let all = bench.lb("/pools");
    Subject::new(bench, all, json!({"name": "www", "origins": origins})).await
}

#[tokio::test]
async fn semantics_38_pools_that_do_not_exist() {
    let (subject, pool) = balancer().await;
    let gone = "0".repeat(32);
    let unknown = format!("unknown pool: {gone}");
    let lists = json!([pool, gone]);
    let mut rows = vec![
        row(json!({"default_pools": lists}), "/default_pools/1", &unknown),
        row(json!({"fallback_pool": gone}), "/fallback_pool", &unknown),
        in_rule(json!({"default_pools": lists}), "/default_pools/1", &unknown),
        in_rule(json!({"pools": lists}), "/pools/1", &unknown),
        in_rule(json!({"fallback_pool": gone}), "/fallback_pool", &unknown),
        in_pool_set(json!({"pools": lists}), "/pools/1", &unknown),
        in_pool_set(json!({"fallback_pool": gone}), "/fallback_pool", &unknown),
        row(json!({"fallback_pool": "one"}), "/fallback_pool", "unknown pool: one"),
    ];
    for (map, code) in [("region_pools", "WEU"), ("country_pools", "DE"), ("pop_pools", "FRA")] {
        let (over, place) = (json!({map: {code: lists}}), format!("/{map}/{code}/1"));
        rows.push(row(over.clone(), &place, &unknown));
        rows.push(in_rule(over, &place, &unknown));
    }
    subject.refuses(rows).await;
}

/// A pool can be deleted while a weight names it, so that a weight of a pool that is gone is none of a mistake.
#[tokio::test]
async fn weights_of_pools_that_are_gone_are_kept_and_weights_of_no_pool_are_refused() {
    let (subject, pool) = balancer().await;
    let key = |id: &str| json!({id: 0.5});
    let said = "pool_weights \"one\" is not an identifier of 32 lower-case hexadecimal digits";
    let nested = json!({"random_steering": {"pool_weights": key("one")}});
    let bias = json!({"trimtab": {"proximity_bias": {"one": 1}}});
    subject
        .refuses(vec![
            row(nested.clone(), "/random_steering/pool_weights/one", said),
            in_rule(nested, "/random_steering/pool_weights/one", said),
            in_rule(json!({"pool_weights": key("one")}), "/pool_weights/one", said),
            in_pool_set(json!({"pool_weights": key("one")}), "/pool_weights/one", said),
            row(
                bias,
                "/trimtab/proximity_bias/one",
                &said.replace("pool_weights", "proximity_bias"),
            ),
        ])
        .await;
    let gone = json!({"random_steering": {"pool_weights": {"0".repeat(32): 0.5, pool: 0.1}}});
    assert_eq!(subject.bench.patch(&subject.one, &gone).await.status, 200);
}

#[tokio::test]
async fn semantics_38_weights_out_of_range_or_between_steps() {
    let (subject, pool) = balancer().await;
    let mut rows = Vec::new();
    for (weight, said) in [
        (json!(-0.1), "is not in range [0, 1]"),
        (json!(1.1), "is not in range [0, 1]"),
        (json!(1e308), "is not in range [0, 1]"),
        (json!(0.25), "is not a multiple of 0.1"),
        (json!(0.01), "is not a multiple of 0.1"),
        (json!("0.5"), "is not a number"),
        (json!("NaN"), "is not a number"),
        (json!([0.5]), "is not a number"),
    ] {
        let default = json!({"random_steering": {"default_weight": weight}});
        let one = json!({"random_steering": {"pool_weights": {&pool: weight}}});
        let (of_default, of_one) = (format!("default_weight {said}"), format!("{pool} {said}"));
        let place = format!("/random_steering/pool_weights/{pool}");
        rows.push(row(default.clone(), "/random_steering/default_weight", &of_default));
        rows.push(row(one.clone(), &place, &of_one));
        rows.push(in_rule(default, "/random_steering/default_weight", &of_default));
        rows.push(in_rule(one, &place, &of_one));
        let flat = json!({"pool_default_weight": weight});
        let of_flat = format!("pool_default_weight {said}");
        rows.push(in_rule(flat.clone(), "/pool_default_weight", &of_flat));
        rows.push(in_pool_set(flat, "/pool_default_weight", &of_flat));
        let flat = json!({"pool_weights": {&pool: weight}});
        rows.push(in_rule(flat.clone(), &format!("/pool_weights/{pool}"), &of_one));
        rows.push(in_pool_set(flat, &format!("/pool_weights/{pool}"), &of_one));
    }
    subject.refuses(rows).await;
    let subject = self::pool().await;
    let of_endpoint = |weight: Value, said: &str| {
        let origins = json!([{"address": "192.0.2.1"}, {"address": "192.0.2.2", "weight": weight}]);
        row(json!({"origins": origins}), "/origins/1/weight", &format!("weight {said}"))
    };
    let rows = vec![
        of_endpoint(json!(-0.01), "is not in range [0, 1]"),
        of_endpoint(json!(1.01), "is not in range [0, 1]"),
        of_endpoint(json!(0.005), "is not a multiple of 0.01"),
        of_endpoint(json!("1"), "is not a number"),
    ];
    subject.refuses(rows).await;
}

#[tokio::test]
async fn numbers_that_json_does_not_have_are_refused_before_anything_is_read() {
    let (subject, pool) = balancer().await;
    let before = subject.bench.get(&subject.one).await;
    for number in ["NaN", "Infinity", "-Infinity", "1e999", "0x1", "01", ".5"] {
        let body = format!(
            r#"{{"ttl": 60, "random_steering": {{"pool_weights": {{"{pool}": {number}}}}}}}"#
        );
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str())];
        for (method, path) in
            [("POST", &subject.all), ("PUT", &subject.one), ("PATCH", &subject.one)]
        {
            let got = subject.bench.raw(method, path, &headers, body.clone().into_bytes()).await;
            assert_eq!(got.refusal(), (400, vec![6007]), "{method} {number}");
        }
    }
    assert_eq!(subject.bench.get(&subject.one).await, before);
}

#[tokio::test]
async fn semantics_23_conditions_that_cannot_be_read_are_refused_with_their_place() {
    let (subject, _) = balancer().await;
    let [open, close] = ["(", ")"].map(|bracket| bracket.repeat(200));
    let deep = format!("{open}ip.src eq 192.0.2.1{close}");
    let said = |place: &str, line: &str, before: usize, carets: usize, why: &str| {
        let (indent, carets) = (" ".repeat(before), "^".repeat(carets));
        format!("Filter parsing error ({place}):\n{line}\n{indent}{carets} {why}")
    };
    let row = |text: &str, place: &str, line: &str, before: usize, carets: usize, why: &str| {
        condition(text, &said(place, line, before, carets, why))
    };
    let one_line = |text: &str, column: usize, carets: usize, why: &str| {
        row(text, &format!("1:{column}"), text, column - 1, carets, why)
    };
    let two_lines = "ip.src eq 192.0.2.1 and\n  (ip.src eq";
    subject
        .refuses(vec![
            one_line("ip.src eq", 10, 1, "expected an address"),
            one_line("http.host eq \"a\" or", 20, 1, "expected a field or a function"),
            row(two_lines, "2:13", "  (ip.src eq", 12, 1, "expected an address"),
            one_line("ip.src eq \"a\"", 11, 3, "expected an address"),
            one_line("ip.src eq 5", 11, 1, "not an address"),
            one_line("ip.nowhere eq \"a\"", 1, 10, "unknown identifier"),
            one_line("cf.bot_management.score gt 3", 1, 23, "unknown field"),
            one_line(
                "http.host matches \"(\"",
                19,
                3,
                "invalid regular expression: unclosed group",
            ),
            row(
                &deep,
                "1:129",
                &"(".repeat(120),
                60,
                1,
                "maximum nesting depth exceeded (limit: 128)",
            ),
            condition(&"x".repeat(4097), "condition is longer than 4096 characters"),
        ])
        .await;
}

#[tokio::test]
async fn semantics_38_rules_and_pool_sets_do_exactly_one_thing_in_their_ranges() {
    let (subject, pool) = balancer().await;
    let rule = |part: Value, place: &str, said: &str| {
        let rule = with(json!({"overrides": {"ttl": 60}}), &part);
        row(json!({"rules": [rule]}), &format!("/rules/0{place}"), said)
    };
    let fixed = |part: Value, place: &str, said: &str| {
        let rules = json!({"rules": [{"fixed_response": part}]});
        row(rules, &format!("/rules/0/fixed_response{place}"), said)
    };
    let priority = "priority is not in range [0, 2147483647]";
    let status = "status_code is not in range [200, 599]";
    let both = "fixed_response and overrides exclude each other";
    let neither = "one of overrides and fixed_response is required";
    let twice = format!("duplicate pool: {pool}");
    let pools = json!([pool, pool]);
    subject
        .refuses(vec![
            rule(json!({"priority": -1}), "/priority", priority),
            rule(json!({"priority": 2_147_483_648_u32}), "/priority", priority),
            rule(json!({"priority": 1.5}), "/priority", "priority is not a whole number"),
            rule(json!({"priority": "1"}), "/priority", "priority is not a whole number"),
            rule(json!({"fixed_response": {}}), "/overrides", both),
            rule(json!({"overrides": null}), "/overrides", neither),
            row(json!({"pool_sets": [{"overrides": {}}]}), "/pool_sets/0/overrides", neither),
            row(json!({"pool_sets": [{"name": "s"}]}), "/pool_sets/0/overrides", neither),
            fixed(json!({"status_code": 199}), "/status_code", status),
            fixed(json!({"status_code": 600}), "/status_code", status),
            fixed(
                json!({"status_code": "200"}),
                "/status_code",
                "status_code is not a whole number",
            ),
            row(json!({"default_pools": pools}), "/default_pools/1", &twice),
            row(json!({"country_pools": {"DE": pools}}), "/country_pools/DE/1", &twice),
            in_rule(json!({"default_pools": pools}), "/default_pools/1", &twice),
            in_rule(json!({"pop_pools": {"FRA": pools}}), "/pop_pools/FRA/1", &twice),
            in_pool_set(json!({"pools": pools}), "/pools/1", &twice),
            in_pool_set(
                json!({"steering_policy": "geo"}),
                "/steering_policy",
                "steering_policy \"geo\" is not possible in a pool set",
            ),
        ])
        .await;
    // Go clients cannot leave it out, and it does nothing.
    let idle = json!({"rules": [{"name": "idle", "overrides": {}}]});
    assert_eq!(subject.bench.patch(&subject.one, &idle).await.status, 200);
}

#[tokio::test]
async fn semantics_38_pools_refer_to_what_exists_and_ask_regions_where_some_probe() {
    let subject = pool().await;
    let gone = "0".repeat(32);
    let sources = ["regional", "global"];
    let needs = "regional health_sources need check_regions";
    let regional = |regions: Value| {
        row(json!({"health_sources": sources, "check_regions": regions}), "/health_sources", needs)
    };
    subject
        .refuses(vec![
            row(json!({"monitor": gone}), "/monitor", &format!("unknown monitor: {gone}")),
            row(
                json!({"monitor_group": gone}),
                "/monitor_group",
                &format!("unknown monitor group: {gone}"),
            ),
            row(json!({"health_sources": sources}), "/health_sources", needs),
            regional(json!(null)),
            regional(json!([])),
        ])
        .await;
    let named = json!({"health_sources": sources, "check_regions": ["WEU"]});
    assert_eq!(subject.bench.patch(&subject.one, &named).await.status, 200);
    let unnamed = json!({"check_regions": null});
    let want = [("/health_sources", needs)];
    refused(&subject.bench, "PATCH", &subject.one, &unnamed, &want).await;
    subject.bench.put_back(&subject.one).await;
}

/// All that is wrong is said at once, and what is sound beside it is not taken.
#[tokio::test]
async fn semantics_38_every_problem_is_told_and_nothing_is_half_applied() {
    let (subject, pool) = balancer().await;
    let body = json!({
        "description": "new",
        "ttl": 0,
        "random_steering": {"default_weight": 2, "pool_weights": {&pool: 0.3}},
        "rules": [
            {"name": "sound", "condition": "ip.src eq 192.0.2.1", "overrides": {"ttl": 5}},
            {"name": "unsound", "condition": "ip.src eq", "priority": -1, "overrides": {"ttl": 0}},
        ],
    });
    let ttl = "ttl is not in range [1, 86400]";
    let want = [
        ("/ttl", ttl),
        ("/random_steering/default_weight", "default_weight is not in range [0, 1]"),
        (
            "/rules/1/condition",
            "Filter parsing error (1:10):\nip.src eq\n         ^ expected an address",
        ),
        ("/rules/1/priority", "priority is not in range [0, 2147483647]"),
        ("/rules/1/overrides/ttl", ttl),
    ];
    refused(&subject.bench, "PATCH", &subject.one, &body, &want).await;
}
