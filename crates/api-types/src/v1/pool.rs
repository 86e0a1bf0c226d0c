//! Pools on the wire.

mod extension;
mod notify;
mod origin;
mod upstream;
mod watch;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::pool::{
    DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, NETWORK_CHARS_MAX, NETWORKS_MAX, ORIGINS_MAX,
    OriginPolicy, ShedPolicy,
};
use trimtab_model::{self as model, Coordinates, MonitorGroupId, PoolId, Problems, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, flag, line, number, shown, text, whole, word};
use crate::draft::{self, Draft, Resource, Stamp};
use crate::number::Number;

pub use extension::{Quorum, Required, Requires, TrimtabPool};
pub(crate) use notify::is_email;
pub use notify::{NotificationFilter, NotificationRule};
pub use origin::{HostHeader, Mx, Origin, Srv, TrimtabOrigin};
pub use upstream::Upstream;

pub(super) use watch::check_regions;

/// A set of endpoints. Fields without `Option` are always there, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Pool {
    #[schema(value_type = String)]
    pub id: PoolId,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    /// Only while disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub disabled_at: Option<Timestamp>,
    pub origins: Vec<Origin>,
    pub origin_steering: OriginSteering,
    pub minimum_origins: u32,
    /// Empty without one.
    pub monitor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub monitor_group: Option<MonitorGroupId>,
    pub check_regions: Option<Vec<String>>,
    pub health_sources: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub latitude: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub longitude: Option<Number>,
    pub load_shedding: LoadShedding,
    pub notification_email: String,
    pub notification_filter: Option<NotificationFilter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<TrimtabPool>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    /// Filled in by whoever knows the health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
}

/// How an endpoint of the pool is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OriginSteering {
    #[schema(value_type = String)]
    pub policy: OriginPolicy,
}

/// Percentages of traffic that the pool gives away.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LoadShedding {
    #[schema(value_type = f64)]
    pub default_percent: Number,
    #[schema(value_type = String)]
    pub default_policy: ShedPolicy,
    #[schema(value_type = f64)]
    pub session_percent: Number,
    #[schema(value_type = String)]
    pub session_policy: ShedPolicy,
}

/// Those for which the API says so, and those that have no other word for "not set".
const RESET_BY_NULL: &[&str] = &[
    "check_regions",
    "health_sources",
    "latitude",
    "load_shedding",
    "longitude",
    "monitor",
    "monitor_group",
    "notification_filter",
    "origin_steering",
    "trimtab",
];

/// Reads the body of a POST or PUT.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Draft<model::Pool>, Problems> {
    body::read(body, pool).map(Draft::new)
}

/// Reads the body of a PATCH of one pool.
///
/// # Errors
/// Every problem of what the pool would become.
pub fn patch(current: &model::Pool, body: &Value) -> Result<Draft<model::Pool>, Problems> {
    read(&Value::Object(draft::merged(&Pool::from(current), body, RESET_BY_NULL)?))
}

/// Reads the body of a PATCH of all pools, which can do one thing: take the mail addresses away.
///
/// # Errors
/// When it asks for anything else.
pub fn read_clear_emails(body: &Value) -> Result<(), Problems> {
    body::read(body, |body| {
        let email = body.required("notification_email", notify::email)?;
        if !email.is_empty() {
            body.refuse(
                "notification_email",
                "notification_email of all pools can only be cleared",
            );
        }
        Some(())
    })
}

// === impl Pool ===

impl From<&model::Pool> for Pool {
    fn from(pool: &model::Pool) -> Pool {
        let watch = &pool.watch;
        Pool {
            id: pool.id,
            name: pool.name.clone(),
            description: pool.description.clone(),
            enabled: pool.enabled,
            disabled_at: pool.disabled_at,
            origins: pool.origins.iter().map(Origin::from).collect(),
            origin_steering: OriginSteering { policy: pool.origin_steering },
            minimum_origins: pool.minimum_origins,
            monitor: watch.monitor.map(|id| id.to_string()).unwrap_or_default(),
            monitor_group: watch.monitor_group,
            check_regions: watch::region_words(&watch.check_regions),
            health_sources: watch::source_words(watch.regional_health),
            latitude: pool.coordinates.map(|place| Number(place.latitude)),
            longitude: pool.coordinates.map(|place| Number(place.longitude)),
            load_shedding: LoadShedding::from(&pool.load_shedding),
            notification_email: pool.notify.email.clone(),
            notification_filter: pool.notify.filter.as_ref().map(NotificationFilter::from),
            networks: pool.networks.clone(),
            trimtab: TrimtabPool::unless_empty(pool),
            created_on: pool.created_on,
            modified_on: pool.modified_on,
            healthy: None,
        }
    }
}

impl From<&model::pool::LoadShedding> for LoadShedding {
    fn from(shedding: &model::pool::LoadShedding) -> LoadShedding {
        LoadShedding {
            default_percent: Number(shedding.default_percent),
            default_policy: shedding.default_policy,
            session_percent: Number(shedding.session_percent),
            session_policy: ShedPolicy::Hash,
        }
    }
}

// === impl model::Pool ===

impl Resource for model::Pool {
    type Id = PoolId;

    fn stamp(&self) -> Stamp<PoolId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<PoolId>) -> model::Pool {
        let Stamp { id, created_on, modified_on } = stamp;
        model::Pool { id, created_on, modified_on, ..self }
    }

    /// Drains count from `disabled_at`, so only the moment of disabling sets it. Keys are never shown, so what is
    /// sent back lacks them.
    fn settled(mut self, before: Option<&model::Pool>, now: Timestamp) -> model::Pool {
        upstream::keep_key(&mut self, before);
        let since = before.and_then(|pool| pool.disabled_at);
        self.disabled_at = (!self.enabled).then(|| since.unwrap_or(now));
        for origin in &mut self.origins {
            let known = before.and_then(|pool| {
                pool.origins.iter().find(|old| origin::key(old) == origin::key(origin))
            });
            let since = known.and_then(|origin| origin.disabled_at);
            origin.disabled_at = (!origin.enabled).then(|| since.unwrap_or(now));
        }
        self
    }
}

fn pool(body: &mut Object<'_>) -> Option<model::Pool> {
    let name = body.required("name", name(NAME_CHARS_MAX));
    let description = body.or("description", String::new(), text(DESCRIPTION_CHARS_MAX));
    let enabled = body.or("enabled", true, flag);
    let origins = body.required("origins", origin::list);
    let origin_steering = body.or("origin_steering", OriginPolicy::Random, origin_steering);
    let minimum_origins = body.or("minimum_origins", 1, whole(0..=ORIGINS_MAX as u32));
    let watch = watch::read(body);
    let coordinates = coordinates(body);
    let shedding = body.or("load_shedding", Default::default(), load_shedding);
    let notify = notify::read(body);
    let networks = body.or("networks", Vec::new(), networks);
    let mut extension = body.or("trimtab", extension::Extension::default(), extension::read)?;
    Some(model::Pool {
        id: PoolId::new([0; 16]),
        name: name?,
        description: description?,
        enabled: enabled?,
        disabled_at: None,
        origins: origins?,
        origin_steering: origin_steering?,
        minimum_origins: minimum_origins?,
        upstream: extension.upstream.take(),
        watch: extension.watched(watch?),
        coordinates: coordinates?,
        load_shedding: shedding?,
        notify: notify?,
        networks: networks?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

/// Of pools and of health checks.
pub(super) fn name(chars_max: usize) -> impl Fn(&mut Node<'_>) -> Option<String> {
    move |node: &mut Node<'_>| {
        let name = text(chars_max)(node)?;
        let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || !name.bytes().all(sound) {
            let name = shown(&name);
            node.refuse_named(format_args!("{name:?} is not made of letters, digits, - and _"));
            return None;
        }
        Some(name)
    }
}

fn origin_steering(node: &mut Node<'_>) -> Option<OriginPolicy> {
    node.object()?.or("policy", OriginPolicy::Random, word)
}

fn coordinates(body: &mut Object<'_>) -> Option<Option<Coordinates>> {
    let latitude = body.optional("latitude", number(-90.0..=90.0));
    let longitude = body.optional("longitude", number(-180.0..=180.0));
    for (given, missing) in [("latitude", "longitude"), ("longitude", "latitude")] {
        if body.has(given) && !body.has(missing) {
            body.refuse(missing, format_args!("{missing} is required with {given}"));
        }
    }
    Some(latitude?.zip(longitude?).and_then(|(lat, lon)| Coordinates::new(lat, lon)))
}

fn load_shedding(node: &mut Node<'_>) -> Option<model::pool::LoadShedding> {
    let mut fields = node.object()?;
    let default_percent = fields.or("default_percent", 0.0, number(0.0..=100.0));
    let default_policy = fields.or("default_policy", ShedPolicy::Random, word);
    let session_percent = fields.or("session_percent", 0.0, number(0.0..=100.0));
    let session_policy = fields.or("session_policy", ShedPolicy::Hash, word);
    if session_policy == Some(ShedPolicy::Random) {
        fields.refuse("session_policy", "session_policy \"random\" is not one of hash");
    }
    Some(model::pool::LoadShedding {
        default_percent: default_percent?,
        default_policy: default_policy?,
        session_percent: session_percent?,
    })
}

/// Names or ids of networks, of pools and of balancers.
pub(super) fn networks(node: &mut Node<'_>) -> Option<Vec<String>> {
    node.list("networks", 0..=NETWORKS_MAX, line(NETWORK_CHARS_MAX))
}

#[cfg(test)]
mod tests;
