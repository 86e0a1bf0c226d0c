//! Events between the log and the wire.

use std::collections::BTreeSet;
use std::time::Duration;

use trimtab_analytics as analytics;
use trimtab_analytics::{Filter, MonitorSaid};
use trimtab_api_types::v1::event::{
    Event, EventExtension, EventMonitor, EventOrigin, EventPlace, EventPool,
};
use trimtab_api_types::v1::matrix::{Evidence, EvidencePhase};
use trimtab_health::FailureReason;
use trimtab_model::pool::Address;
use trimtab_model::{PoolId, Timestamp};

use crate::errors::Error;
use crate::explain::evidence::millis;
use crate::extract::Params;

/// An absent parameter does not filter, whatever the documents give as its default.
pub(crate) fn filter(params: &Params) -> Result<Filter, Error> {
    let text = |key: &str| params.find(key).map(str::to_owned);
    let time = |key: &str| Ok::<_, Error>(params.read::<Timestamp>(key)?.map(Timestamp::micros));
    Ok(Filter {
        since: time("since")?,
        until: time("until")?,
        pool_id: text("pool_id"),
        pool_name: text("pool_name"),
        pool_healthy: params.read("pool_healthy")?,
        origin_name: text("origin_name"),
        origin_healthy: params.read("origin_healthy")?,
        limit: params.read("limit")?,
    })
}

/// As the wire has them, without those of pools that are somebody else's.
pub(crate) fn visible(events: Vec<analytics::Event>, theirs: &BTreeSet<PoolId>) -> Vec<Event> {
    let rendered = events.into_iter().filter_map(render);
    rendered.filter(|event| !theirs.contains(&event.pool.id)).collect()
}

/// None for an event whose pool has no id of ours: nobody could ask about it.
fn render(event: analytics::Event) -> Option<Event> {
    let analytics::Event { id, timestamp, pool, origins } = event;
    Some(Event {
        id: u64::try_from(id).ok()?,
        timestamp: Timestamp::from_micros(timestamp),
        pool: EventPool {
            id: pool.id.parse().ok()?,
            name: pool.name,
            healthy: pool.healthy,
            changed: pool.changed,
            minimum_origins: pool.minimum_origins,
        },
        origins: origins.into_iter().map(render_origin).collect(),
    })
}

fn render_origin(origin: analytics::OriginHealth) -> EventOrigin {
    let literal = match Address::read(&origin.address) {
        Some(Address::Ip(ip)) => Some(ip),
        Some(Address::Host(_)) | None => None,
    };
    let ip = origin.ip.or(literal).map(|ip| ip.to_string()).unwrap_or_default();
    EventOrigin {
        name: origin.name,
        ip,
        address: origin.address,
        enabled: origin.enabled,
        healthy: origin.healthy,
        changed: origin.changed,
        failure_reason: origin.failure_reason.unwrap_or_else(|| FailureReason::None.word().into()),
        response_code: origin.response_code.unwrap_or(0),
        monitors: match &*origin.said {
            // A single monitor has said what stands above.
            [] | [_] => Vec::new(),
            said => said.iter().filter_map(render_monitor).collect(),
        },
        trimtab: (!origin.said.is_empty()).then(|| EventExtension {
            places: origin.said.iter().flat_map(render_places).collect(),
        }),
    }
}

fn render_monitor(said: &MonitorSaid) -> Option<EventMonitor> {
    Some(EventMonitor {
        id: said.id.parse().ok()?,
        healthy: said.healthy,
        failure_reason: said.failure_reason.clone(),
        response_code: said.response_code,
        must_be_healthy: said.must_be_healthy,
        monitoring_only: said.monitoring_only,
    })
}

fn render_places(said: &MonitorSaid) -> impl Iterator<Item = EventPlace> {
    said.places.iter().map(|place| EventPlace {
        pop: place.pop.clone(),
        monitor: said.id.clone(),
        healthy: place.healthy,
        failure_reason: place.failure_reason.clone(),
        response_code: place.response_code,
        rtt_ms: place.rtt.map(|micros| millis(Duration::from_micros(micros))),
        evidence: place.evidence.as_ref().map(|said| Evidence {
            error: said.error.clone(),
            tries: said.tries,
            phases: said
                .phases
                .iter()
                .map(|(name, micros)| EvidencePhase {
                    name: name.clone().into(),
                    ms: millis(Duration::from_micros(*micros)),
                })
                .collect(),
            answer: said.answer.clone(),
            repeat: said.repeat.clone(),
        }),
    })
}
