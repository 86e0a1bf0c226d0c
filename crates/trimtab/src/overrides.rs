//! `trimtab override`: what people hold endpoints to be.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Exit, Failure, Hold, Override, Server, say};
use crate::client::{Client, items, text};

pub(crate) async fn run(verb: Override) -> Result<(), Failure> {
    match verb {
        Override::Add(hold) => add(&hold).await,
        Override::List(server) => list(&server).await,
        Override::Remove { which, server } => remove(&which, &server).await,
    }
}

async fn add(hold: &Hold) -> Result<(), Failure> {
    let (client, base) = base(&hold.server).await?;
    let mut body =
        json!({ "pattern": hold.pattern, "state": hold.state.word(), "reason": hold.reason });
    if let Some(duration) = &hold.duration {
        body["duration"] = json!(duration);
    }
    let made = client.call(Method::POST, &base, Some(&body)).await?;
    if hold.server.json {
        say(&made["result"]);
        return Ok(());
    }
    let one = &made["result"];
    say(format_args!("{}  {} {}, {}", text(&one["id"]), hold.pattern, hold.state, until(one)));
    tell_messages(&made);
    Ok(())
}

async fn list(server: &Server) -> Result<(), Failure> {
    let (client, base) = base(server).await?;
    let listed = client.call(Method::GET, &base, None).await?;
    if server.json {
        say(&listed["result"]);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["ID", "PATTERN", "STATE", "UNTIL", "AUTHOR", "REASON"]);
    for one in items(&listed["result"]) {
        let word = |field: &str| text(&one[field]).to_owned();
        table.add_row([
            word("id"),
            word("pattern"),
            word("state"),
            until(one),
            word("author"),
            word("reason"),
        ]);
    }
    say(table);
    Ok(())
}

async fn remove(which: &str, server: &Server) -> Result<(), Failure> {
    let (client, base) = base(server).await?;
    let listed = client.call(Method::GET, &base, None).await?;
    let one = find(items(&listed["result"]), which)?;
    let path = format!("{base}/{}", text(&one["id"]));
    let gone = client.call(Method::DELETE, &path, None).await?;
    if server.json {
        say(&gone["result"]);
        return Ok(());
    }
    let (id, pattern, state) = (text(&one["id"]), text(&one["pattern"]), text(&one["state"]));
    say(format_args!("{id}  {pattern} is no longer held {state}"));
    tell_messages(&gone);
    Ok(())
}

/// An id is one override; a pattern can be that of several.
fn find<'a>(overrides: &'a [Value], which: &str) -> Result<&'a Value, Failure> {
    let found: Vec<&Value> =
        overrides.iter().filter(|one| one["id"] == which || one["pattern"] == which).collect();
    match *found {
        [one] => Ok(one),
        [] => {
            let what = format!("no override has the id or the pattern {which:?}");
            Err(Failure::new(Exit::NotFound, what))
        }
        [..] => {
            let ids: Vec<&str> = found.iter().map(|one| text(&one["id"])).collect();
            let what =
                format!("{which:?} is the pattern of several: say one of {}", ids.join(", "));
            Err(Failure::new(Exit::Usage, what))
        }
    }
}

/// What the pattern names now.
fn tell_messages(answer: &Value) {
    for message in items(&answer["messages"]) {
        say(format_args!("  {}", text(&message["message"])));
    }
}

fn until(one: &Value) -> String {
    match (one["until"].as_str(), one["expired"] == true) {
        (None, _) => "until it is removed".into(),
        (Some(until), false) => format!("until {until}"),
        (Some(until), true) => format!("was until {until}"),
    }
}

async fn base(server: &Server) -> Result<(Client, String), Failure> {
    let client = Client::new(server)?;
    let account = client.account().await?;
    Ok((client, format!("/accounts/{account}/trimtab/overrides")))
}
