//! Who refers to a resource, and to whom it refers.

use serde::Serialize;
use trimtab_model::words;
use utoipa::ToSchema;

words! {
    /// Seen from the resource that was asked about.
    ReferenceType {
        /// It is used by this one.
        Referrer = "referrer",
        /// It uses this one.
        Referral = "referral",
        /// Either, in a query.
        Any = "*",
    }
}

words! {
    ResourceType {
        LoadBalancer = "load_balancer",
        Pool = "pool",
        Monitor = "monitor",
        MonitorGroup = "monitor_group",
        HealthCheck = "health_check",
    }
}

/// One neighbour of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reference {
    #[schema(value_type = String)]
    pub reference_type: ReferenceType,
    pub resource_id: String,
    pub resource_name: String,
    #[schema(value_type = String)]
    pub resource_type: ResourceType,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_names_its_resource() {
        let reference = Reference {
            reference_type: ReferenceType::Referrer,
            resource_id: "1".into(),
            resource_name: "www.example.com".into(),
            resource_type: ResourceType::LoadBalancer,
        };
        let want = json!({
            "reference_type": "referrer",
            "resource_id": "1",
            "resource_name": "www.example.com",
            "resource_type": "load_balancer",
        });
        assert_eq!(serde_json::to_value(reference).unwrap(), want);
    }
}
