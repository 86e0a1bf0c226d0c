//! One line of the routing table: where, who may, what it does, and what the documentation says of it.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use trimtab_model::Permission;

use crate::app::App;
use crate::auth::Access;

/// An operation of the API.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) access: Access,
    pub(crate) about: About,
    pub(crate) handler: MethodRouter<App>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// For the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) summary: &'static str,
    /// The schema whose writable fields the body has.
    pub(crate) takes: Option<&'static str>,
    pub(crate) gives: Gives,
    /// Parameters of the query.
    pub(crate) asks: &'static [&'static str],
}

/// The result in the envelope, by its schema.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gives {
    One(&'static str),
    Many(&'static str),
    /// An object of no fixed fields.
    Object,
    /// One object of this schema to a line, as it happens, without an envelope.
    Lines(&'static str),
    Text,
}

/// Routes that differ only in where they begin and whose right they ask for.
#[derive(Clone, Copy)]
pub(crate) struct Base {
    prefix: &'static str,
    access: fn(Permission) -> Access,
}

// === impl Base ===

impl Base {
    pub(crate) const ACCOUNT: Base =
        Base { prefix: "/accounts/{account_id}/load_balancers", access: Access::Account };
    /// The same for whoever names no account.
    pub(crate) const USER: Base = Base { prefix: "/user/load_balancers", access: Access::Home };
    pub(crate) const OVERRIDES: Base =
        Base { prefix: "/accounts/{account_id}/trimtab/overrides", access: Access::Account };
    pub(crate) const FEED: Base =
        Base { prefix: "/accounts/{account_id}/trimtab/feed", access: Access::Account };
    pub(crate) const HEALTH_CHECKS: Base =
        Base { prefix: "/zones/{zone_id}/healthchecks", access: Access::Zone };
    /// The same checks once more, where newer clients look for them.
    pub(crate) const SMART_SHIELD: Base =
        Base { prefix: "/zones/{zone_id}/smart_shield/healthchecks", access: Access::Zone };
    pub(crate) const ALERTING: Base =
        Base { prefix: "/accounts/{account_id}/alerting/v3", access: Access::Account };
    /// What the hosted API has not.
    pub(crate) const TRIMTAB_ALERTING: Base =
        Base { prefix: "/accounts/{account_id}/trimtab/alerting", access: Access::Account };
    pub(crate) const RECORDS: Base =
        Base { prefix: "/zones/{zone_id}/dns_records", access: Access::Zone };
    pub(crate) const CERTIFICATES: Base =
        Base { prefix: "/zones/{zone_id}/custom_certificates", access: Access::Zone };

    pub(crate) fn route<H: Handler<T, App>, T: 'static>(
        self,
        method: Method,
        path: &str,
        needs: Permission,
        handler: H,
    ) -> Route {
        Route::new(method, format!("{}{path}", self.prefix), (self.access)(needs), handler)
    }
}

// === impl Route ===

impl Route {
    pub(crate) fn new<H: Handler<T, App>, T: 'static>(
        method: Method,
        path: impl Into<String>,
        access: Access,
        handler: H,
    ) -> Route {
        let about = About { summary: "", takes: None, gives: Gives::Object, asks: &[] };
        Route { method, path: path.into(), access, about, handler: on(method.filter(), handler) }
    }

    pub(crate) fn says(mut self, summary: &'static str, gives: Gives) -> Route {
        self.about.summary = summary;
        self.about.gives = gives;
        self
    }

    pub(crate) fn takes(mut self, schema: &'static str) -> Route {
        self.about.takes = Some(schema);
        self
    }

    pub(crate) fn asks(mut self, parameters: &'static [&'static str]) -> Route {
        self.about.asks = parameters;
        self
    }
}

// === impl Method ===

impl Method {
    fn filter(self) -> MethodFilter {
        match self {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Patch => MethodFilter::PATCH,
            Method::Delete => MethodFilter::DELETE,
        }
    }
}
