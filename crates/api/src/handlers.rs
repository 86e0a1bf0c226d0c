//! The routes, resource by resource. A handler takes, calls and wraps; the work is in `config`.

mod accounts;
mod acme;
mod affinity;
mod alerting;
mod certificates;
mod decisions;
mod events;
mod explain;
mod feed;
mod health;
mod health_checks;
mod ips;
mod load_balancers;
mod monitor_groups;
mod monitors;
mod overrides;
mod pools;
mod previews;
mod probe;
mod records;
mod regions;
mod search;
mod split;
mod tokens;
mod user;
mod zones;

use crate::route::{Base, Route};

/// The whole table.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for base in [Base::ACCOUNT, Base::USER] {
        routes.extend(pools::routes(base));
        routes.extend(monitors::routes(base));
        routes.extend(health::routes(base));
        routes.extend(previews::routes(base));
        routes.extend(regions::routes(base));
    }
    routes.extend(health::matrix_routes());
    routes.extend(monitor_groups::routes());
    routes.extend(overrides::routes());
    routes.extend(feed::routes());
    routes.extend(health_checks::routes());
    routes.extend(search::routes());
    routes.extend(load_balancers::routes());
    routes.extend(zones::routes());
    routes.extend(records::routes());
    routes.extend(certificates::routes());
    routes.extend(accounts::routes());
    routes.extend(tokens::routes());
    routes.extend(user::routes());
    routes.extend(events::routes());
    routes.extend(explain::routes());
    routes.extend(decisions::routes());
    routes.extend(split::routes());
    routes.extend(probe::routes());
    routes.extend(alerting::routes());
    routes.extend(acme::routes());
    routes.extend(affinity::routes());
    routes.extend(ips::routes());
    routes
}
