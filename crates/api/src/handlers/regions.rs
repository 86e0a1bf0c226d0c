//! The regions of the world.

use axum::extract::State;
use trimtab_api_types::v1::region::{CountryEntry, RegionEntry, Regions, SubdivisionEntry};
use trimtab_geo::{CountryListing, RegionFilter, RegionListing};
use trimtab_model::Permission::MonitorsAndPoolsRead;
use trimtab_model::{Country, Region, Subdivision};

use crate::app::App;
use crate::errors::{Error, Kind};
use crate::extract::{Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::{Base, Route};

const FILTERS: &[&str] =
    &["country_code_a2", "country_code", "subdivision_code_a2", "subdivision_code"];

pub(crate) fn routes(base: Base) -> Vec<Route> {
    vec![
        base.route(Get, "/regions", MonitorsAndPoolsRead, list)
            .says("List regions, countries and subdivisions", One("Regions"))
            .asks(FILTERS),
        base.route(Get, "/regions/{region_id}", MonitorsAndPoolsRead, read_one)
            .says("Read a region", One("Regions"))
            .asks(FILTERS),
    ]
}

async fn list(State(app): State<App>, params: Params) -> Answer<Regions> {
    let filter = filter(&params, None)?;
    Ok(Reply::one(regions(&app, &filter)))
}

async fn read_one(State(app): State<App>, Id(code): Id<String>, params: Params) -> Answer<Regions> {
    let region = code.parse().map_err(|_| Error::missing(Kind::Region, &code))?;
    let filter = filter(&params, Some(region))?;
    Ok(Reply::one(regions(&app, &filter)))
}

/// Documents disagree on the names of the filters, so both do.
fn filter(params: &Params, region: Option<Region>) -> Result<RegionFilter, Error> {
    let country = params.read::<Country>("country_code_a2")?;
    let subdivision = params.read::<Subdivision>("subdivision_code_a2")?;
    Ok(RegionFilter {
        region,
        country: country.or(params.read("country_code")?),
        subdivision: subdivision.or(params.read("subdivision_code")?),
    })
}

fn regions(app: &App, filter: &RegionFilter) -> Regions {
    let world = &app.cell.load().world;
    Regions::new(world.geo.regions().list(filter).iter().map(entry).collect())
}

fn entry(listing: &RegionListing<'_>) -> RegionEntry {
    let countries = listing.countries.iter().map(country).collect();
    RegionEntry { region_code: listing.region, countries }
}

fn country(listing: &CountryListing<'_>) -> CountryEntry {
    let subdivisions = listing.subdivisions.iter().map(|subdivision| SubdivisionEntry {
        subdivision_code_a2: subdivision.code,
        subdivision_name: subdivision.name.into(),
    });
    CountryEntry {
        country_code_a2: listing.code,
        country_name: listing.name.into(),
        country_subdivisions: subdivisions.collect(),
    }
}
