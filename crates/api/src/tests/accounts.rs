//! Accounts and the user.

use serde_json::json;

use super::bench::{Bench, Transcript};

#[tokio::test]
async fn an_account_through_its_life() {
    let bench = Bench::new().await;
    let talk = Transcript::new(&bench);
    talk.send("GET", "/accounts", None).await;
    let id = talk.send("POST", "/accounts", Some(json!({"name": "Other"}))).await.id();
    let one = format!("/accounts/{id}");
    let body = json!({"name": "Renamed", "settings": {"enforce_twofactor": true}});
    talk.send("PUT", &one, Some(body)).await;
    talk.send("GET", &one, None).await;
    talk.send("POST", "/accounts", Some(json!({"name": " "}))).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    talk.send("GET", "/user", None).await;
    talk.send("PATCH", "/user", Some(json!({"first_name": "A"}))).await;
    talk.send("GET", "/ips", None).await;
    insta::assert_snapshot!(talk.finish());
    bench.put_back(&format!("/accounts/{}", bench.account)).await;
}

#[tokio::test]
async fn an_account_that_has_something_stays() {
    let bench = Bench::new().await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let one = format!("/accounts/{other}");
    let body = json!({"name": "example.com", "account": {"id": other}});
    let zone = bench.post("/zones", &body).await.id();
    let body = json!({"expected_codes": "2xx", "description": "front"});
    let monitor = bench.post(&format!("{one}/load_balancers/monitors"), &body).await.id();
    let body = json!({"name": "p", "origins": [{"name": "a", "address": "192.0.2.1"}]});
    let pool = bench.post(&format!("{one}/load_balancers/pools"), &body).await.id();
    let body = json!({"name": "db.internal", "default_pools": [pool], "fallback_pool": pool});
    let balancer = bench.post(&format!("{one}/load_balancers"), &body).await.id();
    let talk = Transcript::new(&bench);
    talk.send("DELETE", &one, None).await;
    insta::assert_snapshot!(talk.finish());
    for path in [
        format!("/zones/{zone}"),
        format!("{one}/load_balancers/{balancer}"),
        format!("{one}/load_balancers/pools/{pool}"),
        format!("{one}/load_balancers/monitors/{monitor}"),
    ] {
        assert_eq!(bench.delete(&one).await.refusal(), (412, vec![1005]));
        assert_eq!(bench.delete(&path).await.status, 200, "{path}");
    }
    assert_eq!(bench.delete(&one).await.status, 200);
}

#[tokio::test]
async fn a_token_sees_the_accounts_that_it_has_rights_on() {
    let bench = Bench::new().await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let body = json!({"name": "example.com", "account": {"id": other}});
    let zone = bench.post("/zones", &body).await.id();
    let check = async |permission: &str, resource: String, want: &[&str]| {
        let resources = json!({resource.clone(): "*"});
        let token = bench.token(&[permission], resources).await;
        let got = bench.send_as(&token, "GET", "/accounts", None).await.result();
        let names: Vec<_> =
            got.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
        assert_eq!(names, want, "{resource}");
    };
    let account = "com.cloudflare.api.account";
    check("Account Settings Read", format!("{account}.*"), &["Trimtab", "Other"]).await;
    check("Account Settings Read", format!("{account}.{other}"), &["Other"]).await;
    check("DNS Read", format!("{account}.zone.{zone}"), &["Other"]).await;
    check("DNS Read", format!("{account}.zone.*"), &["Trimtab", "Other"]).await;
    let named = bench.get("/accounts?name=other&direction=desc").await.result();
    assert_eq!(named[0]["id"], json!(other));
}
