//! One record of a database, in either layout: nested (GeoIP2, DB-IP) or flat (ip-location-db).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use trimtab_model::{Coordinates, Country, Subdivision};

use crate::family::NO_ASN;
use crate::names;
use crate::spot::{Position, Spot};

/// What we keep of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) spot: Spot,
    pub(super) asn: u32,
}

/// The fields of both layouts; a record has those of one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    country: Nested<'a>,
    #[serde(borrow)]
    subdivisions: Vec<Nested<'a>>,
    location: Location,
    country_code: Option<&'a str>,
    state1: Option<&'a str>,
    latitude: Option<Number>,
    longitude: Option<Number>,
    autonomous_system_number: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested<'a> {
    iso_code: Option<&'a str>,
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    en: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<Number>,
    longitude: Option<Number>,
}

/// A number of any type, or its text: layouts and writers differ.
#[derive(Clone, Copy)]
struct Number(f64);

// === impl Record ===

impl From<Fields<'_>> for Record {
    /// What is no code, and the `ZZ` of those who know that they do not know, is unknown.
    fn from(fields: Fields<'_>) -> Record {
        let code = fields.country.iso_code.or(fields.country_code);
        let country = code.filter(|&code| code != "ZZ").and_then(|code| code.parse().ok());
        let asn = fields.autonomous_system_number.map_or(NO_ASN, |number| number.0 as u32);
        let spot = match country {
            Some(country) => Spot {
                country: Some(country),
                subdivision: fields.subdivision(country),
                position: fields.coordinates().map(Position::from),
            },
            None => Spot::default(),
        };
        Record { spot, asn }
    }
}

// === impl Fields ===

impl Fields<'_> {
    fn subdivision(&self, country: Country) -> Option<Subdivision> {
        let first = self.subdivisions.first();
        let code = first.and_then(|subdivision| subdivision.iso_code);
        let name = first.and_then(|subdivision| subdivision.names.en).or(self.state1);
        code.and_then(|code| code.parse().ok())
            .or_else(|| names::subdivision_called(country, name?))
    }

    fn coordinates(&self) -> Option<Coordinates> {
        let latitude = self.location.latitude.or(self.latitude)?;
        let longitude = self.location.longitude.or(self.longitude)?;
        Coordinates::new(latitude.0, longitude.0)
    }
}

// === impl Number ===

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
        from.deserialize_any(AnyNumber)
    }
}

struct AnyNumber;

impl Visitor<'_> for AnyNumber {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_str<E: Error>(self, number: &str) -> Result<Number, E> {
        number.parse().map(Number).map_err(E::custom)
    }
}
