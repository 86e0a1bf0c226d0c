//! Points of presence: the place behind an airport code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use trimtab_model::{Coordinates, Country, Pop, Region};

use crate::csv;
use crate::point::Point;

/// Where an airport code is.
#[derive(Clone, Debug, PartialEq)]
pub struct PopSite {
    pub code: Pop,
    /// Empty where the list of airports names none.
    pub city: &'static str,
    pub country: Country,
    pub coordinates: Coordinates,
    pub region: Region,
}

/// The points of presence of the hosted product, in order of their codes.
static POPS: LazyLock<Vec<PopSite>> = LazyLock::new(|| sites(include_str!("../data/pops.csv")));

/// All other airports, so that a node can stand anywhere.
static AIRPORTS: LazyLock<Vec<PopSite>> =
    LazyLock::new(|| sites(include_str!("../data/airports.csv")));

/// Sites by country and city in small letters.
static CITIES: LazyLock<BTreeMap<(Country, String), &'static PopSite>> = LazyLock::new(|| {
    let all = AIRPORTS.iter().chain(POPS.iter());
    all.map(|site| ((site.country, site.city.to_lowercase()), site)).collect()
});

/// The place of a code: one of the points of presence, else an airport.
pub fn pop(code: Pop) -> Option<&'static PopSite> {
    [&POPS, &AIRPORTS].into_iter().find_map(|list| {
        let index = list.binary_search_by_key(&code, |site| site.code).ok()?;
        list.get(index)
    })
}

/// The points of presence of the hosted product, in order of their codes.
pub fn pops() -> &'static [PopSite] {
    &POPS
}

/// The point of presence of a country that is nearest to a position.
pub fn nearest_pop_in(country: Country, to: Coordinates) -> Option<&'static PopSite> {
    nearest(to, |site| site.country == country)
}

pub(crate) fn nearest(
    to: Coordinates,
    eligible: impl Fn(&PopSite) -> bool,
) -> Option<&'static PopSite> {
    let to = Point::from(to);
    let distance = |site: &PopSite| Point::from(site.coordinates).chord_squared(&to);
    POPS.iter().filter(|site| eligible(site)).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// The airport of a city, for places that are named and not measured.
pub(crate) fn site_of_city(country: Country, city: &str) -> Option<&'static PopSite> {
    if city.is_empty() {
        return None;
    }
    CITIES.get(&(country, city.to_lowercase())).copied()
}

/// Rows of `code,city,country,subdivision,lat,lon,region` and columns we do not read.
fn sites(text: &'static str) -> Vec<PopSite> {
    let mut sites: Vec<_> = text.lines().skip(1).filter_map(site).collect();
    sites.sort_by_key(|site| site.code);
    sites
}

/// None for a row that is not one; a test counts that there are none such.
fn site(row: &'static str) -> Option<PopSite> {
    let fields = csv::fields(row).ok()?;
    let &[code, city, country, _subdivision, latitude, longitude, region, ..] = fields.as_slice()
    else {
        return None;
    };
    Some(PopSite {
        code: code.parse().ok()?,
        city,
        country: country.parse().ok()?,
        coordinates: Coordinates::new(latitude.parse().ok()?, longitude.parse().ok()?)?,
        region: region.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Pop {
        text.parse().unwrap()
    }

    #[test]
    fn every_row_of_the_lists_is_read() {
        assert_eq!((POPS.len(), AIRPORTS.len()), (379, 7_884));
        assert!(POPS.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(AIRPORTS.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn a_code_is_found_in_both_lists_and_the_first_wins() {
        let check = |text, city, country: &str, region| {
            let site = pop(code(text)).unwrap();
            assert_eq!((site.city, site.country.code(), site.region), (city, country, region));
        };
        check("FRA", "Frankfurt-am-Main", "DE", Region::Weu);
        check("KRK", "Kraków", "PL", Region::Eeu);
        check("AAP", "Samarinda, Borneo Island", "ID", Region::Seas);
        assert_eq!(pop(code("QQQ")), None);
        assert_eq!(pop(code("FRA")), pops().iter().find(|site| site.code == code("FRA")));
    }

    #[test]
    fn the_nearest_one_is_of_the_country_asked_for() {
        let strasbourg = Coordinates::new(48.58, 7.75).unwrap();
        let nearest = |country: &str| {
            nearest_pop_in(country.parse().unwrap(), strasbourg).map(|site| site.code.to_string())
        };
        assert_eq!(nearest("DE"), Some("STR".into()));
        assert_eq!(nearest("CH"), Some("ZRH".into()));
        assert_eq!(nearest("AQ"), None);
    }

    #[test]
    fn a_city_is_found_whatever_its_letters() {
        let us = "US".parse().unwrap();
        assert_eq!(site_of_city(us, "san francisco").map(|site| site.code), Some(code("SFO")));
        assert_eq!(site_of_city(us, ""), None);
        assert_eq!(site_of_city(us, "Atlantis"), None);
    }
}
