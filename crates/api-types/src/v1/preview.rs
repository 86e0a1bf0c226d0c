//! Trying a monitor on pools without keeping it.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_model::PoolId;
use utoipa::ToSchema;

use super::health::PlaceHealth;

/// The answer of a POST: where the result will be, and the pools that are probed by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preview {
    pub preview_id: String,
    #[schema(value_type = BTreeMap<String, String>)]
    pub pools: BTreeMap<PoolId, String>,
}

/// The answer of `preview/{id}`: per pool; keys of endpoints by [`super::health::preview_key`].
pub type PreviewResult = BTreeMap<PoolId, PlaceHealth>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pools_are_named_by_id() {
        let pools = BTreeMap::from([(PoolId::new([1; 16]), "primary".to_owned())]);
        let preview = Preview { preview_id: "f1aba936".into(), pools };
        let want = json!({
            "preview_id": "f1aba936",
            "pools": {"01010101010101010101010101010101": "primary"},
        });
        assert_eq!(serde_json::to_value(preview).unwrap(), want);
    }
}
