//! One moment: everything an edge reads to serve.

use std::sync::Arc;

use trimtab_dns::{Node, View, Zones};
use trimtab_steer::World;

use crate::plan::Job;

/// Immutable; the next moment is another value.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Rises by one with every snapshot of this process.
    pub generation: u64,
    /// The store's revision that the configuration is of.
    pub revision: u64,
    pub zones: Arc<Zones>,
    pub world: World,
    pub node: Arc<Node>,
    /// What must be probed; changes only with the configuration.
    pub jobs: Arc<Vec<Arc<Job>>>,
}

// === impl Snapshot ===

impl Snapshot {
    /// The part that DNS answers are made of.
    pub fn view(&self) -> View<'_> {
        View { zones: &self.zones, world: &self.world, node: &self.node }
    }
}
