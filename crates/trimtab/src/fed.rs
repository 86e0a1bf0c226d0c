//! `trimtab feed`: what another system says of an endpoint, for a while.

use hyper::Method;
use serde_json::{Value, json};

use crate::cli::{Failure, Feed, say};
use crate::client::{Client, escaped, text};

pub(crate) async fn run(wanted: &Feed) -> Result<(), Failure> {
    let client = Client::new(&wanted.server)?;
    let account = client.account().await?;
    let base = format!("/accounts/{account}");
    let pool = client.find(&base, "pools", "name", &wanted.pool).await?;
    let path = format!("{base}/trimtab/feed/{pool}/{}", escaped(&wanted.endpoint));
    let answer = client.call(Method::POST, &path, Some(&body(wanted))).await?;
    let fed = &answer["result"];
    match wanted.server.json {
        true => say(fed),
        false => say(line(fed)),
    }
    Ok(())
}

fn body(wanted: &Feed) -> Value {
    let said = &wanted.said;
    let fields = [
        ("state", said.state.map(|state| json!(state))),
        ("load", said.load.map(|load| json!(load))),
        ("weight", said.weight.map(|weight| json!(weight))),
        ("expires_in", wanted.expires_in.map(|seconds| json!(seconds))),
        ("note", wanted.note.as_ref().map(|note| json!(note))),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

fn line(fed: &Value) -> String {
    let state = fed["state"].as_str().map(|state| format!(" {state}"));
    let weight = fed["weight"].as_f64().map(|weight| format!(" has {weight} of its weight"));
    let said: String = [state, weight].into_iter().flatten().collect();
    format!(
        "{} ({}){said}, until {}",
        text(&fed["origin"]),
        text(&fed["address"]),
        text(&fed["until"])
    )
}
