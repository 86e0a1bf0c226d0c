//! The search tree of a database, walked in the order of addresses.
//!
//! The crate's own walk passes over empty subtrees without end in sight when nodes are shared; this
//! one counts its steps,
//! and does not enter the subtrees that show IPv4 again inside IPv6.

use maxminddb::Metadata;

use super::MmdbError;
use crate::family::Kind;
use crate::native::V4_ALIASES;
use crate::span::Span;

/// The nodes of a tree: two records each, of 24, 28 or 32 bits.
pub(super) struct Tree<'a> {
    nodes: &'a [u8],
    node_count: u32,
    record_bits: u16,
    /// Bits of the addresses that the root divides.
    width: u8,
}

/// A prefix whose addresses share one record, or have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) kind: Kind,
    pub(super) first: u128,
    pub(super) prefix: u8,
    /// What the tree says of the place of the record.
    pub(super) pointer: Option<u32>,
}

/// A subtree still to be walked.
#[derive(Clone, Copy)]
struct Branch {
    node: u32,
    first: u128,
    depth: u8,
}

/// Six times the nodes of the largest city database of 2026; a tree of shared nodes can be endless.
pub(super) const VISITS_MAX: u32 = 1 << 26;
/// IPv4 lies at ::/96 of an IPv6 tree.
const V4_DEPTH: u8 = 96;

// === impl Tree ===

impl<'a> Tree<'a> {
    /// `bytes` is the whole file, which begins with the tree.
    pub(super) fn new(bytes: &'a [u8], metadata: &Metadata) -> Tree<'a> {
        Tree {
            nodes: bytes,
            node_count: metadata.node_count,
            record_bits: metadata.record_size,
            width: if metadata.ip_version == 4 { Kind::V4.width() } else { Kind::V6.width() },
        }
    }

    pub(super) fn walk(
        &self,
        mut take: impl FnMut(Leaf) -> Result<(), MmdbError>,
    ) -> Result<(), MmdbError> {
        let mut visits = 0_u32;
        let mut waiting = vec![Branch { node: 0, first: 0, depth: 0 }];
        while let Some(branch) = waiting.pop() {
            visits = visits.saturating_add(1);
            if visits > VISITS_MAX {
                return Err(MmdbError::TooManyNodes);
            }
            if branch.node < self.node_count && !self.is_alias(&branch) {
                let [left, right] = self.children(&branch)?;
                waiting.extend([right, left]);
            } else {
                self.leaves(&branch).into_iter().flatten().try_for_each(&mut take)?;
            }
        }
        Ok(())
    }

    fn is_alias(&self, branch: &Branch) -> bool {
        let is_v6 = self.width == Kind::V6.width();
        is_v6 && V4_ALIASES.contains(&(branch.first, branch.depth))
    }

    fn children(&self, branch: &Branch) -> Result<[Branch; 2], MmdbError> {
        if branch.depth >= self.width {
            return Err(MmdbError::TooDeep);
        }
        let (left, right) = self.node(branch.node).ok_or(MmdbError::Truncated)?;
        let depth = branch.depth.saturating_add(1);
        let bit = 1_u128.checked_shl(u32::from(self.width.saturating_sub(depth))).unwrap_or(0);
        Ok([
            Branch { node: left, first: branch.first, depth },
            Branch { node: right, first: branch.first | bit, depth },
        ])
    }

    /// MaxMind DB file format 2.0, "Node layout".
    fn node(&self, number: u32) -> Option<(u32, u32)> {
        let bytes = usize::from(self.record_bits / 4);
        let from = usize::try_from(number).ok()?.checked_mul(bytes)?;
        let node = self.nodes.get(from..from.checked_add(bytes)?)?;
        match *node {
            [a, b, c, d, e, f] => {
                Some((u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes([0, d, e, f])))
            }
            [a, b, c, middle, d, e, f] => Some((
                u32::from_be_bytes([middle >> 4, a, b, c]),
                u32::from_be_bytes([middle & 0xf, d, e, f]),
            )),
            [a, b, c, d, e, f, g, h] => {
                Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
            }
            _ => None,
        }
    }

    /// The leaf at the end of a branch; two of them where an IPv6 one holds all of IPv4.
    fn leaves(&self, branch: &Branch) -> [Option<Leaf>; 2] {
        let pointer = Some(branch.node).filter(|&node| node > self.node_count);
        let leaf = |kind, prefix| Some(Leaf { kind, first: branch.first, prefix, pointer });
        if self.width == Kind::V4.width() {
            return [leaf(Kind::V4, branch.depth), None];
        }
        let in_v4 = branch.first >> Kind::V4.width() == 0;
        match branch.depth.checked_sub(V4_DEPTH) {
            Some(prefix) if in_v4 => {
                let of_v6 = Leaf { kind: Kind::V6, first: 0, prefix: V4_DEPTH, pointer: None };
                [leaf(Kind::V4, prefix), Some(of_v6).filter(|_| branch.first == 0)]
            }
            None if in_v4 => [leaf(Kind::V4, 0), leaf(Kind::V6, branch.depth)],
            Some(_) | None => [leaf(Kind::V6, branch.depth), None],
        }
    }
}

// === impl Leaf ===

impl Leaf {
    pub(super) fn span(&self) -> Span {
        let free = u32::from(self.kind.width().saturating_sub(self.prefix));
        let fill = 1_u128.checked_shl(free).map_or(u128::MAX, |block| block.saturating_sub(1));
        Span { first: self.first, last: self.first | fill }
    }
}

#[cfg(test)]
mod tests;
