//! The starts of IPv4 ranges by /16: two bytes each, and one table says where those of a /16 are.
//!
//! Databases know about every fourth /16 as one range and most others in up to 256 pieces, so the starts of a
//! /16 fill a few neighbouring cache lines.

use super::{Hit, prefix};
use crate::family::Kind;

/// Range starts, rising.
#[derive(Debug)]
pub(super) struct Slots {
    /// For each /16 the number of the first range that starts in it or behind it; one more for the end.
    firsts: Vec<u32>,
    /// The low 16 bits of every start.
    lows: Vec<u16>,
    /// For a /16 inside one range, the prefix of all its keys; the other entries mean nothing.
    whole: Vec<u8>,
}

const SLOTS: usize = 1 << 16;
const LOW_BITS: u32 = 16;
/// The starts that fill a cache line.
const LINE: usize = 32;
/// Databases that know /24s have no more in a /16. Beyond, halving wins.
const LINES_MAX: usize = 8;
/// Differs from every key of a /16 in a bit that keys of a /16 do not have.
const OUTSIDE: u32 = 1 << LOW_BITS;

// === impl Slots ===

impl Slots {
    pub(super) fn new(expected: usize) -> Slots {
        Slots { firsts: vec![0; SLOTS + 1], lows: Vec::with_capacity(expected), whole: Vec::new() }
    }

    /// Starts rise.
    #[inline]
    pub(super) fn push(&mut self, start: u64) {
        // Counts the starts of each /16 in the entry behind it, until `finish` adds them up.
        if let Some(count) = self.firsts.get_mut(slot(start).saturating_add(1)) {
            *count = count.saturating_add(1);
        }
        self.lows.push(start as u16);
    }

    pub(super) fn finish(&mut self) {
        let mut before = 0_u32;
        for count in &mut self.firsts {
            before = before.saturating_add(*count);
            *count = before;
        }
        self.lows.shrink_to_fit();
        self.whole = self.prefixes();
    }

    #[inline]
    pub(super) fn find(&self, key: u64) -> Option<Hit> {
        let first = *self.firsts.get(slot(key))? as usize;
        let end = *self.firsts.get(slot(key).saturating_add(1))? as usize;
        let lows = self.lows.get(first..end)?;
        let low = key as u16;
        let started = count_started(lows, low);
        let number = first.checked_add(started)?.checked_sub(1)?;
        // What differs least from the key decides: the key before the range, or the one behind it.
        let own = started.checked_sub(1).and_then(|own| lows.get(own));
        let below = own.and_then(|own| own.checked_sub(1)).map_or(OUTSIDE, |at| (at ^ low).into());
        let above = lows.get(started).map_or(OUTSIDE, |at| (at ^ low).into());
        let nearest: u32 = below.min(above);
        if nearest == OUTSIDE {
            return Some((number, *self.whole.get(slot(key))?));
        }
        Some((number, (nearest.leading_zeros() as u8).saturating_add(1)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let slots = self.firsts.windows(2).zip(0_u64..);
        slots.flat_map(|(bounds, slot)| {
            let range = match bounds {
                [first, end] => *first as usize..*end as usize,
                _ => 0..0,
            };
            let lows = self.lows.get(range).unwrap_or(&[]);
            lows.iter().map(move |&low| slot << LOW_BITS | u64::from(low))
        })
    }

    /// The prefix of each /16 that lies inside one range, found from range to range.
    fn prefixes(&self) -> Vec<u8> {
        let mut whole = vec![0; SLOTS];
        let last_key = Kind::V4.key_last();
        let ends = self.iter().skip(1).map(|start| start.saturating_sub(1)).chain([last_key]);
        for (first, last) in self.iter().zip(ends) {
            let from = slot(first.saturating_add((1 << LOW_BITS) - 1));
            let to = slot(last.saturating_add(1));
            for inside in from..to {
                let key = (inside as u64) << LOW_BITS;
                if let Some(entry) = whole.get_mut(inside) {
                    *entry = prefix(Kind::V4, key, first, last);
                }
            }
        }
        whole
    }
}

fn slot(key: u64) -> usize {
    (key >> LOW_BITS) as usize
}

/// How many of the starts are not behind `low`: line by line, because a guessed branch fetches the next line
/// while this one is on its way, and halving would wait for each; then within the line.
#[inline]
fn count_started(lows: &[u16], low: u16) -> usize {
    if lows.len() > LINE * LINES_MAX {
        return lows.partition_point(|&start| start <= low);
    }
    let mut rest = lows;
    while let Some((_line, behind)) = rest.split_at_checked(LINE)
        && behind.first().is_some_and(|&start| start <= low)
    {
        rest = behind;
    }
    let line = rest.get(..LINE).unwrap_or(rest);
    let within: u16 = line.iter().map(|&start| u16::from(start <= low)).sum();
    lows.len().saturating_sub(rest.len()).saturating_add(within.into())
}
