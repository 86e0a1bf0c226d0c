//! `trimtab health`: which endpoints are up, and with `--matrix` what every place sees of them.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Exit, Failure, Health, say};
use crate::client::Client;

pub(crate) async fn run(wanted: &Health) -> Result<(), Failure> {
    let client = Client::new(&wanted.server)?;
    let account = client.account().await?;
    let path = format!("/accounts/{account}/trimtab/health/matrix");
    let answer = client.call(Method::GET, &path, None).await?;
    let mut pools = answer["result"].as_array().cloned().unwrap_or_default();
    if let Some(name) = &wanted.pool {
        pools.retain(|pool| pool["name"] == json!(name) || pool["id"] == json!(name));
        if pools.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("no pool has the name or id {name}")));
        }
    }
    match wanted.server.json {
        true => say(json!(pools)),
        false => pools.iter().for_each(|pool| tell(pool, wanted.matrix)),
    }
    Ok(())
}

fn tell(pool: &Value, matrix: bool) {
    let why = pool["why_not"].as_str().map_or(String::new(), |why| format!(", not used: {why}"));
    say(format_args!(
        "{} ({}{why}); {} checks a minute to each endpoint",
        text(&pool["name"]),
        text(&pool["status"]),
        pool["checks_per_minute"]
    ));
    let places: Vec<&str> =
        list(&pool["places"]).iter().filter_map(Value::as_str).filter(|_| matrix).collect();
    let mut table = Table::new();
    let header = ["  ENDPOINT", "STATE", "BECAUSE"].into_iter().chain(places.iter().copied());
    table.load_style(NOTHING).set_header(header);
    for origin in list(&pool["origins"]) {
        rows(&mut table, origin, &places);
    }
    say(format_args!("{table}\n"));
    for origin in list(&pool["origins"]).iter().filter(|_| matrix) {
        failures(origin);
    }
}

/// One for an endpoint; of a group's monitors each has its own below it.
fn rows(table: &mut Table, origin: &Value, places: &[&str]) {
    let monitors = list(&origin["monitors"]);
    let seen = |monitor: Option<&Value>| -> Vec<String> {
        places.iter().map(|pop| cell(monitor, pop)).collect()
    };
    let own = if monitors.len() > 1 { None } else { monitors.first() };
    let state = match origin["enabled"] {
        Value::Bool(false) => "disabled".into(),
        _ => text(&origin["state"]),
    };
    let because = match text(&origin["failure_reason"]).as_str() {
        "No failures" => text(&origin["because"]),
        reason => format!("{reason}; {}", text(&origin["because"])),
    };
    let head = [format!("  {}", text(&origin["name"])), state, because];
    table.add_row(head.into_iter().chain(seen(own)));
    for monitor in monitors.iter().filter(|_| monitors.len() > 1 && !places.is_empty()) {
        let name = format!("    {}", text(&monitor["id"]));
        let head = [name, text(&monitor["state"]), text(&monitor["role"])];
        table.add_row(head.into_iter().chain(seen(Some(monitor))));
    }
}

/// `up 12.3 ms`, or why not.
fn cell(monitor: Option<&Value>, pop: &str) -> String {
    let seen = monitor.and_then(|it| list(&it["places"]).iter().find(|it| it["pop"] == json!(pop)));
    let Some(seen) = seen else { return "-".into() };
    match (seen["state"].as_str(), seen["rtt_ms"].as_f64()) {
        (Some("up"), Some(rtt)) => format!("up {rtt:.1} ms"),
        (Some("down"), _) => format!("DOWN {}", text(&seen["failure_reason"])),
        (state, _) => state.unwrap_or("-").to_owned(),
    }
}

/// What places that fail have to show for it.
fn failures(origin: &Value) {
    let places = list(&origin["monitors"]).iter().flat_map(|monitor| list(&monitor["places"]));
    for seen in places.filter(|seen| !seen["evidence"].is_null()) {
        let evidence = &seen["evidence"];
        say(format_args!(
            "  {} from {}: {} (tries: {})",
            text(&origin["name"]),
            text(&seen["pop"]),
            text(&evidence["error"]),
            evidence["tries"]
        ));
        for (label, key) in [("answered", "answer"), ("repeat", "repeat")] {
            if let Some(shown) = evidence[key].as_str().filter(|shown| !shown.is_empty()) {
                say(format_args!("    {label}: {shown}"));
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
