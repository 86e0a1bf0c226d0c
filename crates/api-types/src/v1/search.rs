//! Resources found by a part of their name.

use serde::Serialize;
use utoipa::ToSchema;

use super::reference::{Reference, ReferenceType, ResourceType};

/// The API says `resources`; the official SDKs look for `items`. The list is in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SearchResult)]
pub struct Found {
    pub resources: Vec<FoundResource>,
    pub items: Vec<FoundResource>,
}

/// One resource and its neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SearchResource)]
pub struct FoundResource {
    pub resource_id: String,
    pub resource_name: String,
    #[schema(value_type = String)]
    pub resource_type: ResourceType,
    /// Which kind of neighbours was asked for.
    #[schema(value_type = String)]
    pub reference_type: ReferenceType,
    pub references: Vec<Reference>,
}

// === impl Found ===

impl Found {
    pub fn new(resources: Vec<FoundResource>) -> Found {
        Found { items: resources.clone(), resources }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_is_there_under_both_names() {
        let pool = FoundResource {
            resource_id: "1".into(),
            resource_name: "primary".into(),
            resource_type: ResourceType::Pool,
            reference_type: ReferenceType::Any,
            references: Vec::new(),
        };
        let want = json!([{
            "resource_id": "1",
            "resource_name": "primary",
            "resource_type": "pool",
            "reference_type": "*",
            "references": [],
        }]);
        let found = serde_json::to_value(Found::new(vec![pool])).unwrap();
        assert_eq!(found, json!({"resources": want, "items": want}));
    }
}
