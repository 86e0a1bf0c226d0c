//! Load balancers, of zones and of accounts.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Permission::{
    LoadBalancersAccountRead, LoadBalancersAccountWrite, LoadBalancersRead, LoadBalancersWrite,
};
use trimtab_model::{Balancer, BalancerId, Permission};

use crate::app::App;
use crate::auth::{Access, Caller, Place};
use crate::config::{BalancerOwner, BalancerPlace};
use crate::errors::Error;
use crate::extract::{Body, Id, Params};
use crate::notices;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let zone = ("/zones/{zone_id}/load_balancers", Access::Zone as fn(Permission) -> Access);
    let account = ("/accounts/{account_id}/load_balancers", Access::Account as fn(_) -> _);
    let mut routes = table(zone, LoadBalancersRead, LoadBalancersWrite);
    routes.extend(table(account, LoadBalancersAccountRead, LoadBalancersAccountWrite));
    routes
}

fn table(
    (path, access): (&str, fn(Permission) -> Access),
    read: Permission,
    write: Permission,
) -> Vec<Route> {
    let one = format!("{path}/{{load_balancer_id}}");
    let (read, write) = (access(read), access(write));
    let (what, list_of) = (One("LoadBalancer"), Many("LoadBalancer"));
    vec![
        Route::new(Get, path, read, list)
            .says("List load balancers", list_of)
            .asks(&["page", "per_page"]),
        Route::new(Post, path, write, create)
            .says("Create a load balancer", what)
            .takes("LoadBalancer"),
        Route::new(Get, &*one, read, read_one).says("Read a load balancer", what),
        Route::new(Put, &*one, write, replace)
            .says("Replace a load balancer", what)
            .takes("LoadBalancer"),
        Route::new(Patch, &*one, write, patch)
            .says("Change a load balancer", what)
            .takes("LoadBalancer"),
        Route::new(Delete, &*one, write, delete).says("Delete a load balancer", One("Deleted")),
    ]
}

async fn list(
    State(app): State<App>,
    at: BalancerPlace,
    params: Params,
) -> Answer<Vec<v1::Balancer>> {
    let paging = params.paging(Usual::Whole)?;
    let balancers = app.config.balancers(&at).await?;
    let (page, info) = paging.cut(&balancers);
    Ok(Reply::list((page.iter().map(|b| v1::Balancer::new(b, at.zone())).collect(), info)))
}

async fn create(
    State(app): State<App>,
    at: BalancerPlace,
    Body(body): Body,
) -> Answer<v1::Balancer> {
    let balancer = app.config.create_balancer(&at, &body).await?;
    Ok(stored(&at, &balancer))
}

async fn read_one(
    State(app): State<App>,
    at: BalancerPlace,
    Id(id): Id<BalancerId>,
) -> Answer<v1::Balancer> {
    let balancer = app.config.balancer(&at, id).await?;
    Ok(Reply::one(v1::Balancer::new(&balancer, at.zone())))
}

async fn replace(
    State(app): State<App>,
    at: BalancerPlace,
    Id(id): Id<BalancerId>,
    Body(body): Body,
) -> Answer<v1::Balancer> {
    let balancer = app.config.replace_balancer(&at, id, &body).await?;
    Ok(stored(&at, &balancer))
}

async fn patch(
    State(app): State<App>,
    at: BalancerPlace,
    Id(id): Id<BalancerId>,
    Body(body): Body,
) -> Answer<v1::Balancer> {
    let balancer = app.config.patch_balancer(&at, id, &body).await?;
    Ok(stored(&at, &balancer))
}

async fn delete(
    State(app): State<App>,
    at: BalancerPlace,
    Id(id): Id<BalancerId>,
) -> Answer<Deleted> {
    app.config.delete_balancer(&at, id).await?;
    Ok(Reply::deleted(id))
}

fn stored(at: &BalancerPlace, balancer: &Balancer) -> Reply<v1::Balancer> {
    Reply::one(v1::Balancer::new(balancer, at.zone())).with_messages(notices::of_balancer(balancer))
}

// === impl BalancerPlace ===

impl FromRequestParts<App> for BalancerPlace {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<BalancerPlace, Error> {
        let Caller { token, place } = Caller::from_request_parts(parts, app).await?;
        let owner = match place {
            Place::Zone(zone) => BalancerOwner::Zone(zone),
            Place::Account(account) => BalancerOwner::Account(account),
            Place::Nowhere => return Err(Error::Broken("route is about nothing")),
        };
        Ok(BalancerPlace { token, owner })
    }
}
