//! Values of address ranges, packed for a search that touches few cache lines.

use crate::family::Kind;
use crate::span::Span;

/// A value for every key of a family. A range holds until the next one starts; the first starts at key 0.
///
/// Up to [`BLOCK_RANGES`] ranges that share all but the low 16 bits of their start are a block, so
/// that a range costs
/// two bytes and its value. A lookup goes `jump` (top bits of the key) → `summits` (every
/// [`SUMMIT_BLOCKS`]th block, few
/// enough to stay in the cache) → `heads` (its block) → `lows` → `values`.
#[derive(Debug)]
pub(crate) struct Ranges<V> {
    kind: Kind,
    /// For each value of the top bits, how many summits lie below it.
    jump: Box<[u32]>,
    summits: Box<[u64]>,
    /// The start of the first range of each block, rising.
    heads: Box<[u64]>,
    /// The number of the first range of each block, and one more for the end.
    firsts: Box<[u32]>,
    /// The low 16 bits of every start.
    lows: Box<[u16]>,
    values: Box<[V]>,
}

/// A block on its own.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// What the starts have in common.
    high: u64,
    /// The number of its first range.
    first: usize,
    lows: &'a [u16],
}

/// Ranges while they are added, start by start.
#[derive(Debug)]
pub(crate) struct Packing<V> {
    kind: Kind,
    heads: Vec<u64>,
    firsts: Vec<u32>,
    lows: Vec<u16>,
    values: Vec<V>,
    /// Where the next range may start: behind the last one, and up to the last key.
    start_min: u64,
    key_last: u64,
    /// The high part of the block that is being filled, and how many more ranges it takes.
    block_high: u64,
    block_room: usize,
}

/// What holds at a key, and from where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<V> {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) value: V,
}

/// A start that is not behind the one before it, or not in the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("range start {start:#x} is out of order")]
pub struct OutOfOrder {
    start: u64,
}

/// The low halves of a block fill one cache line.
const BLOCK_RANGES: usize = 32;
/// The heads between two summits fill two cache lines.
const SUMMIT_BLOCKS: usize = 16;
const LOW_BITS: u32 = 16;
const JUMP_SLOTS: usize = 1 << 16;

// === impl Ranges ===

impl<V: Copy + PartialEq> Ranges<V> {
    pub(crate) fn constant(kind: Kind, value: V) -> Ranges<V> {
        let mut packing = Packing::new(kind, 1);
        packing.merge(0, value);
        packing.finish()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// None only for a key that the family does not have.
    pub(crate) fn find(&self, key: u64) -> Option<Found<V>> {
        if key > self.kind.key_last() {
            return None;
        }
        let number = self.block_of(key)?;
        let block = self.block(number)?;
        let (high, low) = split(key);
        let started = if block.high == high {
            // Counting all of a cache line beats halving it: no step waits for the one before.
            block.lows.iter().filter(|&&start| start <= low).count()
        } else {
            block.lows.len()
        };
        self.found(number, &block, started)
    }

    /// All ranges, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Found<V>> + '_ {
        (0..self.heads.len()).filter_map(|number| Some((number, self.block(number)?))).flat_map(
            move |(number, block)| {
                (1..=block.lows.len())
                    .filter_map(move |started| self.found(number, &block, started))
            },
        )
    }

    /// The same ranges with other values; equal neighbours become one.
    pub(crate) fn map<W: Copy + PartialEq>(
        &self,
        mut value: impl FnMut(Found<V>) -> W,
    ) -> Ranges<W> {
        let mut packing = Packing::new(self.kind, self.len());
        for found in self.iter() {
            packing.merge(found.first, value(found));
        }
        packing.finish()
    }

    /// The last block that does not begin behind the key.
    fn block_of(&self, key: u64) -> Option<usize> {
        let slot = slot(self.kind, key);
        let from = *self.jump.get(slot)? as usize;
        let to = *self.jump.get(slot.checked_add(1)?)? as usize;
        let summit = last_up_to(&self.summits, from..to, key)?;
        let first = summit.checked_mul(SUMMIT_BLOCKS)?;
        let end = first.checked_add(SUMMIT_BLOCKS)?.min(self.heads.len());
        last_up_to(&self.heads, first..end, key)
    }

    fn block(&self, number: usize) -> Option<Block<'_>> {
        let first = *self.firsts.get(number)? as usize;
        let end = *self.firsts.get(number.checked_add(1)?)? as usize;
        let high = split(*self.heads.get(number)?).0;
        Some(Block { high, first, lows: self.lows.get(first..end)? })
    }

    /// The last of the first `started` ranges of a block.
    fn found(&self, number: usize, block: &Block<'_>, started: usize) -> Option<Found<V>> {
        let own = started.checked_sub(1)?;
        let end = match block.lows.get(started) {
            Some(&low) => block.high | u64::from(low),
            None => match self.heads.get(number.checked_add(1)?) {
                Some(&head) => head,
                None => self.kind.key_last().checked_add(1)?,
            },
        };
        Some(Found {
            first: block.high | u64::from(*block.lows.get(own)?),
            last: end.checked_sub(1)?,
            value: *self.values.get(block.first.checked_add(own)?)?,
        })
    }
}

// === impl Packing ===

impl<V: Copy + PartialEq> Packing<V> {
    /// The first start pushed must be 0, or the keys below it have no value.
    pub(crate) fn new(kind: Kind, expected: usize) -> Packing<V> {
        Packing {
            kind,
            heads: Vec::new(),
            firsts: Vec::new(),
            lows: Vec::with_capacity(expected),
            values: Vec::with_capacity(expected),
            start_min: 0,
            key_last: kind.key_last(),
            block_high: 0,
            block_room: 0,
        }
    }

    /// Starts rise. Ranges are numbered in 32 bits, which what we read them from cannot exceed:
    /// the size of a compact
    /// table and the nodes of a database have limits far below.
    #[inline]
    pub(crate) fn push(&mut self, start: u64, value: V) -> Result<(), OutOfOrder> {
        if start < self.start_min || start > self.key_last {
            return Err(OutOfOrder { start });
        }
        self.start_min = start.saturating_add(1);
        self.merge(start, value);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn last(&self) -> Option<V> {
        self.values.last().copied()
    }

    pub(crate) fn finish(mut self) -> Ranges<V> {
        self.firsts.push(self.lows.len() as u32);
        let summits: Box<[_]> = self.heads.iter().step_by(SUMMIT_BLOCKS).copied().collect();
        Ranges {
            kind: self.kind,
            jump: jump(self.kind, &summits),
            summits,
            heads: self.heads.into_boxed_slice(),
            firsts: self.firsts.into_boxed_slice(),
            lows: self.lows.into_boxed_slice(),
            values: self.values.into_boxed_slice(),
        }
    }

    #[inline]
    fn merge(&mut self, start: u64, value: V) {
        if self.values.last() == Some(&value) {
            return;
        }
        let (high, low) = split(start);
        if self.block_room == 0 || self.block_high != high {
            self.heads.push(start);
            self.firsts.push(self.lows.len() as u32);
            (self.block_high, self.block_room) = (high, BLOCK_RANGES);
        }
        self.block_room = self.block_room.saturating_sub(1);
        self.lows.push(low);
        self.values.push(value);
    }
}

// === impl Found ===

impl<V> Found<V> {
    /// The length of the shortest prefix around `key` without a key from outside the range:
    /// [`Span::prefix`] in 64 bits.
    pub(crate) fn prefix(&self, key: u64, kind: Kind) -> u8 {
        let free = |outside: u64| 63_u8.saturating_sub((key ^ outside).leading_zeros() as u8);
        let all = kind.key_bits();
        let below = self.first.checked_sub(1).map_or(all, free);
        let above =
            if self.last < kind.key_last() { free(self.last.saturating_add(1)) } else { all };
        all.saturating_sub(below.min(above))
    }

    /// The same run in addresses, when a key is an address without its last `shift` bits.
    pub(crate) fn span(&self, shift: u8) -> Span {
        let fill =
            1_u128.checked_shl(shift.into()).map_or(u128::MAX, |keys| keys.saturating_sub(1));
        Span { first: u128::from(self.first) << shift, last: u128::from(self.last) << shift | fill }
    }
}

/// A key as its high part, the low bits zero, and its low bits.
fn split(key: u64) -> (u64, u16) {
    (key >> LOW_BITS << LOW_BITS, key as u16)
}

/// IPv6 keys at and above 4000::, which are not assigned, share the last slot.
fn slot(kind: Kind, key: u64) -> usize {
    let shift = match kind {
        Kind::V4 => 16,
        Kind::V6 => 30,
    };
    (key >> shift).min(JUMP_SLOTS as u64 - 1) as usize
}

/// The last of the starts within `range` that is not behind the key, or the one in front of the range.
fn last_up_to(starts: &[u64], range: std::ops::Range<usize>, key: u64) -> Option<usize> {
    let within = starts.get(range.clone())?.partition_point(|&start| start <= key);
    range.start.checked_add(within)?.checked_sub(1)
}

fn jump(kind: Kind, summits: &[u64]) -> Box<[u32]> {
    let mut jump = vec![0; JUMP_SLOTS + 1];
    for &summit in summits {
        let above = slot(kind, summit).saturating_add(1);
        jump.get_mut(above)
            .into_iter()
            .for_each(|count: &mut u32| *count = count.saturating_add(1));
    }
    let mut below = 0_u32;
    for count in &mut jump {
        below = below.saturating_add(*count);
        *count = below;
    }
    jump.into_boxed_slice()
}

#[cfg(test)]
mod tests;
