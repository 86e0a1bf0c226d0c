//! `trimtab notify`: do alerts arrive, and what was sent?

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::Value;

use crate::cli::{Exit, Failure, Notify, Server, say};
use crate::client::{Client, items, text};

pub(crate) async fn run(verb: Notify) -> Result<(), Failure> {
    match verb {
        Notify::Test { target, server } => test(&target, &server).await,
        Notify::History { limit, server } => history(limit, &server).await,
    }
}

async fn test(target: &str, server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let account = client.account().await?;
    let path = find(&client, &account, target).await?;
    let tested = client.call(Method::POST, &path, None).await?;
    let tested = items(&tested["result"]);
    if server.json {
        say(Value::from(tested.to_vec()));
    }
    for one in tested.iter().filter(|_| !server.json) {
        say(line(one));
    }
    match tested.iter().all(|one| one["delivered"] == true) {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, "a test did not arrive")),
    }
}

/// Where a test of it is asked for. A webhook wins over a policy of the same name.
async fn find(client: &Client, account: &str, target: &str) -> Result<String, Failure> {
    let base = format!("/accounts/{account}/alerting/v3");
    for (kind, list) in [("webhooks", "destinations/webhooks"), ("policies", "policies")] {
        let listed = client.call(Method::GET, &format!("{base}/{list}"), None).await?;
        let named = |one: &&Value| one["id"] == target || one["name"] == target;
        if let Some(found) = items(&listed["result"]).iter().find(named) {
            let id = text(&found["id"]);
            return Ok(format!("/accounts/{account}/trimtab/alerting/{kind}/{id}/test"));
        }
    }
    let why = format!("there is no webhook and no policy {target:?}");
    Err(Failure::new(Exit::NotFound, why))
}

fn line(one: &Value) -> String {
    let said = match one["error"].as_str() {
        None => format!("delivered, status {}", one["status"]),
        Some(error) => format!("NOT delivered: {error}"),
    };
    let answer = text(&one["answer"]).trim();
    let answer = if answer.is_empty() { String::new() } else { format!(": {answer}") };
    let (kind, to) = (text(&one["mechanism_type"]), text(&one["mechanism"]));
    format!("{kind} {to}  {said} after {} ms{answer}", one["milliseconds"])
}

async fn history(limit: u32, server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let account = client.account().await?;
    let path = format!("/accounts/{account}/alerting/v3/history?per_page={}", limit.max(1));
    let entries = client.call(Method::GET, &path, None).await?;
    if server.json {
        say(&entries["result"]);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["SENT", "RESULT", "TO", "POLICY", "WHAT"]);
    for entry in items(&entries["result"]) {
        let to = format!("{} {}", text(&entry["mechanism_type"]), text(&entry["mechanism"]));
        let what = text(&entry["alert_body"]).lines().next().unwrap_or_default();
        let result = match entry["trimtab"]["error"].as_str() {
            None => text(&entry["trimtab"]["result"]).to_owned(),
            Some(error) => format!("{}: {error}", text(&entry["trimtab"]["result"])),
        };
        table.add_row([text(&entry["sent"]), &result, &to, text(&entry["name"]), what]);
    }
    say(table);
    Ok(())
}
