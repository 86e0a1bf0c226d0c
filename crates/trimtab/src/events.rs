//! From flips to the event log.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::mpsc;
use trimtab_analytics::{
    EventLog, EvidenceSaid, MonitorSaid, NewEvent, OriginHealth, PlaceSaid, PoolHealth,
};
use trimtab_health::Evidence;
use trimtab_live::{HealthChange, MonitorChange, PlaceChange};
use trimtab_model::group::Role;

/// Until nobody flips any more.
pub(crate) async fn write(
    mut changes: mpsc::Receiver<HealthChange>,
    log: Arc<EventLog>,
) -> Result<(), String> {
    while let Some(change) = changes.recv().await {
        tracing::info!(
            pool = %change.pool_name,
            status = %change.status,
            healthy = change.healthy,
            origins = %changed_origins(&change),
            "health changed"
        );
        log.append(event(change));
    }
    Ok(())
}

fn changed_origins(change: &HealthChange) -> String {
    let changed = change.endpoints.iter().filter(|endpoint| endpoint.changed);
    let told = changed.map(|e| format!("{} {:?} ({})", e.name, e.verdict, e.reason));
    told.collect::<Vec<_>>().join(", ")
}

fn event(change: HealthChange) -> NewEvent {
    // A clock before 1970 is wrong anyway: the event counts, its time does not.
    let at = change.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    NewEvent {
        timestamp: i64::try_from(at.as_micros()).unwrap_or(i64::MAX),
        pool: PoolHealth {
            id: change.pool.to_string(),
            name: change.pool_name.into(),
            healthy: change.healthy,
            changed: change.changed,
            minimum_origins: change.minimum_origins,
        },
        origins: change
            .endpoints
            .into_iter()
            .map(|endpoint| OriginHealth {
                name: endpoint.name.into(),
                ip: endpoint.address.parse().ok(),
                address: endpoint.address.into(),
                enabled: endpoint.enabled,
                healthy: endpoint.verdict.serves(),
                changed: endpoint.changed,
                failure_reason: Some(endpoint.reason.word().to_owned()),
                response_code: Some(endpoint.response_code).filter(|&code| code != 0),
                said: match endpoint.changed {
                    true => endpoint.monitors.iter().map(said).collect(),
                    false => Vec::new(),
                },
            })
            .collect(),
    }
}

fn said(by: &MonitorChange) -> MonitorSaid {
    let place = |place: &PlaceChange| PlaceSaid {
        pop: place.pop.to_string(),
        healthy: place.verdict.serves(),
        failure_reason: place.reason.word().to_owned(),
        response_code: place.response_code,
        rtt: place.rtt.map(micros),
        evidence: place.evidence.as_deref().map(evidence),
    };
    MonitorSaid {
        id: by.monitor.to_string(),
        healthy: by.verdict.serves(),
        failure_reason: by.reason.word().to_owned(),
        response_code: by.response_code,
        must_be_healthy: by.role == Role::Critical,
        monitoring_only: by.role == Role::Witness,
        places: by.places.iter().map(place).collect(),
    }
}

fn evidence(of: &Evidence) -> EvidenceSaid {
    EvidenceSaid {
        error: of.error.to_string(),
        tries: of.tries,
        phases: of.phases.iter().map(|(name, took)| ((*name).to_owned(), micros(*took))).collect(),
        answer: of.answer.escape_ascii().to_string(),
        repeat: of.repeat.to_string(),
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
