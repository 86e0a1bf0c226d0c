//! Certificates that this node orders itself.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_model::Permission::AccountSettingsRead;

use crate::app::App;
use crate::auth::Access;
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    // Names of every account.
    let access = Access::Node(AccountSettingsRead);
    vec![
        Route::new(Get, "/trimtab/acme", access, read)
            .says("Tell how far the certificates are that this node orders", One("Acme")),
    ]
}

async fn read(State(app): State<App>) -> Answer<v1::Acme> {
    Ok(Reply::one((app.acme)(app.now())))
}
