use serde_json::json;

use super::*;
use crate::v1::samples::refusals;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn made(body: &Value) -> model::Account {
    read(body).unwrap().into_new(AccountId::new([1; 16]), NOW)
}

#[test]
fn an_account_comes_back_with_its_settings() {
    let check = |body: Value, enforced: bool| {
        let want = json!({
            "id": "01010101010101010101010101010101",
            "name": "Ours",
            "type": "standard",
            "settings": {"enforce_twofactor": enforced},
            "created_on": "2026-01-01T00:00:00.000000Z",
        });
        let account = made(&body);
        let rendered = serde_json::to_value(Account::from(&account)).unwrap();
        assert_eq!(rendered, want);
        assert_eq!(read(&rendered).unwrap().onto(&account), (account, false));
    };
    check(json!({"name": "Ours"}), false);
    check(json!({"name": "Ours", "type": "standard", "settings": {}}), false);
    check(json!({"name": "Ours", "settings": {"enforce_twofactor": true}}), true);
}

#[test]
fn a_changed_name_is_a_change() {
    let (account, changed) =
        read(&json!({"name": "New"})).unwrap().onto(&made(&json!({"name": "Old"})));
    assert_eq!((account.name.as_str(), account.created_on, changed), ("New", NOW, true));
}

#[test]
fn each_field_has_its_range() {
    let check = |body: Value, pointer: &str, message: &str| {
        assert_eq!(refusals(read(&body)), [(pointer.into(), message.into())], "{body}");
    };
    check(json!({}), "/name", "name is required");
    check(json!({"name": "  "}), "/name", "name is empty");
    check(json!({"name": "x".repeat(121)}), "/name", "name is longer than 120 characters");
    check(json!({"name": "x", "settings": 1}), "/settings", "settings is not an object");
    let setting = json!({"name": "x", "settings": {"enforce_twofactor": 1}});
    let message = "enforce_twofactor is not true or false";
    check(setting, "/settings/enforce_twofactor", message);
}
