//! A table → the bytes of a compact table, not yet compressed.

use std::collections::BTreeSet;

use super::varint;
use super::{CompactError, MAGIC, PLACE_BYTES, V4_UNIT_BITS, V6_END, V6_FIRST};
use crate::family::{Family, Kind};
use crate::ranges::{Range, Ranges};
use crate::spot::{Position, Spot, Spots, in_cells};
use crate::table::{Place, Table};

/// Places are reduced to cells of one degree, IPv4 to /24s and IPv6 to /48s: what holds at the
/// first address of one holds
/// for all of it. Overrides, and places that no range has, are left out.
pub(crate) fn encode(table: &Table) -> Result<Vec<u8>, CompactError> {
    let used: BTreeSet<u16> = [&table.v4, &table.v6].into_iter().flat_map(written).collect();
    let places = (0..).zip(table.places());
    let spots: Vec<_> = places
        .map(|(id, place)| if used.contains(&id) { spot(place) } else { Spot::default() })
        .collect();
    let mut rows = Spots::new();
    let ids = in_cells(&spots)
        .into_iter()
        .map(|spot| rows.number(spot))
        .collect::<Result<Vec<_>, _>>()?;
    let id = |place: u16| u64::from(ids.get(usize::from(place)).copied().unwrap_or(0));
    let mut out = MAGIC.as_bytes().to_vec();
    section(&mut out, rows.rows().iter().flat_map(row).collect())?;
    for family in [&table.v4, &table.v6] {
        ranges(&mut out, family, &family.places, id)?;
    }
    for family in [&table.v4, &table.v6] {
        ranges(&mut out, family, &family.asns, u64::from)?;
    }
    Ok(out)
}

/// The places of the ranges that will be written.
fn written(family: &Family) -> impl Iterator<Item = u16> {
    let ranges = family.places.iter().filter(|found| first_unit(family.kind, found).is_some());
    ranges.map(|found| found.value)
}

fn spot(place: &Place) -> Spot {
    let (country, subdivision) = (place.country, place.subdivision);
    Spot { country, subdivision, position: place.coordinates.map(Position::from) }
}

fn row(spot: &Spot) -> [u8; PLACE_BYTES] {
    let letters = |code: &str| {
        let mut bytes = code.bytes();
        [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)]
    };
    let [c0, c1] = spot.country.map_or([0; 2], |country| letters(country.code()));
    let [s0, s1] = spot.subdivision.map_or([0; 2], |subdivision| letters(subdivision.code()));
    let position = spot.position.unwrap_or(Position { latitude: 0, longitude: 0 });
    let [lat0, lat1] = position.latitude.to_le_bytes();
    let [lon0, lon1] = position.longitude.to_le_bytes();
    [c0, c1, s0, s1, lat0, lat1, lon0, lon1]
}

fn section(out: &mut Vec<u8>, bytes: Vec<u8>) -> Result<(), CompactError> {
    let length = u32::try_from(bytes.len()).map_err(|_too_long| CompactError::TooLarge)?;
    out.extend(length.to_le_bytes());
    out.extend(bytes);
    Ok(())
}

/// Two sections: the starts and the values, equal neighbours as one.
fn ranges<V: Copy + PartialEq>(
    out: &mut Vec<u8>,
    family: &Family,
    ranges: &Ranges<V>,
    number: impl Fn(V) -> u64,
) -> Result<(), CompactError> {
    let (mut starts, mut values) = (Vec::new(), Vec::new());
    let mut written: Option<(u64, u64)> = None;
    for found in ranges.iter() {
        let Some(unit) = first_unit(family.kind, &found) else { continue };
        let value = number(found.value);
        if written.is_none_or(|(_, last)| last != value) {
            varint::write(unit.saturating_sub(written.map_or(0, |(last, _)| last)), &mut starts);
            varint::write(value, &mut values);
            written = Some((unit, value));
        }
    }
    section(out, starts)?;
    section(out, values)
}

/// The first unit whose first key is in the range.
fn first_unit<V>(kind: Kind, found: &Range<V>) -> Option<u64> {
    match kind {
        Kind::V4 => {
            let unit = found.first.div_ceil(1 << V4_UNIT_BITS);
            (unit <= found.last >> V4_UNIT_BITS).then_some(unit)
        }
        Kind::V6 => {
            let assigned = found.last >= V6_FIRST && found.first < V6_END;
            assigned.then_some(found.first.saturating_sub(V6_FIRST))
        }
    }
}
