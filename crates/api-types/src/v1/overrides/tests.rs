use serde_json::json;

use super::super::samples::{refusals, with};
use super::*;

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const WRITING: Writing<'static> = Writing { author: "night shift", now: NOW };

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * MICROS)
}

fn body() -> Value {
    json!({"pattern": "fra-*/web-?", "state": "drained", "reason": "rack 4 is rebuilt"})
}

fn made(body: &Value) -> model::Override {
    read(body, WRITING).unwrap().into_new(OverrideId::new([1; 16]), NOW)
}

#[test]
fn an_override_is_shown_with_all_its_fields() {
    let want = json!({
        "id": "01".repeat(16), "pattern": "fra-*/web-?", "state": "drained",
        "reason": "rack 4 is rebuilt", "author": "night shift", "until": "2026-01-01T02:00:00.000000Z",
        "expired": false, "created_on": NOW, "modified_on": NOW,
    });
    let forced = made(&with(&body(), json!({"duration": "2h"})));
    assert_eq!(serde_json::to_value(Override::new(&forced, NOW)).unwrap(), want);
    let over = with(&want, json!({"expired": true}));
    assert_eq!(serde_json::to_value(Override::new(&forced, after(7_200))).unwrap(), over);
}

#[test]
fn the_end_is_a_time_or_a_span_and_null_is_none() {
    let check = |end: Value, want: Option<Timestamp>| {
        assert_eq!(made(&with(&body(), end.clone())).until, want, "{end}");
    };
    check(json!({}), None);
    check(json!({"until": null}), None);
    check(json!({"duration": 60}), Some(after(60)));
    check(json!({"duration": "1h30m"}), Some(after(5_400)));
    check(json!({"until": "2026-01-01T02:00:00+01:00"}), Some(after(3_600)));
    check(json!({"duration": LASTS_SECONDS_MAX}), Some(after(LASTS_SECONDS_MAX.into())));
}

#[test]
fn refusals_name_the_place() {
    let check = |change: Value, pointer: &str, message: &str| {
        let got = refusals(read(&with(&body(), change.clone()), WRITING));
        assert_eq!(got, [(pointer.into(), message.into())], "{change}");
    };
    check(json!({"pattern": null}), "/pattern", "pattern is required");
    let pattern = "pattern \"fra/\" is not POOL or POOL/ENDPOINT, such as fra-*/web-?";
    check(json!({"pattern": "fra/"}), "/pattern", pattern);
    check(json!({"pattern": "a\nb"}), "/pattern", "pattern holds a control character");
    check(json!({"state": "off"}), "/state", "state \"off\" is not one of up, down, drained");
    check(json!({"reason": null}), "/reason", "reason is required");
    check(json!({"reason": " "}), "/reason", "reason is required");
    let past = "until 2025-12-31T00:00:00.000000Z is not in the future";
    check(json!({"until": "2025-12-31T00:00:00Z"}), "/until", past);
    let far = "until 2027-01-03T00:00:00.000000Z is more than a year away";
    check(json!({"until": "2027-01-03T00:00:00Z"}), "/until", far);
    let both = json!({"until": "2026-01-02T00:00:00Z", "duration": 60});
    check(both, "/duration", "until and duration exclude each other");
    check(json!({"duration": 0}), "/duration", "duration is not in range [1, 31622400]");
    check(json!({"duration": "0s"}), "/duration", "duration is not in range [1, 31622400]");
    check(json!({"duration": "400d"}), "/duration", "duration is not in range [1, 31622400]");
    let span = "duration \"soon\" is not a span such as 90s, 2h, 1h30m or 7d";
    check(json!({"duration": "soon"}), "/duration", span);
}

#[test]
fn a_patch_keeps_what_it_does_not_name() {
    let current = made(&with(&body(), json!({"author": "ann", "duration": 60})));
    let check = |change: Value, later: i64, want: model::Override| {
        let writing = Writing { author: "bob", now: after(later) };
        let (got, _) = patch(&current, &change, writing).unwrap().onto(&current, after(later));
        assert_eq!(got, want, "{change}");
    };
    let since = |seconds| model::Override { modified_on: after(seconds), ..current.clone() };
    check(json!({}), 30, current.clone());
    check(json!({}), 90, current.clone());
    check(json!({"state": "up"}), 90, model::Override { state: Forced::Up, ..since(90) });
    check(json!({"duration": 60}), 30, model::Override { until: Some(after(90)), ..since(30) });
    check(json!({"until": null}), 30, model::Override { until: None, ..since(30) });
    check(json!({"author": ""}), 30, model::Override { author: "bob".into(), ..since(30) });
}

#[test]
fn a_put_of_what_was_read_changes_nothing_even_when_it_is_over() {
    let current = made(&with(&body(), json!({"duration": 60})));
    let writing = Writing { now: after(90), ..WRITING };
    let shown = serde_json::to_value(Override::new(&current, after(90))).unwrap();
    let draft = replace(&current, &shown, writing).unwrap();
    assert_eq!(draft.onto(&current, after(90)), (current.clone(), false));
    let past = with(&shown, json!({"until": after(80)}));
    let got = refusals(replace(&current, &past, writing));
    assert_eq!(got, [("/until".into(), format!("until {} is not in the future", after(80)))]);
}
