//! One moment: everything an edge reads to serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use trimtab_dns::{Node, View, Zones};
use trimtab_health::PoolHealth;
use trimtab_model::{AffinityKeys, Certificate, CertificateId, Fed, Name, ZoneId};
use trimtab_steer::World;

use crate::checks::check_of;
use crate::plan::Job;
use crate::{Checks, Hosts, Loads, Routes};

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
    /// Standalone health checks; the same value while nothing of them changes.
    pub checks: Arc<Checks>,
    /// What other systems say of endpoints, the oldest first; the same value while they say nothing else.
    pub fed: Arc<Vec<Fed>>,
    /// Requests under way; the same value while no pool changes its endpoints.
    pub loads: Arc<Loads>,
}

// === impl Snapshot ===

impl Snapshot {
    /// The part that DNS answers are made of.
    pub fn view(&self) -> View<'_> {
        View { zones: &self.zones, world: &self.world, node: &self.node }
    }

    /// Of a pool, or of what a standalone check is probed as.
    pub fn health_of(&self, job: &Job) -> Option<&PoolHealth> {
        match job.slot {
            Some(slot) => self.world.pool(slot).map(|pool| &pool.health),
            None => self.checks.get(&check_of(job.pool)).map(|check| &check.health),
        }
    }

    /// The names that a certificate is shown for: those in its zone.
    pub fn hosts_of(&self, certificate: &Certificate) -> impl Iterator<Item = Name> {
        let hosts = certificate.facts.hosts.iter().filter_map(|host| host.parse::<Name>().ok());
        hosts.filter(|host| self.is_in_zone(host, certificate.zone))
    }

    /// False as well when there is no such zone.
    fn is_in_zone(&self, host: &Name, zone: ZoneId) -> bool {
        let text = host.as_str();
        let above = text.match_indices('.').filter_map(|(dot, _)| text.get(dot + 1..));
        let mut names = std::iter::once(text).chain(above).filter_map(|name| name.parse().ok());
        names.any(|name: Name| self.zones.get(&name).is_some_and(|found| found.id() == zone))
    }
}
