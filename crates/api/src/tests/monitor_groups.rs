//! Groups of monitors.

use serde_json::{Value, json};

use super::bench::{Bench, Got, Transcript, cell};

fn member(monitor: &str) -> Value {
    json!({
        "monitor_id": monitor, "enabled": true, "monitoring_only": false, "must_be_healthy": false,
    })
}

fn group(monitors: &[&str]) -> Value {
    let members: Vec<_> = monitors.iter().map(|monitor| member(monitor)).collect();
    json!({"description": "front", "members": members})
}

#[tokio::test]
async fn a_group_through_its_life() {
    let bench = Bench::new().await;
    let (one, two) = (bench.monitor().await, bench.monitor().await);
    let talk = Transcript::new(&bench);
    let id = talk.send("POST", &bench.lb("/monitor_groups"), Some(group(&[&one]))).await.id();
    let path = bench.lb(&format!("/monitor_groups/{id}"));
    talk.send("GET", &path, None).await;
    let mut critical = member(&two);
    critical["must_be_healthy"] = true.into();
    talk.send("PATCH", &path, Some(json!({"members": [member(&one), critical]}))).await;
    talk.send("PUT", &path, Some(group(&[&two]))).await;
    talk.send("GET", &bench.lb("/monitor_groups"), None).await;
    talk.send("DELETE", &path, None).await;
    talk.send("GET", &path, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn refusals_name_the_place() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let (all, gone) = (bench.lb("/monitor_groups"), "0".repeat(32));
    let one = format!("{all}/{}", bench.post(&all, &group(&[&monitor])).await.id());
    let unknown = format!("unknown monitor: {gone}");
    let twice = format!("duplicate monitor: {monitor}");
    let mut forgetful = member(&monitor);
    forgetful.as_object_mut().unwrap().remove("enabled");
    let check = async |body: Value, place: &str, message: &str| {
        for (method, path) in [("POST", &all), ("PUT", &one), ("PATCH", &one)] {
            super::refusals::refused(&bench, method, path, &body, &[(place, message)]).await;
        }
    };
    check(group(&[&monitor, &gone]), "/members/1/monitor_id", &unknown).await;
    check(group(&[&monitor, &monitor]), "/members/1/monitor_id", &twice).await;
    let length = "the member list length must be in range [1, 20]";
    check(group(&[]), "/members", length).await;
    let body = json!({"description": "", "members": [forgetful]});
    check(body, "/members/0/enabled", "enabled is required").await;
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let id = bench.post(&bench.lb("/monitor_groups"), &group(&[&monitor])).await.id();
    bench.put_back(&bench.lb(&format!("/monitor_groups/{id}"))).await;
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    let pool = json!({"name": "p", "origins": origins, "monitor_group": id});
    let pool = bench.post(&bench.lb("/pools"), &pool).await.id();
    bench.put_back(&bench.lb(&format!("/pools/{pool}"))).await;
}

#[tokio::test]
async fn what_is_in_use_cannot_be_deleted_and_says_by_whom() {
    let bench = Bench::new().await;
    let (pool, monitor) = (bench.pool("watched").await, bench.monitor().await);
    let made = bench.post(&bench.lb("/monitor_groups"), &group(&[&monitor])).await.id();
    let (one, pool) =
        (bench.lb(&format!("/monitor_groups/{made}")), bench.lb(&format!("/pools/{pool}")));
    let monitor = bench.lb(&format!("/monitors/{monitor}"));
    assert_eq!(bench.patch(&pool, &json!({"monitor_group": made})).await.status, 200);
    let talk = Transcript::new(&bench);
    talk.send("DELETE", &monitor, None).await;
    talk.send("DELETE", &one, None).await;
    for of in [&monitor, &one, &pool] {
        talk.send("GET", &format!("{of}/references"), None).await;
    }
    insta::assert_snapshot!(talk.finish());
    assert_eq!(bench.delete(&pool).await.status, 200);
    assert_eq!(bench.delete(&one).await.status, 200);
    assert_eq!(bench.delete(&monitor).await.status, 200);
}

/// Turns of the loop by which the later of two begins later each round: together they meet every part of the other.
const STEP: usize = 8;

/// At the same time; whoever begins is another one each round, and later by another number of steps.
async fn both(
    round: usize,
    write: impl Future<Output = Got>,
    delete: impl Future<Output = Got>,
) -> (Got, Got) {
    let later = async |steps: usize| {
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
    };
    let (first, second) =
        if round.is_multiple_of(2) { (0, round * STEP) } else { (round * STEP, 0) };
    let write = async {
        later(first).await;
        write.await
    };
    let delete = async {
        later(second).await;
        delete.await
    };
    tokio::join!(write, delete)
}

#[tokio::test]
async fn neither_a_group_nor_a_monitor_is_deleted_under_who_just_takes_it() {
    for round in 0..40 {
        let bench = Bench::new().await;
        let other = Bench::beside(&bench, cell(Vec::new())).await;
        let monitor = bench.monitor().await;
        let (groups, one) =
            (bench.lb("/monitor_groups"), bench.lb(&format!("/monitors/{monitor}")));
        let body = group(&[&monitor]);
        let (made, deleted) = both(round, bench.post(&groups, &body), other.delete(&one)).await;
        match (made.status, deleted.status) {
            (200, 412) => {}
            (400, 200) => continue,
            both => panic!("round {round}: {both:?}"),
        }
        let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
        let body = json!({"name": "p", "origins": origins, "monitor_group": made.id()});
        let (pools, one) = (bench.lb("/pools"), format!("{groups}/{}", made.id()));
        let (pooled, deleted) = both(round, bench.post(&pools, &body), other.delete(&one)).await;
        match (pooled.status, deleted.status) {
            (200, 412) | (400, 200) => {}
            both => panic!("round {round}: {both:?}"),
        }
    }
}

#[tokio::test]
async fn an_account_with_a_group_or_an_override_stays() {
    let bench = Bench::new().await;
    let account = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let under = |path: &str| format!("/accounts/{account}{path}");
    let monitors = under("/load_balancers/monitors");
    let monitor = bench.post(&monitors, &json!({"expected_codes": "2xx"})).await.id();
    let groups = under("/load_balancers/monitor_groups");
    let body = group(&[&monitor]);
    let made = bench.post(&groups, &body).await.id();
    let said = json!({"pattern": "*", "state": "down", "reason": "move"});
    let forced = bench.post(&under("/trimtab/overrides"), &said).await.id();
    let got = bench.delete(&under("")).await;
    let chain = got.json()["errors"][0]["error_chain"].clone();
    let by: Vec<_> = chain
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"].as_str().unwrap().to_owned())
        .collect();
    let want = [
        format!("referenced by monitor group \"front\" ({made})"),
        format!("referenced by monitor \"\" ({monitor})"),
        format!("referenced by override \"*\" ({forced})"),
    ];
    assert_eq!((got.status, by), (412, want.to_vec()));
}
