//! Monitors: how to probe an endpoint.

pub mod extension;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MonitorId, Name, Timestamp, words};

pub use extension::Extension;

/// Seconds; longer probes would outlive their interval.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=10;
pub const TIMEOUT_SECONDS_DEFAULT: u32 = 5;
/// More immediate retries would turn one probe into a burst.
pub const RETRIES_MAX: u32 = 5;
pub const RETRIES_DEFAULT: u32 = 2;
/// Seconds; the least is an operator's setting (`[limits] min_monitor_interval`).
pub const INTERVAL_SECONDS_MAX: u32 = 3600;
pub const INTERVAL_SECONDS_DEFAULT: u32 = 60;
/// Seconds; what divides an interval and is not the whole of it is at most half of the longest one.
pub const FAST_INTERVAL_SECONDS: std::ops::RangeInclusive<u32> = 1..=INTERVAL_SECONDS_MAX / 2;
/// Passes; one is what counts in a row anyway, and more than a hundred would forgive nothing.
pub const FORGIVE_AFTER: std::ops::RangeInclusive<u32> = 2..=100;
/// Ten in a row at the longest interval is ten hours: nobody waits longer for a verdict.
pub const CONSECUTIVE_MAX: u32 = 10;
/// Characters; enough for any real path with its query.
pub const PATH_CHARS_MAX: usize = 2048;
pub const DESCRIPTION_CHARS_MAX: usize = 1024;
/// Request headers of one probe.
pub const HEADERS_MAX: usize = 20;
/// Values of one request header.
pub const HEADER_VALUES_MAX: usize = 10;
/// No registered name is half as long.
pub const HEADER_NAME_CHARS_MAX: usize = 100;
/// Servers refuse longer header lines.
pub const HEADER_VALUE_CHARS_MAX: usize = 4096;
/// A list of every single status code fits.
pub const EXPECTED_CODES_CHARS_MAX: usize = 2048;
/// Seconds; from here on an interval must leave room for every retry. Below it the operator has lowered the floor.
pub const INTERVAL_SECONDS_HOSTED_MIN: u32 = 10;
/// Only this much of a body is read for `expected_body`.
pub const BODY_BYTES_READ_MAX: usize = 10 * 1024;

words! {
    /// What a probe speaks; the last three are our own.
    MonitorType {
        Http = "http",
        Https = "https",
        Tcp = "tcp",
        UdpIcmp = "udp_icmp",
        IcmpPing = "icmp_ping",
        Smtp = "smtp",
        Ldap = "ldap",
        Dns = "dns",
        Grpc = "grpc",
    }
}

/// A probe's recipe as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    pub id: MonitorId,
    #[serde(flatten)]
    pub probe: Probe,
    #[serde(flatten)]
    pub pace: Pace,
    pub description: String,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// What is sent and what must come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    #[serde(rename = "type")]
    pub kind: MonitorType,
    /// `GET` or `HEAD`; `connection_established` for TCP.
    pub method: String,
    pub path: String,
    /// 0 is the protocol's own port.
    pub port: u16,
    pub header: BTreeMap<String, Vec<String>>,
    pub expected_codes: ExpectedCodes,
    pub expected_body: String,
    pub follow_redirects: bool,
    pub allow_insecure: bool,
    pub probe_zone: Option<Name>,
    /// Stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<Extension>>,
}

/// When probes run and how many agree before a state changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Seconds.
    pub timeout: u32,
    pub retries: u32,
    /// Seconds.
    pub interval: u32,
    /// 0 means 1.
    pub consecutive_up: u32,
    /// 0 means 1.
    pub consecutive_down: u32,
    /// Seconds between probes while a state is about to change; None: `interval`. Stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_interval: Option<u32>,
    /// Passes in a row after which failures of an endpoint that is up are forgotten; None: the first. Stored by earlier
    /// versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgive_after: Option<u32>,
}

/// The statuses that pass, such as `200`, `2xx`, `200,302` or `200-299`; kept as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExpectedCodes {
    text: String,
    ranges: Vec<(u16, u16)>,
}

/// A list of statuses that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected_codes {0:?} is not a list such as 200, 2xx or 200-299")]
pub struct NotCodes(String);

// === impl MonitorType ===

impl MonitorType {
    /// Where it listens unless somebody says otherwise; None where it has no ports or no usual one.
    pub const fn usual_port(self) -> Option<u16> {
        match self {
            MonitorType::Http => Some(80),
            MonitorType::Https => Some(443),
            MonitorType::Smtp => Some(25),
            MonitorType::Ldap => Some(389),
            MonitorType::Dns => Some(53),
            MonitorType::Tcp | MonitorType::UdpIcmp | MonitorType::IcmpPing | MonitorType::Grpc => {
                None
            }
        }
    }
}

// === impl Pace ===

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            timeout: TIMEOUT_SECONDS_DEFAULT,
            retries: RETRIES_DEFAULT,
            interval: INTERVAL_SECONDS_DEFAULT,
            consecutive_up: 0,
            consecutive_down: 0,
            fast_interval: None,
            forgive_after: None,
        }
    }
}

// === impl ExpectedCodes ===

impl ExpectedCodes {
    /// What TCP monitors have: nothing is expected.
    pub fn none() -> ExpectedCodes {
        ExpectedCodes { text: String::new(), ranges: Vec::new() }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// This status and no other.
    pub fn only(status: u16) -> ExpectedCodes {
        ExpectedCodes { text: status.to_string(), ranges: vec![(status, status)] }
    }

    /// One list of what several expect; what passes one of them passes it.
    pub fn joined(lists: &[ExpectedCodes]) -> ExpectedCodes {
        let texts: Vec<&str> = lists.iter().map(ExpectedCodes::as_str).collect();
        let ranges = lists.iter().flat_map(|list| &list.ranges).copied().collect();
        ExpectedCodes { text: texts.join(","), ranges }
    }

    pub fn is_none(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn pass(&self, status: u16) -> bool {
        self.ranges.iter().any(|&(first, last)| (first..=last).contains(&status))
    }
}

impl TryFrom<String> for ExpectedCodes {
    type Error = NotCodes;

    fn try_from(text: String) -> Result<ExpectedCodes, NotCodes> {
        if text.is_empty() {
            return Ok(ExpectedCodes::none());
        }
        let ranges: Option<Vec<_>> = text.split(',').map(|part| code_range(part.trim())).collect();
        match ranges {
            Some(ranges) => Ok(ExpectedCodes { text, ranges }),
            None => Err(NotCodes(text)),
        }
    }
}

impl From<ExpectedCodes> for String {
    fn from(codes: ExpectedCodes) -> String {
        codes.text
    }
}

fn code_range(part: &str) -> Option<(u16, u16)> {
    if let Some((first, last)) = part.split_once('-') {
        let (first, last) = (status(first.trim())?, status(last.trim())?);
        return (first <= last).then_some((first, last));
    }
    if let Some(class) = part.strip_suffix("xx").or_else(|| part.strip_suffix("XX")) {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    status(part).map(|code| (code, code))
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (100..=599).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantics_1_expected_codes_take_codes_classes_lists_and_ranges() {
        let check = |text: &str, pass: &[u16], fail: &[u16]| {
            let codes = ExpectedCodes::try_from(text.to_owned()).unwrap();
            assert!(pass.iter().all(|&code| codes.pass(code)), "{text}");
            assert!(!fail.iter().any(|&code| codes.pass(code)), "{text}");
            assert_eq!(codes.as_str(), text);
        };
        check("200", &[200], &[201, 199]);
        check("2xx", &[200, 299], &[300, 199]);
        check("200,302", &[200, 302], &[301]);
        check("200-299, 304", &[200, 250, 299, 304], &[300, 303]);
    }

    #[test]
    fn codes_that_are_none_are_refused() {
        for bad in ["abc", "2x", "600", "99", "6xx", "300-200", "200,,201"] {
            assert_eq!(ExpectedCodes::try_from(bad.to_owned()), Err(NotCodes(bad.into())));
        }
    }
}
