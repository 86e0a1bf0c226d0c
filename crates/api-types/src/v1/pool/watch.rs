//! Who looks at a pool's endpoints and from where, on the wire.

use std::str::FromStr;

use trimtab_model::Region;
use trimtab_model::pool::{CheckRegions, Watch};

use crate::body::{Node, Object, id, word};

/// The only value of `health_sources` beside null.
const REGIONAL_AND_GLOBAL: [&str; 2] = ["regional", "global"];

pub(super) fn read(body: &mut Object<'_>) -> Option<Watch> {
    let monitor = body.or("monitor", None, |node| unless_empty(node, "monitor"));
    let monitor_group = body.or("monitor_group", None, |node| unless_empty(node, "monitor group"));
    let check_regions = body.or("check_regions", CheckRegions::Default, check_regions);
    let regional_health = body.or("health_sources", false, health_sources);
    if let (Some(Some(_)), Some(Some(_))) = (&monitor, &monitor_group) {
        body.refuse("monitor_group", "monitor and monitor_group exclude each other");
    }
    if let (Some(true), Some(CheckRegions::Default)) = (regional_health, &check_regions) {
        body.refuse("health_sources", "regional health_sources need check_regions");
    }
    Some(Watch {
        monitor: monitor?,
        monitor_group: monitor_group?,
        check_regions: check_regions?,
        regional_health: regional_health?,
        ..Watch::default()
    })
}

/// `""` is no monitor, and no group.
fn unless_empty<T: FromStr>(node: &mut Node<'_>, what: &'static str) -> Option<Option<T>> {
    if node.text()?.is_empty() { Some(None) } else { id(what)(node).map(Some) }
}

/// An empty list names no place to probe from, so it is read as null.
pub(in crate::v1) fn check_regions(node: &mut Node<'_>) -> Option<CheckRegions> {
    let all = node.value().as_array().is_some_and(|words| *words == [CheckRegions::ALL_WORD]);
    if all {
        return Some(CheckRegions::All);
    }
    let mut seen = Vec::new();
    let regions = node.list("check_regions", 0..=Region::ALL.len(), |item| {
        let region: Region = word(item)?;
        if seen.contains(&region) {
            item.refuse(format_args!("duplicate region: {region}"));
            return None;
        }
        seen.push(region);
        Some(region)
    })?;
    Some(if regions.is_empty() { CheckRegions::Default } else { CheckRegions::Named(regions) })
}

fn health_sources(node: &mut Node<'_>) -> Option<bool> {
    let sound = node.value().as_array().is_some_and(|words| *words == REGIONAL_AND_GLOBAL);
    if !sound {
        node.refuse(r#"health_sources must be null or ["regional", "global"]"#);
    }
    sound.then_some(true)
}

pub(super) fn region_words(regions: &CheckRegions) -> Option<Vec<String>> {
    match regions {
        CheckRegions::Default => None,
        CheckRegions::All => Some(vec![CheckRegions::ALL_WORD.into()]),
        CheckRegions::Named(regions) => Some(regions.iter().map(Region::to_string).collect()),
    }
}

pub(super) fn source_words(regional: bool) -> Option<Vec<String>> {
    regional.then(|| REGIONAL_AND_GLOBAL.map(str::to_owned).to_vec())
}
