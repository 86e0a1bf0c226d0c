//! A thin layer of exceptions over the ranges: prefixes of any length, the narrower over the wider.

use crate::ranges::Found;
use crate::span::{Span, last_of};

/// Values of a few prefixes; the addresses between them have none.
#[derive(Debug, Default)]
pub(crate) struct Layer<V> {
    starts: Box<[u128]>,
    values: Box<[Option<V>]>,
}

// === impl Layer ===

impl<V: Copy + PartialEq> Layer<V> {
    /// Spans are prefixes: two of them nest or are apart. Of two equal ones the later counts.
    pub(crate) fn of(mut prefixes: Vec<(Span, V)>) -> Layer<V> {
        prefixes.sort_by_key(|(span, _)| (span.first, std::cmp::Reverse(span.last)));
        let mut flat = Flat { starts: Vec::new(), values: Vec::new() };
        let mut open: Vec<(Span, V)> = Vec::new();
        for (span, value) in prefixes {
            flat.close_before(&mut open, span.first);
            flat.start(span.first, Some(value));
            open.push((span, value));
        }
        flat.close_before(&mut open, u128::MAX);
        Layer { starts: flat.starts.into(), values: flat.values.into() }
    }

    /// The value at `key`, and how far it or the lack of one reaches.
    pub(crate) fn at(&self, key: u128, width: u8) -> (Option<V>, Span) {
        let next = self.starts.partition_point(|&start| start <= key);
        let own = next.checked_sub(1);
        let first = own.and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        let last = self.starts.get(next).map_or(last_of(width), |&start| start.saturating_sub(1));
        let value = own.and_then(|index| self.values.get(index)).copied().flatten();
        (value, Span { first, last })
    }

    /// What is found at `key` below this layer, unless the layer says otherwise; each as far as no prefix of the
    /// layer interrupts it. Prefixes around one key nest, so the longest is what they share.
    #[inline]
    pub(crate) fn over(&self, below: Found<V>, key: u128, width: u8) -> Found<V> {
        if self.is_empty() {
            return below;
        }
        let (value, reach) = self.at(key, width);
        let prefix = reach.prefix(key, width);
        match value {
            Some(value) => Found { value, prefix },
            None => Found { value: below.value, prefix: prefix.max(below.prefix) },
        }
    }

    /// Where a value or the lack of one begins, rising. The last may begin behind the family.
    pub(crate) fn starts(&self) -> impl Iterator<Item = (u128, Option<V>)> + '_ {
        self.starts.iter().copied().zip(self.values.iter().copied())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

/// Starts and values while the nesting is taken apart.
struct Flat<V> {
    starts: Vec<u128>,
    values: Vec<Option<V>>,
}

// === impl Flat ===

impl<V: Copy + PartialEq> Flat<V> {
    /// Ends the open prefixes that do not reach `first`; behind each, the one around it goes on.
    fn close_before(&mut self, open: &mut Vec<(Span, V)>, first: u128) {
        while let Some((span, _)) = open.pop_if(|(span, _)| span.last < first) {
            if let Some(after) = span.last.checked_add(1) {
                self.start(after, open.last().map(|&(_, value)| value));
            }
        }
    }

    fn start(&mut self, first: u128, value: Option<V>) {
        if self.starts.last() == Some(&first) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().flatten() != value || self.values.is_empty() {
            self.starts.push(first);
            self.values.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(first: u8, bits: u8) -> Span {
        let first = u128::from(first >> bits << bits);
        Span { first, last: first + (1 << bits) - 1 }
    }

    #[test]
    fn the_narrower_prefix_wins_and_the_wider_goes_on_behind_it() {
        let layer = Layer::of(vec![(span(0, 7), 'w'), (span(16, 4), 'n'), (span(18, 1), 'x')]);
        let check = |key, value, first, last| {
            assert_eq!(layer.at(key, 32), (value, Span { first, last }), "{key}");
        };
        check(0, Some('w'), 0, 15);
        check(16, Some('n'), 16, 17);
        check(19, Some('x'), 18, 19);
        check(31, Some('n'), 20, 31);
        check(32, Some('w'), 32, 127);
        check(128, None, 128, 0xffff_ffff);
        assert_eq!(Layer::<u8>::default().at(5, 128), (None, Span { first: 0, last: u128::MAX }));
    }

    #[test]
    fn the_last_address_can_be_covered() {
        let all = Span { first: 0, last: u128::MAX };
        let end = Span { first: u128::MAX, last: u128::MAX };
        let layer = Layer::of(vec![(end, 2), (all, 1)]);
        assert_eq!(layer.at(u128::MAX, 128), (Some(2), end));
        assert_eq!(layer.at(0, 128), (Some(1), Span { first: 0, last: u128::MAX - 1 }));
    }

    proptest! {
        #[test]
        fn every_key_has_the_value_of_its_narrowest_prefix(
            prefixes in proptest::collection::vec((any::<u8>(), 0_u8..8, 0_u8..3), 0..20),
        ) {
            let spans: Vec<_> = prefixes.iter().map(|&(at, bits, v)| (span(at, bits), v)).collect();
            let layer = Layer::of(spans.clone());
            let naive = |key: u128| {
                let around = spans.iter().filter(|(s, _)| s.first <= key && key <= s.last);
                around.rev().min_by_key(|(s, _)| s.last - s.first).map(|&(_, value)| value)
            };
            for key in 0..256_u128 {
                let (value, reach) = layer.at(key, 32);
                prop_assert_eq!(value, naive(key));
                for other in reach.first..=reach.last.min(255) {
                    prop_assert_eq!(naive(other), value);
                }
                if reach.last < 255 {
                    prop_assert_ne!(naive(reach.last + 1), value, "a reach ends where the value does");
                }
            }
        }
    }
}
