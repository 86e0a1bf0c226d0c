//! Memory that runs out: a node that is near its limit turns work away before the kernel ends it.
//!
//! Thread: `proxy-memory`, which looks every [`LOOK_EVERY`]; the data path reads one flag.

mod memory;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Read by every request and every new connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overload(Arc<AtomicBool>);

/// Looks at the memory that the process uses until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    _stop: mpsc::Sender<()>,
}

/// Normal --`ENTER_PERCENT` of the limit--> Overloaded --less than `LEAVE_PERCENT`--> Normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Normal,
    Overloaded,
}

const ENTER_PERCENT: u64 = 90;
/// Far enough below that what is freed lasts for a while.
const LEAVE_PERCENT: u64 = 85;
/// Memory of many connections is taken in this time, but not a tenth of all there is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

// === impl Overload ===

impl Overload {
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins to look, where there is a limit: `memory_max`, else what the control group of the process has. Bytes.
    pub(crate) fn watch(
        &self,
        memory_max: Option<u64>,
    ) -> io::Result<Option<(Watcher, JoinHandle<()>)>> {
        let Some(limit) = memory_max.or_else(memory::limit) else { return Ok(None) };
        let (stop, stopped) = mpsc::channel();
        let overload = self.clone();
        let look = move || overload.look(limit, &stopped);
        let thread = Builder::new().name("proxy-memory".into()).spawn(look)?;
        Ok(Some((Watcher { _stop: stop }, thread)))
    }

    fn look(&self, limit: u64, stopped: &Receiver<()>) {
        let mut state = State::Normal;
        loop {
            let used = match memory::used() {
                Ok(used) => used,
                Err(error) => {
                    self.0.store(false, Ordering::Relaxed);
                    return tracing::error!(%error, "memory is not watched: its use cannot be read");
                }
            };
            let next = state.after(used, limit);
            if next != state {
                tell(next, used, limit);
                self.0.store(next == State::Overloaded, Ordering::Relaxed);
            }
            state = next;
            if stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }
}

fn tell(state: State, used_bytes: u64, limit_bytes: u64) {
    match state {
        State::Overloaded => {
            tracing::warn!(used_bytes, limit_bytes, "memory runs out: requests are turned away");
        }
        State::Normal => {
            tracing::info!(used_bytes, limit_bytes, "memory suffices: requests are served again");
        }
    }
}

// === impl State ===

impl State {
    fn after(self, used: u64, limit: u64) -> State {
        let percent = match self {
            State::Normal => ENTER_PERCENT,
            State::Overloaded => LEAVE_PERCENT,
        };
        let is_over = u128::from(used) * 100 >= u128::from(limit) * u128::from(percent);
        if is_over { State::Overloaded } else { State::Normal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_begins_at_nine_tenths_and_ends_well_below() {
        use State::{Normal, Overloaded};
        let check = |state: State, used, want| assert_eq!(state.after(used, 1000), want, "{used}");
        check(Normal, 0, Normal);
        check(Normal, 899, Normal);
        check(Normal, 900, Overloaded);
        check(Overloaded, 5_000, Overloaded);
        check(Overloaded, 850, Overloaded);
        check(Overloaded, 849, Normal);
        assert_eq!(Normal.after(u64::MAX, u64::MAX), Overloaded);
    }

    #[test]
    fn a_limit_below_what_is_used_is_noticed_and_the_thread_ends_with_its_watcher() {
        let overload = Overload::default();
        let (watcher, thread) = overload.watch(Some(1)).unwrap().unwrap();
        while !overload.is_on() {
            std::thread::yield_now();
        }
        drop(watcher);
        thread.join().unwrap();
    }
}
