//! All names of a zone in shards that versions have in common: extendible hashing.
//!
//! A change copies one shard and the list of shards. A shard that grows too large becomes two, and the list
//! doubles only when it cannot tell them apart; nothing is ever hashed anew as a whole.

use std::sync::Arc;

use super::node::Node;
use super::shard::Shard;
use crate::zones::Seed;

/// Names in a shard before it is split. Copying this many takes a few microseconds.
const SHARD_NAMES_MAX: usize = 128;
/// The list of shards doubles up to 2^20 entries (8 MiB); shards grow beyond.
const DEPTH_MAX: u8 = 20;

#[derive(Clone, Debug)]
pub(super) struct Directory {
    seed: Seed,
    /// The list has 2^depth entries; a shard of a lower depth stands in several of them.
    depth: u8,
    shards: Box<[Arc<Shard>]>,
}

// === impl Directory ===

impl Directory {
    /// `encoded` holds the names one after the other; none twice.
    pub(super) fn build(seed: Seed, encoded: &[u8], names: usize) -> Directory {
        let depth = depth_for(names);
        let count = 1_usize << depth;
        let mut sizes = vec![0_usize; count];
        let mut rest = encoded;
        let mut places = Vec::with_capacity(names);
        while let Some(node) = Node::read(rest) {
            let slot = slot(seed.hash(node.name), depth);
            let Some((bytes, behind)) = rest.split_at_checked(node.len()) else { break };
            if let Some(size) = sizes.get_mut(slot) {
                *size = size.saturating_add(bytes.len());
            }
            places.push((slot, bytes));
            rest = behind;
        }
        let mut arenas: Vec<Vec<u8>> = sizes.into_iter().map(Vec::with_capacity).collect();
        for (slot, bytes) in places {
            if let Some(arena) = arenas.get_mut(slot) {
                arena.extend_from_slice(bytes);
            }
        }
        let shards = arenas.into_iter().map(|arena| Arc::new(Shard::build(seed, depth, arena)));
        Directory { seed, depth, shards: shards.collect() }
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<Node<'_>> {
        let hash = self.seed.hash(name);
        self.shards.get(slot(hash, self.depth))?.find(hash, name)
    }

    /// Puts `encoded` in the place of `name`; nothing to put removes it.
    pub(super) fn replace(&mut self, name: &[u8], encoded: &[u8]) {
        let at = slot(self.seed.hash(name), self.depth);
        let Some(shard) = self.shards.get(at) else { return };
        let shard = shard.replaced(self.seed, name, encoded);
        if shard.len() > SHARD_NAMES_MAX && shard.depth < DEPTH_MAX {
            self.split(at, &shard);
        } else {
            let (depth, shard) = (shard.depth, Arc::new(shard));
            self.put(at, depth, |_| Arc::clone(&shard));
        }
    }

    fn split(&mut self, at: usize, shard: &Shard) {
        if shard.depth == self.depth {
            self.shards = self.shards.iter().chain(&self.shards).cloned().collect();
            self.depth = self.depth.saturating_add(1);
        }
        let [zeros, ones] = shard.split(self.seed).map(Arc::new);
        self.put(at, shard.depth, |entry| {
            Arc::clone(if entry >> shard.depth & 1 == 0 { &zeros } else { &ones })
        });
    }

    /// Fills every entry that agrees with `at` in the low `depth` bits.
    fn put(&mut self, at: usize, depth: u8, shard: impl Fn(usize) -> Arc<Shard>) {
        let step = 1_usize << depth.min(DEPTH_MAX);
        let first = at & step.wrapping_sub(1);
        for (entry, place) in self.shards.iter_mut().enumerate().skip(first).step_by(step) {
            *place = shard(entry);
        }
    }
}

fn depth_for(names: usize) -> u8 {
    // Two thirds full on the average leaves room before the first split.
    let shards = names.div_ceil(SHARD_NAMES_MAX / 3 * 2).max(1).next_power_of_two();
    u8::try_from(shards.trailing_zeros()).unwrap_or(DEPTH_MAX).min(DEPTH_MAX)
}

fn slot(hash: u64, depth: u8) -> usize {
    let mask = (1_usize << depth.min(DEPTH_MAX)).wrapping_sub(1);
    spread(hash) & mask
}

/// The bits of the hash that choose the shard; the shard's own table uses the lowest and the highest.
pub(super) fn spread(hash: u64) -> usize {
    // Twenty bits are used, so none is lost on a narrow machine.
    (hash >> 24) as u32 as usize
}
