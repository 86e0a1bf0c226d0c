//! `trimtab split`: what each pool and endpoint of a name was answered with, beside what its weight asks for.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use hyper::Method;
use serde_json::Value;

use crate::cli::{Exit, Failure, Split, say};
use crate::client::{Client, escaped, items, text};

pub(crate) async fn run(options: &Split) -> Result<(), Failure> {
    let client = Client::new(&options.server)?;
    let account = client.account().await?;
    let path = format!("/accounts/{account}/trimtab/split?name={}", escaped(&options.name));
    let envelope = client.call(Method::GET, &path, None).await?;
    let result = &envelope["result"];
    if options.server.json {
        say(result);
    } else {
        print(result);
    }
    match result["verdict"].as_str() {
        Some("differs") => {
            let name = text(&result["name"]);
            Err(Failure::new(Exit::Failed, format!("{name} is not split as configured")))
        }
        _ => Ok(()),
    }
}

fn print(result: &Value) {
    let since = text(&result["since"]);
    say(format_args!("{}: {} answers since {since}", text(&result["name"]), result["answers"]));
    say(table(result));
    for (why, pools) in reasons(result) {
        say(format_args!("no share is configured for {}: {why}", pools.join(", ")));
    }
    say(sentence(result));
}

fn table(result: &Value) -> Table {
    let mut table = Table::new();
    let header = ["POOL", "ENDPOINT", "ANSWERS", "DRAWN", "CONFIGURED", "99.9 % SURE", "VERDICT"];
    table.load_style(NOTHING).set_header(header);
    for column in 2..=5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for pool in items(&result["pools"]) {
        table.add_row(row(text(&pool["pool"]), "", pool));
        for endpoint in items(&pool["endpoints"]) {
            let name = format!("{} ({})", text(&endpoint["name"]), text(&endpoint["address"]));
            table.add_row(row("", &name, endpoint));
        }
    }
    table
}

fn row(pool: &str, endpoint: &str, part: &Value) -> [String; 7] {
    let percent = |key: &str| match part[key].as_f64() {
        Some(percent) => format!("{percent:.2} %"),
        None => "-".into(),
    };
    let [low, high] = ["low_percent", "high_percent"].map(|key| part[key].as_f64().unwrap_or(0.0));
    [
        pool.to_owned(),
        endpoint.to_owned(),
        part["answers"].to_string(),
        percent("drawn_percent"),
        percent("configured_percent"),
        format!("{low:.2} - {high:.2} %"),
        text(&part["verdict"]).replace('_', " "),
    ]
}

/// Each reason once, with the pools that it, or whose endpoints it, holds for.
fn reasons(result: &Value) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for pool in items(&result["pools"]) {
        for part in std::iter::once(pool).chain(items(&pool["endpoints"])) {
            let (Some(why), name) = (part["why"].as_str(), text(&pool["pool"])) else { continue };
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, pools)) if pools.contains(&name) => {}
                Some((_, pools)) => pools.push(name),
                None => reasons.push((why, vec![name])),
            }
        }
    }
    reasons
}

fn sentence(result: &Value) -> &'static str {
    match result["verdict"].as_str() {
        Some("as_configured") => "Every share that was drawn agrees with its weight.",
        Some("by_client") => "What weights decide agrees with them; who asks decides the rest.",
        Some("too_few") => {
            "There are too few answers yet to tell whether every share is as configured."
        }
        Some("differs") => "At least one share differs from what is configured, and not by chance.",
        Some(_) | None => "This version does not know the verdict of the node.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_aligned_and_each_reason_is_told_once() {
        let part = |answers: u64, configured: Value, why: Option<&str>| {
            json!({
                "answers": answers, "drawn_percent": 70.0, "configured_percent": configured,
                "low_percent": 65.04, "high_percent": 74.5, "verdict": "as_configured", "why": why,
            })
        };
        let endpoint = |name: &str, mut part: Value| {
            (part["name"], part["address"]) = (json!(name), json!("192.0.2.1"));
            part
        };
        let mut pool = part(700, json!(70.0), None);
        let hash = Some("a hash decides");
        pool["pool"] = json!("fra");
        pool["endpoints"] = json!([
            endpoint("a", part(1, Value::Null, hash)),
            endpoint("b", part(2, Value::Null, hash))
        ]);
        let result = json!({"pools": [pool]});
        let shown = table(&result).to_string();
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "POOL  ENDPOINT       ANSWERS    DRAWN  CONFIGURED      99.9 % SURE  VERDICT",
                "fra                      700  70.00 %     70.00 %  65.04 - 74.50 %  as configured",
                "a (192.0.2.1)        1  70.00 %           -  65.04 - 74.50 %  as configured",
                "b (192.0.2.1)        2  70.00 %           -  65.04 - 74.50 %  as configured",
            ]
        );
        assert_eq!(reasons(&result), [("a hash decides", vec!["fra"])]);
    }
}
