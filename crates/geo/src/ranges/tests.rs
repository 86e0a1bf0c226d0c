use proptest::prelude::*;

use super::*;
use crate::span::Span;

/// Starts that lie close together in a few blocks, far apart, and at the ends.
fn starts(kind: Kind) -> impl Strategy<Value = Vec<(u64, u8)>> {
    let last = kind.key_last();
    let near = (0_u64..6, 0_u64..400).prop_map(move |(block, low)| (block << 16 | low).min(last));
    let start = prop_oneof![4 => near, 2 => 0..=last, 1 => Just(last)];
    proptest::collection::btree_map(start, 0_u8..4, 0..300)
        .prop_map(|starts| starts.into_iter().collect())
}

/// The last value pushed at or before a key.
fn naive(starts: &[(u64, u8)], key: u64) -> u8 {
    starts.iter().rev().find(|&&(start, _)| start <= key).map_or(9, |&(_, value)| value)
}

fn packed(kind: Kind, starts: &[(u64, u8)]) -> Ranges<u8> {
    let mut packing = Packing::new(kind, starts.len());
    if starts.first().is_none_or(|&(start, _)| start > 0) {
        packing.push(0, 9).unwrap();
    }
    starts.iter().for_each(|&(start, value)| packing.push(start, value).unwrap());
    packing.finish()
}

/// The prefix holds one value, and the prefix around it does not.
fn check_prefix(
    kind: Kind,
    starts: &[(u64, u8)],
    key: u64,
    found: Found<u8>,
) -> Result<(), TestCaseError> {
    let one_value = |prefix: u8| {
        let free = kind.key_bits() - prefix;
        let first = key >> free << free;
        let last = first + ((1_u64 << free) - 1);
        let begun = starts.iter().map(|&(start, _)| start).chain([first]);
        let mut inside = begun.filter(|start| (first..=last).contains(start));
        inside.all(|start| naive(starts, start) == found.value)
    };
    let prefix = found.prefix;
    prop_assert!(one_value(prefix), "/{} at {:#x}", prefix, key);
    if let Some(wider) = prefix.checked_sub(1) {
        prop_assert!(!one_value(wider), "/{} at {:#x} could be wider", prefix, key);
    }
    Ok(())
}

fn agree(kind: Kind, starts: &[(u64, u8)], keys: &[u64]) -> Result<(), TestCaseError> {
    let ranges = packed(kind, starts);
    let around = starts.iter().flat_map(|&(start, _)| [start.saturating_sub(1), start, start + 1]);
    let all = keys.iter().copied().chain(around).filter(|&key| key <= kind.key_last());
    for key in all.chain([0, kind.key_last()]) {
        let found = ranges.find(key).unwrap();
        prop_assert_eq!(found.value, naive(starts, key), "at {:#x}", key);
        check_prefix(kind, starts, key, found)?;
    }
    let mut next = 0;
    for range in ranges.iter() {
        prop_assert_eq!(range.first, next);
        for key in [range.first, range.last] {
            prop_assert_eq!(ranges.find(key).map(|found| found.value), Some(range.value));
        }
        next = range.last + 1;
        if next <= kind.key_last() {
            prop_assert_ne!(naive(starts, next), range.value, "a range ends where its value does");
        }
    }
    prop_assert_eq!(next, kind.key_last() + 1);
    Ok(())
}

proptest! {
    #[test]
    fn ipv4_ranges_answer_like_a_linear_scan(
        starts in starts(Kind::V4),
        keys in proptest::collection::vec(any::<u32>().prop_map(u64::from), 20),
    ) {
        agree(Kind::V4, &starts, &keys)?;
    }

    #[test]
    fn ipv6_ranges_answer_like_a_linear_scan(
        starts in starts(Kind::V6),
        keys in proptest::collection::vec(0_u64..1 << 48, 20),
    ) {
        agree(Kind::V6, &starts, &keys)?;
    }

    #[test]
    fn mapping_merges_what_becomes_equal(starts in starts(Kind::V4)) {
        let mapped = packed(Kind::V4, &starts).map(|found| found.value / 2);
        let halves: Vec<_> = starts.iter().map(|&(start, value)| (start, value / 2)).collect();
        for found in mapped.iter() {
            prop_assert_eq!(found.value, naive(&halves, found.first).min(4));
            if let Some(before) = found.first.checked_sub(1) {
                prop_assert_ne!(naive(&halves, before).min(4), found.value);
            }
        }
    }
}

#[test]
fn a_16_in_many_pieces_is_searched_like_one_in_few() {
    for pieces in [1, 31, 32, 33, 255, 256, 257, 400] {
        let start = |number: u64| ((5 << 16) | (number * 9), (number % 4) as u8);
        let starts: Vec<_> = (0..pieces).map(start).chain([((6 << 16) | 7, 8)]).collect();
        agree(Kind::V4, &starts, &[(5 << 16) | 0xffff, 6 << 16, 7 << 16]).unwrap();
    }
}

#[test]
fn starts_that_fall_or_leave_the_family_are_refused() {
    let mut packing = Packing::new(Kind::V4, 0);
    let check = |packing: &mut Packing<char>, start, wanted| {
        assert_eq!(packing.push(start, 'a'), wanted, "{start:#x}");
    };
    check(&mut packing, 0, Ok(()));
    check(&mut packing, 1 << 32, Err(OutOfOrder { start: 1 << 32 }));
    check(&mut packing, 9, Ok(()));
    check(&mut packing, 9, Err(OutOfOrder { start: 9 }));
    check(&mut packing, 8, Err(OutOfOrder { start: 8 }));
    check(&mut packing, u32::MAX.into(), Ok(()));
    let ranges = packing.finish();
    assert_eq!((ranges.len(), ranges.find(1 << 32)), (1, None));
}

#[test]
fn a_family_of_one_value_is_one_range() {
    let found = |kind| Ranges::constant(kind, 'x').find(7);
    assert_eq!(found(Kind::V4), Some(Found { value: 'x', prefix: 0 }));
    assert_eq!(found(Kind::V6), Some(Found { value: 'x', prefix: 0 }));
    let all = Ranges::constant(Kind::V6, 'x').iter().collect::<Vec<_>>();
    assert_eq!(all, [Range { first: 0, last: 0xffff_ffff_ffff, value: 'x' }]);
}

#[test]
fn a_layer_becomes_ranges_that_end_with_the_family() {
    let span = |first, last| Span { first, last };
    let check = |kind, spans, wanted: &[(u64, u64, u8)]| {
        let ranges = Ranges::of_layer(kind, &Layer::of(spans), 9);
        let found: Vec<_> = ranges.iter().map(|r| (r.first, r.last, r.value)).collect();
        assert_eq!(found, wanted);
        assert_eq!(ranges.len(), wanted.len());
    };
    check(Kind::V4, vec![], &[(0, 0xffff_ffff, 9)]);
    check(Kind::V4, vec![(span(0, 0xffff_ffff), 1)], &[(0, 0xffff_ffff, 1)]);
    let ends = vec![(span(0, 7), 1), (span(4, 7), 2), (span(0xffff_fff0, 0xffff_ffff), 3)];
    let wanted = [(0, 3, 1), (4, 7, 2), (8, 0xffff_ffef, 9), (0xffff_fff0, 0xffff_ffff, 3)];
    check(Kind::V4, ends, &wanted);
    let of_ipv6 = vec![(span(5 << 80, (6 << 80) - 1), 1)];
    check(Kind::V6, of_ipv6, &[(0, 4, 9), (5, 5, 1), (6, 0xffff_ffff_ffff, 9)]);
}
