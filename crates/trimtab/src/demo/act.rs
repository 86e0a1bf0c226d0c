//! The verbs that talk to a running demo.

use hyper::Method;
use ipnet::IpNet;
use serde_json::{Value, json};

use super::ask::{Answer, ask};
use super::fetch::{Wanted, fetch};
use super::state::State;
use super::world::{ZONE, cities, city_network};
use crate::cli::{Act, Exit, Failure, say};
use crate::client::Client;

pub(crate) async fn run(verb: Act) -> Result<(), Failure> {
    let state = State::read()?;
    match verb {
        Act::Kill { origin } => set(&state, &origin, json!({ "mood": "kill" })).await,
        Act::Heal { origin } => set(&state, &origin, json!({ "mood": "heal" })).await,
        Act::Slow { origin, millis } => {
            set(&state, &origin, json!({ "mood": "slow", "millis": millis })).await
        }
        Act::Flap { origin } => set(&state, &origin, json!({ "mood": "flap" })).await,
        Act::Partition { pop, origin } => {
            set(&state, &origin, json!({ "mood": "partition", "pop": pop })).await
        }
        Act::Dig { city, name } => dig(&state, &city, &name).await,
        Act::Curl { city, name, path, cookie } => {
            curl(&state, &city, &name, &path, cookie.as_deref()).await
        }
    }
}

async fn set(state: &State, origin: &str, wish: Value) -> Result<(), Failure> {
    let client = Client::new(&state.server())?;
    let done = wish_mood(&client, origin, &wish).await?;
    say(format_args!("{}: {}", wish["mood"].as_str().unwrap_or(""), done.join(", ")));
    Ok(())
}

/// The origins that the wish was about.
pub(crate) async fn wish_mood(
    client: &Client,
    origin: &str,
    wish: &Value,
) -> Result<Vec<String>, Failure> {
    let path = format!("/trimtab/demo/origins/{origin}");
    let done = client.call(Method::POST, &path, Some(wish)).await?;
    let origins = done["result"]["origins"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(origins.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

async fn curl(
    state: &State,
    city: &str,
    name: &str,
    path: &str,
    cookie: Option<&str>,
) -> Result<(), Failure> {
    let host = if name.contains('.') { name.to_owned() } else { format!("{name}.{ZONE}") };
    let client = network(city)?.addr();
    let page = fetch(state.http, &Wanted { host: &host, path, client, cookie }).await;
    let page = page.map_err(|why| Failure::from_error(Exit::Unreachable, &why))?;
    say(page);
    Ok(())
}

fn network(city: &str) -> Result<IpNet, Failure> {
    city_network(city).ok_or_else(|| {
        let known = cities().collect::<Vec<_>>().join(", ");
        Failure::new(Exit::Usage, format!("{city} is none of {known}"))
    })
}

async fn dig(state: &State, city: &str, name: &str) -> Result<(), Failure> {
    let net = network(city)?;
    let answer = ask(state.dns, name, Some(net)).await;
    let answer = answer.map_err(|why| Failure::from_error(Exit::Unreachable, &why))?;
    say(shown(&answer));
    Ok(())
}

fn shown(answer: &Answer) -> String {
    let addresses: Vec<String> = answer.addresses.iter().map(ToString::to_string).collect();
    match answer.ttl {
        Some(ttl) => format!("{} (TTL {ttl})", addresses.join("  ")),
        None => format!("{} without addresses", answer.rcode),
    }
}
