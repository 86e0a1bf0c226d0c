//! The `trimtab` object of a balancer.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_model::PoolId;
use trimtab_model::balancer::{
    self as model, Extension, MAP_ENTRIES_MAX, PROXIMITY_BIAS, PersistenceKey, TTL_MAX,
};
use utoipa::ToSchema;

use crate::body::{Node, whole, word};

/// What the hosted API has no field for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrimtabBalancer {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, i8>)]
    pub proximity_bias: BTreeMap<PoolId, i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
}

/// Whoever asks again gets the endpoint it had, as long as that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Persistence {
    /// `resolver`, `ecs` or `operator`.
    #[schema(value_type = String)]
    pub key: PersistenceKey,
    /// Seconds, of answers; the balancer's own without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

// === impl TrimtabBalancer ===

impl TrimtabBalancer {
    pub(super) fn unless_empty(extension: &Extension) -> Option<TrimtabBalancer> {
        let Extension { proximity_bias, persistence } = extension;
        (*extension != Extension::default()).then(|| TrimtabBalancer {
            proximity_bias: proximity_bias.clone(),
            persistence: persistence.map(|kept| Persistence { key: kept.key, ttl: kept.ttl }),
        })
    }
}

// === reading ===

pub(super) fn read(node: &mut Node<'_>) -> Option<Extension> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["persistence", "proximity_bias"]);
    let proximity_bias = fields.or("proximity_bias", BTreeMap::new(), |node| {
        node.map(MAP_ENTRIES_MAX, whole(PROXIMITY_BIAS))
    });
    let persistence = fields.optional("persistence", persistence);
    Some(Extension { proximity_bias: proximity_bias?, persistence: persistence? })
}

fn persistence(node: &mut Node<'_>) -> Option<model::Persistence> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["key", "ttl"]);
    let key = fields.required("key", word);
    let ttl = fields.optional("ttl", whole(1..=TTL_MAX));
    Some(model::Persistence { key: key?, ttl: ttl? })
}
