//! English names of countries, and of the subdivisions of the two countries that are steered by subdivision.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use trimtab_model::{Country, Subdivision};

/// Code, tab, name.
static COUNTRIES: LazyLock<BTreeMap<Country, &str>> = LazyLock::new(|| {
    let rows = include_str!("../data/countries.tsv").lines();
    rows.filter_map(|row| row.split_once('\t'))
        .filter_map(|(code, name)| Some((code.parse().ok()?, name)))
        .collect()
});

/// Code, tab, country, colon, name. Where a code has several names, the first is the one to show.
static SUBDIVISIONS: LazyLock<Vec<(Country, Subdivision, &str)>> = LazyLock::new(|| {
    let rows = include_str!("../data/us_ca.tsv").lines();
    rows.filter_map(|row| {
        let (code, place) = row.split_once('\t')?;
        let (country, name) = place.split_once(':')?;
        Some((country.parse().ok()?, code.parse().ok()?, name))
    })
    .collect()
});

/// The English short name of a country.
pub fn country_name(country: Country) -> Option<&'static str> {
    COUNTRIES.get(&country).copied()
}

/// The name of a subdivision of the United States or Canada.
pub fn subdivision_name(country: Country, subdivision: Subdivision) -> Option<&'static str> {
    let mut rows = SUBDIVISIONS.iter();
    rows.find(|row| (row.0, row.1) == (country, subdivision)).map(|row| row.2)
}

/// The subdivision of the United States or Canada that databases call so.
pub(crate) fn subdivision_called(country: Country, name: &str) -> Option<Subdivision> {
    SUBDIVISIONS.iter().find(|row| row.0 == country && row.2 == name).map(|row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_name_files_is_read() {
        let rows = |text: &str| text.lines().count();
        assert_eq!(COUNTRIES.len(), rows(include_str!("../data/countries.tsv")));
        assert_eq!(SUBDIVISIONS.len(), rows(include_str!("../data/us_ca.tsv")));
        assert_eq!((COUNTRIES.len(), SUBDIVISIONS.len()), (250, 72));
    }

    #[test]
    fn names_and_codes_find_each_other() {
        let (us, ca): (Country, Country) = ("US".parse().unwrap(), "CA".parse().unwrap());
        let code = |text: &str| text.parse::<Subdivision>().unwrap();
        assert_eq!(country_name("KR".parse().unwrap()), Some("South Korea"));
        assert_eq!(country_name("ZZ".parse().unwrap()), None);
        assert_eq!(subdivision_name(us, code("DC")), Some("District of Columbia"));
        assert_eq!(subdivision_name(ca, code("CA")), None);
        assert_eq!(subdivision_called(us, "Washington, D.C."), Some(code("DC")));
        assert_eq!(subdivision_called(us, "Washington"), Some(code("WA")));
        assert_eq!(subdivision_called(ca, "Quebec"), Some(code("QC")));
        assert_eq!(subdivision_called(ca, "Washington"), None);
    }
}
