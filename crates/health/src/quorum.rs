//! From what observers believe to one verdict: regions vote, and more than half decides.

use trimtab_model::Region;
use trimtab_model::pool::{CheckRegions, Quorum, Watch};

use crate::{State, Verdict};

/// One observer's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    pub region: Region,
    pub state: State,
}

/// How votes become a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// A region is up when more than half of its observers say so; the endpoint when more than half of the regions are.
    #[default]
    Regions,
    /// More than half of all observers, wherever they are.
    AllPops,
    /// More than so many percent of all observers say that it is up.
    MoreThan(u8),
    /// Up as long as one observer says so.
    AllAgreeDown,
}

impl Rule {
    /// What a pool asks for: a majority is one of regions, unless every data centre probes.
    pub fn of(watch: &Watch) -> Rule {
        match (watch.quorum, &watch.check_regions) {
            (Quorum::Majority, CheckRegions::All) => Rule::AllPops,
            (Quorum::Majority, CheckRegions::Default | CheckRegions::Named(_)) => Rule::Regions,
            (Quorum::MoreThan(percent), _) => Rule::MoreThan(percent),
            (Quorum::AllAgreeDown, _) => Rule::AllAgreeDown,
        }
    }

    /// A tie is down. Who knows nothing yet does not vote; when nobody does, the verdict is unknown.
    pub fn verdict(self, votes: &[Vote]) -> Verdict {
        match self {
            Rule::Regions => {
                majority(Region::ALL.into_iter().filter_map(|region| {
                    match majority(
                        votes.iter().filter(|vote| vote.region == region).filter_map(opinion),
                    ) {
                        Verdict::Up => Some(true),
                        Verdict::Down => Some(false),
                        Verdict::Unknown | Verdict::Unmonitored | Verdict::Ejected { .. } => None,
                    }
                }))
            }
            Rule::AllPops => majority(votes.iter().filter_map(opinion)),
            Rule::MoreThan(percent) => more_than(percent, votes.iter().filter_map(opinion)),
            Rule::AllAgreeDown => more_than(0, votes.iter().filter_map(opinion)),
        }
    }
}

/// The votes that count where a region's own observers are asked before all others: theirs as soon as one of
/// them has an opinion, else everybody's.
pub fn region_first(region: Region, votes: Vec<Vote>) -> Vec<Vote> {
    let is_near = |vote: &Vote| vote.region == region;
    if !votes.iter().filter(|vote| is_near(vote)).any(|vote| opinion(vote).is_some()) {
        return votes;
    }
    votes.into_iter().filter(is_near).collect()
}

fn opinion(vote: &Vote) -> Option<bool> {
    match vote.state {
        State::Unknown => None,
        State::Up { .. } => Some(true),
        State::Down { .. } => Some(false),
    }
}

fn majority(opinions: impl Iterator<Item = bool>) -> Verdict {
    more_than(50, opinions)
}

fn more_than(percent: u8, opinions: impl Iterator<Item = bool>) -> Verdict {
    let (mut up, mut all) = (0_u64, 0_u64);
    for opinion in opinions {
        all = all.saturating_add(1);
        up = up.saturating_add(u64::from(opinion));
    }
    match all {
        0 => Verdict::Unknown,
        // Whole numbers: a share of doubles would lose some ties.
        _ if up.saturating_mul(100) > all.saturating_mul(percent.into()) => Verdict::Up,
        _ => Verdict::Down,
    }
}

#[cfg(test)]
mod tests;
