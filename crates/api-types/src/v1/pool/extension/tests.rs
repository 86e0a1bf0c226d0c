use serde_json::{Value, json};
use trimtab_model::Problems;

use super::super::super::samples::refusals;
use super::super::{self as wire};
use super::*;

const ID: &str = "01010101010101010101010101010101";

fn pool(extension: Value) -> Result<Pool, Problems> {
    let origins = json!([{"name": "a", "address": "::1"}]);
    let body = json!({"name": "p", "origins": origins, "trimtab": extension});
    wire::read(&body).map(|draft| draft.resource().clone())
}

#[test]
fn what_is_written_is_shown_and_what_is_not_stays_absent() {
    let check = |written: Value, shown: Value| {
        let pool = wire::Pool::from(&pool(written.clone()).unwrap());
        let got = serde_json::to_value(pool).unwrap();
        assert_eq!(got.get("trimtab").cloned().unwrap_or(Value::Null), shown, "{written}");
    };
    check(json!(null), json!(null));
    check(json!({}), json!(null));
    check(json!({"quorum": "majority"}), json!(null));
    check(json!({"quorum": "all_agree_down"}), json!({"quorum": "all_agree_down"}));
    let percent = json!({"quorum": {"more_than_percent": 18}});
    check(percent.clone(), percent);
    let requires = json!({"requires": {"at_least": 2, "of": [
        {"pool": ID}, {"pool": ID, "origin": "db"}, {"health_check": ID},
    ]}});
    check(requires.clone(), requires);
}

#[test]
fn refusals_name_the_place() {
    let check = |extension: Value, pointer: &str, message: &str| {
        let got = refusals(pool(extension.clone()));
        assert_eq!(got, [(format!("/trimtab{pointer}"), message.to_owned())], "{extension}");
    };
    check(json!({"votes": 1}), "/votes", "unknown field: votes");
    let words =
        r#"quorum is not one of "majority", "all_agree_down", {"more_than_percent": 0 to 99}"#;
    check(json!({"quorum": "most"}), "/quorum", words);
    check(json!({"quorum": 18}), "/quorum", words);
    let (percent, range) =
        ("/quorum/more_than_percent", "more_than_percent is not in range [0, 99]");
    check(json!({"quorum": {"more_than_percent": 100}}), percent, range);
    check(json!({"quorum": {}}), percent, "more_than_percent is required");
    let of = |at_least: u32, of: Value| json!({"requires": {"at_least": at_least, "of": of}});
    let length = "the required list length must be in range [1, 255]";
    check(of(1, json!([])), "/requires/of", length);
    check(of(1, json!(vec![json!({"pool": ID}); 256])), "/requires/of", length);
    check(of(0, json!([{"pool": ID}])), "/requires/at_least", "at_least is not in range [1, 1]");
    check(of(2, json!([{"pool": ID}])), "/requires/at_least", "at_least is not in range [1, 1]");
    check(json!({"requires": {"at_least": 1}}), "/requires/of", "of is required");
    let twice = json!([{"pool": ID}, {"pool": ID, "origin": "a"}, {"pool": ID}]);
    check(of(1, twice), "/requires/of/2", "of[2] is there twice");
    let neither = "of[0] is neither a pool, a pool with an origin, nor a health_check";
    for bad in [json!({}), json!({"origin": "a"}), json!({"pool": ID, "health_check": ID})] {
        check(of(1, json!([bad])), "/requires/of/0", neither);
    }
    check(of(1, json!([{"pool": "x"}])), "/requires/of/0/pool", "unknown pool: x");
    let nameless = json!([{"pool": ID, "origin": ""}]);
    check(of(1, nameless), "/requires/of/0/origin", "origin \"\" is no name of an endpoint");
}
