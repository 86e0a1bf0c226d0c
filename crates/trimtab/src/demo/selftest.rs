//! The demo's story, played and asserted: steering, failover, fallback, return, explanation.

mod partition;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};

use super::World;
use super::act::wish_mood;
use super::ask::{Answer, ask};
use super::fetch::{FetchError, Page, Wanted, fetch};
use super::world::{CONSECUTIVE_DOWN, INTERVAL, SITES, ZONE, city_network};
use crate::cli::{Exit, Failure, say};
use crate::client::items;

/// An answer follows the state of its origins within the probes it takes, a slow probe's time and a second.
const FAILOVER_WITHIN: Duration = Duration::from_secs((INTERVAL * CONSECUTIVE_DOWN) as u64 + 2);
/// Between two looks at an answer that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const QUERIES: u32 = 500;

/// Names, a pool of each, and the share that it must have by chance.
const SHARES: [(&str, &str, f64); 4] =
    [("canary", "fra", 0.9), ("load", "iad", 0.6), ("conns", "fra", 0.5), ("shed", "fra", 0.7)];
/// Where clients are that keep their endpoints.
const KEPT: [&str; 8] =
    ["tokyo", "frankfurt", "london", "new york", "los angeles", "sao paulo", "sydney", "lagos"];

/// Cities, names, and the pool whose addresses must come back.
const STORY: [(&str, &str, &str); 18] = [
    ("tokyo", "www", "nrt"),
    ("frankfurt", "www", "fra"),
    ("london", "www", "lhr"),
    ("new york", "www", "iad"),
    ("los angeles", "www", "lax"),
    ("sao paulo", "www", "gru"),
    ("sydney", "www", "nrt"),
    ("johannesburg", "www", "gru"),
    ("singapore", "www", "nrt"),
    ("frankfurt", "geo", "fra"),
    ("london", "geo", "lhr"),
    ("tokyo", "geo", "nrt"),
    ("lagos", "geo", "iad"),
    ("lagos", "api", "fra"),
    ("tokyo", "fast", "fra"),
    ("london", "one.app", "fra"),
    ("tokyo", "one.app", "nrt"),
    ("tokyo", "beta.app", "lhr"),
];

/// Cities, paths of the proxied shop, and the pool that the page must come from.
const SHOP: [(&str, &str, &str); 4] = [
    ("tokyo", "/", "nrt"),
    ("frankfurt", "/", "fra"),
    ("new york", "/cart?item=1", "iad"),
    ("tokyo", "/blog/2", "lhr"),
];

/// With fra and iad dead and nrt too slow: the next nearest, the next of the list, the fallback.
const OUTAGE: [(&str, &str, &str); 8] = [
    ("frankfurt", "www", "lhr"),
    ("new york", "www", "lax"),
    ("tokyo", "www", "lax"),
    ("frankfurt", "geo", "lhr"),
    ("lagos", "api", "iad"),
    ("sao paulo", "www", "gru"),
    ("tokyo", "fast", "lhr"),
    ("london", "one.app", "iad"),
];

/// What was asserted so far.
#[derive(Debug, Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

pub(crate) async fn run(world: &World) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let started = Instant::now();
    steers(world, &mut tally).await?;
    shares(world, &mut tally).await?;
    keeps(world, &mut tally).await?;
    answers_what_is_not_there(world, &mut tally).await?;
    proxies(world, &mut tally).await?;
    partition::names_one(world, &mut tally).await?;
    survives_an_outage(world, &mut tally).await?;
    say(format_args!(
        "{} passed, {} failed in {:.1?}",
        tally.passed,
        tally.failed,
        started.elapsed()
    ));
    match tally.failed {
        0 => Ok(()),
        failed => Err(Failure::new(Exit::Failed, format!("{failed} assertions failed"))),
    }
}

async fn steers(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    for (city, name, pool) in STORY {
        let answer = dig(world, city, name).await?;
        tally.check(pool_of(&answer) == Some(pool), || {
            format!("a client in {city} gets {pool} for {name} (got {:?})", answer.addresses)
        });
    }
    let answer = dig(world, "tokyo", "www").await?;
    tally.check(answer.scope == Some(16), || {
        format!("the answer holds for the whole network of the city (scope {:?})", answer.scope)
    });
    Ok(())
}

/// Five standard deviations: one run in a million is wrong by chance.
async fn shares(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    for (name, pool, want) in SHARES {
        let mut times = 0;
        for _ in 0..QUERIES {
            let answer = dig(world, "paris", name).await?;
            times += u32::from(pool_of(&answer) == Some(pool));
        }
        let share = f64::from(times) / f64::from(QUERIES);
        let deviation = (want * (1.0 - want) / f64::from(QUERIES)).sqrt();
        tally.check((share - want).abs() <= 5.0 * deviation, || {
            let [want, share] = [want, share].map(|share| share * 100.0);
            format!("{want:.0} % of {name} go to {pool}: {share:.1} % did")
        });
    }
    Ok(())
}

async fn keeps(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for city in KEPT {
        let mut own = BTreeSet::new();
        for _ in 0..20 {
            own.extend(dig(world, city, "vpn").await?.addresses);
        }
        tally.check(own.len() == 1, || format!("{city} keeps its endpoint of vpn: {own:?}"));
        seen.extend(own);
    }
    tally.check(seen.len() > 1, || format!("vpn is spread over endpoints: {seen:?}"));
    Ok(())
}

async fn answers_what_is_not_there(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    let nobody = dig(world, "tokyo", "nobody").await?;
    tally.check(nobody.rcode.to_string() == "NXDOMAIN" && nobody.negative, || {
        format!("a name that is not there is NXDOMAIN with the SOA ({nobody:?})")
    });
    let v6 = "2001:db8:81::/48".parse().ok();
    let name = format!("www.{ZONE}");
    let none = ask(world.dns(), &name, v6).await.map_err(unreachable)?;
    let no_data = none.rcode.to_string() == "NOERROR" && none.addresses.is_empty() && none.negative;
    tally.check(no_data, || format!("no v6 origin is NODATA with the SOA ({none:?})"));
    Ok(())
}

/// The shop: nearest pool, a session that stays, a rule, and an origin that dies between two requests of a session.
async fn proxies(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    for (city, path, pool) in SHOP {
        let page = visit(world, city, path, None).await?;
        tally.check((page.status, &*page.pool) == (200, pool), || {
            format!("a client in {city} gets {path} of the shop from {pool} (got {page})")
        });
    }
    let first = visit(world, "tokyo", "/", None).await?;
    let mut stays = true;
    for _ in 0..20 {
        let next = visit(world, "london", "/", first.cookie.as_deref()).await?;
        stays &= next.origin == first.origin && next.cookie.is_none();
    }
    tally.check(stays, || format!("a session stays at {} wherever its client goes", first.origin));
    wish_mood(&world.client, &first.origin, &json!({ "mood": "kill" })).await?;
    let moved = visit(world, "tokyo", "/", first.cookie.as_deref()).await?;
    let other = moved.status == 200 && moved.origin != first.origin && moved.cookie.is_some();
    tally.check(other, || format!("a session outlives its origin at once (got {moved})"));
    wish_mood(&world.client, &first.origin, &json!({ "mood": "heal" })).await?;
    let nobody = Wanted { host: "nobody.demo.test", ..wanted("/", None) };
    let page = fetch(world.http(), &nobody).await.map_err(lost)?;
    tally.check(page.status == 421, || format!("a host of nobody is misdirected (got {page})"));
    Ok(())
}

async fn visit(
    world: &World,
    city: &str,
    path: &str,
    cookie: Option<&str>,
) -> Result<Page, Failure> {
    let net = city_network(city).map(|net| net.addr());
    let client = net.unwrap_or(world.http().ip());
    fetch(world.http(), &Wanted { client, ..wanted(path, cookie) }).await.map_err(lost)
}

fn wanted<'a>(path: &'a str, cookie: Option<&'a str>) -> Wanted<'a> {
    Wanted { host: "shop.demo.test", path, client: IpAddr::V4(Ipv4Addr::LOCALHOST), cookie }
}

fn lost(why: FetchError) -> Failure {
    Failure::from_error(Exit::Failed, &why)
}

async fn has_fallen(world: &World, pool: &str) -> Result<bool, Failure> {
    let path = "/user/load_balancing_analytics/events";
    let events = world.client.call(Method::GET, path, None).await?;
    let fell = |event: &Value| event["pool"]["name"] == pool && event["pool"]["healthy"] == false;
    Ok(items(&events["result"]).iter().any(fell))
}

async fn survives_an_outage(world: &World, tally: &mut Tally) -> Result<(), Failure> {
    for dead in ["fra", "iad"] {
        wish_mood(&world.client, dead, &json!({ "mood": "kill" })).await?;
    }
    wish_mood(&world.client, "nrt", &json!({ "mood": "slow", "millis": 5000 })).await?;
    become_true(world, tally, "after the outage", &OUTAGE).await?;
    let steps = explain(world, "www", "frankfurt").await?;
    let told = steps.iter().any(|step| step.contains("pool fra is out"));
    tally.check(told, || format!("explain says that fra is out: {steps:#?}"));
    let down = has_fallen(world, "fra").await?;
    tally.check(down, || "the event log has fra's fall".to_owned());
    for healed in ["fra", "iad", "nrt"] {
        wish_mood(&world.client, healed, &json!({ "mood": "heal" })).await?;
    }
    become_true(world, tally, "after the return", &STORY).await
}

/// Every row must hold at some moment before the time is over, and then all together.
async fn become_true(
    world: &World,
    tally: &mut Tally,
    when: &str,
    rows: &[(&str, &str, &str)],
) -> Result<(), Failure> {
    let started = Instant::now();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let mut wrong = Vec::new();
        for &(city, name, pool) in rows {
            let answer = dig(world, city, name).await?;
            if pool_of(&answer) != Some(pool) {
                wrong.push(format!("{city} {name}: {:?} and not {pool}", answer.addresses));
            }
        }
        if wrong.is_empty() || started.elapsed() > FAILOVER_WITHIN {
            let (took, all) = (started.elapsed(), rows.len());
            tally.check(wrong.is_empty(), || {
                format!("{when} all {all} answers are right, {took:.1?} later {wrong:?}")
            });
            return Ok(());
        }
    }
}

async fn dig(world: &World, city: &str, name: &str) -> Result<Answer, Failure> {
    ask(world.dns(), &format!("{name}.{ZONE}"), city_network(city)).await.map_err(unreachable)
}

async fn explain(world: &World, name: &str, city: &str) -> Result<Vec<String>, Failure> {
    let account = world.client.account().await?;
    let net = city_network(city).map(|net| net.to_string());
    let body = json!({ "name": format!("{name}.{ZONE}"), "type": "A", "ecs": net });
    let path = format!("/accounts/{account}/trimtab/explain");
    let told = world.client.call(Method::POST, &path, Some(&body)).await?;
    let steps = told["result"]["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(steps.iter().filter_map(|step| step["description"].as_str()).map(str::to_owned).collect())
}

/// The pool that all addresses belong to; None for none, or addresses of several.
fn pool_of(answer: &Answer) -> Option<&'static str> {
    let site = |address: &IpAddr| SITES.iter().find(|site| *address == site.address);
    let pools: Option<BTreeSet<&'static str>> =
        answer.addresses.iter().map(|address| Some(site(address)?.pool)).collect();
    let mut pools = pools?.into_iter();
    pools.next().filter(|_| pools.next().is_none())
}

fn unreachable(why: super::ask::AskError) -> Failure {
    Failure::from_error(Exit::Failed, &why)
}

// === impl Tally ===

impl Tally {
    fn check(&mut self, holds: bool, told: impl FnOnce() -> String) {
        let word = if holds { "ok" } else { "FAILED" };
        say(format_args!("{word:6} {}", told()));
        match holds {
            true => self.passed += 1,
            false => self.failed += 1,
        }
    }
}
