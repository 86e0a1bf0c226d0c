//! The door before every handler: who asks, how often, what for, and with what right.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, OriginalUri, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use trimtab_model::account::Resource;
use trimtab_model::{AccountId, Permission, Timestamp, Token, TokenStatus, Zone, ZoneId};

use super::rights::Rights;
use super::{Refusal, credentials};
use crate::app::App;
use crate::errors::{Error, Kind};

/// What a route asks of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing, not even a token.
    Open,
    /// A token whose value is right, active or not: it asks about itself.
    Verify,
    /// Any active token; what it sees is up to the handler.
    Token,
    /// The permission on something; what it sees is up to the handler.
    Somewhere(Permission),
    /// The permission on everything.
    Node(Permission),
    /// The permission on the account of the path.
    Account(Permission),
    /// The permission on an account that the path does not name: the oldest where the token has it.
    Home(Permission),
    /// The permission on the zone of the path.
    Zone(Permission),
}

/// Who asks, let in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) token: Arc<Token>,
    pub(crate) place: Place,
}

/// What the right was checked for.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Nowhere,
    Account(AccountId),
    Zone(Arc<Zone>),
}

/// Runs before a route's handler, which finds the [`Caller`] among the request's extensions.
pub(crate) async fn guard(
    State((app, access)): State<(App, Access)>,
    request: Request,
    next: Next,
) -> Response {
    if access == Access::Open {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match admit(&app, access, &mut parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(why) => why.into_response(),
    }
}

async fn admit(app: &App, access: Access, parts: &mut Parts) -> Result<Caller, Error> {
    let token = authenticate(app, access, parts)?;
    let path = PathIds::read(parts).await;
    let place = match access {
        Access::Open | Access::Verify | Access::Token => Place::Nowhere,
        Access::Somewhere(needs) => somewhere(app, &token, needs).await?,
        Access::Node(needs) => node(&token, needs)?,
        Access::Account(needs) => account(app, &token, needs, &path).await?,
        Access::Home(needs) => home(app, &token, needs).await?,
        Access::Zone(needs) => zone(app, &token, needs, &path).await?,
    };
    Ok(Caller { token, place })
}

fn authenticate(app: &App, access: Access, parts: &Parts) -> Result<Arc<Token>, Refusal> {
    let now = app.clock.monotonic();
    let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    app.limits.may_try(from, now)?;
    let token = identify(app, access, parts, from)?;
    app.limits.request(token.id, now)?;
    match status(&token, app.now()) {
        TokenStatus::Active => Ok(token),
        TokenStatus::Disabled | TokenStatus::Expired if access == Access::Verify => Ok(token),
        inactive @ (TokenStatus::Disabled | TokenStatus::Expired) => {
            // An active token counts as disabled only before its time.
            let early = inactive == TokenStatus::Disabled && token.status == TokenStatus::Active;
            let start = token.not_before.filter(|_| early);
            Err(start.map_or(Refusal::Inactive(inactive), Refusal::Early))
        }
    }
}

fn identify(
    app: &App,
    access: Access,
    parts: &Parts,
    from: Option<IpAddr>,
) -> Result<Arc<Token>, Refusal> {
    let found = credentials::read(&parts.headers).and_then(|secret| {
        app.tokens.find(&secret).ok_or(match access {
            Access::Verify => Refusal::UnknownVerified,
            Access::Open
            | Access::Token
            | Access::Somewhere(_)
            | Access::Node(_)
            | Access::Account(_)
            | Access::Home(_)
            | Access::Zone(_) => Refusal::Unknown,
        })
    });
    found.inspect_err(|refusal| {
        if refusal.is_a_guess() {
            app.limits.guessed(from, app.clock.monotonic());
        }
    })
}

/// What time makes of a token's status. One that is not valid yet counts as disabled.
pub(crate) fn status(token: &Token, now: Timestamp) -> TokenStatus {
    let over = token.expires_on.is_some_and(|end| end <= now);
    let early = token.not_before.is_some_and(|start| now < start);
    match token.status {
        TokenStatus::Active if over => TokenStatus::Expired,
        TokenStatus::Active if early => TokenStatus::Disabled,
        TokenStatus::Active => TokenStatus::Active,
        TokenStatus::Disabled => TokenStatus::Disabled,
        TokenStatus::Expired => TokenStatus::Expired,
    }
}

async fn somewhere(app: &App, token: &Token, needs: Permission) -> Result<Place, Error> {
    let zones = app.config.zone_accounts().await?;
    let rights = Rights::new(token, |zone| zones.get(&zone).copied());
    if rights.allow_somewhere(needs) {
        return Ok(Place::Nowhere);
    }
    Err(forbidden(needs, "at least one resource"))
}

fn node(token: &Token, needs: Permission) -> Result<Place, Error> {
    if Rights::new(token, |_| None).allow(needs, Resource::All) {
        return Ok(Place::Nowhere);
    }
    Err(forbidden(needs, "all resources"))
}

/// The right comes first: whoever has none learns nothing, not even what exists.
async fn account(
    app: &App,
    token: &Token,
    needs: Permission,
    path: &PathIds,
) -> Result<Place, Error> {
    let id: AccountId = path.id("account_id")?;
    if !Rights::new(token, |_| None).allow(needs, Resource::Account(id)) {
        return Err(forbidden(needs, &format!("account {id}")));
    }
    app.config.account(id).await?;
    Ok(Place::Account(id))
}

async fn home(app: &App, token: &Token, needs: Permission) -> Result<Place, Error> {
    let rights = Rights::new(token, |_| None);
    let accounts = app.config.accounts().await?;
    let home = accounts.iter().find(|account| rights.allow(needs, Resource::Account(account.id)));
    home.map(|account| Place::Account(account.id)).ok_or_else(|| forbidden(needs, "an account"))
}

async fn zone(app: &App, token: &Token, needs: Permission, path: &PathIds) -> Result<Place, Error> {
    let id: ZoneId = path.id("zone_id")?;
    let zone = match app.config.zone(id).await {
        Ok(zone) => Some(zone),
        Err(Error::Missing { .. }) => None,
        Err(why) => return Err(why),
    };
    let account = zone.as_ref().map(|zone| zone.account);
    if !Rights::new(token, |_| account).allow(needs, Resource::Zone(id)) {
        return Err(forbidden(needs, &format!("zone {id}")));
    }
    zone.map(|zone| Place::Zone(Arc::new(zone))).ok_or_else(|| Error::missing(Kind::Zone, id))
}

pub(crate) fn forbidden(needs: Permission, what: &str) -> Error {
    Refusal::Forbidden { needs: Some(needs), what: what.into() }.into()
}

/// The parameters of the path that matched.
pub(crate) struct PathIds {
    path: String,
    values: Vec<(String, String)>,
}

// === impl PathIds ===

impl PathIds {
    pub(crate) async fn read(parts: &mut Parts) -> PathIds {
        let path = whole_path(parts);
        // Without parameters, or with one that is not UTF-8, no id is found.
        let values = match RawPathParams::from_request_parts(parts, &()).await {
            Ok(params) => params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            Err(_not_utf8) => Vec::new(),
        };
        PathIds { path, values }
    }

    pub(crate) fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T, Error> {
        let value = self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        value.and_then(|value| value.parse().ok()).ok_or_else(|| self.unroutable())
    }

    /// The one that the route ends with.
    pub(crate) fn last<T: std::str::FromStr>(&self) -> Result<T, Error> {
        let value = self.values.last().map(|(_, value)| value);
        value.and_then(|value| value.parse().ok()).ok_or_else(|| self.unroutable())
    }

    fn unroutable(&self) -> Error {
        Error::NotAnId { path: self.path.clone() }
    }
}

/// The path as the client wrote it.
pub(crate) fn whole_path(parts: &Parts) -> String {
    let original = parts.extensions.get::<OriginalUri>();
    original.map_or_else(|| parts.uri.path(), |uri| uri.0.path()).to_owned()
}
