use serde_json::json;

use super::*;
use crate::v1::samples::{self, refusals};

const LATER: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

#[test]
fn a_zone_carries_what_clients_read() {
    let name_servers = ["ns1.example.net".parse().unwrap(), "ns2.example.net".parse().unwrap()];
    let zone = Zone::new(&samples::zone(), "Ours", &name_servers);
    let account = "08080808080808080808080808080808";
    let want = json!({
        "id": "07070707070707070707070707070707",
        "name": "example.com",
        "status": "active",
        "paused": false,
        "type": "full",
        "development_mode": 0,
        "name_servers": ["ns1.example.net", "ns2.example.net"],
        "original_name_servers": null,
        "original_registrar": null,
        "original_dnshost": null,
        "created_on": "1970-01-01T00:00:01.000000Z",
        "modified_on": "1970-01-01T00:00:01.000000Z",
        "activated_on": "1970-01-01T00:00:01.000000Z",
        "meta": {"custom_certificate_quota": 0, "page_rule_quota": 0, "phishing_detected": false},
        "owner": {"id": account, "type": "organization", "name": "Ours"},
        "account": {"id": account, "name": "Ours"},
        "permissions": [],
        "plan": {
            "id": "94f3b7b768b0458b56d2cac4fe5ec0f9",
            "name": "Enterprise Website",
            "price": 0,
            "currency": "USD",
            "frequency": "",
            "legacy_id": "enterprise",
            "is_subscribed": true,
            "can_subscribe": true,
        },
    });
    assert_eq!(serde_json::to_value(zone).unwrap(), want);
}

#[test]
fn a_new_zone_has_a_name_and_maybe_an_account() {
    type Outcome<'a> = Result<(&'a str, Option<[u8; 16]>), (&'a str, &'a str)>;
    let check = |body: Value, want: Outcome<'_>| {
        let got = read(&body);
        match want {
            Ok((name, account)) => {
                let name = name.parse().unwrap();
                assert_eq!(got, Ok(ZoneDraft { name, account: account.map(AccountId::new) }));
            }
            Err((pointer, message)) => {
                assert_eq!(refusals(got), [(pointer.into(), message.into())], "{body}");
            }
        }
    };
    let id = "08080808080808080808080808080808";
    check(json!({"name": "Example.org."}), Ok(("example.org", None)));
    check(
        json!({"name": "example.org", "account": {}, "jump_start": true}),
        Ok(("example.org", None)),
    );
    let full = json!({"name": "example.org", "account": {"id": id}, "type": "full"});
    check(full, Ok(("example.org", Some([8; 16]))));
    check(json!({}), Err(("/name", "name is required")));
    check(json!({"name": "*.example.org"}), Err(("/name", "invalid hostname: *.example.org")));
    check(json!({"name": "a b"}), Err(("/name", "invalid hostname: a b")));
    let partial = json!({"name": "example.org", "type": "partial"});
    check(partial, Err(("/type", "type is not one of full")));
    let unknown = json!({"name": "example.org", "account": {"id": "x"}});
    check(unknown, Err(("/account/id", "unknown account: x")));
    let bare = json!({"name": "example.org", "account": id});
    check(bare, Err(("/account", "account is not an object")));
}

#[test]
fn a_new_zone_is_active_at_once() {
    let draft = read(&json!({"name": "example.com"})).unwrap();
    let zone = draft.into_new(ZoneId::new([7; 16]), AccountId::new([8; 16]), LATER);
    let times = (zone.created_on, zone.modified_on, zone.activated_on);
    assert_eq!((zone.paused, times), (false, (LATER, LATER, LATER)));
}

#[test]
fn only_pausing_changes_a_zone() {
    let zone = samples::zone();
    let paused = model::Zone { paused: true, modified_on: LATER, ..zone.clone() };
    assert_eq!(patch(&zone, &json!({"paused": true}), LATER), Ok((paused, true)));
    for same in [json!({}), json!({"paused": false}), json!({"paused": null, "plan": {"id": "x"}})]
    {
        assert_eq!(patch(&zone, &same, LATER), Ok((zone.clone(), false)), "{same}");
    }
    let own = json!({"account": {"id": zone.account}});
    assert_eq!(patch(&zone, &own, LATER), Ok((zone.clone(), false)));
    let other = json!({"account": {"id": "f".repeat(32)}});
    let why = ("/account".into(), "a zone stays in its account".into());
    assert_eq!(refusals(patch(&zone, &other, LATER)), [why]);
    let got = refusals(patch(&zone, &json!({"paused": 1, "type": "partial"}), LATER));
    let want = [
        ("/type".into(), "type is not one of full".into()),
        ("/paused".into(), "paused is not true or false".into()),
    ];
    assert_eq!(got, want);
}
