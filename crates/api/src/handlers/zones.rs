//! Zones.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::ZONES;
use trimtab_model::Permission::{ZoneRead, ZoneSettingsRead, ZoneWrite};

use crate::app::App;
use crate::auth::{Access, Caller};
use crate::config::{NamedZone, ZoneFilter};
use crate::errors::{Error, Kind};
use crate::extract::{AtZone, Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, Object, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let one = "/zones/{zone_id}";
    vec![
        Route::new(Get, "/zones", Access::Somewhere(ZoneRead), list)
            .says("List zones", Many("Zone"))
            .asks(&[
                "name",
                "account.id",
                "account.name",
                "status",
                "type",
                "match",
                "order",
                "direction",
                "page",
                "per_page",
            ]),
        Route::new(Post, "/zones", Access::Somewhere(ZoneWrite), create)
            .says("Create a zone", One("Zone"))
            .takes("Zone"),
        Route::new(Get, one, Access::Zone(ZoneRead), read_one).says("Read a zone", One("Zone")),
        Route::new(Patch, one, Access::Zone(ZoneWrite), patch)
            .says("Change a zone", One("Zone"))
            .takes("Zone"),
        Route::new(Delete, one, Access::Zone(ZoneWrite), delete)
            .says("Delete a zone with all its records and load balancers", One("Deleted")),
        Route::new(Put, "/zones/{zone_id}/activation_check", Access::Zone(ZoneWrite), activation)
            .says("Check the delegation; every zone here is active", One("Deleted")),
        Route::new(Get, "/zones/{zone_id}/settings", Access::Zone(ZoneSettingsRead), settings)
            .says("List the settings of a zone, of which there are none", Object),
        Route::new(
            Get,
            "/zones/{zone_id}/settings/{setting_id}",
            Access::Zone(ZoneSettingsRead),
            setting,
        )
        .says("Read a setting of a zone, of which there are none", Object),
    ]
}

async fn list(State(app): State<App>, by: Caller, params: Params) -> Answer<Vec<v1::Zone>> {
    let paging = params.paging(ZONES)?;
    let zones = app.config.zones(&by.token, &ZoneFilter::read(&params)?).await?;
    let (page, info) = paging.cut(&zones);
    Ok(Reply::list((page.iter().map(|zone| render(&app, zone)).collect(), info)))
}

async fn create(State(app): State<App>, by: Caller, Body(body): Body) -> Answer<v1::Zone> {
    let zone = app.config.create_zone(&by.token, &body).await?;
    Ok(Reply::one(render(&app, &zone)))
}

async fn read_one(State(app): State<App>, at: AtZone) -> Answer<v1::Zone> {
    let zone = app.config.named(at.zone.as_ref().clone()).await?;
    Ok(Reply::one(render(&app, &zone)))
}

async fn patch(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<v1::Zone> {
    let zone = app.config.patch_zone(&at.token, at.zone.id, &body).await?;
    Ok(Reply::one(render(&app, &zone)))
}

async fn delete(State(app): State<App>, at: AtZone) -> Answer<Deleted> {
    app.config.delete_zone(&at.token, at.zone.id).await?;
    Ok(Reply::deleted(at.zone.id))
}

async fn activation(at: AtZone) -> Answer<Deleted> {
    Ok(Reply::deleted(at.zone.id))
}

async fn settings(_at: AtZone) -> Answer<Vec<()>> {
    Ok(Reply::one(Vec::new()))
}

async fn setting(_at: AtZone, Id(id): Id<String>) -> Answer<()> {
    Err(Error::missing(Kind::Setting, id))
}

fn render(app: &App, named: &NamedZone) -> v1::Zone {
    v1::Zone::new(&named.zone, &named.account_name, &app.settings.nameservers)
}
