use super::*;
use crate::state::UP;

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
#[test]
fn other_rules_count_heads_by_another_share() {
    let check = |rule: Rule, text: &str, want: Verdict| {
        assert_eq!(rule.verdict(&votes(text)), want, "{rule:?} {text}");
    };
    use Verdict::{Down, Unknown, Up};
    let route53 = Rule::MoreThan(18);
    check(route53, "", Unknown);
    check(route53, "WEU:? OC:?", Unknown);
    check(route53, "WEU:up WEU:down WEU:down OC:down OC:down", Up);
    check(route53, "WEU:up WEU:down WEU:down OC:down OC:down SAS:down", Down);
    check(Rule::MoreThan(0), "WEU:up OC:down", Up);
    check(Rule::MoreThan(99), "WEU:up OC:up", Up);
    check(Rule::MoreThan(99), "WEU:up OC:down", Down);
    check(Rule::AllAgreeDown, "WEU:up OC:down OC:down", Up);
    check(Rule::AllAgreeDown, "WEU:down OC:down", Down);
    check(Rule::AllAgreeDown, "WEU:? OC:down", Down);
}
