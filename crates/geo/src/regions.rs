//! How countries and subdivisions fall into the 13 regions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use trimtab_model::{Coordinates, Country, Region, Subdivision};

use crate::{names, pop};

/// The region of every country, of the subdivisions of the two countries that are split by them,
/// and the regions of the few countries that are split by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    countries: BTreeMap<Country, Region>,
    subdivisions: BTreeMap<(Country, Subdivision), Region>,
    /// Countries split by the region of the nearest point of presence.
    split: BTreeMap<Country, BTreeSet<Region>>,
}

/// Which part of the list of regions is wanted; what is absent does not narrow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionFilter {
    pub region: Option<Region>,
    pub country: Option<Country>,
    pub subdivision: Option<Subdivision>,
}

/// A region and what lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionListing<'a> {
    pub region: Region,
    pub countries: Vec<CountryListing<'a>>,
}

/// A country of a region. `subdivisions` is empty where the country is not split by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountryListing<'a> {
    pub code: Country,
    pub name: &'a str,
    pub subdivisions: Vec<SubdivisionListing<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubdivisionListing<'a> {
    pub code: Subdivision,
    pub name: &'a str,
}

/// Why a file of regions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegionsError {
    #[error("regions file of {bytes} bytes is larger than {REGIONS_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("regions file is not the JSON it should be")]
    Json(#[source] serde_json::Error),
    #[error("regions file: {key:?} is not a subdivision such as US-CA")]
    Subdivision { key: String },
}

/// The file as it is written. Other keys are for the reader of the file.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    countries: BTreeMap<Country, Entry>,
    #[serde(default)]
    subdivisions: BTreeMap<String, Entry>,
    #[serde(default)]
    multi_region: BTreeMap<Country, BTreeSet<Region>>,
}

#[derive(Deserialize)]
struct Entry {
    region: Region,
}

/// Fifty times the file we ship.
const REGIONS_BYTES_MAX: usize = 1 << 20;
/// Without a state, the Mississippi divides the United States.
const US_EAST_FROM: f64 = -90.0;
/// Without a province, the border of Alberta and Saskatchewan divides Canada.
const CANADA_EAST_FROM: f64 = -110.0;

// === impl Regions ===

impl Regions {
    /// The regions as the hosted product has them, as far as they are known.
    pub fn embedded() -> Result<Regions, RegionsError> {
        let nothing = Regions {
            countries: BTreeMap::new(),
            subdivisions: BTreeMap::new(),
            split: BTreeMap::new(),
        };
        nothing.overridden(include_bytes!("../data/regions.json"))
    }

    /// These regions with the entries of a file in place of those for the same country or subdivision.
    pub fn overridden(mut self, json: &[u8]) -> Result<Regions, RegionsError> {
        if json.len() > REGIONS_BYTES_MAX {
            return Err(RegionsError::TooLarge { bytes: json.len() });
        }
        let file: File = serde_json::from_slice(json).map_err(RegionsError::Json)?;
        for (country, entry) in file.countries {
            self.countries.insert(country, entry.region);
            self.split.remove(&country);
        }
        for (key, entry) in file.subdivisions {
            let place = subdivision(&key).ok_or(RegionsError::Subdivision { key })?;
            self.subdivisions.insert(place, entry.region);
        }
        self.split.extend(file.multi_region);
        Ok(self)
    }

    /// The one region of a place.
    pub fn region_of(
        &self,
        country: Country,
        subdivision: Option<Subdivision>,
        coordinates: Option<Coordinates>,
    ) -> Option<Region> {
        let of_subdivision = subdivision.and_then(|code| self.subdivisions.get(&(country, code)));
        if let Some(&region) = of_subdivision {
            return Some(region);
        }
        coordinates
            .and_then(|position| self.region_at(country, position))
            .or_else(|| self.countries.get(&country).copied())
    }

    /// Every region that a part of the country lies in.
    pub fn regions_of(&self, country: Country) -> BTreeSet<Region> {
        let by_subdivision = self.subdivisions_of(country).map(|(_code, region)| region);
        let parts: BTreeSet<_> =
            by_subdivision.chain(self.split.get(&country).into_iter().flatten().copied()).collect();
        if parts.is_empty() {
            self.countries.get(&country).copied().into_iter().collect()
        } else {
            parts
        }
    }

    /// The regions, countries and subdivisions that pass the filter. Regions with nothing in them are left out.
    pub fn list(&self, filter: &RegionFilter) -> Vec<RegionListing<'_>> {
        Region::ALL
            .into_iter()
            .filter(|&region| filter.region.is_none_or(|wanted| wanted == region))
            .map(|region| RegionListing { region, countries: self.countries_in(region, filter) })
            .filter(|listing| !listing.countries.is_empty())
            .collect()
    }

    fn region_at(&self, country: Country, position: Coordinates) -> Option<Region> {
        if let Some(regions) = self.split.get(&country) {
            let site = pop::nearest(position, |site| {
                site.country == country && regions.contains(&site.region)
            });
            return site.map(|site| site.region);
        }
        let east_from = match country.code() {
            "US" => US_EAST_FROM,
            "CA" => CANADA_EAST_FROM,
            _ => return None,
        };
        (position.longitude < east_from).then_some(Region::Wnam)
    }

    fn countries_in(&self, region: Region, filter: &RegionFilter) -> Vec<CountryListing<'_>> {
        self.countries
            .keys()
            .filter(|&&country| filter.country.is_none_or(|wanted| wanted == country))
            .filter(|&&country| self.regions_of(country).contains(&region))
            .map(|country| CountryListing {
                code: *country,
                name: names::country_name(*country).unwrap_or(country.code()),
                subdivisions: self.subdivisions_in(*country, region, filter),
            })
            .filter(|listing| filter.subdivision.is_none() || !listing.subdivisions.is_empty())
            .collect()
    }

    fn subdivisions_in(
        &self,
        country: Country,
        region: Region,
        filter: &RegionFilter,
    ) -> Vec<SubdivisionListing<'_>> {
        self.subdivisions_of(country)
            .filter(|&(code, of)| {
                of == region && filter.subdivision.is_none_or(|wanted| wanted == *code)
            })
            .map(|(code, _region)| SubdivisionListing {
                code: *code,
                name: names::subdivision_name(country, *code).unwrap_or(code.code()),
            })
            .collect()
    }

    fn subdivisions_of(&self, country: Country) -> impl Iterator<Item = (&Subdivision, Region)> {
        let all = self.subdivisions.iter();
        all.filter(move |((of, _), _)| *of == country).map(|((_, code), region)| (code, *region))
    }
}

/// Reads `US-CA`.
pub(crate) fn subdivision(text: &str) -> Option<(Country, Subdivision)> {
    let (country, code) = text.split_once('-')?;
    Some((country.parse().ok()?, code.parse().ok()?))
}

#[cfg(test)]
mod tests;
