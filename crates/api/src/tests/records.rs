//! DNS records.

use serde_json::{Value, json};

use super::bench::{Bench, Got, TOKEN, Transcript};

async fn zone(bench: &Bench) -> String {
    format!("/zones/{}/dns_records", bench.zone("example.com").await)
}

#[tokio::test]
async fn a_record_through_its_life() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let talk = Transcript::new(&bench);
    let body = json!({
        "name": "WWW", "type": "A", "content": "192.0.2.1", "ttl": 300, "proxied": true,
        "comment": "front", "tags": ["team:web"],
    });
    let id = talk.send("POST", &all, Some(body)).await.id();
    let one = format!("{all}/{id}");
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({"content": "192.0.2.2", "comment": null}))).await;
    talk.send("PATCH", &one, Some(json!({"name": "moved"}))).await;
    let body = json!({"name": "@", "type": "MX", "content": "mail.example.com.", "priority": 10});
    talk.send("PUT", &one, Some(body)).await;
    talk.send("GET", &all, None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &all, None).await;
    insta::assert_snapshot!(talk.finish());
}

/// One of each type, as clients send them.
fn one_of_each() -> Vec<Value> {
    let content = |kind: &str, content: &str| json!({"type": kind, "content": content});
    let data = |kind: &str, data: Value| json!({"type": kind, "data": data});
    vec![
        content("A", "192.0.2.1"),
        content("AAAA", "2001:DB8::1"),
        data("CAA", json!({"flags": 0, "tag": "issue", "value": "ca.example"})),
        data("CERT", json!({"type": 1, "key_tag": 2, "algorithm": 8, "certificate": "AQID"})),
        content("CNAME", "target.example.org."),
        data("DNSKEY", json!({"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "AQID"})),
        data(
            "DS",
            json!({"key_tag": 1, "algorithm": 13, "digest_type": 2, "digest": "AB".repeat(32)}),
        ),
        data("HTTPS", json!({"priority": 1, "target": ".", "value": "alpn=\"h2\""})),
        content("LOC", "51 30 12.748 N 0 7 39.612 W 0.00m 1m 10000m 10m"),
        json!({"type": "MX", "content": "mail.example.com", "priority": 10}),
        data(
            "NAPTR",
            json!({"order": 1, "preference": 2, "flags": "S", "service": "SIP+D2U", "regex": "", "replacement": "_sip._udp.example.com"}),
        ),
        content("NS", "ns.example.org"),
        content("OPENPGPKEY", "AQID"),
        content("PTR", "host.example.com"),
        data(
            "SMIMEA",
            json!({"usage": 3, "selector": 0, "matching_type": 1, "certificate": "ab".repeat(32)}),
        ),
        data("SRV", json!({"priority": 1, "weight": 2, "port": 5060, "target": "sip.example.com"})),
        data("SSHFP", json!({"algorithm": 4, "type": 2, "fingerprint": "ab".repeat(32)})),
        data("SVCB", json!({"priority": 1, "target": "svc.example.com", "value": ""})),
        data(
            "TLSA",
            json!({"usage": 3, "selector": 1, "matching_type": 1, "certificate": "ab".repeat(32)}),
        ),
        content("TXT", "\"v=spf1 -all\""),
        json!({"type": "URI", "priority": 10, "data": {"weight": 1, "target": "https://example.com/"}}),
    ]
}

#[tokio::test]
async fn every_type_is_taken_and_put_back_without_a_change() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let mut lines = Vec::new();
    for (index, mut body) in one_of_each().into_iter().enumerate() {
        body["name"] = json!(format!("n{index}"));
        let made = bench.post(&all, &body).await;
        assert_eq!(made.status, 200, "{body}: {}", made.text);
        bench.put_back(&format!("{all}/{}", made.id())).await;
        let result = made.result();
        lines.push(format!(
            "{} {} priority {} data {}",
            result["type"], result["content"], result["priority"], result["data"]
        ));
    }
    assert_eq!(lines.len(), trimtab_model::RecordType::ALL.len());
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn each_conflict_has_its_number() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let a = json!({"name": "a", "type": "A", "content": "192.0.2.1"});
    let id = bench.post(&all, &a).await.id();
    let alias = json!({"name": "c", "type": "CNAME", "content": "a.example.com"});
    bench.post(&all, &alias).await.id();
    bench.post(&all, &json!({"name": "d", "type": "NS", "content": "ns.example.org"})).await.id();
    let check = async |body: Value, code: u64, message: &str| {
        let got = bench.post(&all, &body).await;
        assert_eq!(got.refusal(), (400, vec![code]), "{body}");
        assert_eq!(got.json()["errors"][0]["message"], message, "{body}");
    };
    check(a.clone(), 81058, "An identical record already exists.").await;
    let slower = json!({"name": "a", "type": "A", "content": "192.0.2.1", "ttl": 600});
    check(slower, 81057, "The record already exists.").await;
    let taken = "An A, AAAA, or CNAME record with that host already exists.";
    check(json!({"name": "a", "type": "CNAME", "content": "b.example.com"}), 81053, taken).await;
    check(json!({"name": "c", "type": "CNAME", "content": "b.example.com"}), 81053, taken).await;
    let aliased = "A CNAME record with that host already exists.";
    check(json!({"name": "c", "type": "AAAA", "content": "2001:db8::1"}), 81054, aliased).await;
    let delegated = "NS records with that host already exist.";
    check(json!({"name": "d", "type": "CNAME", "content": "b.example.com"}), 81056, delegated)
        .await;
    let got = bench.patch(&format!("{all}/{id}"), &json!({"name": "c"})).await;
    assert_eq!(got.refusal(), (400, vec![81054]));
    let itself = json!({"type": "CNAME", "content": "b.example.com"});
    assert_eq!(bench.patch(&format!("{all}/{id}"), &itself).await.status, 200);
}

#[tokio::test]
async fn bad_data_is_one_error_with_a_chain() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let talk = Transcript::new(&bench);
    let body = json!({"name": "a b", "type": "A", "content": "1.2.3", "ttl": 5, "proxied": "yes"});
    talk.send("POST", &all, Some(body)).await;
    talk.send("POST", &all, Some(json!({"name": "a", "type": "A", "content": "1.2.3"}))).await;
    talk.send("POST", &all, Some(json!({"name": "a", "type": "SRV", "data": {"port": 1}}))).await;
    talk.send("POST", &all, Some(json!({"name": "a", "type": "SPF", "content": "x"}))).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn a_batch_runs_deletes_patches_puts_posts_in_one_step() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let a = |name: &str, content: &str| json!({"name": name, "type": "A", "content": content});
    let gone = bench.post(&all, &a("gone", "192.0.2.1")).await.id();
    let kept = bench.post(&all, &a("kept", "192.0.2.2")).await.id();
    let put = bench.post(&all, &a("put", "192.0.2.3")).await.id();
    let rev = trimtab_store::Store::now_rev(&bench.store).await.unwrap();
    let talk = Transcript::new(&bench);
    let mut replaced = a("free", "192.0.2.30");
    replaced["id"] = json!(put);
    let batch = json!({
        // The name that is deleted is free for the post; the one that moved away is free for it too.
        "posts": [a("put", "192.0.2.3"), {"name": "gone", "type": "CNAME", "content": "kept.example.com"}],
        "puts": [replaced],
        "patches": [{"id": kept, "content": "192.0.2.20"}],
        "deletes": [{"id": gone}],
    });
    talk.send("POST", &format!("{all}/batch"), Some(batch)).await;
    let after = trimtab_store::Store::now_rev(&bench.store).await.unwrap();
    assert_eq!(after.value(), rev.value() + 1, "one transaction");
    insta::assert_snapshot!(talk.finish());
    let contents = async |query: &str| -> Vec<Value> {
        let got = bench.get(&format!("{all}?{query}")).await.result();
        got.as_array().unwrap().iter().map(|record| record["content"].clone()).collect()
    };
    assert_eq!(contents("name=gone.example.com").await, ["kept.example.com"]);
    assert_eq!(contents("name=free.example.com").await, ["192.0.2.30"]);
    assert_eq!(contents("name=put.example.com").await, ["192.0.2.3"]);
    assert_eq!(bench.get(&format!("{all}/{put}")).await.result()["name"], "free.example.com");
}

#[tokio::test]
async fn a_batch_with_one_bad_change_changes_nothing_and_tells_all_that_is_bad() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let a = json!({"name": "a", "type": "A", "content": "192.0.2.1"});
    let id = bench.post(&all, &a).await.id();
    let before = bench.get(&all).await.text;
    let talk = Transcript::new(&bench);
    let unknown = "0".repeat(32);
    let batch = json!({
        "deletes": [{"id": unknown}],
        "patches": [{"id": id, "ttl": 5}],
        "posts": [{"name": "new", "type": "A", "content": "192.0.2.9"}, a],
    });
    talk.send("POST", &format!("{all}/batch"), Some(batch)).await;
    let clash = json!({"posts": [a]});
    talk.send("POST", &format!("{all}/batch"), Some(clash)).await;
    let twice = json!({"deletes": [{"id": id}, {"id": id}]});
    talk.send("POST", &format!("{all}/batch"), Some(twice)).await;
    talk.send("POST", &format!("{all}/batch"), Some(json!({}))).await;
    insta::assert_snapshot!(talk.finish());
    assert_eq!(bench.get(&all).await.text, before);
}

async fn import(bench: &Bench, all: &str, fields: &[(&str, &str)]) -> Got {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"");
        body += if *name == "file" { "; filename=\"zone.txt\"\r\n" } else { "\r\n" };
        body += &format!("\r\n{value}\r\n");
    }
    body += "--edge--\r\n";
    let bearer = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "multipart/form-data; boundary=edge"),
    ];
    bench.raw("POST", &format!("{all}/import"), &headers, body.into_bytes()).await
}

const FILE: &str = "\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns1 host 1 2 3 4 5
www A 192.0.2.1
www A 192.0.2.2
mail 3600 MX 10 mx.example.org.
text TXT \"one\" \"two\"
";

#[tokio::test]
async fn a_zone_file_comes_in_and_goes_out() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    bench.post(&all, &json!({"name": "www", "type": "A", "content": "192.0.2.1"})).await.id();
    let got = import(&bench, &all, &[("proxied", "true"), ("file", FILE)]).await;
    let by_type = json!({"A": 1, "MX": 1, "TXT": 1});
    let counts = json!({
        "recs_added": 3, "recs_added_by_type": by_type, "total_records_parsed": 4,
    });
    assert_eq!((got.status, got.result()), (200, counts), "{}", got.text);
    let out = bench.get(&format!("{all}/export")).await;
    assert_eq!((out.status, out.kind.as_str()), (200, "text/plain; charset=utf-8"));
    insta::assert_snapshot!(out.text);
    let again = import(&bench, &all, &[("file", &out.text)]).await;
    assert_eq!(again.result()["recs_added"], 0, "{}", again.text);
}

#[tokio::test]
async fn a_bad_zone_file_changes_nothing_and_names_the_lines() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    bench.post(&all, &json!({"name": "c", "type": "CNAME", "content": "x.example.com"})).await.id();
    let before = bench.get(&all).await.text;
    let check = async |fields: &[(&str, &str)], status: u16, code: u64, part: &str| {
        let got = import(&bench, &all, fields).await;
        assert_eq!(got.refusal(), (status, vec![code]), "{}", got.text);
        assert!(got.text.contains(part), "{}", got.text);
        assert_eq!(bench.get(&all).await.text, before);
    };
    check(&[("file", "a A 192.0.2.1\nb A 1.2.3\n")], 400, 1004, "line 2").await;
    check(&[("file", "a A 192.0.2.1\nc A 192.0.2.1\n")], 400, 81054, "line 2").await;
    check(&[("proxied", "true")], 400, 6007, "no field named file").await;
    let many: String = (0..5_001).map(|index| format!("r{index} A 192.0.2.1\n")).collect();
    check(&[("file", &many)], 400, 1004, "at most 5000").await;
    let huge = "; padding\n".repeat(1_000_000);
    check(&[("file", &huge)], 413, 10413, "8388608 bytes").await;
    let got = bench.post(&format!("{all}/import"), &json!({})).await;
    assert_eq!(got.refusal(), (400, vec![6007]));
}

#[tokio::test]
async fn a_scan_finds_nothing() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let talk = Transcript::new(&bench);
    talk.send("POST", &format!("{all}/scan"), None).await;
    talk.send("POST", &format!("{all}/scan/trigger"), None).await;
    talk.send("GET", &format!("{all}/scan/review"), None).await;
    talk.send("POST", &format!("{all}/scan/review"), Some(json!({}))).await;
    talk.send("GET", &format!("{all}/usage"), None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn a_record_belongs_to_its_zone_only() {
    let bench = Bench::new().await;
    let all = zone(&bench).await;
    let other = format!("/zones/{}/dns_records", bench.zone("example.org").await);
    let body = json!({"name": "a", "type": "A", "content": "192.0.2.1"});
    let id = bench.post(&all, &body).await.id();
    for (method, path) in [("GET", format!("{other}/{id}")), ("DELETE", format!("{other}/{id}"))] {
        assert_eq!(bench.send(method, &path, None).await.refusal(), (404, vec![81044]));
    }
    assert_eq!(bench.get(&other).await.result(), json!([]));
}
