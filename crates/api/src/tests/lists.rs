//! Pages, as clients walk them.

use serde_json::{Value, json};

use super::bench::Bench;

fn info(page: u64, per_page: u64, count: u64, total: u64, pages: u64) -> Value {
    json!({
        "page": page, "per_page": per_page, "count": count, "total_count": total,
        "total_pages": pages,
    })
}

#[tokio::test]
async fn lists_that_clients_never_page_are_whole() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let monitor = bench.monitor().await;
    let mut pools = Vec::new();
    for index in 0..60 {
        let body = json!({
            "name": format!("p{index}"), "monitor": monitor,
            "origins": [{"name": "a", "address": "192.0.2.1"}],
        });
        pools.push(bench.post(&bench.lb("/pools"), &body).await.id());
    }
    for index in 0..60 {
        let name = format!("h{index}.example.com");
        let body = json!({"name": name, "default_pools": [pools[0]], "fallback_pool": pools[0]});
        bench.post(&format!("/zones/{zone}/load_balancers"), &body).await.id();
        if index > 0 {
            bench.monitor().await;
        }
    }
    for path in [
        bench.lb("/pools"),
        bench.lb("/monitors"),
        bench.lb(&format!("/pools/{}/references", pools[0])),
        bench.lb(&format!("/monitors/{monitor}/references")),
        format!("/zones/{zone}/load_balancers"),
    ] {
        let got = bench.get(&path).await.json();
        let count = got["result"].as_array().unwrap().len() as u64;
        assert!(count >= 60, "{path}");
        assert_eq!(got["result_info"], info(1, count, count, count, 1), "{path}");
        let second = bench.get(&format!("{path}?page=2&per_page=50")).await.json();
        let rest = second["result"].as_array().unwrap().len() as u64;
        assert_eq!(second["result_info"], info(2, 50, rest, count, 2), "{path}");
        assert_eq!(rest, count - 50, "{path}");
        assert_eq!(bench.get(&format!("{path}?page=3")).await.result(), json!([]), "{path}");
    }
}

#[tokio::test]
async fn lists_that_clients_walk_end_with_an_empty_page() {
    let bench = Bench::new().await;
    let zone = bench.zone("z0.example").await;
    for index in 1..25 {
        bench.zone(&format!("z{index}.example")).await;
        bench.post("/accounts", &json!({"name": format!("a{index}")})).await.id();
        let resources = json!({"com.cloudflare.api.account.*": "*"});
        bench.token(&["DNS Read"], resources).await;
    }
    for index in 0..105 {
        let body = json!({"name": format!("r{index}"), "type": "A", "content": "192.0.2.1"});
        bench.post(&format!("/zones/{zone}/dns_records"), &body).await.id();
    }
    for (path, size, total) in [
        ("/zones".to_owned(), 20, 25),
        ("/accounts".into(), 20, 25),
        ("/user/tokens".into(), 20, 25),
        (format!("/zones/{zone}/dns_records"), 100, 105),
    ] {
        let mut counts = Vec::new();
        for page in 1..=4 {
            let got = bench.get(&format!("{path}?page={page}")).await.json();
            let count = got["result"].as_array().unwrap().len() as u64;
            assert_eq!(got["result_info"], info(page, size, count, total, 2), "{path}");
            counts.push(count);
        }
        assert_eq!(counts, [size, total - size, 0, 0], "{path}");
    }
}

#[tokio::test]
async fn what_is_listed_is_in_the_order_in_which_it_was_made() {
    let bench = Bench::new().await;
    let names = ["delta", "alpha", "charlie", "bravo"];
    for name in names {
        bench.pool(name).await;
    }
    let listed = async || -> Vec<String> {
        let got = bench.get(&bench.lb("/pools")).await.result();
        let pools = got.as_array().unwrap();
        pools.iter().map(|pool| pool["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed().await, names);
    let first = bench.get(&bench.lb("/pools")).await.result()[0]["id"].clone();
    let path = bench.lb(&format!("/pools/{}", first.as_str().unwrap()));
    bench.patch(&path, &json!({"enabled": false})).await;
    assert_eq!(listed().await, names, "a change does not move it");
}

#[tokio::test]
async fn resources_are_found_by_name_with_their_neighbours() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let body = json!({"expected_codes": "2xx", "description": "front check"});
    let monitor = bench.post(&bench.lb("/monitors"), &body).await.id();
    let body = json!({
        "name": "front", "monitor": monitor,
        "origins": [{"name": "a", "address": "198.51.100.7"}],
    });
    let pool = bench.post(&bench.lb("/pools"), &body).await.id();
    bench.pool("other").await;
    let body = json!({"name": "front.example.com", "default_pools": [pool], "fallback_pool": pool});
    let balancer = bench.post(&format!("/zones/{zone}/load_balancers"), &body).await.id();
    let check = async |query: &str, want: &[(&str, &[&str])]| {
        let got = bench.get(&bench.lb(&format!("/search?{query}"))).await.json();
        assert_eq!(got["result"]["items"], got["result"]["resources"], "{query}");
        let found: Vec<(String, Vec<String>)> = got["result"]["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                let ids = found["references"].as_array().unwrap().iter();
                let ids = ids.map(|r| r["resource_id"].as_str().unwrap().to_owned());
                (found["resource_id"].as_str().unwrap().to_owned(), ids.collect())
            })
            .collect();
        let want: Vec<(String, Vec<String>)> = want
            .iter()
            .map(|(id, ids)| ((*id).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect()))
            .collect();
        assert_eq!(found, want, "{query}");
    };
    let member = json!({
        "monitor_id": monitor, "enabled": true, "monitoring_only": false, "must_be_healthy": true,
    });
    let body = json!({"description": "both fronts", "members": [member]});
    let group = bench.post(&bench.lb("/monitor_groups"), &body).await.id();
    let g = group.as_str();
    let (b, p, m) = (balancer.as_str(), pool.as_str(), monitor.as_str());
    check("query=FRONT", &[(b, &[]), (p, &[]), (m, &[]), (g, &[])]).await;
    check("query=front&references=*", &[(b, &[p]), (p, &[b, m]), (m, &[p, g]), (g, &[m])]).await;
    let referrers: [(&str, &[&str]); 4] = [(b, &[]), (p, &[b]), (m, &[p, g]), (g, &[])];
    check("query=front&references=referrer", &referrers).await;
    check("query=front&references=referral", &[(b, &[p]), (p, &[m]), (m, &[]), (g, &[m])]).await;
    check("query=51.100.7", &[(p, &[])]).await;
    check("query=front&page=2&per_page=2", &[(m, &[]), (g, &[])]).await;
    check("query=nothing", &[]).await;
    let usage = bench.get(&bench.lb("/usage")).await.result();
    let want = json!({
        "load_balancers": 1, "max_origins_per_pool": 1000, "minimum_monitor_interval": 10,
        "monitor_groups": 1, "monitors": 1, "origins": 2, "pools": 2,
    });
    assert_eq!(usage, want);
}

#[tokio::test]
async fn regions_are_listed_whole_and_in_part() {
    let bench = Bench::new().await;
    for base in [bench.lb("/regions"), "/user/load_balancers/regions".to_owned()] {
        let all = bench.get(&base).await.result();
        assert!(all["iso_standard"].is_string());
        assert_eq!(all["regions"].as_array().map(Vec::len), Some(13));
        let one = bench.get(&format!("{base}/WEU")).await.result();
        assert_eq!(one["regions"].as_array().map(Vec::len), Some(1));
        assert_eq!(one["regions"][0]["region_code"], "WEU");
        for query in
            ["country_code_a2=US&subdivision_code_a2=CA", "country_code=US&subdivision_code=CA"]
        {
            let part = bench.get(&format!("{base}?{query}")).await.result();
            let country = &part["regions"][0]["countries"][0];
            let found = (part["regions"].as_array().map(Vec::len), &country["country_code_a2"]);
            assert_eq!(found, (Some(1), &json!("US")), "{query}");
            assert_eq!(country["country_subdivisions"][0]["subdivision_code_a2"], "CA");
        }
        assert_eq!(bench.get(&format!("{base}?country_code_a2=usa")).await.status, 400);
    }
}
