//! One moment: everything an edge reads to serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use trimtab_dns::{Node, View, Zones};
use trimtab_model::{AffinityKeys, Certificate, CertificateId};
use trimtab_steer::World;

use crate::plan::Job;
use crate::{Hosts, Loads, Routes};

/// The certificates of all zones, as stored.
pub type Certificates = BTreeMap<CertificateId, Arc<Certificate>>;

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
    /// What must be resolved and what is known of it; the same value while nothing of it changes.
    pub hosts: Arc<Hosts>,
    /// The same value while none changes.
    pub certificates: Arc<Certificates>,
    /// What authenticates session cookies; the same value while none changes.
    pub affinity_keys: Arc<AffinityKeys>,
    /// Which balancer a proxied request belongs to; the same value while no proxied name changes.
    pub routes: Arc<Routes>,
    /// Requests under way; the same value while no pool changes its endpoints.
    pub loads: Arc<Loads>,
}

// === impl Snapshot ===

impl Snapshot {
    /// The part that DNS answers are made of.
    pub fn view(&self) -> View<'_> {
        View { zones: &self.zones, world: &self.world, node: &self.node }
    }
}
