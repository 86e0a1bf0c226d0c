//! `trimtab explain`: the steps of a decision, as the node makes it now or made it then.

use std::net::IpAddr;

use hyper::Method;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use crate::cli::{Decisions, Exit, Explain, Failure, Request, say};
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
        let [trace, at, kind, name] =
            ["trace_id", "at", "kind", "name"].map(|key| text(&kept[key]));
        say(format_args!("{trace}  {at}  {kind:<4}  {name}"));
    }
    Ok(())
}

fn question(options: &Explain) -> Result<Value, Failure> {
    let mut question = json!({
        "name": options.name,
        "resolver": options.resolver.map(|ip| ip.to_string()),
        "trace_id": options.dice,
    });
    let more = match is_request(&options.request) {
        true => request(options)?,
        false => {
            json!({ "type": options.kind, "ecs": subnet(options)?.map(|net| net.to_string()) })
        }
    };
    if let (Value::Object(question), Value::Object(more)) = (&mut question, more) {
        question.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Ok(question)
}

fn subnet(options: &Explain) -> Result<Option<IpNet>, Failure> {
    match (&options.ecs, &options.from) {
        (Some(net), _) => Ok(Some(*net)),
        (None, Some(place)) => network_of(place).map(Some),
        (None, None) => Ok(None),
    }
}

fn is_request(Request { path, method, headers, scheme }: &Request) -> bool {
    path.is_some() || method.is_some() || scheme.is_some() || !headers.is_empty()
}

/// Whoever sends a request is the client itself, at one address.
fn request(options: &Explain) -> Result<Value, Failure> {
    let Request { path, method, headers, scheme } = &options.request;
    let address = |place: &String| match place.parse::<IpAddr>() {
        Ok(address) => Ok(address),
        Err(_no_address) => network_of(place).map(|net| net.addr()),
    };
    let from = options.from.as_ref().filter(|_| options.resolver.is_none()).map(address);
    let mut lines = Map::new();
    for line in headers {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--header {line}: not of the form name: value"))
        })?;
        let values = lines.entry(name.trim()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(value.trim().into());
        }
    }
    Ok(json!({
        "resolver": from.transpose()?.map(|address| address.to_string()),
        "path": path.as_deref().unwrap_or("/"),
        "method": method,
        "scheme": scheme,
        "headers": lines,
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
    let shares: Vec<String> = shares.collect();
    if !shares.is_empty() {
        say(format_args!("1000 tries  {}", shares.join(", ")));
    }
    say(format_args!("trace id    {}, at {}", text(&result["trace_id"]), text(&result["at"])));
}
