//! Geofeeds (RFC 8805): what an operator says of prefixes, in CSV.
//!
//! `prefix,country,region,city,postal`, and three columns of ours that other readers pass over
//! (section 2.1.3): `latitude,longitude,asn`. Lines that begin with `#` are comments. A line with
//! a prefix alone says that it has no place.

use std::collections::BTreeMap;

use ipnet::IpNet;
use trimtab_model::{Coordinates, Country, Subdivision};

use crate::family::NO_ASN;
use crate::feed::{self, Feed, FeedProblems};
use crate::spot::{Position, Spot};
use crate::{names, pop, regions};

/// A feed that was read without a problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Geofeed {
    pub(crate) entries: Vec<Entry>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) prefix: IpNet,
    pub(crate) spot: Spot,
    pub(crate) asn: Option<u32>,
}

// === impl Geofeed ===

impl Geofeed {
    /// All or nothing: a feed with a problem changes nothing.
    pub(crate) fn parse(text: &str) -> Result<Geofeed, FeedProblems> {
        let mut feed = Geofeed::default();
        let mut lines_of = BTreeMap::new();
        let problems = feed::rows(Feed::Geofeed, text, |line, fields, problems| {
            if let Some(entry) = entry(fields, line, problems) {
                problems.note_repeat(line, entry.prefix, lines_of.insert(entry.prefix, line));
                feed.entries.push(entry);
            }
        });
        problems.or(feed)
    }
}

/// Reads a line; every field that is wrong is a problem of its own.
fn entry(fields: &[&str], number: usize, problems: &mut FeedProblems) -> Option<Entry> {
    let field = |index: usize| fields.get(index).copied().unwrap_or("").trim();
    let prefix = problems.note(number, feed::prefix(field(0)));
    let country = problems.note(number, country(field(1)));
    let subdivision = problems.note(number, subdivision(field(2), country.flatten()));
    let coordinates = problems.note(number, coordinates(field(5), field(6)));
    let asn = problems.note(number, asn(field(7)));
    let (country, city) = (country?, field(3));
    let of_city = || pop::site_of_city(country?, city).map(|site| site.coordinates);
    let position = coordinates?.or_else(of_city).map(Position::from);
    let spot = Spot { country, subdivision: subdivision?, position };
    Some(Entry { prefix: prefix?, spot, asn: asn? })
}

/// Section 2.1.1.2: letters of either case. An empty field and `ZZ` say that there is no place.
fn country(text: &str) -> Result<Option<Country>, String> {
    let code = text.to_ascii_uppercase();
    if code.is_empty() || code == "ZZ" {
        return Ok(None);
    }
    let country: Option<Country> = code.parse().ok();
    country
        .filter(|&country| names::country_name(country).is_some())
        .map(Some)
        .ok_or_else(|| format!("{text:?} is not a country code such as DE"))
}

/// Section 2.1.1.3: an ISO 3166-2 code, which begins with the country.
fn subdivision(text: &str, country: Option<Country>) -> Result<Option<Subdivision>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let (of, code) = regions::subdivision(&text.to_ascii_uppercase())
        .ok_or_else(|| format!("{text:?} is not a region code such as US-CA"))?;
    match country {
        Some(country) if country != of => Err(format!("region {text} is not in country {country}")),
        Some(_) => Ok(Some(code)),
        None => Err(format!("region {text} needs its country")),
    }
}

fn coordinates(latitude: &str, longitude: &str) -> Result<Option<Coordinates>, String> {
    if latitude.is_empty() && longitude.is_empty() {
        return Ok(None);
    }
    let (degrees, wrong) = ((latitude.parse(), longitude.parse()), || {
        format!("{latitude:?},{longitude:?} is not a latitude and longitude in degrees")
    });
    let (Ok(latitude), Ok(longitude)) = degrees else {
        return Err(wrong());
    };
    Coordinates::new(latitude, longitude).map(Some).ok_or_else(wrong)
}

pub(crate) fn asn(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(asn) if asn != NO_ASN => Ok(Some(asn)),
        Ok(_) | Err(_) => Err(format!("{text:?} is not the number of an autonomous system")),
    }
}

#[cfg(test)]
mod tests;
