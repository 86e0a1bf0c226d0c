//! Monitors, targets and connectors as the tests need them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::RootCertStore;
use trimtab_connect::{Connector, Egress, Resolver, Tls};
use trimtab_health::{FailureReason, Outcome, Passed};
use trimtab_live::Target;
use trimtab_model::monitor::{Extension, MonitorType, Pace, Probe};
use trimtab_model::pool::Address;
use trimtab_model::{Monitor, MonitorId, PoolId, Timestamp};
use trimtab_probe::{Attempt, Check};

pub(crate) const POOL: PoolId = PoolId::new(*b"\x01\x23\x45\x67\x89\xab\xcd\xefthe-rest");

/// One second, no retries; HTTP kinds ask for `/` and expect 200.
pub(crate) fn monitor(kind: MonitorType) -> Monitor {
    Monitor {
        id: MonitorId::new([9; 16]),
        probe: Probe {
            kind,
            method: "GET".into(),
            path: "/".into(),
            port: 0,
            header: Default::default(),
            expected_codes: "200".to_owned().try_into().unwrap(),
            expected_body: String::new(),
            follow_redirects: false,
            allow_insecure: false,
            probe_zone: None,
            extension: None,
        },
        pace: Pace { timeout: 1, retries: 0, ..Pace::default() },
        description: String::new(),
        created_on: Timestamp::from_micros(0),
        modified_on: Timestamp::from_micros(0),
    }
}

pub(crate) fn http(change: impl FnOnce(&mut Probe)) -> Monitor {
    let mut monitor = monitor(MonitorType::Http);
    change(&mut monitor.probe);
    monitor
}

/// With fields of our own.
pub(crate) fn own(kind: MonitorType, extension: Extension) -> Monitor {
    let mut monitor = monitor(kind);
    monitor.probe.extension = Some(Box::new(extension));
    monitor
}

pub(crate) fn target(to: SocketAddr) -> Target {
    named(&to.ip().to_string(), to.port())
}

pub(crate) fn named(address: &str, port: u16) -> Target {
    let address = Address::read(address).unwrap();
    Target { key: 1, name: "endpoint".into(), address, port, host: None, upstream: None }
}

pub(crate) fn with_host(host: &str, target: Target) -> Target {
    Target { host: Some(host.into()), ..target }
}

/// No root is trusted, no name is known, nothing but the usual is forbidden.
pub(crate) fn plain() -> Connector {
    connector(Egress::default(), &[], RootCertStore::empty())
}

pub(crate) fn knowing(hosts: &[(&str, &[&str])]) -> Connector {
    connector(Egress::default(), hosts, RootCertStore::empty())
}

pub(crate) fn connector(
    egress: Egress,
    hosts: &[(&str, &[&str])],
    roots: RootCertStore,
) -> Connector {
    let ips = |ips: &[&str]| ips.iter().map(|ip| ip.parse().unwrap()).collect();
    let hosts: HashMap<_, Vec<IpAddr>> =
        hosts.iter().map(|(name, list)| (name.parse().unwrap(), ips(list))).collect();
    Connector::new(egress, Resolver::fixed(hosts), Tls::new(roots).unwrap())
}

pub(crate) async fn run(connector: &Connector, monitor: &Monitor, target: &Target) -> Attempt {
    let check = Check { monitor, pool: POOL, target, delay: Duration::ZERO };
    trimtab_probe::run(connector, &check).await
}

/// What is told of an outcome, without the times.
pub(crate) fn told(attempt: &Attempt) -> (Passed, FailureReason, u16) {
    let Outcome { passed, reason, response_code, rtt: _ } = attempt.outcome();
    (passed, reason, response_code)
}

pub(crate) const fn pass(status: u16) -> (Passed, FailureReason, u16) {
    (Passed::Pass, FailureReason::None, status)
}

pub(crate) const fn fail(reason: FailureReason, status: u16) -> (Passed, FailureReason, u16) {
    (Passed::Fail, reason, status)
}
