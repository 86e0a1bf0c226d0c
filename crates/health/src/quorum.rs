//! From what observers believe to one verdict: regions vote, and more than half decides.

use trimtab_model::Region;

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
}

impl Rule {
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
    let (mut up, mut all) = (0_usize, 0_usize);
    for opinion in opinions {
        all = all.saturating_add(1);
        up = up.saturating_add(usize::from(opinion));
    }
    match all {
        0 => Verdict::Unknown,
        _ if up > all / 2 => Verdict::Up,
        _ => Verdict::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: State = State::Up { fails: 0 };
    const DOWN: State = State::Down { passes: 0 };

    fn votes(text: &str) -> Vec<Vote> {
        text.split_whitespace()
            .map(|vote| {
                let (region, state) = vote.split_once(':').unwrap();
                let state = match state {
                    "up" => UP,
                    "down" => DOWN,
                    _ => State::Unknown,
                };
                Vote { region: region.parse().unwrap(), state }
            })
            .collect()
    }

    #[test]
    fn semantics_3_regions_vote_and_a_tie_is_down() {
        let check = |text: &str, want: Verdict| {
            assert_eq!(Rule::Regions.verdict(&votes(text)), want, "{text}");
        };
        check("", Verdict::Unknown);
        check("WEU:?", Verdict::Unknown);
        check("WEU:up", Verdict::Up);
        check("WEU:down", Verdict::Down);
        check("WEU:up WEU:down", Verdict::Down);
        check("WEU:up WEU:up WEU:down", Verdict::Up);
        check("WEU:up ENAM:down", Verdict::Down);
        check("WEU:up ENAM:up OC:down", Verdict::Up);
        check("WEU:up ENAM:?", Verdict::Up);
        // Three observers of one region count as one voice.
        check("WEU:down WEU:down WEU:down ENAM:up OC:up", Verdict::Up);
    }

    #[test]
    fn semantics_3_all_data_centres_count_heads() {
        let check = |text: &str, want: Verdict| {
            assert_eq!(Rule::AllPops.verdict(&votes(text)), want, "{text}");
        };
        check("WEU:down WEU:down WEU:down ENAM:up OC:up", Verdict::Down);
        check("WEU:down ENAM:up OC:up", Verdict::Up);
        check("WEU:down ENAM:up", Verdict::Down);
    }

    #[test]
    fn semantics_3_the_own_region_is_heard_before_all_others() {
        let check = |text: &str, regions: Verdict, all_pops: Verdict| {
            let counted = region_first(Region::Weu, votes(text));
            let got = [Rule::Regions, Rule::AllPops].map(|rule| rule.verdict(&counted));
            assert_eq!(got, [regions, all_pops], "{text}");
        };
        use Verdict::{Down, Unknown, Up};
        // Who is near decides, whatever the others say and however many they are.
        check("WEU:up ENAM:down OC:down", Up, Up);
        check("WEU:down ENAM:up OC:up", Down, Down);
        check("ENAM:up WEU:up WEU:down", Down, Down);
        check("ENAM:down WEU:up WEU:down WEU:up", Up, Up);
        check("WEU:up WEU:? ENAM:down", Up, Up);
        check("WEU:?", Unknown, Unknown);
        // Nobody near has an opinion: all regions, or all observers, as without it.
        check("", Unknown, Unknown);
        check("WEU:? ENAM:up", Up, Up);
        check("WEU:? WEU:? ENAM:up OC:down", Down, Down);
        check("ENAM:up OC:up OC:down", Down, Up);
        check("ENAM:down ENAM:down OC:up SAS:up", Up, Down);
    }

    /// Every state of two observers here and two elsewhere.
    #[test]
    fn semantics_3_far_observers_count_only_while_nobody_near_has_an_opinion() {
        let states = [State::Unknown, UP, DOWN];
        for combination in 0..3_usize.pow(4) {
            let vote = |place: u32, region| Vote {
                region,
                state: states[combination / 3_usize.pow(place) % 3],
            };
            let near = [vote(0, Region::Weu), vote(1, Region::Weu)];
            let all = [near[0], vote(2, Region::Enam), near[1], vote(3, Region::Oc)];
            let known = near.iter().any(|vote| vote.state != State::Unknown);
            let want = if known { near.to_vec() } else { all.to_vec() };
            assert_eq!(region_first(Region::Weu, all.to_vec()), want, "{all:?}");
        }
    }
}
