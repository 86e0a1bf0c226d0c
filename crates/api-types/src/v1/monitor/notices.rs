//! What is worth knowing of a monitor's pace when it is stored.

use std::time::Duration;

use trimtab_model::Monitor;
use trimtab_model::monitor::Pace;

/// Settings that do not act, or not as one might think.
pub fn notices(monitor: &Monitor) -> Vec<String> {
    let Pace { consecutive_up, consecutive_down, fast_interval, forgive_after, .. } = monitor.pace;
    let mut notices = Vec::new();
    if let Some(fast) = fast_interval {
        if consecutive_up.max(consecutive_down) <= 1 {
            let why = "consecutive_up and consecutive_down are 1: one outcome is enough";
            notices.push(format!("fast_interval has no effect while {why}"));
        }
        let longest = longest(monitor);
        if longest >= Duration::from_secs(fast.into()) {
            notices.push(format!(
                "warning: a probe whose every try times out takes {} s, and fast_interval is {fast} s: probes that would \
                 begin meanwhile are left out; shorten timeout or retries",
                longest.as_secs_f64(),
            ));
        }
    }
    if forgive_after.is_some() && consecutive_down <= 1 {
        let why = "consecutive_down is 1: one failure is enough";
        notices.push(format!("forgive_after has no effect while {why}"));
    }
    notices
}

/// What a probe takes at most.
fn longest(monitor: &Monitor) -> Duration {
    let short = monitor.probe.extension.as_deref().and_then(|own| own.timeout_ms);
    let millis = short.unwrap_or_else(|| monitor.pace.timeout.saturating_mul(1000));
    Duration::from_millis(millis.into()).saturating_mul(monitor.pace.retries.saturating_add(1))
}
