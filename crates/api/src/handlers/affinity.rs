//! The keys that authenticate session cookies.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_model::Permission::AccountSettingsWrite;

use crate::app::App;
use crate::auth::{Access, Caller};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Post;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    // They belong to no account: every session of every balancer hangs on them.
    let access = Access::Node(AccountSettingsWrite);
    vec![Route::new(Post, "/trimtab/affinity_keys/rotate", access, rotate).says(
        "Sign session cookies with a new key; those of the last one stay good",
        One("AffinityKeys"),
    )]
}

async fn rotate(State(app): State<App>, by: Caller) -> Answer<v1::AffinityKeys> {
    let keys = app.config.rotate_affinity_keys(&by.token).await?;
    Ok(Reply::one(v1::AffinityKeys::from(&keys)))
}
