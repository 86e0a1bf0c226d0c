//! Votes against a reference that spells the rules out in fractions, on a million cases each.

use std::collections::BTreeMap;

use trimtab_health::group::together;
use trimtab_health::{Rule, State, UP, Verdict, Vote};
use trimtab_model::Region;
use trimtab_model::group::Role;

const CASES: u32 = 1_000_000;
const DOWN: State = State::Down { passes: 0 };

/// A plain generator of numbers (Steele, Lea and Flood, 2014), so that every run tries the same cases.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Is `part` of `whole` more than `percent` of it?
fn more_than(percent: u8, part: usize, whole: usize) -> Verdict {
    if whole == 0 {
        return Verdict::Unknown;
    }
    // Doubles are exact for numbers this small: none of them has more than three digits.
    if part as f64 * 100.0 > f64::from(percent) * whole as f64 {
        Verdict::Up
    } else {
        Verdict::Down
    }
}

fn naive(rule: Rule, votes: &[Vote]) -> Verdict {
    let known: Vec<&Vote> = votes.iter().filter(|vote| vote.state != State::Unknown).collect();
    let up = known.iter().filter(|vote| vote.state.is_up()).count();
    match rule {
        Rule::AllPops => more_than(50, up, known.len()),
        Rule::MoreThan(percent) => more_than(percent, up, known.len()),
        Rule::AllAgreeDown if known.is_empty() => Verdict::Unknown,
        Rule::AllAgreeDown => {
            if known.iter().all(|vote| vote.state == DOWN) {
                Verdict::Down
            } else {
                Verdict::Up
            }
        }
        Rule::Regions => {
            let mut regions: BTreeMap<String, Vec<bool>> = BTreeMap::new();
            for vote in known {
                regions.entry(vote.region.to_string()).or_default().push(vote.state.is_up());
            }
            let healthy = regions.values().filter(|votes| {
                let up = votes.iter().filter(|up| **up).count();
                up > votes.len() - up
            });
            let healthy = healthy.count();
            match regions.len() {
                0 => Verdict::Unknown,
                all if healthy > all - healthy => Verdict::Up,
                _ => Verdict::Down,
            }
        }
    }
}

#[test]
fn semantics_3_votes_agree_with_a_naive_count() {
    let mut chance = Chance(3);
    for _ in 0..CASES {
        let rule = match chance.below(4) {
            0 => Rule::Regions,
            1 => Rule::AllPops,
            2 => Rule::MoreThan(chance.below(100) as u8),
            _ => Rule::AllAgreeDown,
        };
        let regions = 1 + chance.below(5);
        let votes: Vec<Vote> = (0..chance.below(12))
            .map(|_| Vote {
                region: chance.one_of(&Region::ALL[..regions]),
                state: chance.one_of(&[State::Unknown, UP, UP, DOWN, DOWN]),
            })
            .collect();
        assert_eq!(rule.verdict(&votes), naive(rule, &votes), "{rule:?} {votes:?}");
    }
}

fn naive_group(members: &[(Role, Verdict)]) -> Verdict {
    let voting: Vec<_> = members.iter().filter(|(role, _)| *role != Role::Witness).collect();
    let said = |role: Option<Role>, verdict: Verdict| {
        let of_role = voting.iter().filter(|(is, _)| role.is_none_or(|role| *is == role));
        of_role.filter(|(_, says)| *says == verdict).count()
    };
    let (up, down) = (said(None, Verdict::Up), said(None, Verdict::Down));
    if voting.is_empty() {
        Verdict::Unmonitored
    } else if said(Some(Role::Critical), Verdict::Down) > 0 {
        Verdict::Down
    } else if said(Some(Role::Critical), Verdict::Unknown) > 0 || up + down == 0 {
        Verdict::Unknown
    } else if down as f64 / (up + down) as f64 > 0.5 {
        Verdict::Down
    } else {
        Verdict::Up
    }
}

#[test]
fn semantics_4_groups_agree_with_a_naive_count() {
    let mut chance = Chance(4);
    for _ in 0..CASES {
        let members: Vec<(Role, Verdict)> = (0..chance.below(8))
            .map(|_| {
                let role = chance.one_of(&[
                    Role::Critical,
                    Role::Voter,
                    Role::Voter,
                    Role::Voter,
                    Role::Witness,
                ]);
                let said = [Verdict::Unknown, Verdict::Up, Verdict::Up, Verdict::Down];
                (role, chance.one_of(&said))
            })
            .collect();
        assert_eq!(together(members.iter().copied()), naive_group(&members), "{members:?}");
    }
}
