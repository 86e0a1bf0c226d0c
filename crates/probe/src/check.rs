//! One probe: a try and its immediate retries, each within the monitor's time limit.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use trimtab_connect::{Connector, Trust};
use trimtab_health::FailureReason;
use trimtab_live::Target;
use trimtab_model::monitor::{Extension, MonitorType};
use trimtab_model::{Monitor, PoolId};

use crate::trace::{Listener, StepKind, Trace};
use crate::{Attempt, FirstBytes, Phase, ProbeError, dns, grpc, http, icmp, ldap, smtp, tcp, udp};

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

/// A status that passed, as a step says it; 0 is none.
struct Passed(u16);

/// Tries until one try passes or the retries are used up; a request that cannot even be made is not tried again.
pub async fn run(connector: &Connector, check: &Check<'_>) -> Attempt {
    tries(connector, check, None).await
}

/// The same, telling each step as it happens.
pub async fn run_telling(
    connector: &Connector,
    check: &Check<'_>,
    listener: Listener<'_>,
) -> Attempt {
    tries(connector, check, Some((Instant::now(), listener))).await
}

async fn tries(
    connector: &Connector,
    check: &Check<'_>,
    mut told: Option<(Instant, Listener<'_>)>,
) -> Attempt {
    let mut tries = 1;
    loop {
        let told = told.as_mut().map(|(began, listener)| (*began, &mut **listener as Listener<'_>));
        let attempt = try_once(connector, check, tries, told).await;
        let again = attempt.result.as_ref().is_err_and(worth_retrying);
        if !again || tries > check.monitor.pace.retries {
            return attempt;
        }
        tries = tries.saturating_add(1);
    }
}

async fn try_once(
    connector: &Connector,
    check: &Check<'_>,
    tries: u32,
    told: Option<(Instant, Listener<'_>)>,
) -> Attempt {
    let mut trace = Trace::start(Phase::Resolve, told);
    let most = check.monitor.pace.retries.saturating_add(1);
    trace.step(StepKind::Try, format_args!("try {tries} of {most}, within {:?}", check.limit()));
    let verdict = verdict(connector, check, &mut trace);
    let result = match timeout(check.limit(), verdict).await {
        Ok(result) => result,
        Err(_) => Err(ProbeError::TimedOut(trace.phase())),
    };
    match &result {
        Ok(status) => trace.step(StepKind::Judged, Passed(*status)),
        Err(error) => trace.step(StepKind::Judged, format_args!("{}: {error}", error.reason())),
    }
    let (phases, answer) = trace.stop();
    let answer = if result.is_ok() { FirstBytes::default() } else { answer };
    Attempt { result, phases, tries, answer }
}

async fn verdict(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    match check.monitor.probe.kind {
        MonitorType::Http | MonitorType::Https => http::probe(connector, check, trace).await,
        MonitorType::Tcp => tcp::probe(connector, check, trace).await,
        MonitorType::IcmpPing => icmp::probe(connector, check, trace).await,
        MonitorType::UdpIcmp => udp::probe(connector, check, trace).await,
        MonitorType::Smtp => smtp::probe(connector, check, trace).await,
        MonitorType::Ldap => ldap::probe(connector, check, trace).await,
        MonitorType::Dns => dns::probe(connector, check, trace).await,
        MonitorType::Grpc => grpc::probe(connector, check, trace).await,
    }
}

fn worth_retrying(error: &ProbeError) -> bool {
    error.reason() != FailureReason::MonitorConfig
}

// === impl Check ===

impl Check<'_> {
    pub(crate) fn limit(&self) -> Duration {
        match self.own().and_then(|own| own.timeout_ms) {
            Some(millis) => Duration::from_millis(millis.max(1).into()),
            None => Duration::from_secs(self.monitor.pace.timeout.max(1).into()),
        }
    }

    /// The endpoint's port, else the monitor's, else the one that is usual.
    pub(crate) fn port(&self) -> Result<u16, ProbeError> {
        let usual = self.monitor.probe.kind.usual_port();
        self.given_port().or(usual).ok_or(ProbeError::NoPort)
    }

    /// The endpoint's port, else the monitor's.
    pub(crate) fn given_port(&self) -> Option<u16> {
        [self.target.port, self.monitor.probe.port].into_iter().find(|&port| port != 0)
    }

    /// The endpoint's `Host` outranks the monitor's; None: nobody named one.
    pub(crate) fn named_host(&self) -> Option<&str> {
        let headers = &self.monitor.probe.header;
        let of_monitor = || {
            let (_, values) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
            values.first().map(String::as_str)
        };
        self.target.host.as_deref().or_else(of_monitor)
    }

    pub(crate) fn own(&self) -> Option<&Extension> {
        self.monitor.probe.extension.as_deref()
    }

    pub(crate) fn trust(&self) -> Trust {
        match self.monitor.probe.allow_insecure {
            true => Trust::Anyone,
            false => Trust::Certified,
        }
    }
}

// === impl Passed ===

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("pass"),
            status => write!(f, "pass with status {status}"),
        }
    }
}
