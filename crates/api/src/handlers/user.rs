//! The user: the token that asks.

use trimtab_api_types::v1::account::User;

use crate::auth::{Access, Caller};
use crate::extract::Body;
use crate::notices;
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::{Get, Patch};
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Get, "/user", Access::Token, read_one)
            .says("Read who the token stands for", One("User")),
        Route::new(Patch, "/user", Access::Token, patch)
            .says("Change nothing: a token has no names", One("User"))
            .takes("User"),
    ]
}

async fn read_one(by: Caller) -> Answer<User> {
    Ok(Reply::one(User::from(&*by.token)))
}

async fn patch(by: Caller, Body(_ignored): Body) -> Answer<User> {
    Ok(Reply::one(User::from(&*by.token)).with_messages(notices::of_user()))
}
