//! What open requests leave of a weight, and the draw among what is left: `least_outstanding_requests` and
//! `least_connections`.

use std::num::NonZeroU128;

use crate::PoolSlot;

/// Requests under way, counted by whoever sends them.
pub trait Load {
    fn pool(&self, pool: PoolSlot) -> u32;
    fn endpoint(&self, pool: PoolSlot, endpoint: u16) -> u32;
}

/// A weight divided by the number of open requests plus one, in units of 2⁻⁶⁴ hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effective(u128);

/// With these even the least weight under the most open requests is exact to 2⁻³² of itself.
const FRACTION_BITS: u32 = 64;
/// Of the random number, the upper ones. A list of 65,536 of the greatest weight adds up to 2⁸⁸, so that the
/// product of sum and draw fits; a share is drawn exactly to 2⁻⁴⁰.
const DRAW_BITS: u32 = 40;

// === impl Effective ===

impl Effective {
    pub fn of(weight_hundredths: u8, open_requests: u32) -> Effective {
        let one_more = NonZeroU128::MIN.saturating_add(open_requests.into());
        Effective((u128::from(weight_hundredths) << FRACTION_BITS) / one_more)
    }
}

/// The place in the list of the one that the random number falls on, each in proportion to its share of the sum.
/// None when all are 0.
pub fn pick(list: impl Iterator<Item = Effective> + Clone, random: u64) -> Option<usize> {
    let sum = list.clone().fold(0_u128, |sum, Effective(share)| sum.saturating_add(share));
    let draw = u128::from(random >> (u64::BITS - DRAW_BITS));
    let mut left = sum.saturating_mul(draw) >> DRAW_BITS;
    list.enumerate().find_map(|(place, Effective(share))| match left.checked_sub(share) {
        Some(rest) => {
            left = rest;
            None
        }
        None => Some(place),
    })
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Weight in hundredths and open requests.
    type Loaded = (u8, u32);

    const DRAWS: u128 = 1 << DRAW_BITS;

    fn effective(list: &[Loaded]) -> Vec<Effective> {
        list.iter().map(|&(weight, open)| Effective::of(weight, open)).collect()
    }

    fn picked(list: &[Effective], draw: u128) -> Option<usize> {
        let random = u64::try_from(draw).unwrap() << (u64::BITS - DRAW_BITS);
        pick(list.iter().copied(), random)
    }

    /// How many of all draws fall on each; that `pick` has the same borders is checked at both sides of each.
    fn draws(list: &[Effective]) -> Vec<u128> {
        let sum: u128 = list.iter().map(|share| share.0).sum();
        let mut below = 0_u128;
        let mut draws = Vec::new();
        for (place, share) in list.iter().enumerate() {
            let first = (below << DRAW_BITS).div_ceil(sum);
            below += share.0;
            let end = (below << DRAW_BITS).div_ceil(sum);
            if first < end {
                assert_eq!([first, end - 1].map(|draw| picked(list, draw)), [Some(place); 2]);
            }
            draws.push(end - first);
        }
        draws
    }

    #[test]
    fn semantics_16_weights_are_divided_by_open_requests_plus_one() {
        let check = |list: &[Loaded], want: &[f64]| {
            let percent = |&draws: &u128| (draws as f64 / DRAWS as f64 * 10_000.0).round() / 100.0;
            let got: Vec<f64> = draws(&effective(list)).iter().map(percent).collect();
            assert_eq!(got, want, "{list:?}");
        };
        check(&[(100, 0), (100, 0), (100, 0)], &[33.33, 33.33, 33.33]);
        check(&[(40, 0), (50, 0), (60, 0)], &[26.67, 33.33, 40.0]);
        check(&[(80, 0), (50, 0), (60, 0)], &[42.11, 26.32, 31.58]);
        check(&[(40, 3), (60, 0)], &[14.29, 85.71]);
        check(&[(100, 1), (100, 1)], &[50.0, 50.0]);
        check(&[(100, 9), (10, 0), (0, 0)], &[50.0, 50.0, 0.0]);
        check(&[(10, 0)], &[100.0]);
        check(&[(100, u32::MAX), (10, u32::MAX)], &[90.91, 9.09]);
        check(&[(100, u32::MAX), (10, 0)], &[0.0, 100.0]);
    }

    #[test]
    fn semantics_16_without_open_requests_the_weights_stand_in_the_draw_as_they_are() {
        assert_eq!(effective(&[(40, 0)]), [Effective(40 << 64)]);
        assert_eq!(effective(&[(40, 3), (60, 0)]), [Effective(10 << 64), Effective(60 << 64)]);
    }

    #[test]
    fn nobody_is_drawn_where_nobody_weighs_anything() {
        for list in [&[][..], &[(0, 0)], &[(0, 0), (0, u32::MAX)]] {
            assert_eq!(picked(&effective(list), DRAWS - 1), None, "{list:?}");
        }
    }

    #[test]
    fn the_longest_list_of_the_greatest_weights_is_drawn_to_its_end() {
        let list = effective(&[(u8::MAX, 0); 1 << 16]);
        assert_eq!([0, DRAWS - 1].map(|draw| picked(&list, draw)), [Some(0), Some(0xFFFF)]);
    }

    fn loaded() -> impl Strategy<Value = Loaded> {
        (0..=100_u8, prop_oneof![0..10_u32, any::<u32>()])
    }

    /// Somebody weighs something.
    fn loads() -> impl Strategy<Value = Vec<Loaded>> {
        vec(loaded(), 1..12).prop_filter("weightless", |list| list.iter().any(|one| one.0 > 0))
    }

    proptest! {
        #[test]
        fn shares_are_exact_and_add_up(list in loads()) {
            let exact = |&(weight, open): &Loaded| f64::from(weight) / (f64::from(open) + 1.0);
            let sum: f64 = list.iter().map(exact).sum();
            let draws = draws(&effective(&list));
            prop_assert_eq!(draws.iter().sum::<u128>(), DRAWS);
            for (loaded, &draws) in list.iter().zip(&draws) {
                let error = (draws as f64 / DRAWS as f64 - exact(loaded) / sum).abs();
                prop_assert!(error < 1.0 / 2_f64.powi(32), "{loaded:?} is off by {error}");
                prop_assert!(loaded.0 > 0 || draws == 0);
            }
        }

        #[test]
        fn more_open_requests_never_make_a_share_larger(list in loads(), more in any::<u32>()) {
            let mut busier = list.clone();
            busier[0].1 = list[0].1.saturating_add(more);
            let [before, after] = [&list, &busier].map(|list| effective(list));
            prop_assert!(after[0] <= before[0] && after[1..] == before[1..]);
            // Borders are whole draws, so that one may come with rounding.
            prop_assert!(draws(&after)[0] <= draws(&before)[0] + 1);
        }
    }
}
