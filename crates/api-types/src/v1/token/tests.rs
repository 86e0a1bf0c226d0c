use serde_json::json;
use trimtab_model::account::Resource;
use trimtab_model::{AccountId, ZoneId};

use super::*;
use crate::v1::samples::{refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_767_225_660_000_000);
const ID: &str = "08080808080808080808080808080808";

fn policy(resources: Value) -> Value {
    let group = json!({"id": permission_id(Permission::DnsWrite), "name": "DNS Write"});
    json!({"effect": "allow", "permission_groups": [group], "resources": resources})
}

fn minimal() -> Value {
    json!({"name": "ci", "policies": [policy(json!({"com.cloudflare.api.account.*": "*"}))]})
}

fn made(body: &Value) -> model::Token {
    read(body).unwrap().into_new(TokenId::new([1; 16]), "digest".into(), NOW)
}

/// The minimal body with one change is refused for just this.
fn check(change: Value, pointer: &str, message: &str) {
    let got = refusals(read(&with(&minimal(), change.clone())));
    assert_eq!(got, [(pointer.to_owned(), message.to_owned())], "{change}");
}

fn check_policy(change: Value, pointer: &str, message: &str) {
    let policy = with(&policy(json!({"com.cloudflare.api.account.*": "*"})), change);
    check(json!({"policies": [policy]}), &format!("/policies/0{pointer}"), message);
}

#[test]
fn a_token_shows_everything_but_its_value() {
    let token = made(&with(&minimal(), json!({"expires_on": "2027-01-01T00:00:00Z"})));
    let want = json!({
        "id": "01010101010101010101010101010101",
        "name": "ci",
        "status": "active",
        "issued_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
        "expires_on": "2027-01-01T00:00:00.000000Z",
        "policies": [{
            "id": hex_digest(b"01010101010101010101010101010101/0"),
            "effect": "allow",
            "resources": {"com.cloudflare.api.account.*": "*"},
            "permission_groups": [
                {"id": permission_id(Permission::DnsWrite), "name": "DNS Write"},
            ],
        }],
    });
    assert_eq!(serde_json::to_value(Token::from(&token)).unwrap(), want);
    let once = Token::from(&token).with_value("secret".into());
    assert_eq!(serde_json::to_value(once).unwrap(), with(&want, json!({"value": "secret"})));
    let verified = json!({
        "id": "01010101010101010101010101010101",
        "status": "active",
        "expires_on": "2027-01-01T00:00:00.000000Z",
    });
    assert_eq!(serde_json::to_value(Verified::from(&token)).unwrap(), verified);
}

#[test]
fn a_token_put_back_changes_nothing() {
    let token = made(&minimal());
    let rendered = serde_json::to_value(Token::from(&token)).unwrap();
    assert_eq!(read(&rendered).unwrap().onto(&token, LATER), (token.clone(), false));
    let disabled = with(&rendered, json!({"status": "disabled"}));
    let want = model::Token { status: TokenStatus::Disabled, modified_on: LATER, ..token.clone() };
    assert_eq!(read(&disabled).unwrap().onto(&token, LATER), (want, true));
}

#[test]
fn resources_are_read_in_every_form_and_written_in_one() {
    let account = AccountId::new([8; 16]);
    let zone = ZoneId::new([8; 16]);
    let check = |sent: Value, want: &[Resource], back: Value| {
        let token = made(&json!({"name": "t", "policies": [policy(sent)]}));
        assert_eq!(token.policies[0].resources, want);
        let rendered = serde_json::to_value(Token::from(&token)).unwrap();
        assert_eq!(rendered["policies"][0]["resources"], back);
        assert_eq!(read(&rendered).unwrap().policies, token.policies);
    };
    let same = |sent: Value, want: &[Resource]| check(sent.clone(), want, sent);
    let zones = json!({"com.cloudflare.api.account.zone.*": "*"});
    same(json!({"com.cloudflare.api.account.*": "*"}), &[Resource::All]);
    same(json!({format!("com.cloudflare.api.account.{ID}"): "*"}), &[Resource::Account(account)]);
    same(zones.clone(), &[Resource::AllZones]);
    same(json!({format!("com.cloudflare.api.account.zone.{ID}"): "*"}), &[Resource::Zone(zone)]);
    same(json!({format!("com.cloudflare.api.account.{ID}"): zones}), &[Resource::ZonesOf(account)]);
    check(json!({"com.cloudflare.api.account.*": zones.clone()}), &[Resource::AllZones], zones);
    let one = json!({format!("com.cloudflare.api.account.zone.{ID}"): "*"});
    let nested = json!({format!("com.cloudflare.api.account.{ID}"): one.clone()});
    check(nested, &[Resource::Zone(zone)], one.clone());
    let twice = with(&one, json!({format!("com.cloudflare.api.account.{ID}"): one.clone()}));
    check(twice, &[Resource::Zone(zone)], one.clone());
    let other = json!({format!("com.cloudflare.api.account.zone.{}", ID.replace('8', "7")): "*"});
    let nested = with(&other, json!({format!("com.cloudflare.api.account.{ID}"): one.clone()}));
    check(nested, &[Resource::Zone(ZoneId::new([7; 16])), Resource::Zone(zone)], with(&one, other));
}

#[test]
fn each_field_has_its_range() {
    check(json!({"name": null}), "/name", "name is required");
    check(json!({"name": ""}), "/name", "name is empty");
    check(
        json!({"status": "expired"}),
        "/status",
        "status \"expired\" is not one of active, disabled",
    );
    check(
        json!({"status": "on"}),
        "/status",
        "status \"on\" is not one of active, disabled, expired",
    );
    check(
        json!({"policies": []}),
        "/policies",
        "the policies list length must be in range [1, 50]",
    );
    let time = "not_before \"soon\" is not an RFC 3339 time such as 2026-01-31T12:00:00Z";
    check(json!({"not_before": "soon"}), "/not_before", time);
    let order = json!({"not_before": "2026-01-02T00:00:00Z", "expires_on": "2026-01-01T00:00:00Z"});
    check(order, "/expires_on", "expires_on is not after not_before");
}

#[test]
fn each_field_of_a_policy_has_its_range() {
    check_policy(
        json!({"effect": "maybe"}),
        "/effect",
        "effect \"maybe\" is not one of allow, deny",
    );
    check_policy(
        json!({"permission_groups": []}),
        "/permission_groups",
        "the permission group list length must be in range [1, 24]",
    );
    check_policy(
        json!({"permission_groups": [{"id": "x"}]}),
        "/permission_groups/0/id",
        "unknown permission group: x",
    );
    check_policy(json!({"permission_groups": [{}]}), "/permission_groups/0/id", "id is required");
    check_policy(
        json!({"resources": {}}),
        "/resources",
        "the resources list length must be in range [1, 1000]",
    );
    check_policy(
        json!({"resources": {"com.cloudflare.api.user.x": "*"}}),
        "/resources/com.cloudflare.api.user.x",
        "unknown resource: com.cloudflare.api.user.x",
    );
    let value = "the value of a resource must be \"*\" or a map of what is inside";
    check_policy(
        json!({"resources": {"com.cloudflare.api.account.*": "x"}}),
        "/resources/com.cloudflare.api.account.*",
        value,
    );
    let account_in_zone =
        json!({"com.cloudflare.api.account.zone.*": {"com.cloudflare.api.account.*": "*"}});
    let place = "/resources/com.cloudflare.api.account.zone.*/com.cloudflare.api.account.*";
    check_policy(
        json!({"resources": account_in_zone}),
        place,
        "unknown resource: com.cloudflare.api.account.*",
    );
}

#[test]
fn a_condition_that_would_not_be_enforced_is_refused() {
    for empty in [json!(null), json!({}), json!({"request_ip": {"in": [], "not_in": null}})] {
        assert_eq!(made(&with(&minimal(), json!({"condition": empty}))), made(&minimal()));
    }
    let only = json!({"condition": {"request_ip": {"in": ["192.0.2.0/24"]}}});
    check(only, "/condition", "condition is not supported");
}

#[test]
fn permission_groups_are_found_by_id_or_by_name() {
    let by_name = json!({"permission_groups": [{"name": "DNS Write"}]});
    let policy = with(&policy(json!({"com.cloudflare.api.account.*": "*"})), by_name);
    let token = made(&json!({"name": "ci", "policies": [policy]}));
    assert_eq!(token, made(&minimal()));
}

#[test]
fn ids_of_permission_groups_never_change() {
    // The vectors of the FNV authors for 128 bits.
    assert_eq!(hex_digest(b""), "6c62272e07bb014262b821756295c58d");
    assert_eq!(hex_digest(b"a"), "d228cb696f1a8caf78912b704e4a8964");
    let mut ids: Vec<_> = PermissionGroup::all().into_iter().map(|group| group.id).collect();
    assert_eq!(ids.len(), Permission::ALL.len());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), Permission::ALL.len());
}

#[test]
fn permission_groups_say_where_they_can_be_given() {
    let dns = serde_json::to_value(PermissionGroup::from(Permission::DnsRead)).unwrap();
    let want = json!({
        "id": permission_id(Permission::DnsRead),
        "name": "DNS Read",
        "scopes": ["com.cloudflare.api.account.zone"],
    });
    assert_eq!(dns, want);
}
