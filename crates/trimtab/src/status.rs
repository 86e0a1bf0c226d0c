//! `trimtab status`: is the node up, and which pools are in trouble?

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Exit, Failure, Server, say};
use crate::client::Client;

/// Pools whose endpoints are asked for one by one; a status must not take long.
const HEALTH_ASKED_MAX: usize = 50;

pub(crate) async fn run(server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let (ready, said) = client.get_plain("/readyz").await?;
    let account = client.account().await?;
    let path = format!("/accounts/{account}/load_balancers/pools");
    let pools = client.call(Method::GET, &path, None).await?;
    let pools = pools["result"].as_array().cloned().unwrap_or_default();
    let away = away(&client, &path, &pools).await?;
    if server.json {
        let ready = ready.is_success();
        say(json!({ "ready": ready, "said": said.trim(), "pools": pools, "away": away }));
    } else {
        say(format_args!(
            "{} ({})",
            if ready.is_success() { "ready" } else { "not ready" },
            said.trim()
        ));
        say(table(&pools));
        if !away.is_empty() {
            say(format_args!("\n{}", table_of_away(&away)));
        }
    }
    match ready.is_success() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, "the node is not ready")),
    }
}

/// Endpoints that are ejected or drain, each with the name of its pool.
async fn away(client: &Client, path: &str, pools: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut away = Vec::new();
    for pool in pools.iter().take(HEALTH_ASKED_MAX) {
        let id = pool["id"].as_str().unwrap_or_default();
        let health = match client.call(Method::GET, &format!("{path}/{id}/health"), None).await {
            Ok(health) => health,
            // Nothing was probed yet, or the pool was deleted a moment ago.
            Err(Failure { exit: Exit::NotFound, .. }) => continue,
            Err(failure) => return Err(failure),
        };
        let origins = health["result"]["trimtab"]["origins"].as_array().cloned();
        away.extend(origins.unwrap_or_default().into_iter().map(|mut origin| {
            origin["pool"] = pool["name"].clone();
            origin
        }));
    }
    Ok(away)
}

fn table_of_away(away: &[Value]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["POOL", "ENDPOINT", "STATE", "LEFT", "REQUESTS"]);
    for origin in away {
        let states = [("ejected", &origin["ejected"]), ("draining", &origin["drain"])];
        for (state, of) in states.into_iter().filter(|(_, of)| !of.is_null()) {
            let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
            let requests = of["requests_open"].as_u64().map_or(String::new(), |n| n.to_string());
            let left = format!("{} s", of["seconds_left"]);
            let names = [text(&origin["pool"]), text(&origin["name"])];
            table.add_row(names.into_iter().chain([state.to_owned(), left, requests]));
        }
    }
    table
}

fn table(pools: &[Value]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["POOL", "STATE", "ENDPOINTS", "ID"]);
    for pool in pools {
        let state = match (&pool["enabled"], &pool["healthy"]) {
            (Value::Bool(false), _) => "disabled",
            (_, Value::Bool(true)) => "healthy",
            (_, Value::Bool(false)) => "unhealthy",
            _ => "unknown",
        };
        let origins = pool["origins"].as_array().map_or(0, Vec::len).to_string();
        let text = |key: &str| pool[key].as_str().unwrap_or("").to_owned();
        table.add_row([text("name"), state.to_owned(), origins, text("id")]);
    }
    table
}
