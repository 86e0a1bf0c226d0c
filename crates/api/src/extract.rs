//! What handlers take out of a request.

use std::error::Error as _;
use std::str::FromStr;
use std::sync::Arc;

use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use http_body_util::LengthLimitError;
use serde_json::Value;
use trimtab_api_types::v1::Paging;
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::{AccountId, PoolId, Problems, Token, Zone};

use crate::app::App;
use crate::auth::admit::PathIds;
use crate::auth::{Caller, Place};
use crate::errors::{Error, Service};

/// Bytes of a JSON body. The largest balancer, with a thousand pool sets, fits several times.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// A JSON body, whatever its content type says: clients differ.
pub(crate) struct Body(pub(crate) Value);

/// The same where a request without a body is fine.
pub(crate) struct MaybeBody(pub(crate) Option<Value>);

/// The id at the end of the path's parameters.
pub(crate) struct Id<T>(pub(crate) T);

/// An endpoint of a pool, in the path.
pub(crate) struct OriginOf {
    pub(crate) pool: PoolId,
    /// Its name or address.
    pub(crate) origin: String,
}

/// The query, parameter by parameter.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// An account that the caller may act on, and the caller.
pub(crate) struct AtAccount {
    pub(crate) account: AccountId,
    pub(crate) token: Arc<Token>,
}

/// A zone that the caller may act on, and the caller.
pub(crate) struct AtZone {
    pub(crate) zone: Arc<Zone>,
    pub(crate) token: Arc<Token>,
}

// === impl Body ===

impl FromRequest<App> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _app: &App) -> Result<Body, Error> {
        serde_json::from_slice(&bytes(request).await?).map(Body).map_err(Error::BodyMalformed)
    }
}

// === impl MaybeBody ===

impl FromRequest<App> for MaybeBody {
    type Rejection = Error;

    async fn from_request(request: Request, _app: &App) -> Result<MaybeBody, Error> {
        let bytes = bytes(request).await?;
        if bytes.is_empty() {
            return Ok(MaybeBody(None));
        }
        serde_json::from_slice(&bytes).map(MaybeBody).map_err(Error::BodyMalformed)
    }
}

async fn bytes(request: Request) -> Result<Bytes, Error> {
    // Looked at first: once bytes are under way, a refusal can be lost with the connection.
    if said_length(&request).is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Error::BodyTooLarge { limit: BODY_BYTES_MAX });
    }
    let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    bytes.map_err(|why| match why.source() {
        Some(cause) if cause.is::<LengthLimitError>() => {
            Error::BodyTooLarge { limit: BODY_BYTES_MAX }
        }
        _ => Error::BodyBroken(why),
    })
}

fn said_length(request: &Request) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

// === impl Id ===

impl<T: FromStr + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Id<T>, Error> {
        PathIds::read(parts).await.last().map(Id)
    }
}

// === impl OriginOf ===

impl FromRequestParts<App> for OriginOf {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<OriginOf, Error> {
        let path = PathIds::read(parts).await;
        Ok(OriginOf { pool: path.id("pool_id")?, origin: path.last()? })
    }
}

// === impl Params ===

impl FromRequestParts<App> for Params {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Params, Error> {
        match parts.extract::<Query<Vec<(String, String)>>>().await {
            Ok(Query(pairs)) => Ok(Params(pairs)),
            Err(why) => {
                let mut problems = Problems::default();
                problems.add("", format_args!("invalid query: {why}"));
                Err(Error::refused(Service::Plain, problems))
            }
        }
    }
}

impl Params {
    /// The first value; an empty one is as good as none, since forms send every field they have.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// True for a parameter that is there, with or without a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Reads a parameter as a word, a number, a time or an id.
    pub(crate) fn read<T: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &str,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.find(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|why| {
            let mut problems = Problems::default();
            problems.add("", format_args!("{key}: {why}"));
            Error::refused(Service::Plain, problems)
        })
    }

    pub(crate) fn paging(&self, usual: Usual) -> Result<Paging, Error> {
        Paging::read(|key| self.find(key), usual)
            .map_err(|problems| Error::refused(Service::Plain, problems))
    }
}

#[cfg(test)]
impl Params {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Params {
        Params(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
    }
}

// === impl Caller, AtAccount, AtZone ===

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Caller, Error> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or(Error::Broken("route has no guard"))
    }
}

impl FromRequestParts<App> for AtAccount {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<AtAccount, Error> {
        let Caller { token, place } = Caller::from_request_parts(parts, app).await?;
        match place {
            Place::Account(account) => Ok(AtAccount { account, token }),
            Place::Nowhere | Place::Zone(_) => Err(Error::Broken("route is not about an account")),
        }
    }
}

impl FromRequestParts<App> for AtZone {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<AtZone, Error> {
        let Caller { token, place } = Caller::from_request_parts(parts, app).await?;
        match place {
            Place::Zone(zone) => Ok(AtZone { zone, token }),
            Place::Nowhere | Place::Account(_) => Err(Error::Broken("route is not about a zone")),
        }
    }
}
