//! One probe: a try and its immediate retries, each within the monitor's time limit.

use std::time::Duration;

use tokio::time::timeout;
use trimtab_connect::Connector;
use trimtab_health::FailureReason;
use trimtab_live::Target;
use trimtab_model::monitor::MonitorType;
use trimtab_model::{Monitor, PoolId};

use crate::attempt::Stopwatch;
use crate::{Attempt, Phase, ProbeError, http, tcp};

/// What is probed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub monitor: &'a Monitor,
    /// Named in the request, so that an endpoint's log tells who asks.
    pub pool: PoolId,
    pub target: &'a Target,
    /// A simulated way to the endpoint, waited for before each connection.
    pub delay: Duration,
}

/// Tries until one try passes or the retries are used up; a request that cannot even be made is not tried again.
pub async fn run(connector: &Connector, check: &Check<'_>) -> Attempt {
    let mut tries = 1;
    loop {
        let attempt = try_once(connector, check, tries).await;
        let again = attempt.result.as_ref().is_err_and(worth_retrying);
        if !again || tries > check.monitor.pace.retries {
            return attempt;
        }
        tries = tries.saturating_add(1);
    }
}

async fn try_once(connector: &Connector, check: &Check<'_>, tries: u32) -> Attempt {
    let mut watch = Stopwatch::start(Phase::Resolve);
    let verdict = verdict(connector, check, &mut watch);
    let result = match timeout(check.limit(), verdict).await {
        Ok(result) => result,
        Err(_) => Err(ProbeError::TimedOut(watch.phase())),
    };
    Attempt { result, phases: watch.stop(), tries }
}

async fn verdict(
    connector: &Connector,
    check: &Check<'_>,
    watch: &mut Stopwatch,
) -> Result<u16, ProbeError> {
    match check.monitor.probe.kind {
        MonitorType::Http | MonitorType::Https => http::probe(connector, check, watch).await,
        MonitorType::Tcp => tcp::probe(connector, check, watch).await,
        kind @ (MonitorType::UdpIcmp | MonitorType::IcmpPing | MonitorType::Smtp) => {
            Err(ProbeError::NotProbed(kind))
        }
    }
}

fn worth_retrying(error: &ProbeError) -> bool {
    error.reason() != FailureReason::MonitorConfig
}

// === impl Check ===

impl Check<'_> {
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.monitor.pace.timeout.max(1).into())
    }

    /// The endpoint's port, else the monitor's.
    pub(crate) fn port(&self) -> Option<u16> {
        [self.target.port, self.monitor.probe.port].into_iter().find(|&port| port != 0)
    }
}
