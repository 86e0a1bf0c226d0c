//! `geo`: the list of the node's PoP, else of the client's country, else of its region, else the default pools.
//!
//! The first map with an entry decides. When every pool of that list is down, the fallback pool answers:
//! an operator who named pools for a country did not mean the others.

use std::time::Instant;

use crate::balancer::GeoMatch;
use crate::client::{Client, Location};
use crate::policy::Choice;
use crate::why::{Notes, Step};
use crate::{Balancer, PoolSlot, World};

pub fn choose(
    world: &World,
    balancer: &Balancer,
    client: &Client,
    now: Instant,
    notes: &mut impl Notes,
) -> Choice {
    let location = client.locate(world, balancer.location, balancer.policy);
    let Location { source, place, scope } = location;
    notes.note(Step::Located { source, place: *place, scope });
    let (by, list) = find_list(world, balancer, &location);
    notes.note(Step::Listed { by });
    // The node's own place answered: where the client is played no part.
    let scope = if matches!(by, GeoMatch::Pop(_)) { 0 } else { scope };
    let mut choice = Choice { location: source, geo: Some(by), scope, ..Choice::none() };
    match list {
        Some(list) => choice.take_first(world, list.iter().copied(), now, notes),
        None => {
            let pools = balancer.candidates.iter().map(|candidate| candidate.pool);
            choice.take_first(world, pools, now, notes);
        }
    }
    choice
}

/// No list means the default pools.
fn find_list<'a>(
    world: &World,
    balancer: &'a Balancer,
    location: &Location<'_>,
) -> (GeoMatch, Option<&'a [PoolSlot]>) {
    let lists = &balancer.geo;
    if let Some(list) = lists.pops.find(world.site.pop) {
        return (GeoMatch::Pop(world.site.pop), Some(list));
    }
    let place = location.place;
    if let Some(country) = place.country
        && let Some(list) = lists.countries.find(country)
    {
        return (GeoMatch::Country(country), Some(list));
    }
    if let Some(region) = place.region
        && let Some(list) = lists.regions.find(region)
    {
        return (GeoMatch::Region(region), Some(list));
    }
    (GeoMatch::Default, None)
}
