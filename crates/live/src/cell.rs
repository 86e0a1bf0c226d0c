//! Where the current snapshot is: written by the publisher alone, read by everyone without a lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::Snapshot;

/// The current snapshot, shared by everyone who serves.
#[derive(Clone, Debug)]
pub struct Cell {
    current: Arc<ArcSwap<Snapshot>>,
    generation: Arc<watch::Sender<u64>>,
}

/// One thread's view of the cell: `load` costs one comparison while nothing changes.
#[derive(Debug)]
pub struct Reader {
    cache: arc_swap::Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>,
}

// === impl Cell ===

impl Cell {
    pub fn new(first: Snapshot) -> Cell {
        let generation = Arc::new(watch::Sender::new(first.generation));
        Cell { current: Arc::new(ArcSwap::from_pointee(first)), generation }
    }

    /// For threads that load often.
    pub fn reader(&self) -> Reader {
        Reader { cache: arc_swap::Cache::new(Arc::clone(&self.current)) }
    }

    /// For those who look now and then.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Wakes whenever a newer snapshot is there.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Only the publisher writes.
    pub(crate) fn store(&self, next: Snapshot) {
        let generation = next.generation;
        self.current.store(Arc::new(next));
        self.generation.send_replace(generation);
    }
}

// === impl Reader ===

impl Reader {
    pub fn load(&mut self) -> &Arc<Snapshot> {
        self.cache.load()
    }
}
