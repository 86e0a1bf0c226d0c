//! The keys of session cookies as they are shown: which there are, and nothing of them.

use serde::Serialize;
use trimtab_model::{self as model, Timestamp};
use utoipa::ToSchema;

/// All keys, the newest first: it signs, the others verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffinityKeys {
    pub keys: Vec<AffinityKey>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffinityKey {
    pub id: u8,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
}

// === impl AffinityKeys ===

impl From<&model::AffinityKeys> for AffinityKeys {
    fn from(keys: &model::AffinityKeys) -> AffinityKeys {
        let shown =
            |key: &model::AffinityKey| AffinityKey { id: key.id, created_on: key.created_on };
        AffinityKeys { keys: keys.keys.iter().map(shown).collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trimtab_model::SecretBytes;

    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let at = Timestamp::from_micros(1_767_225_600_000_000);
        let keys = model::AffinityKeys::default().rotated(SecretBytes::new([0xa5; 32]), at);
        let want = json!({"keys": [{"id": 0, "created_on": "2026-01-01T00:00:00.000000Z"}]});
        assert_eq!(serde_json::to_value(AffinityKeys::from(&keys)).unwrap(), want);
    }
}
