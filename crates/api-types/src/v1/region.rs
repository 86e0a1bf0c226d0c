//! The regions of the world and the countries in them.

use serde::Serialize;
use trimtab_model::{Country, Region, Subdivision};
use utoipa::ToSchema;

/// The answer for all regions and for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Regions {
    pub iso_standard: &'static str,
    pub regions: Vec<RegionEntry>,
}

/// One region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegionEntry {
    #[schema(value_type = String)]
    pub region_code: Region,
    pub countries: Vec<CountryEntry>,
}

/// One country; subdivisions are there where a country lies in several regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountryEntry {
    #[schema(value_type = String)]
    pub country_code_a2: Country,
    pub country_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub country_subdivisions: Vec<SubdivisionEntry>,
}

/// One state or province.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubdivisionEntry {
    #[schema(value_type = String)]
    pub subdivision_code_a2: Subdivision,
    pub subdivision_name: String,
}

const ISO_STANDARD: &str = "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2";

// === impl Regions ===

impl Regions {
    pub fn new(regions: Vec<RegionEntry>) -> Regions {
        Regions { iso_standard: ISO_STANDARD, regions }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_shape_for_all_regions_and_for_one() {
        let subdivision = SubdivisionEntry {
            subdivision_code_a2: "CA".parse().unwrap(),
            subdivision_name: "California".into(),
        };
        let country = |code: &str, name: &str, subdivisions| CountryEntry {
            country_code_a2: code.parse().unwrap(),
            country_name: name.into(),
            country_subdivisions: subdivisions,
        };
        let regions = Regions::new(vec![RegionEntry {
            region_code: Region::Wnam,
            countries: vec![
                country("US", "United States", vec![subdivision]),
                country("PM", "Saint Pierre and Miquelon", Vec::new()),
            ],
        }]);
        let california = json!({"subdivision_code_a2": "CA", "subdivision_name": "California"});
        let want = json!({
            "iso_standard": "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2",
            "regions": [{
                "region_code": "WNAM",
                "countries": [
                    {
                        "country_code_a2": "US",
                        "country_name": "United States",
                        "country_subdivisions": [california],
                    },
                    {"country_code_a2": "PM", "country_name": "Saint Pierre and Miquelon"},
                ],
            }],
        });
        assert_eq!(serde_json::to_value(regions).unwrap(), want);
    }
}
