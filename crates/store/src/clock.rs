//! Where an engine takes its time from, so that tests can let hours pass at once.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Two clocks: one that only moves forward, for leases, and the one people read, for the history.
pub trait Clock: Send + Sync + 'static {
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;

    /// Microseconds since 1970.
    fn unix_micros(&self) -> i64;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

// === impl SystemClock ===

impl SystemClock {
    pub fn start() -> SystemClock {
        SystemClock { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn unix_micros(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            // A clock set before 1970 says nothing useful.
            Err(_) => 0,
        }
    }
}
