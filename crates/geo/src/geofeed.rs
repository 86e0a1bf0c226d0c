//! Geofeeds (RFC 8805): what an operator says of prefixes, in CSV.
//!
//! `prefix,country,region,city,postal`, and three columns of ours that other readers pass over
//! (section 2.1.3): `latitude,longitude,asn`. Lines that begin with `#` are comments. A line with
//! a prefix alone says that it has no place.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use trimtab_model::{Coordinates, Country, Subdivision};

use crate::csv;
use crate::family::NO_ASN;
use crate::native::V4_ALIASES;
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

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedProblem {
    /// Counted from 1; 0 is the feed as a whole.
    pub line: usize,
    pub text: String,
}

/// Everything that is wrong with a feed, in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedProblems {
    pub first: Vec<FeedProblem>,
    /// How many more there are.
    pub more: usize,
}

/// More problems than this help nobody; the rest is counted.
pub const FEED_PROBLEMS_MAX: usize = 100;
/// Several times the largest public feeds, which have some 300,000 lines of 40 bytes.
const FEED_BYTES_MAX: usize = 64 << 20;
const FEED_LINES_MAX: usize = 1_000_000;
/// A line holds a prefix and a few names.
const LINE_BYTES_MAX: usize = 1024;

// === impl Geofeed ===

impl Geofeed {
    /// All or nothing: a feed with a problem changes nothing.
    pub(crate) fn parse(text: &str) -> Result<Geofeed, FeedProblems> {
        let mut problems = FeedProblems::default();
        let mut feed = Geofeed::default();
        if text.len() > FEED_BYTES_MAX || text.lines().count() > FEED_LINES_MAX {
            let limit = format!("more than {FEED_BYTES_MAX} bytes or {FEED_LINES_MAX} lines");
            problems.add(0, limit);
            return Err(problems);
        }
        let mut lines_of = BTreeMap::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(entry) = entry(line, number, &mut problems) {
                if let Some(earlier) = lines_of.insert(entry.prefix, number) {
                    problems.add(number, format!("{} is on line {earlier} too", entry.prefix));
                }
                feed.entries.push(entry);
            }
        }
        problems.or(feed)
    }
}

/// Reads a line; every field that is wrong is a problem of its own.
fn entry(line: &str, number: usize, problems: &mut FeedProblems) -> Option<Entry> {
    if line.len() > LINE_BYTES_MAX {
        problems.add(number, format!("longer than {LINE_BYTES_MAX} bytes"));
        return None;
    }
    let fields = problems.note(number, csv::fields(line).map_err(|error| error.to_string()))?;
    let field = |index: usize| fields.get(index).copied().unwrap_or("").trim();
    let prefix = problems.note(number, prefix(field(0)));
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

/// Section 2.1.1.1: one address, or a prefix without bits behind its length.
fn prefix(text: &str) -> Result<IpNet, String> {
    let prefix = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_not_an_address) => {
            text.parse::<IpNet>().map_err(|_| format!("{text:?} is not an address or prefix"))?
        }
    };
    if prefix.trunc() != prefix {
        return Err(format!("{text} has bits set behind its length: write {}", prefix.trunc()));
    }
    if is_v4_alias(&prefix) {
        return Err(format!("{text} holds IPv4 addresses: write the prefix of those"));
    }
    Ok(prefix)
}

fn is_v4_alias(prefix: &IpNet) -> bool {
    let IpAddr::V6(address) = prefix.network() else {
        return false;
    };
    V4_ALIASES.iter().any(|&(bits, length)| {
        let beyond = 128_u32.saturating_sub(u32::from(length));
        prefix.prefix_len() >= length && address.to_bits() >> beyond == bits >> beyond
    })
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

fn asn(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(asn) if asn != NO_ASN => Ok(Some(asn)),
        Ok(_) | Err(_) => Err(format!("{text:?} is not the number of an autonomous system")),
    }
}

// === impl FeedProblems ===

impl FeedProblems {
    fn add(&mut self, line: usize, text: String) {
        if self.first.len() < FEED_PROBLEMS_MAX {
            self.first.push(FeedProblem { line, text });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// The value, or None and a problem.
    fn note<T>(&mut self, line: usize, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(text) => {
                self.add(line, text);
                None
            }
        }
    }

    fn or<T>(self, value: T) -> Result<T, FeedProblems> {
        if self.first.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for FeedProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("geofeed is refused")?;
        for (index, problem) in self.first.iter().enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            write!(f, "{before}line {}: {}", problem.line, problem.text)?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for FeedProblems {}

#[cfg(test)]
mod tests;
