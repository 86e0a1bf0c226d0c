//! What the demo adds to the API: moods of its origins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use trimtab_model::Pop;

use super::origins::{Mood, Origins};
use super::world::POPS;

/// Below the API's base path.
pub(crate) const PATH: &str = "/client/v4/trimtab/demo/origins/{target}";

#[derive(Clone)]
struct Control {
    origins: Arc<Origins>,
    bearer: Arc<str>,
}

/// A mood as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "mood", rename_all = "lowercase")]
enum Wish {
    Kill,
    Heal,
    Slow { millis: u64 },
    Flap,
    Partition { pop: Pop },
}

pub(crate) fn routes(origins: Arc<Origins>, token: String) -> Router {
    let control = Control { origins, bearer: format!("Bearer {token}").into() };
    Router::new().route(PATH, post(set_mood)).with_state(control)
}

async fn set_mood(
    State(control): State<Control>,
    Path(target): Path<String>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> (StatusCode, Json<Value>) {
    if headers.get("authorization").is_none_or(|given| given != &*control.bearer) {
        return refuse(StatusCode::FORBIDDEN, 10000, "Authentication error");
    }
    let set = |mood| control.origins.set(&target, mood);
    let done = match wish {
        Wish::Kill => set(Mood::Killed),
        Wish::Heal => set(Mood::Well),
        Wish::Slow { millis } => set(Mood::Slow(Duration::from_millis(millis))),
        Wish::Flap => set(Mood::Flapping(Instant::now())),
        Wish::Partition { pop } if !POPS.contains(&pop.code()) => {
            let known = POPS.join(", ");
            return refuse(StatusCode::NOT_FOUND, 1001, &format!("{pop} is none of {known}"));
        }
        Wish::Partition { pop } => control.origins.cut_off(&target, pop),
    };
    match done {
        Some(origins) => {
            let result = json!({ "origins": origins });
            let done = json!({ "result": result, "success": true, "errors": [], "messages": [] });
            (StatusCode::OK, Json(done))
        }
        None => refuse(StatusCode::NOT_FOUND, 1001, &format!("there is no origin {target}")),
    }
}

fn refuse(status: StatusCode, code: u32, message: &str) -> (StatusCode, Json<Value>) {
    let errors = json!([{ "code": code, "message": message }]);
    let refused = json!({ "result": null, "success": false, "errors": errors, "messages": [] });
    (status, Json(refused))
}
