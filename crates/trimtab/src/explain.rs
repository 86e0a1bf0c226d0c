//! `trimtab explain`: the steps of a decision, as the node makes it now or made it then.

use std::net::IpAddr;

use hyper::Method;
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::cli::{Decisions, Exit, Explain, Failure, say};
use crate::client::{Client, escaped, items, text};
use crate::demo::world::city_network;

/// Flips that people read; programs get all.
const FLIPS_SHOWN_MAX: usize = 3;

pub(crate) async fn run(options: &Explain) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let account = client.account().await?;
    let envelope = match &options.decision {
        Some(trace) => {
            let path = format!("/accounts/{account}/trimtab/decisions/{}", escaped(trace));
            client.call(Method::GET, &path, None).await?
        }
        None => {
            let path = format!("/accounts/{account}/trimtab/explain");
            client.call(Method::POST, &path, Some(&question(options)?)).await?
        }
    };
    if options.server.json {
        say(&envelope["result"]);
    } else {
        print(&envelope["result"]);
    }
    Ok(())
}

/// `trimtab decisions`: what was kept, newest first.
pub(crate) async fn list(options: &Decisions) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let account = client.account().await?;
    let name = options.name.as_deref().map(|name| format!("&name={}", escaped(name)));
    let (limit, name) = (options.limit, name.unwrap_or_default());
    let path = format!("/accounts/{account}/trimtab/decisions?limit={limit}{name}");
    let envelope = client.call(Method::GET, &path, None).await?;
    if options.server.json {
        say(&envelope["result"]);
        return Ok(());
    }
    for kept in items(&envelope["result"]) {
        let [trace, at, name] = ["trace_id", "at", "name"].map(|key| text(&kept[key]));
        say(format_args!("{trace}  {at}  {name}"));
    }
    Ok(())
}

fn question(options: &Explain) -> Result<Value, Failure> {
    let subnet = match (&options.ecs, &options.from) {
        (Some(net), _) => Some(*net),
        (None, Some(place)) => Some(network_of(place)?),
        (None, None) => None,
    };
    Ok(json!({
        "name": options.name,
        "type": options.kind,
        "ecs": subnet.map(|net| net.to_string()),
        "resolver": options.resolver.map(|ip| ip.to_string()),
        "trace_id": options.dice,
    }))
}

/// An address stands for its /24 or /48: what resolvers pass on (RFC 7871 section 11.1).
fn network_of(place: &str) -> Result<IpNet, Failure> {
    if let Ok(net) = place.parse::<IpNet>() {
        return Ok(net);
    }
    if let Ok(address) = place.parse::<IpAddr>() {
        let length = if address.is_ipv4() { 24 } else { 48 };
        let net =
            IpNet::new(address, length).map_err(|why| Failure::from_error(Exit::Usage, &why))?;
        return Ok(net.trunc());
    }
    city_network(place).ok_or_else(|| {
        let cities: Vec<&str> = crate::demo::world::cities().collect();
        let known = cities.join(", ");
        Failure::new(Exit::Usage, format!("--from {place}: neither an address nor one of {known}"))
    })
}

/// The steps as they were taken, then what else could have been.
fn print(result: &Value) {
    for (index, step) in items(&result["steps"]).iter().enumerate() {
        say(format_args!("{:>2}  {}", index + 1, text(&step["description"])));
    }
    if let Some(next) = result["runner_up"]["description"].as_str() {
        say(format_args!("\nnext best   {next}"));
    }
    for (index, flip) in items(&result["flips"]).iter().take(FLIPS_SHOWN_MAX).enumerate() {
        let label = if index == 0 { "would flip" } else { "" };
        say(format_args!("{label:<10}  {}", text(&flip["description"])));
    }
    let shares = items(&result["tries"]).iter().map(|share| {
        let pool = Some(text(&share["pool"])).filter(|pool| !pool.is_empty());
        format!("{} {} %", pool.unwrap_or("no pool"), share["percent"])
    });
    say(format_args!("1000 tries  {}", shares.collect::<Vec<_>>().join(", ")));
    say(format_args!("trace id    {}, at {}", text(&result["trace_id"]), text(&result["at"])));
}
