//! The starts of IPv6 ranges, which crowd in a few /18s: blocks of neighbours, and two levels above them.
//!
//! Up to [`BLOCK_RANGES`] ranges that share all but the low 16 bits of their start are a block, so that a start
//! costs two bytes. A lookup goes `jump` (top bits of the key) → `summits` (every [`SUMMIT_BLOCKS`]th block, few
//! enough to stay in the cache) → `heads` (its block) → `lows`.

use super::{Hit, prefix};
use crate::family::Kind;

/// Range starts, rising.
#[derive(Debug)]
pub(super) struct Blocks {
    /// For each value of the top bits, how many summits lie below it.
    jump: Box<[u32]>,
    summits: Box<[u64]>,
    /// The start of the first range of each block, rising.
    heads: Vec<u64>,
    /// The number of the first range of each block, and one more for the end.
    firsts: Vec<u32>,
    /// The low 16 bits of every start.
    lows: Vec<u16>,
    /// The high part of the block that is being filled, and how many more ranges it takes.
    block_high: u64,
    block_room: usize,
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

/// The low halves of a block fill one cache line.
const BLOCK_RANGES: usize = 32;
/// The heads between two summits fill two cache lines.
const SUMMIT_BLOCKS: usize = 16;
const LOW_BITS: u32 = 16;
const JUMP_SLOTS: usize = 1 << 16;
const JUMP_SHIFT: u32 = 30;

// === impl Blocks ===

impl Blocks {
    pub(super) fn new(expected: usize) -> Blocks {
        Blocks {
            jump: Box::default(),
            summits: Box::default(),
            heads: Vec::new(),
            firsts: Vec::new(),
            lows: Vec::with_capacity(expected),
            block_high: 0,
            block_room: 0,
        }
    }

    /// Starts rise.
    #[inline]
    pub(super) fn push(&mut self, start: u64) {
        let (high, low) = split(start);
        if self.block_room == 0 || self.block_high != high {
            self.heads.push(start);
            self.firsts.push(self.lows.len() as u32);
            (self.block_high, self.block_room) = (high, BLOCK_RANGES);
        }
        self.block_room = self.block_room.saturating_sub(1);
        self.lows.push(low);
    }

    pub(super) fn finish(&mut self) {
        self.firsts.push(self.lows.len() as u32);
        self.summits = self.heads.iter().step_by(SUMMIT_BLOCKS).copied().collect();
        self.jump = jump(&self.summits);
        self.heads.shrink_to_fit();
        self.firsts.shrink_to_fit();
        self.lows.shrink_to_fit();
    }

    pub(super) fn find(&self, key: u64) -> Option<Hit> {
        if key > Kind::V6.key_last() {
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
        let own = started.checked_sub(1)?;
        let first = block.high | u64::from(*block.lows.get(own)?);
        let last = self.end(number, &block, started)?.checked_sub(1)?;
        Some((block.first.checked_add(own)?, prefix(Kind::V6, key, first, last)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.heads.len())
            .filter_map(|number| self.block(number))
            .flat_map(|block| block.lows.iter().map(move |&low| block.high | u64::from(low)))
    }

    /// The last block that does not begin behind the key.
    fn block_of(&self, key: u64) -> Option<usize> {
        let slot = slot(key);
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

    /// Where the range behind the first `started` of a block starts.
    fn end(&self, number: usize, block: &Block<'_>, started: usize) -> Option<u64> {
        if let Some(&low) = block.lows.get(started) {
            return Some(block.high | u64::from(low));
        }
        match self.heads.get(number.checked_add(1)?) {
            Some(&head) => Some(head),
            None => Kind::V6.key_last().checked_add(1),
        }
    }
}

/// A key as its high part, the low bits zero, and its low bits.
fn split(key: u64) -> (u64, u16) {
    (key >> LOW_BITS << LOW_BITS, key as u16)
}

/// Keys at and above 4000::, which are not assigned, share the last slot.
fn slot(key: u64) -> usize {
    (key >> JUMP_SHIFT).min(JUMP_SLOTS as u64 - 1) as usize
}

/// The last of the starts within `range` that is not behind the key, or the one in front of the range.
fn last_up_to(starts: &[u64], range: std::ops::Range<usize>, key: u64) -> Option<usize> {
    let within = starts.get(range.clone())?.partition_point(|&start| start <= key);
    range.start.checked_add(within)?.checked_sub(1)
}

fn jump(summits: &[u64]) -> Box<[u32]> {
    let mut jump = vec![0; JUMP_SLOTS + 1];
    for &summit in summits {
        let above = slot(summit).saturating_add(1);
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
