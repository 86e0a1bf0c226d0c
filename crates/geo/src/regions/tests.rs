use super::*;

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn code(code: &str) -> Subdivision {
    code.parse().unwrap()
}

fn regions() -> Regions {
    Regions::embedded().unwrap()
}

#[test]
fn every_place_has_one_region() {
    let regions = regions();
    let check = |place: &str, position: Option<(f64, f64)>, wanted| {
        let (of, subdivision) = match place.split_once('-') {
            Some((of, subdivision)) => (country(of), Some(code(subdivision))),
            None => (country(place), None),
        };
        let position = position.and_then(|(lat, lon)| Coordinates::new(lat, lon));
        assert_eq!(regions.region_of(of, subdivision, position), wanted, "{place} {position:?}");
    };
    check("FR", None, Some(Region::Weu));
    check("US-CA", None, Some(Region::Wnam));
    check("US-NY", Some((34.0, -118.0)), Some(Region::Enam));
    check("US-GU", None, Some(Region::Oc));
    check("CA-AB", None, Some(Region::Wnam));
    check("CA-SK", None, Some(Region::Enam));
    // Without a subdivision the longitude decides, and without that the country.
    check("US", Some((34.0, -118.0)), Some(Region::Wnam));
    check("US", Some((40.7, -74.0)), Some(Region::Enam));
    check("CA", Some((53.5, -113.5)), Some(Region::Wnam));
    check("CA", Some((50.4, -104.6)), Some(Region::Enam));
    check("US", None, Some(Region::Enam));
    // Split countries go with their nearest point of presence.
    check("DE", Some((50.1, 8.7)), Some(Region::Weu));
    check("DE", Some((52.5, 13.4)), Some(Region::Eeu));
    check("DE", None, Some(Region::Weu));
    check("IT", Some((45.4, 9.2)), Some(Region::Weu));
    check("IT", Some((41.9, 12.5)), Some(Region::Eeu));
    check("RU", Some((55.7, 37.6)), Some(Region::Eeu));
    check("RU", Some((48.5, 135.1)), Some(Region::Sas));
    check("BR", Some((-3.1, -60.0)), Some(Region::Nsam));
    check("BR", Some((-23.5, -46.6)), Some(Region::Ssam));
    check("ZZ", None, None);
}

#[test]
fn every_listed_place_is_in_the_regions_that_its_country_names() {
    let regions = regions();
    assert_eq!(regions.countries.len(), 250);
    assert_eq!(regions.subdivisions.len(), 70);
    let wanted = |code: &str| regions.regions_of(country(code)).into_iter().collect::<Vec<_>>();
    assert_eq!(wanted("US"), [Region::Wnam, Region::Enam, Region::Oc]);
    assert_eq!(wanted("CA"), [Region::Wnam, Region::Enam]);
    assert_eq!(wanted("RU"), [Region::Eeu, Region::Sas]);
    assert_eq!(wanted("JP"), [Region::Neas]);
    assert_eq!(wanted("ZZ"), []);
}

#[test]
fn the_list_names_everything_once_per_region() {
    let regions = regions();
    let all = regions.list(&RegionFilter::default());
    assert_eq!(all.iter().map(|listing| listing.region).collect::<Vec<_>>(), Region::ALL);
    let of = |region| all.iter().find(|listing| listing.region == region).unwrap();
    let canada =
        of(Region::Wnam).countries.iter().find(|listing| listing.name == "Canada").unwrap();
    let names: Vec<_> = canada.subdivisions.iter().map(|listing| listing.name).collect();
    assert_eq!(names, ["Alberta", "British Columbia", "Northwest Territories", "Yukon"]);
    let subdivisions = all.iter().flat_map(|listing| &listing.countries);
    assert_eq!(subdivisions.map(|listing| listing.subdivisions.len()).sum::<usize>(), 70);
    for listing in all.iter().flat_map(|listing| &listing.countries) {
        assert_ne!(listing.name, listing.code.code(), "a country without a name");
        let named = |entry: &SubdivisionListing<'_>| entry.name != entry.code.code();
        assert!(listing.subdivisions.iter().all(named), "{}", listing.name);
    }
}

#[test]
fn filters_narrow_the_list() {
    let regions = regions();
    let check = |region: Option<Region>, of: Option<&str>, sub: Option<&str>, wanted: &[&str]| {
        let filter = RegionFilter { region, country: of.map(country), subdivision: sub.map(code) };
        let shown = |listing: RegionListing<'_>| {
            let countries = listing.countries.into_iter().map(move |entry| {
                let subs: Vec<_> = entry.subdivisions.iter().map(|sub| sub.code.code()).collect();
                format!("{} {} {}", listing.region, entry.code, subs.join(","))
            });
            countries.collect::<Vec<_>>()
        };
        let lines: Vec<_> = regions.list(&filter).into_iter().flat_map(shown).collect();
        assert_eq!(lines, wanted);
    };
    check(None, Some("JP"), None, &["NEAS JP "]);
    check(None, Some("DE"), None, &["WEU DE ", "EEU DE "]);
    check(None, Some("CA"), Some("QC"), &["ENAM CA QC"]);
    check(None, None, Some("AB"), &["WNAM CA AB"]);
    check(Some(Region::Oc), Some("US"), None, &["OC US AS,GU,MP,UM"]);
    check(Some(Region::Weu), Some("JP"), None, &[]);
    check(None, Some("JP"), Some("CA"), &[]);
    check(None, Some("ZZ"), None, &[]);
}

#[test]
fn a_file_of_the_operator_wins_entry_by_entry() {
    let json = br#"{"countries": {"DE": {"region": "EEU"}, "XX": {"region": "OC"}},
        "subdivisions": {"US-TX": {"region": "ENAM"}}, "multi_region": {"FR": ["WEU", "NAF"]}}"#;
    let changed = regions().overridden(json).unwrap();
    let frankfurt = Coordinates::new(50.1, 8.7);
    assert_eq!(changed.region_of(country("DE"), None, frankfurt), Some(Region::Eeu));
    assert_eq!(changed.region_of(country("XX"), None, None), Some(Region::Oc));
    assert_eq!(changed.region_of(country("US"), Some(code("TX")), None), Some(Region::Enam));
    assert_eq!(changed.region_of(country("IT"), None, None), Some(Region::Weu));
    assert_eq!(changed.regions_of(country("FR")).len(), 2);
    assert_eq!(regions().overridden(b"{}").unwrap(), regions());
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let check = |json: &[u8], message: &str| {
        assert_eq!(regions().overridden(json).unwrap_err().to_string(), message);
    };
    let not_json = "regions file is not the JSON it should be";
    check(b"[", not_json);
    check(br#"{"countries": {"Germany": {"region": "EEU"}}}"#, not_json);
    check(br#"{"countries": {"DE": {"region": "MARS"}}}"#, not_json);
    let no_dash = r#"regions file: "TEXAS" is not a subdivision such as US-CA"#;
    check(br#"{"subdivisions": {"TEXAS": {"region": "OC"}}}"#, no_dash);
    let large = vec![b' '; REGIONS_BYTES_MAX + 1];
    check(&large, "regions file of 1048577 bytes is larger than 1048576");
}
