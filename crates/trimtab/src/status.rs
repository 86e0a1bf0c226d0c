//! `trimtab status`: is the node up, and which pools are in trouble?

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Exit, Failure, Server, say};
use crate::client::Client;

pub(crate) async fn run(server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let (ready, said) = client.get_plain("/readyz").await?;
    let account = client.account().await?;
    let path = format!("/accounts/{account}/load_balancers/pools");
    let pools = client.call(Method::GET, &path, None).await?;
    let pools = pools["result"].as_array().cloned().unwrap_or_default();
    if server.json {
        say(json!({ "ready": ready.is_success(), "said": said.trim(), "pools": pools }));
    } else {
        say(format_args!(
            "{} ({})",
            if ready.is_success() { "ready" } else { "not ready" },
            said.trim()
        ));
        say(table(&pools));
    }
    match ready.is_success() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, "the node is not ready")),
    }
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
