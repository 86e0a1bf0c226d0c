//! `geo`: the list of the node's PoP, else of the client's country, else of its region, else the default pools.
//!
//! The first map with an entry decides. When every pool of that list is down, the fallback pool answers:
//! an operator who named pools for a country did not mean the others.

use crate::PoolSlot;
use crate::balancer::GeoMatch;
use crate::client::Location;
use crate::dice::Dice;
use crate::policy::{Asked, Choice};
use crate::why::{Notes, Step};

pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let location = asked.client.locate(asked.world, asked.settings.location, asked.settings.policy);
    let Location { source, place, scope } = location;
    notes.note(Step::Located { source, place: *place, scope });
    let (by, list) = find_list(asked, &location);
    notes.note(Step::Listed { by });
    // The node's own place answered, or there is no other list: where the client is played no part.
    let scope = match by {
        GeoMatch::Pop(_) => 0,
        GeoMatch::Default
            if asked.settings.countries.is_empty() && asked.settings.regions.is_empty() =>
        {
            0
        }
        GeoMatch::Country(_) | GeoMatch::Region(_) | GeoMatch::Default => scope,
    };
    let mut choice = Choice { location: source, geo: Some(by), scope, ..Choice::none() };
    match list {
        Some(list) => choice.take_first(asked, list.iter().copied(), dice, notes),
        None => choice.take_first(asked, asked.in_order(), dice, notes),
    }
    choice
}

/// No list means the default pools.
fn find_list<'a>(asked: &Asked<'a>, location: &Location<'_>) -> (GeoMatch, Option<&'a [PoolSlot]>) {
    let (lists, pop) = (asked.settings, asked.world.site.pop);
    if let Some(list) = lists.pops.find(pop) {
        return (GeoMatch::Pop(pop), Some(list));
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
