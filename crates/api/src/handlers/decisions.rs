//! Decisions that were kept: what was answered then, and why.

use std::str::FromStr;

use axum::extract::State;
use serde_json::value::RawValue;
use trimtab_analytics::{DecisionFilter, KeptHead};
use trimtab_api_types::v1::explain::{KeptDecision, trace_or_ray};
use trimtab_model::Permission::LoadBalancersAccountRead;
use trimtab_model::Timestamp;

use crate::app::App;
use crate::auth::Access;
use crate::errors::{Error, Kind};
use crate::extract::{AtAccount, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::Get;
use crate::route::Route;

/// 16 hexadecimal digits, perhaps with the place of a ray behind them.
struct Trace(u64);

/// A text that is no trace id.
struct NoTrace;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/accounts/{account_id}/trimtab/decisions";
    let access = Access::Account(LoadBalancersAccountRead);
    vec![
        Route::new(Get, path, access, list)
            .says("List kept decisions, newest first", Many("KeptDecision"))
            .asks(&["name", "load_balancer_id", "since", "until", "limit"]),
        Route::new(Get, format!("{path}/{{trace_id}}"), access, one)
            .says("Show a kept decision as it was explained then", One("Explanation")),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<KeptDecision>> {
    let time = |key: &str| Ok::<_, Error>(params.read::<Timestamp>(key)?.map(Timestamp::micros));
    let filter = DecisionFilter {
        account: at.account.to_string(),
        balancer: params.find("load_balancer_id").map(str::to_owned),
        name: params.find("name").map(|name| name.trim_end_matches('.').to_owned()),
        since: time("since")?,
        until: time("until")?,
        limit: params.read("limit")?,
    };
    let heads = app.events.decisions(filter).await?;
    Ok(Reply::one(heads.into_iter().map(render).collect()))
}

/// The text is given back as it was stored: asking later must not change what was said then.
async fn one(
    State(app): State<App>,
    at: AtAccount,
    Id(Trace(trace)): Id<Trace>,
) -> Answer<Box<RawValue>> {
    let kept = app.events.decision(&at.account.to_string(), trace).await?;
    let missing = || Error::missing(Kind::Decision, format_args!("{trace:016x}"));
    let kept = kept.ok_or_else(missing)?;
    Ok(Reply::one(RawValue::from_string(kept.explanation)?))
}

fn render(head: KeptHead) -> KeptDecision {
    KeptDecision {
        trace_id: format!("{:016x}", head.trace),
        at: Timestamp::from_micros(head.timestamp),
        kind: head.kind.word(),
        load_balancer_id: head.balancer,
        name: head.name,
    }
}

// === impl Trace ===

impl FromStr for Trace {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Trace, NoTrace> {
        trace_or_ray(text).map(Trace).ok_or(NoTrace)
    }
}
