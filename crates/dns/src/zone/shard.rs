//! A part of a zone's names that is small enough to be copied whenever one of them changes.

use hashbrown::HashTable;

use super::node::Node;
use crate::zones::Seed;

/// About a hundred names: their bytes one after the other, and a table of where each begins.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    table: HashTable<u32>,
    arena: Box<[u8]>,
    /// How many bits of the hash all names here have in common.
    pub(super) depth: u8,
}

// === impl Shard ===

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, name: &[u8]) -> Option<Node<'_>> {
        let is_named = |&at: &u32| name_at(&self.arena, at) == Some(name);
        self.node(*self.table.find(hash, is_named)?)
    }

    /// The names in the order of their bytes, which is that of their arrival.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        let mut rest: &[u8] = &self.arena;
        std::iter::from_fn(move || {
            let node = Node::read(rest)?;
            rest = rest.get(node.len()..)?;
            Some(node)
        })
    }

    /// A shard of encoded names. `arena` holds them one after the other.
    pub(super) fn build(seed: Seed, depth: u8, arena: Vec<u8>) -> Shard {
        let mut shard = Shard { table: HashTable::new(), arena: arena.into_boxed_slice(), depth };
        let hash_at = |&at: &u32| seed.hash(name_at(&shard.arena, at).unwrap_or(&[]));
        let mut table = HashTable::with_capacity(shard.nodes().count());
        let mut at = 0_u32;
        for node in shard.nodes() {
            table.insert_unique(seed.hash(node.name), at, hash_at);
            at = at.saturating_add(u32::try_from(node.len()).unwrap_or(u32::MAX));
        }
        shard.table = table;
        shard
    }

    /// The same names but `name`, and `encoded` if there is something to put in its place.
    pub(super) fn replaced(&self, seed: Seed, name: &[u8], encoded: &[u8]) -> Shard {
        let mut arena = Vec::with_capacity(self.arena.len().saturating_add(encoded.len()));
        let mut rest: &[u8] = &self.arena;
        for node in self.nodes() {
            let Some((bytes, behind)) = rest.split_at_checked(node.len()) else { break };
            if node.name != name {
                arena.extend_from_slice(bytes);
            }
            rest = behind;
        }
        arena.extend_from_slice(encoded);
        Shard::build(seed, self.depth, arena)
    }

    /// Two shards: by the first bit of the hash that is not common to all names here.
    pub(super) fn split(&self, seed: Seed) -> [Shard; 2] {
        let mut arenas = [Vec::new(), Vec::new()];
        let [zeros, ones] = &mut arenas;
        let mut rest: &[u8] = &self.arena;
        for node in self.nodes() {
            let Some((bytes, behind)) = rest.split_at_checked(node.len()) else { break };
            let bit = super::directory::spread(seed.hash(node.name)) >> self.depth & 1;
            if bit == 0 {
                zeros.extend_from_slice(bytes)
            } else {
                ones.extend_from_slice(bytes)
            }
            rest = behind;
        }
        arenas.map(|arena| Shard::build(seed, self.depth.saturating_add(1), arena))
    }

    #[inline]
    fn node(&self, at: u32) -> Option<Node<'_>> {
        Node::read(self.arena.get(usize::try_from(at).ok()?..)?)
    }
}

#[inline]
fn name_at(arena: &[u8], at: u32) -> Option<&[u8]> {
    let (&length, rest) = arena.get(usize::try_from(at).ok()?..)?.split_first()?;
    rest.get(..usize::from(length))
}
