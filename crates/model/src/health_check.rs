//! Standalone health checks: one endpoint of a zone that is probed without belonging to a pool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::monitor::{ExpectedCodes, MonitorType, Pace, Probe};
use crate::pool::{
    Address, CheckRegions, LoadShedding, Notify, OriginPolicy, Quorum, Watch, Weight,
};
use crate::{HealthCheckId, Monitor, MonitorId, Origin, Pool, PoolId, Timestamp, ZoneId, words};

/// Each probes from every place; more of a zone belong into pools.
pub const HEALTH_CHECKS_MAX: usize = 1_000;
pub const NAME_CHARS_MAX: usize = 255;
pub const DESCRIPTION_CHARS_MAX: usize = 1024;
/// Codes of one check; a list of every single status fits.
pub const CODES_MAX: usize = 500;

/// An address that is probed, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub id: HealthCheckId,
    pub zone: ZoneId,
    pub name: String,
    pub description: String,
    pub address: Address,
    pub check_regions: CheckRegions,
    /// Nothing is probed while it is.
    pub suspended: bool,
    pub pace: CheckPace,
    pub probe: CheckProbe,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// When it probes and how many agree before its state changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPace {
    /// Seconds.
    pub interval: u32,
    pub retries: u32,
    /// Seconds.
    pub timeout: u32,
    pub consecutive_fails: u32,
    pub consecutive_successes: u32,
}

/// What is sent and what must come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckProbe {
    Http(HttpCheck),
    Https(HttpCheck),
    /// A connection is enough.
    Tcp {
        port: u16,
    },
}

/// One request of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpCheck {
    pub method: CheckMethod,
    pub port: u16,
    pub path: String,
    /// Each as written, such as `200` or `2xx`.
    pub expected_codes: Vec<ExpectedCodes>,
    pub expected_body: String,
    pub follow_redirects: bool,
    pub allow_insecure: bool,
    /// None is not the same as an empty one: each is shown as it was sent.
    pub header: Option<BTreeMap<String, Vec<String>>>,
}

words! { CheckMethod { Get = "GET", Head = "HEAD" } }

words! {
    /// What a check speaks.
    CheckType { Http = "HTTP", Https = "HTTPS", Tcp = "TCP" }
}

words! {
    /// What a check has found.
    CheckStatus { Unknown = "unknown", Healthy = "healthy", Unhealthy = "unhealthy", Suspended = "suspended" }
}

// === impl HealthCheck ===

impl HealthCheck {
    pub fn kind(&self) -> CheckType {
        match self.probe {
            CheckProbe::Http(_) => CheckType::Http,
            CheckProbe::Https(_) => CheckType::Https,
            CheckProbe::Tcp { .. } => CheckType::Tcp,
        }
    }

    /// The monitor that does what this check says; its id is that of the check.
    pub fn monitor(&self) -> Monitor {
        let probe = match &self.probe {
            CheckProbe::Http(http) => http.probe(MonitorType::Http),
            CheckProbe::Https(http) => http.probe(MonitorType::Https),
            CheckProbe::Tcp { port } => tcp(*port),
        };
        Monitor {
            id: MonitorId::new(*self.id.bytes()),
            probe,
            pace: Pace {
                timeout: self.pace.timeout,
                retries: self.pace.retries,
                interval: self.pace.interval,
                consecutive_up: self.pace.consecutive_successes,
                consecutive_down: self.pace.consecutive_fails,
                ..Pace::default()
            },
            description: self.name.clone(),
            created_on: self.created_on,
            modified_on: self.modified_on,
        }
    }

    /// The pool whose one endpoint is what this check looks at; its id is that of the check, and that of its monitor.
    pub fn pool(&self) -> Pool {
        Pool {
            id: PoolId::new(*self.id.bytes()),
            name: self.name.clone(),
            description: self.description.clone(),
            enabled: !self.suspended,
            disabled_at: self.suspended.then_some(self.modified_on),
            origins: vec![self.origin()],
            origin_steering: OriginPolicy::Random,
            minimum_origins: 1,
            watch: Watch {
                monitor: Some(MonitorId::new(*self.id.bytes())),
                monitor_group: None,
                check_regions: self.check_regions.clone(),
                regional_health: false,
                quorum: Quorum::Majority,
                requires: None,
            },
            coordinates: None,
            load_shedding: LoadShedding::default(),
            notify: Notify::default(),
            networks: Vec::new(),
            upstream: None,
            created_on: self.created_on,
            modified_on: self.modified_on,
        }
    }

    /// The port is the monitor's.
    fn origin(&self) -> Origin {
        Origin {
            name: self.name.clone(),
            address: self.address.clone(),
            enabled: true,
            disabled_at: None,
            weight: Weight::ONE,
            port: 0,
            host: None,
            virtual_network_id: None,
            flatten_cname: true,
            service: None,
        }
    }
}

// === impl HttpCheck ===

impl HttpCheck {
    /// What is asked where a check says nothing of it.
    pub fn usual(port: u16) -> HttpCheck {
        HttpCheck {
            method: CheckMethod::Get,
            port,
            path: "/".into(),
            expected_codes: vec![ExpectedCodes::only(200)],
            expected_body: String::new(),
            follow_redirects: false,
            allow_insecure: false,
            header: None,
        }
    }

    fn probe(&self, kind: MonitorType) -> Probe {
        Probe {
            kind,
            method: self.method.word().into(),
            path: self.path.clone(),
            port: self.port,
            header: self.header.clone().unwrap_or_default(),
            expected_codes: ExpectedCodes::joined(&self.expected_codes),
            expected_body: self.expected_body.clone(),
            follow_redirects: self.follow_redirects,
            allow_insecure: self.allow_insecure,
            probe_zone: None,
            extension: None,
        }
    }
}

fn tcp(port: u16) -> Probe {
    Probe {
        kind: MonitorType::Tcp,
        method: "connection_established".into(),
        path: String::new(),
        port,
        header: BTreeMap::new(),
        expected_codes: ExpectedCodes::none(),
        expected_body: String::new(),
        follow_redirects: false,
        allow_insecure: false,
        probe_zone: None,
        extension: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> HealthCheck {
        let codes = ["200", "3xx"].map(|code| ExpectedCodes::try_from(code.to_owned()).unwrap());
        HealthCheck {
            id: HealthCheckId::new([7; 16]),
            zone: ZoneId::new([1; 16]),
            name: "shop".into(),
            description: String::new(),
            address: Address::read("192.0.2.1").unwrap(),
            check_regions: CheckRegions::All,
            suspended: false,
            pace: CheckPace {
                interval: 60,
                retries: 2,
                timeout: 5,
                consecutive_fails: 3,
                consecutive_successes: 2,
            },
            probe: CheckProbe::Https(HttpCheck {
                method: CheckMethod::Head,
                port: 8443,
                path: "/up".into(),
                expected_codes: codes.to_vec(),
                expected_body: "ok".into(),
                follow_redirects: true,
                allow_insecure: true,
                header: None,
            }),
            created_on: Timestamp::default(),
            modified_on: Timestamp::default(),
        }
    }

    #[test]
    fn a_check_probes_as_a_monitor_of_a_pool_with_one_endpoint() {
        let (monitor, pool) = (check().monitor(), check().pool());
        assert_eq!(pool.watch.monitor, Some(monitor.id));
        assert_eq!((pool.id.bytes(), pool.watch.check_regions), (&[7; 16], CheckRegions::All));
        let origin = &pool.origins[0];
        assert_eq!(
            (origin.name.as_str(), origin.address.to_string()),
            ("shop", "192.0.2.1".into())
        );
        let Probe { kind, method, port, expected_codes, .. } = monitor.probe;
        assert_eq!((kind, method.as_str(), port), (MonitorType::Https, "HEAD", 8443));
        assert!([200, 302].into_iter().all(|code| expected_codes.pass(code)));
        assert!(!expected_codes.pass(404));
        assert_eq!((monitor.pace.consecutive_up, monitor.pace.consecutive_down), (2, 3));
    }

    #[test]
    fn nobody_probes_for_a_check_that_is_suspended() {
        let pool = HealthCheck { suspended: true, ..check() }.pool();
        assert!(!pool.enabled);
    }

    #[test]
    fn a_tcp_check_expects_nothing_but_a_connection() {
        let probe = HealthCheck { probe: CheckProbe::Tcp { port: 25 }, ..check() }.monitor().probe;
        assert_eq!((probe.kind, probe.port), (MonitorType::Tcp, 25));
        assert!(probe.expected_codes.is_none());
    }
}
