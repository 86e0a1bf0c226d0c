//! Values of address ranges, packed for a search that touches few cache lines.

mod blocks;
mod slots;

use crate::family::Kind;
use crate::layer::Layer;
use crate::span::last_of;
use blocks::Blocks;
use slots::Slots;

/// A value for every key of a family. A range holds until the next one starts; the first starts at key 0.
#[derive(Debug)]
pub(crate) struct Ranges<V> {
    kind: Kind,
    starts: Starts,
    /// In the order of the starts.
    values: Box<[V]>,
}

/// Where the ranges start: IPv4 fills its space evenly, IPv6 a few corners of its own.
#[derive(Debug)]
enum Starts {
    V4(Slots),
    V6(Blocks),
}

/// Ranges while they are added, start by start.
#[derive(Debug)]
pub(crate) struct Packing<V> {
    kind: Kind,
    starts: Starts,
    values: Vec<V>,
    /// Where the next range may start: behind the last one, and up to the last key.
    start_min: u64,
}

/// What holds at a key, and the length of the shortest prefix around it in which nothing else does,
/// counted in the bits of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<V> {
    pub(crate) value: V,
    pub(crate) prefix: u8,
}

/// A value, from its first key to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range<V> {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) value: V,
}

/// The number of the range that a key is in, and its prefix.
type Hit = (usize, u8);

/// A start that is not behind the one before it, or not in the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("range start {start:#x} is out of order")]
pub struct OutOfOrder {
    start: u64,
}

// === impl Ranges ===

impl<V: Copy + PartialEq> Ranges<V> {
    pub(crate) fn constant(kind: Kind, value: V) -> Ranges<V> {
        let mut packing = Packing::new(kind, 1);
        packing.merge(0, value);
        packing.finish()
    }

    /// The values of a layer without prefixes finer than a key, and `none` between them.
    pub(crate) fn of_layer(kind: Kind, layer: &Layer<V>, none: V) -> Ranges<V> {
        let mut packing = Packing::new(kind, layer.len().saturating_add(1));
        if layer.starts().next().is_none_or(|(first, _)| first > 0) {
            packing.merge(0, none);
        }
        let last = last_of(kind.width());
        for (start, value) in layer.starts().take_while(|&(start, _)| start <= last) {
            packing.merge(kind.range_key(start), value.unwrap_or(none));
        }
        packing.finish()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// None only for a key that the family does not have. Always inlined: every answer that is steered by place has it
    /// on its way, and by itself the compiler decides anew with each change elsewhere.
    #[inline(always)]
    pub(crate) fn find(&self, key: u64) -> Option<Found<V>> {
        let (number, prefix) = match &self.starts {
            Starts::V4(slots) => slots.find(key),
            Starts::V6(blocks) => blocks.find(key),
        }?;
        Some(Found { value: *self.values.get(number)?, prefix })
    }

    /// All ranges, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<V>> + '_ {
        let ends = self.starts.iter().skip(1).map(|start| start.saturating_sub(1));
        let bounds = self.starts.iter().zip(ends.chain([self.kind.key_last()]));
        bounds.zip(&self.values).map(|((first, last), &value)| Range { first, last, value })
    }

    /// The same ranges with other values; equal neighbours become one.
    pub(crate) fn map<W: Copy + PartialEq>(
        &self,
        mut value: impl FnMut(Range<V>) -> W,
    ) -> Ranges<W> {
        let mut packing = Packing::new(self.kind, self.len());
        for range in self.iter() {
            packing.merge(range.first, value(range));
        }
        packing.finish()
    }
}

// === impl Starts ===

impl Starts {
    fn iter(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match self {
            Starts::V4(slots) => Box::new(slots.iter()),
            Starts::V6(blocks) => Box::new(blocks.iter()),
        }
    }
}

// === impl Packing ===

impl<V: Copy + PartialEq> Packing<V> {
    /// The first start pushed must be 0, or the keys below it have no value.
    pub(crate) fn new(kind: Kind, expected: usize) -> Packing<V> {
        let starts = match kind {
            Kind::V4 => Starts::V4(Slots::new(expected)),
            Kind::V6 => Starts::V6(Blocks::new(expected)),
        };
        Packing { kind, starts, values: Vec::with_capacity(expected), start_min: 0 }
    }

    /// Starts rise. Ranges are numbered in 32 bits, which what we read them from cannot exceed:
    /// the size of a compact table and the nodes of a database have limits far below.
    #[inline]
    pub(crate) fn push(&mut self, start: u64, value: V) -> Result<(), OutOfOrder> {
        if start < self.start_min || start > self.kind.key_last() {
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
        match &mut self.starts {
            Starts::V4(slots) => slots.finish(),
            Starts::V6(blocks) => blocks.finish(),
        }
        Ranges { kind: self.kind, starts: self.starts, values: self.values.into_boxed_slice() }
    }

    #[inline]
    fn merge(&mut self, start: u64, value: V) {
        if self.values.last() == Some(&value) {
            return;
        }
        match &mut self.starts {
            Starts::V4(slots) => slots.push(start),
            Starts::V6(blocks) => blocks.push(start),
        }
        self.values.push(value);
    }
}

/// The highest bit in which two keys differ: a block of that many bits around one leaves the other out.
fn free_bits(key: u64, outside: u64) -> u8 {
    63_u8.saturating_sub((key ^ outside).leading_zeros() as u8)
}

/// The length of the shortest prefix around `key` without a key from outside `first..=last`.
fn prefix(kind: Kind, key: u64, first: u64, last: u64) -> u8 {
    let all = kind.key_bits();
    let below = first.checked_sub(1).map_or(all, |outside| free_bits(key, outside));
    let above = if last < kind.key_last() { free_bits(key, last.saturating_add(1)) } else { all };
    all.saturating_sub(below.min(above))
}

#[cfg(test)]
mod tests;
