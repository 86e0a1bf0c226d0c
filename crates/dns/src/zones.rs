//! All zones of a node, and which of them a name belongs to.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use trimtab_model::Name;

use crate::name::{Folded, to_wire};
use crate::zone::{DS, Zone};

/// The key of all hashes of names: one random number for each process, so that nobody outside can choose
/// names that collide.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

/// Zones by name, in parts that versions share: clone, change the clone, publish it.
#[derive(Clone, Debug)]
pub struct Zones {
    seed: Seed,
    parts: [Arc<Part>; PARTS],
    /// How many zones have names of 0, 1, 2, … labels.
    by_labels: [u32; LABELS_MAX],
    /// Labels of the longest name that there ever was.
    deepest: usize,
}

type Part = HashTable<Arc<Zone>>;

/// A hundred thousand zones make parts of 1,600, which are copied in some microseconds.
const PARTS: usize = 64;
/// A name has at most 127 labels.
const LABELS_MAX: usize = 128;

// === impl Seed ===

impl Seed {
    #[inline]
    pub(crate) fn hash(self, name: &[u8]) -> u64 {
        let mut hasher = FixedState::with_seed(self.0).build_hasher();
        hasher.write(name);
        hasher.finish()
    }
}

// === impl Zones ===

impl Zones {
    pub fn new(seed: Seed) -> Zones {
        let parts = std::array::from_fn(|_| Arc::default());
        Zones { seed, parts, by_labels: [0; LABELS_MAX], deepest: 0 }
    }

    pub fn seed(&self) -> Seed {
        self.seed
    }

    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.by_labels.iter().all(|&zones| zones == 0)
    }

    pub fn get(&self, apex: &Name) -> Option<&Arc<Zone>> {
        self.at(&to_wire(apex))
    }

    /// Adds a zone, or puts it in the place of the one of its name.
    pub fn insert(&mut self, zone: Arc<Zone>) {
        self.take_out(zone.apex().wire());
        let labels = zone.apex().labels();
        if let Some(count) = self.by_labels.get_mut(labels) {
            *count = count.saturating_add(1);
            self.deepest = self.deepest.max(labels);
        }
        let seed = self.seed;
        let hash = seed.hash(zone.apex().wire());
        if let Some(part) = self.parts.get_mut(part_of(hash)) {
            Arc::make_mut(part).insert_unique(hash, zone, |zone| seed.hash(zone.apex().wire()));
        }
    }

    /// False when there was no such zone.
    pub fn remove(&mut self, apex: &Name) -> bool {
        self.take_out(&to_wire(apex)).is_some()
    }

    /// The zone with the longest name that the question's name ends in. A DS record belongs to the zone that
    /// delegates the name, if we serve that one too (RFC 4035 section 3.1.4.1).
    #[inline]
    pub(crate) fn find(&self, name: &Folded, qtype: u16) -> Option<&Zone> {
        let zone = self.longest(name, name.labels())?;
        if qtype == DS && zone.apex().labels() == name.labels() {
            let above = self.longest(name, name.labels().saturating_sub(1));
            return Some(above.filter(|above| above.delegates(name)).unwrap_or(zone));
        }
        Some(zone)
    }

    fn longest(&self, name: &Folded, labels_max: usize) -> Option<&Zone> {
        let counts = self.by_labels.get(..=labels_max.min(self.deepest))?;
        let lengths = counts.iter().enumerate().rev().filter(|(_, zones)| **zones > 0);
        lengths.map(|(labels, _)| name.last(labels)).find_map(|apex| Some(&**self.at(apex)?))
    }

    #[inline]
    fn at(&self, apex: &[u8]) -> Option<&Arc<Zone>> {
        let hash = self.seed.hash(apex);
        self.parts.get(part_of(hash))?.find(hash, |zone| zone.apex().wire() == apex)
    }

    fn take_out(&mut self, apex: &[u8]) -> Option<Arc<Zone>> {
        // Looked at first, so that a part without the zone is not copied.
        self.at(apex)?;
        let hash = self.seed.hash(apex);
        let part = Arc::make_mut(self.parts.get_mut(part_of(hash))?);
        let found = part.find_entry(hash, |zone| zone.apex().wire() == apex).ok()?;
        let (zone, _) = found.remove();
        let labels = zone.apex().labels();
        let count = self.by_labels.get_mut(labels)?;
        *count = count.saturating_sub(1);
        Some(zone)
    }
}

/// The table inside a part uses the lowest and the highest bits.
fn part_of(hash: u64) -> usize {
    (hash >> 24) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::zone;

    fn fold(text: &str) -> Folded {
        let mut name = Folded::root();
        name.read(&to_wire(&text.parse().unwrap())).unwrap();
        name
    }

    #[test]
    fn a_name_belongs_to_the_longest_zone_it_ends_in() {
        let mut zones = Zones::new(Seed(1));
        for apex in ["example.com", "sub.example.com", "com.example", "a.b.c.d.example.net"] {
            zones.insert(Arc::new(zone(apex)));
        }
        let check = |text: &str, want: Option<&str>| {
            let found = zones.find(&fold(text), 1).map(|zone| zone.apex().wire().to_vec());
            let want = want.map(|apex| to_wire(&apex.parse().unwrap()).to_vec());
            assert_eq!(found, want, "{text}");
        };
        check("example.com", Some("example.com"));
        check("www.example.com", Some("example.com"));
        check("WWW.sub.Example.com", Some("sub.example.com"));
        check("x.y.z.sub.example.com", Some("sub.example.com"));
        check("notexample.com", None);
        check("com", None);
        check("b.c.d.example.net", None);
        check("x.a.b.c.d.example.net", Some("a.b.c.d.example.net"));
        assert_eq!(zones.longest(&Folded::root(), 0).map(Zone::names), None);
    }

    #[test]
    fn zones_come_and_go_without_touching_older_versions() {
        let mut zones = Zones::new(Seed(1));
        for number in 0..500 {
            zones.insert(Arc::new(zone(&format!("z{number}.example"))));
        }
        let before = zones.clone();
        assert!(zones.remove(&"z7.example".parse().unwrap()));
        assert!(!zones.remove(&"z7.example".parse().unwrap()));
        zones.insert(Arc::new(zone("z8.example")));
        assert_eq!((before.len(), zones.len()), (500, 499));
        assert!(before.get(&"z7.example".parse().unwrap()).is_some());
        assert!(zones.find(&fold("www.z7.example"), 1).is_none());
        for number in 8..500 {
            zones.remove(&format!("z{number}.example").parse().unwrap());
        }
        assert_eq!((zones.len(), zones.is_empty()), (7, false));
        for number in 0..7 {
            zones.remove(&format!("z{number}.example").parse().unwrap());
        }
        assert!(zones.is_empty());
    }
}
