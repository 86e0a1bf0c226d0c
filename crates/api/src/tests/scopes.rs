//! Every route with every permission: who has it is let in, who has another is not.

use serde_json::{Value, json};
use trimtab_model::Permission;

use super::bench::{Bench, Got};
use crate::auth::Access;
use crate::handlers;
use crate::route::{Method, Route};

fn method(route: &Route) -> &'static str {
    match route.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

fn path(route: &Route, bench: &Bench, zone: &str) -> String {
    let parts = route.path.split('/').map(|part| match part {
        "{account_id}" => bench.account.to_string(),
        "{zone_id}" => zone.to_owned(),
        _ if part.starts_with('{') => "0".repeat(32),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn needs(access: Access) -> Option<Permission> {
    match access {
        Access::Open | Access::Verify | Access::Token => None,
        Access::Somewhere(needs)
        | Access::Node(needs)
        | Access::Account(needs)
        | Access::Home(needs)
        | Access::Zone(needs) => Some(needs),
    }
}

/// Not let in, or let in and then refused for another reason.
fn is_shut_out(got: &Got) -> bool {
    got.status == 403
}

#[tokio::test]
async fn every_route_lets_in_its_permission_and_no_other() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let everywhere = json!({"com.cloudflare.api.account.*": "*"});
    let mut tokens = Vec::new();
    for permission in Permission::ALL {
        tokens.push((permission, bench.token(&[permission.word()], everywhere.clone()).await));
    }
    let body = json!({});
    for route in handlers::routes() {
        // Deleting the account or zone, or the token that asks, would end the test early.
        let path = path(&route, &bench, &zone);
        let destroys = route.method == Method::Delete && path.len() < 50;
        for (permission, token) in &tokens {
            let wanted = needs(route.access);
            let reads = permission.word().replace(" Write", " Read");
            let holds = wanted.is_none_or(|w| w == **permission || reads == w.word());
            if holds && destroys {
                continue;
            }
            let got = bench.send_as(token, method(&route), &path, Some(&body)).await;
            let what = format!("{} {path} with {permission}: {}", method(&route), got.text);
            assert_eq!(is_shut_out(&got), !holds, "{what}");
            assert_ne!(got.status, 404 * u16::from(got.text.contains("7003")), "{what}");
            assert!(got.status < 500, "{what}");
        }
        let nobody = bench.raw(method(&route), &path, &[], Vec::new()).await;
        let refused = nobody.status == 400 && nobody.text.contains("9106");
        assert_eq!(refused, route.access != Access::Open, "{} {path}", method(&route));
    }
}

#[tokio::test]
async fn a_right_on_one_place_is_none_on_another() {
    let bench = Bench::new().await;
    let (mine, theirs) = (bench.zone("mine.example").await, bench.zone("theirs.example").await);
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let check = async |resources: Value, path: String, want: u16| {
        let token = bench
            .token(
                &["DNS Read", "Zone Read", "Load Balancing: Monitors and Pools Read"],
                resources.clone(),
            )
            .await;
        let got = bench.send_as(&token, "GET", &path, None).await;
        assert_eq!(got.status, want, "{resources} {path} {}", got.text);
    };
    let zone = |id: &str| json!({format!("com.cloudflare.api.account.zone.{id}"): "*"});
    let account = |id: &str| json!({format!("com.cloudflare.api.account.{id}"): "*"});
    let zones_of = |id: &str| {
        let inside = json!({"com.cloudflare.api.account.zone.*": "*"});
        json!({format!("com.cloudflare.api.account.{id}"): inside})
    };
    let here = bench.account.to_string();
    check(zone(&mine), format!("/zones/{mine}/dns_records"), 200).await;
    check(zone(&mine), format!("/zones/{theirs}/dns_records"), 403).await;
    check(zones_of(&here), format!("/zones/{theirs}/dns_records"), 200).await;
    check(zones_of(&other), format!("/zones/{theirs}/dns_records"), 403).await;
    check(account(&here), bench.lb("/pools"), 200).await;
    check(account(&other), bench.lb("/pools"), 403).await;
    check(account(&other), "/user/load_balancers/pools".into(), 200).await;
    check(zone(&mine), "/user/load_balancers/pools".into(), 403).await;
    let token = bench.token(&["Zone Read"], zone(&mine)).await;
    let listed = bench.send_as(&token, "GET", "/zones", None).await.result();
    assert_eq!((listed[0]["id"].clone(), listed.as_array().map(Vec::len)), (json!(mine), Some(1)));
}
