//! What other systems say of endpoints, on the wire.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::feed::{
    self as model, EXPIRES_IN_SECONDS, EXPIRES_IN_SECONDS_DEFAULT, NOTE_CHARS_MAX,
};
use trimtab_model::overrides::Forced;
use trimtab_model::pool::Address;
use trimtab_model::{PoolId, Problems, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Object, line, number, whole, word};
use crate::number::Number;

/// What is said of an endpoint until its time is over. Written with `load` or `weight`, `expires_in` seconds and a `note`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = FeedEntry)]
pub struct Fed {
    #[schema(value_type = String)]
    pub pool_id: PoolId,
    pub origin: String,
    #[schema(value_type = String)]
    pub address: Address,
    pub port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub state: Option<Forced>,
    /// 0 to 1: the share that is left of the endpoint's own weight; a `load` leaves what it does not take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub weight: Option<Number>,
    pub note: String,
    pub author: String,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub until: Timestamp,
}

const FIELDS: &[&str] = &["expires_in", "load", "note", "state", "weight"];

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value, author: &str, now: Timestamp) -> Result<model::FedWord, Problems> {
    body::read(body, |body| said(body, author, now))
}

// === impl Fed ===

impl Fed {
    /// None for what was taken back.
    pub fn new(fed: &model::Fed) -> Option<Fed> {
        let word = fed.word.as_ref()?;
        Some(Fed {
            pool_id: fed.pool,
            origin: fed.origin.name.clone(),
            address: fed.origin.address.clone(),
            port: fed.origin.port,
            state: word.state,
            weight: word.weight.map(Number),
            note: word.note.clone(),
            author: word.author.clone(),
            created_on: word.since,
            until: word.until(),
        })
    }
}

// === reading ===

fn said(body: &mut Object<'_>, author: &str, now: Timestamp) -> Option<model::FedWord> {
    body.refuse_all_but(FIELDS);
    let state = body.optional("state", word);
    let load = body.optional("load", number(0.0..=1.0));
    let weight = body.optional("weight", number(0.0..=1.0));
    let lasts = body.or("expires_in", EXPIRES_IN_SECONDS_DEFAULT, whole(EXPIRES_IN_SECONDS));
    let note = body.or("note", String::new(), line(NOTE_CHARS_MAX));
    if let (Some(Some(_)), Some(Some(_))) = (load, weight) {
        body.refuse("weight", "load and weight exclude each other");
    }
    if let (Some(None), Some(None), Some(None)) = (state, load, weight) {
        body.refuse("state", "one of state, load and weight is required");
    }
    Some(model::FedWord {
        state: state?,
        weight: weight?.or(load?.map(left)),
        note: note?,
        author: author.to_owned(),
        since: now,
        lasts: Duration::from_secs(lasts?.into()),
    })
}

/// To a millionth, so that a load of 0.9 leaves 0.1 and no long fraction.
fn left(load: f64) -> f64 {
    ((1.0 - load) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trimtab_model::{AccountId, Fed as Stored};

    use super::super::samples::refusals;
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn shown(body: &Value) -> Value {
        let origin = model::FedOrigin {
            place: 0,
            name: "web-1".into(),
            address: Address::read("192.0.2.1").unwrap(),
            port: 0,
        };
        let word = read(body, "autoscaler", NOW).unwrap();
        let (account, pool) = (AccountId::new([1; 16]), PoolId::new([2; 16]));
        let fed = Stored { account, pool, origin, word: Some(word) };
        serde_json::to_value(Fed::new(&fed)).unwrap()
    }

    #[test]
    fn a_load_leaves_a_weight_and_the_end_is_told() {
        let want = json!({
            "pool_id": "02".repeat(16), "origin": "web-1", "address": "192.0.2.1", "port": 0,
            "weight": 0.25, "note": "busy", "author": "autoscaler",
            "created_on": NOW, "until": "2026-01-01T00:01:00.000000Z",
        });
        assert_eq!(shown(&json!({"load": 0.75, "note": "busy"})), want);
        assert_eq!(shown(&json!({"load": 0.9}))["weight"], json!(0.1));
        let state = shown(&json!({"state": "drained", "weight": 0, "expires_in": 86_400}));
        let got = (&state["state"], &state["weight"], &state["until"]);
        assert_eq!(got, (&json!("drained"), &json!(0), &json!("2026-01-02T00:00:00.000000Z")));
    }

    #[test]
    fn refusals_name_the_place() {
        let check = |body: Value, pointer: &str, message: &str| {
            let got = refusals(read(&body, "", NOW));
            assert_eq!(got, [(pointer.into(), message.into())], "{body}");
        };
        check(json!({}), "/state", "one of state, load and weight is required");
        check(json!({"note": "x"}), "/state", "one of state, load and weight is required");
        check(json!({"load": 1.5}), "/load", "load is not in range [0, 1]");
        check(json!({"weight": -1}), "/weight", "weight is not in range [0, 1]");
        check(json!({"load": 0, "weight": 1}), "/weight", "load and weight exclude each other");
        check(json!({"state": "sick"}), "/state", "state \"sick\" is not one of up, down, drained");
        let range = "expires_in is not in range [1, 86400]";
        check(json!({"state": "up", "expires_in": 0}), "/expires_in", range);
        check(json!({"state": "up", "expires_in": 86_401}), "/expires_in", range);
        check(json!({"state": "up", "ttl": 5}), "/ttl", "unknown field: ttl");
    }
}
