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

/// How the votes on an endpoint stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub verdict: Verdict,
    /// Of regions in which somebody has an opinion.
    pub regions: Box<[RegionCount]>,
}

/// One region's votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionCount {
    pub region: Region,
    pub up: u32,
    /// Who has an opinion.
    pub all: u32,
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
    pub fn count(self, votes: &[Vote]) -> Count {
        let of_region = |region: Region| {
            let opinions = votes.iter().filter(|vote| vote.region == region).filter_map(opinion);
            let (up, all) = tally(opinions);
            (all > 0).then_some(RegionCount { region, up, all })
        };
        let regions: Box<[RegionCount]> = Region::ALL.into_iter().filter_map(of_region).collect();
        let heads = || {
            regions.iter().fold((0_u32, 0_u32), |(up, all), of| {
                (up.saturating_add(of.up), all.saturating_add(of.all))
            })
        };
        let verdict = match self {
            Rule::Regions => more_than(50, tally(regions.iter().map(RegionCount::is_up))),
            Rule::AllPops => more_than(50, heads()),
            Rule::MoreThan(percent) => more_than(percent, heads()),
            Rule::AllAgreeDown => more_than(0, heads()),
        };
        Count { verdict, regions }
    }

    pub fn verdict(self, votes: &[Vote]) -> Verdict {
        self.count(votes).verdict
    }

    /// For explanations.
    pub fn text(self) -> String {
        match self {
            Rule::Regions => {
                "more than half of the regions, each by more than half of its places".into()
            }
            Rule::AllPops => "more than half of all places".into(),
            Rule::MoreThan(percent) => format!("more than {percent} % of all places"),
            Rule::AllAgreeDown => "any place".into(),
        }
    }
}

// === impl RegionCount ===

impl RegionCount {
    fn is_up(&self) -> bool {
        more_than(50, (self.up, self.all)) == Verdict::Up
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

/// Those that are up, and all.
fn tally(opinions: impl Iterator<Item = bool>) -> (u32, u32) {
    opinions.fold((0, 0), |(up, all): (u32, u32), opinion| {
        (up.saturating_add(opinion.into()), all.saturating_add(1))
    })
}

fn more_than(percent: u8, (up, all): (u32, u32)) -> Verdict {
    let hundredfold = |count: u32, by: u8| u64::from(count).saturating_mul(by.into());
    match all {
        0 => Verdict::Unknown,
        // Whole numbers: a share of doubles would lose some ties.
        _ if hundredfold(up, 100) > hundredfold(all, percent) => Verdict::Up,
        _ => Verdict::Down,
    }
}

#[cfg(test)]
mod tests;
