//! The zones of a node: built in bulk at the start, changed name by name afterwards.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use trimtab_dns::{Authority, RecordInput, Seed, Soa, Zone, ZoneBuilder, Zones};
use trimtab_model::{self as model, Name, Record, ZoneId};
use trimtab_steer::BalancerSlot;

/// What all zones of a node have in common.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// The NS records of every zone; the first is the SOA's primary.
    pub nameservers: Vec<Name>,
    /// The SOA's mailbox; `hostmaster.` of the zone when None.
    pub hostmaster: Option<Name>,
    /// Makes the tables of names unpredictable to clients.
    pub seed: Seed,
}

#[derive(Debug)]
pub(crate) struct Hosted {
    hosting: Hosting,
    zones: Zones,
    apexes: HashMap<ZoneId, Name>,
    /// Zones that are being read for the first time; None once the node is up.
    building: Option<HashMap<ZoneId, ZoneBuilder>>,
    /// The next version of each zone that changed since the last snapshot.
    drafts: HashMap<ZoneId, Zone>,
}

// === impl Hosted ===

impl Hosted {
    pub(crate) fn new(hosting: Hosting) -> Hosted {
        Hosted {
            zones: Zones::new(hosting.seed),
            hosting,
            apexes: HashMap::new(),
            building: Some(HashMap::new()),
            drafts: HashMap::new(),
        }
    }

    /// Zones as they stand at this revision, which becomes the serial of those that changed. The first call
    /// ends the building.
    pub(crate) fn zones(&mut self, revision: u64) -> Zones {
        let built = self.building.take().unwrap_or_default();
        self.drafts.extend(built.into_iter().map(|(id, builder)| (id, builder.finish())));
        for (_, mut zone) in self.drafts.drain() {
            zone.set_serial(serial(revision));
            self.zones.insert(Arc::new(zone));
        }
        self.zones.clone()
    }

    pub(crate) fn host(&mut self, zone: &model::Zone) {
        if self.apexes.get(&zone.id) == Some(&zone.name) {
            return;
        }
        self.apexes.insert(zone.id, zone.name.clone());
        let authority = self.authority(&zone.name);
        match &mut self.building {
            Some(building) => {
                let seed = self.hosting.seed;
                let builder = ZoneBuilder::new(zone.id, &zone.name, &authority, seed);
                building.insert(zone.id, builder);
            }
            None => {
                let zone = Zone::empty(zone.id, &zone.name, &authority, self.hosting.seed);
                self.drafts.insert(zone.id(), zone);
            }
        }
    }

    pub(crate) fn drop_zone(&mut self, apex: &Name) {
        let zones = self.apexes.iter().filter(|(_, name)| *name == apex);
        for id in zones.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.apexes.remove(&id);
            self.drafts.remove(&id);
        }
        self.zones.remove(apex);
    }

    /// All records at one name; none removes it. Names outside the zone are left out: the API lets none in.
    pub(crate) fn set_records(&mut self, zone: ZoneId, name: &Name, records: &[Record]) {
        let inputs: Vec<RecordInput<'_>> = records.iter().map(RecordInput::from).collect();
        if let Some(builder) = self.builder(zone) {
            for record in inputs {
                if !builder.push(name, record) {
                    tracing::error!(%name, "a record is outside its zone and was left out");
                }
            }
        } else if let Some(draft) = self.draft(zone) {
            draft.set_records(name, &inputs);
        }
    }

    /// None takes the balancer away.
    pub(crate) fn set_balancer(&mut self, zone: ZoneId, name: &Name, slot: Option<BalancerSlot>) {
        if let Some(builder) = self.builder(zone) {
            if let Some(slot) = slot
                && !builder.push_balancer(name, slot)
            {
                tracing::error!(%name, "a balancer is outside its zone and was left out");
            }
        } else if let Some(draft) = self.draft(zone) {
            draft.set_balancer(name, slot);
        }
    }

    fn builder(&mut self, zone: ZoneId) -> Option<&mut ZoneBuilder> {
        self.building.as_mut()?.get_mut(&zone)
    }

    /// One copy of the zone for all changes up to the next snapshot; names share what did not change.
    fn draft(&mut self, zone: ZoneId) -> Option<&mut Zone> {
        let apex = self.apexes.get(&zone)?;
        match self.drafts.entry(zone) {
            Entry::Occupied(draft) => Some(draft.into_mut()),
            Entry::Vacant(free) => Some(free.insert(Zone::clone(self.zones.get(apex)?))),
        }
    }

    fn authority(&self, apex: &Name) -> Authority {
        let hostmaster = || format!("hostmaster.{apex}").parse().unwrap_or_else(|_| apex.clone());
        let rname = self.hosting.hostmaster.clone().unwrap_or_else(hostmaster);
        let mname = self.hosting.nameservers.first().unwrap_or(apex).clone();
        let nameservers = self.hosting.nameservers.clone();
        Authority { nameservers, soa: Soa::new(mname, rname, 0) }
    }
}

/// Serials wrap as RFC 1982 allows; a store lives for four billion changes before.
fn serial(revision: u64) -> u32 {
    (revision & u64::from(u32::MAX)) as u32
}
