//! Accounts.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::ACCOUNTS;
use trimtab_model::Permission::{AccountSettingsRead, AccountSettingsWrite};

use crate::app::App;
use crate::auth::{Access, Caller};
use crate::extract::{AtAccount, Body, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Post, Put};
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let one = "/accounts/{account_id}";
    vec![
        Route::new(Get, "/accounts", Access::Token, list)
            .says("List the accounts that the token has rights on", Many("Account"))
            .asks(&["name", "page", "per_page", "direction"]),
        Route::new(Post, "/accounts", Access::Node(AccountSettingsWrite), create)
            .says("Create an account", One("Account"))
            .takes("Account"),
        Route::new(Get, one, Access::Account(AccountSettingsRead), read_one)
            .says("Read an account", One("Account")),
        Route::new(Put, one, Access::Account(AccountSettingsWrite), replace)
            .says("Replace an account", One("Account"))
            .takes("Account"),
        Route::new(Delete, one, Access::Account(AccountSettingsWrite), delete)
            .says("Delete an account that has nothing", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, by: Caller, params: Params) -> Answer<Vec<v1::Account>> {
    let paging = params.paging(ACCOUNTS)?;
    let accounts = app.config.accounts_of(&by.token, &params).await?;
    let (page, info) = paging.cut(&accounts);
    Ok(Reply::list((page.iter().map(v1::Account::from).collect(), info)))
}

async fn create(State(app): State<App>, by: Caller, Body(body): Body) -> Answer<v1::Account> {
    let account = app.config.create_account(&by.token, &body).await?;
    Ok(Reply::one(v1::Account::from(&account)))
}

async fn read_one(State(app): State<App>, at: AtAccount) -> Answer<v1::Account> {
    let account = app.config.account(at.account).await?;
    Ok(Reply::one(v1::Account::from(&account)))
}

async fn replace(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<v1::Account> {
    let account = app.config.replace_account(&at.token, at.account, &body).await?;
    Ok(Reply::one(v1::Account::from(&account)))
}

async fn delete(State(app): State<App>, at: AtAccount) -> Answer<Deleted> {
    app.config.delete_account(&at.token, at.account).await?;
    Ok(Reply::deleted(at.account))
}
