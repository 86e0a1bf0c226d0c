//! What is told of certificates that the node orders.

use serde_json::json;

use super::bench::Bench;

#[tokio::test]
async fn a_node_that_orders_nothing_says_so_to_whoever_may_read_its_settings() {
    let bench = Bench::new().await;
    let answer = bench.get("/trimtab/acme").await;
    let want = json!({"enabled": false, "directory": null, "challenge": null, "names": []});
    assert_eq!(answer.result(), want);
}

#[tokio::test]
async fn names_of_every_account_are_not_for_those_who_may_see_one() {
    let bench = Bench::new().await;
    let account = format!("com.cloudflare.api.account.{}", bench.account);
    let token = bench.token(&["Account Settings Read"], json!({ account: "*" })).await;
    let got = bench.send_as(&token, "GET", "/trimtab/acme", None).await;
    assert_eq!(got.status, 403);
}
