//! What a token's policy is about: a map from resource names to `*`, or to a map of what is inside.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use trimtab_model::Permission;
use trimtab_model::account::Resource;

use crate::body::{Node, Object, shown, unknown};

/// Resources of one policy, rendered as the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources(pub Vec<Resource>);

const ACCOUNT: &str = "com.cloudflare.api.account";
const ZONE: &str = "com.cloudflare.api.account.zone";
const ALL_ZONES: &str = "com.cloudflare.api.account.zone.*";
/// Names in one policy; a right on more than these is a right on all.
const RESOURCES_MAX: usize = 1000;

// === impl Resources ===

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = BTreeMap::new();
        for resource in &self.0 {
            let grant = match resource {
                Resource::ZonesOf(_) => Grant::Inside(BTreeMap::from([(ALL_ZONES, "*")])),
                Resource::All | Resource::Account(_) | Resource::AllZones | Resource::Zone(_) => {
                    Grant::Whole("*")
                }
            };
            map.insert(key(resource), grant);
        }
        map.serialize(to)
    }
}

/// What stands at the name of a resource.
#[derive(Serialize)]
#[serde(untagged)]
enum Grant {
    Whole(&'static str),
    Inside(BTreeMap<&'static str, &'static str>),
}

fn key(resource: &Resource) -> String {
    match resource {
        Resource::All => format!("{ACCOUNT}.*"),
        Resource::Account(id) | Resource::ZonesOf(id) => format!("{ACCOUNT}.{id}"),
        Resource::AllZones => ALL_ZONES.into(),
        Resource::Zone(id) => format!("{ZONE}.{id}"),
    }
}

/// Where a permission can be given.
pub(super) const fn scope(permission: Permission) -> &'static str {
    match permission {
        Permission::LoadBalancersRead
        | Permission::LoadBalancersWrite
        | Permission::HealthChecksRead
        | Permission::HealthChecksWrite
        | Permission::DnsRead
        | Permission::DnsWrite
        | Permission::ZoneRead
        | Permission::ZoneWrite
        | Permission::ZoneSettingsRead
        | Permission::ZoneSettingsWrite
        | Permission::CertificatesRead
        | Permission::CertificatesWrite
        | Permission::AnalyticsRead => ZONE,
        Permission::LoadBalancersAccountRead
        | Permission::LoadBalancersAccountWrite
        | Permission::MonitorsAndPoolsRead
        | Permission::MonitorsAndPoolsWrite
        | Permission::AccountSettingsRead
        | Permission::AccountSettingsWrite
        | Permission::TokensRead
        | Permission::TokensWrite
        | Permission::NotificationsRead
        | Permission::NotificationsWrite
        | Permission::AccountAnalyticsRead => ACCOUNT,
    }
}

/// Sorted and without repetition, so that the same rights are always the same policy.
pub(super) fn read(node: &mut Node<'_>) -> Option<Vec<Resource>> {
    let names = names(node)?;
    let mut fields = node.object()?;
    let (mut found, mut sound) = (Vec::new(), true);
    for name in &names {
        match entry(&mut fields, name) {
            Some(resources) => found.extend(resources),
            None => sound = false,
        }
    }
    if found.len() > RESOURCES_MAX {
        node.refuse(format_args!("a policy names over {RESOURCES_MAX} resources"));
        return None;
    }
    found.sort_by_cached_key(key);
    found.dedup();
    sound.then_some(found)
}

/// The keys of a map that names at least one resource and not too many.
fn names(node: &mut Node<'_>) -> Option<Vec<String>> {
    let names: Vec<String> = node.object()?.keys().map(str::to_owned).collect();
    if !(1..=RESOURCES_MAX).contains(&names.len()) {
        node.refuse(format_args!(
            "the resources list length must be in range [1, {RESOURCES_MAX}]"
        ));
        return None;
    }
    Some(names)
}

fn entry(fields: &mut Object<'_>, name: &str) -> Option<Vec<Resource>> {
    let Some(outer) = resource(name) else {
        fields.refuse(name, unknown("resource", shown(name)));
        return None;
    };
    fields.required(name, |node| {
        if node.value().is_object() {
            return inside(node, outer);
        }
        star(node).map(|()| vec![outer])
    })
}

fn star(node: &mut Node<'_>) -> Option<()> {
    if node.value() == "*" {
        return Some(());
    }
    node.refuse("the value of a resource must be \"*\" or a map of what is inside");
    None
}

/// Zones inside an account.
fn inside(node: &mut Node<'_>, outer: Resource) -> Option<Vec<Resource>> {
    let names = names(node)?;
    let mut fields = node.object()?;
    let zones = names.iter().map(|name| {
        let Some(zone) = resource(name).and_then(|inner| inner_of(outer, inner)) else {
            fields.refuse(name, unknown("resource", shown(name)));
            return None;
        };
        fields.required(name, star).map(|()| zone)
    });
    let zones: Vec<Option<Resource>> = zones.collect();
    zones.into_iter().collect()
}

/// Only accounts have something inside, and only zones are inside.
fn inner_of(outer: Resource, inner: Resource) -> Option<Resource> {
    match (outer, inner) {
        (Resource::All | Resource::Account(_), Resource::Zone(_)) => Some(inner),
        (Resource::All, Resource::AllZones) => Some(Resource::AllZones),
        (Resource::Account(account), Resource::AllZones) => Some(Resource::ZonesOf(account)),
        (Resource::AllZones | Resource::ZonesOf(_) | Resource::Zone(_), _)
        | (_, Resource::All | Resource::Account(_) | Resource::ZonesOf(_)) => None,
    }
}

fn resource(name: &str) -> Option<Resource> {
    if let Some(zone) = name.strip_prefix(ZONE).and_then(|rest| rest.strip_prefix('.')) {
        return match zone {
            "*" => Some(Resource::AllZones),
            id => id.parse().ok().map(Resource::Zone),
        };
    }
    match name.strip_prefix(ACCOUNT)?.strip_prefix('.')? {
        "*" => Some(Resource::All),
        id => id.parse().ok().map(Resource::Account),
    }
}
