//! API tokens, of the user and of accounts: the same tokens, seen with the same rights.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::{ApiMessage, Deleted};
use trimtab_api_types::v1::paging::TOKENS;
use trimtab_api_types::v1::token::{PermissionGroup, Verified};
use trimtab_model::Permission::{TokensRead, TokensWrite};
use trimtab_model::{Permission, Token, TokenId, TokenStatus};

use crate::app::App;
use crate::auth::admit::status;
use crate::auth::{Access, Caller};
use crate::extract::{Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, Object, One};
use crate::route::Method::{Delete, Get, Post, Put};
use crate::route::Route;

/// Some tools look for exactly this.
const VALID: (u32, &str) = (10000, "This API Token is valid and active");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = table("/user/tokens", Access::Somewhere);
    routes.extend(table("/accounts/{account_id}/tokens", Access::Account));
    routes
}

fn table(path: &str, access: fn(Permission) -> Access) -> Vec<Route> {
    let one = format!("{path}/{{token_id}}");
    let (read, write) = (access(TokensRead), access(TokensWrite));
    vec![
        Route::new(Get, path, read, list)
            .says("List tokens", Many("Token"))
            .asks(&["page", "per_page"]),
        Route::new(Post, path, write, create)
            .says("Create a token; its value is shown this once", One("Token"))
            .takes("Token"),
        Route::new(Get, format!("{path}/verify"), Access::Verify, verify)
            .says("Check the token that asks", One("VerifiedToken")),
        Route::new(Get, format!("{path}/permission_groups"), read, permission_groups)
            .says("List what tokens can be allowed", Many("PermissionGroup")),
        Route::new(Get, &*one, read, read_one).says("Read a token", One("Token")),
        Route::new(Put, &*one, write, replace).says("Replace a token", One("Token")).takes("Token"),
        Route::new(Delete, &*one, write, delete).says("Delete a token", One("Deleted")),
        Route::new(Put, format!("{one}/value"), write, roll)
            .says("Give a token another value", Object),
    ]
}

async fn list(State(app): State<App>, by: Caller, params: Params) -> Answer<Vec<v1::Token>> {
    let paging = params.paging(TOKENS)?;
    let tokens = app.config.tokens(&by.token).await?;
    let (page, info) = paging.cut(&tokens);
    Ok(Reply::list((page.iter().map(|token| render(&app, token)).collect(), info)))
}

async fn create(State(app): State<App>, by: Caller, Body(body): Body) -> Answer<v1::Token> {
    let (token, secret) = app.config.create_token(&by.token, &body).await?;
    Ok(Reply::one(render(&app, &token).with_value(secret.reveal().into())))
}

async fn verify(State(app): State<App>, by: Caller) -> Answer<Verified> {
    // As the guard of all other routes sees it: a token that is not valid yet is as good as disabled.
    let status = status(&by.token, app.now());
    let verified = Verified::from(&Token { status, ..Token::clone(&by.token) });
    let (code, text) = VALID;
    let active = verified.status == TokenStatus::Active;
    let messages = active.then(|| ApiMessage::new(code, text)).into_iter().collect();
    Ok(Reply::one(verified).with_messages(messages))
}

async fn permission_groups() -> Answer<Vec<PermissionGroup>> {
    Ok(Reply::one(PermissionGroup::all()))
}

async fn read_one(State(app): State<App>, by: Caller, Id(id): Id<TokenId>) -> Answer<v1::Token> {
    let token = app.config.token(&by.token, id).await?;
    Ok(Reply::one(render(&app, &token)))
}

async fn replace(
    State(app): State<App>,
    by: Caller,
    Id(id): Id<TokenId>,
    Body(body): Body,
) -> Answer<v1::Token> {
    let token = app.config.replace_token(&by.token, id, &body).await?;
    Ok(Reply::one(render(&app, &token)))
}

async fn delete(State(app): State<App>, by: Caller, Id(id): Id<TokenId>) -> Answer<Deleted> {
    app.config.delete_token(&by.token, id).await?;
    Ok(Reply::deleted(id))
}

async fn roll(State(app): State<App>, by: Caller, Id(id): Id<TokenId>) -> Answer<String> {
    let secret = app.config.roll_token(&by.token, id).await?;
    Ok(Reply::one(secret.reveal().into()))
}

fn render(app: &App, token: &Token) -> v1::Token {
    v1::Token::from(&timed(app, token))
}

/// With the status that the time gives it. A token that is not valid yet is shown as it is stored.
fn timed(app: &App, token: &Token) -> Token {
    let now = app.now();
    let early = token.not_before.is_some_and(|start| now < start);
    let status = if early { token.status } else { status(token, now) };
    Token { status, ..token.clone() }
}
