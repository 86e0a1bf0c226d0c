//! What the live model would be told, and what it would tell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use trimtab_model::{Fed, HealthCheckId};

use crate::{CheckState, ChecksPort, FeedClosed, FeedPorts};

/// Keeps the last word on every endpoint, and knows of checks what a test says.
#[derive(Default)]
pub(super) struct FakeLive {
    pub(super) fed: Mutex<Vec<Fed>>,
    pub(super) known: Mutex<BTreeMap<HealthCheckId, CheckState>>,
    pub(super) ended: Mutex<bool>,
}

// === impl FakeLive ===

impl FakeLive {
    pub(super) fn feed(self: &Arc<FakeLive>) -> FeedPorts {
        let (takes, stands) = (Arc::clone(self), Arc::clone(self));
        FeedPorts {
            take: Arc::new(move |fed| {
                let taken = takes.take(fed);
                Box::pin(async move { taken })
            }),
            standing: Arc::new(move |account| {
                let fed = stands.fed.lock().unwrap();
                fed.iter().filter(|fed| fed.account == account).cloned().collect()
            }),
        }
    }

    pub(super) fn checks(self: &Arc<FakeLive>) -> ChecksPort {
        let live = Arc::clone(self);
        Arc::new(move |id| live.known.lock().unwrap().get(&id).copied())
    }

    fn take(&self, fed: Fed) -> Result<(), FeedClosed> {
        if *self.ended.lock().unwrap() {
            return Err(FeedClosed);
        }
        let mut all = self.fed.lock().unwrap();
        all.retain(|old| (old.pool, &old.origin) != (fed.pool, &fed.origin));
        if fed.word.is_some() {
            all.push(fed);
        }
        Ok(())
    }
}
