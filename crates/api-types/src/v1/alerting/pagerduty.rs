//! PagerDuty services on the wire. The integration key comes in and never goes out.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::alert::PagerDuty as Stored;
use trimtab_model::alert::destination::INTEGRATION_KEY_CHARS_MAX;
use trimtab_model::alert::policy::NAME_CHARS_MAX;
use trimtab_model::{PagerDutyId, Problems, SecretText, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Node, line};

/// A connected service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PagerDuty {
    #[schema(value_type = String)]
    pub id: PagerDutyId,
    pub name: String,
}

/// A checked body.
#[derive(Clone, Debug, PartialEq)]
pub struct PagerDutyDraft {
    name: Option<String>,
    /// None: it was not sent, and stays.
    key: Option<SecretText>,
}

const NAME: &str = "PagerDuty";

/// Reads the body of a connect, or of a change.
///
/// # Errors
/// Every problem of the body. No message repeats the key.
pub fn read(body: &Value) -> Result<PagerDutyDraft, Problems> {
    body::read(body, |body| {
        let name = body.optional("name", line(NAME_CHARS_MAX));
        let key = body.optional("integration_key", key);
        Some(PagerDutyDraft { name: name?, key: key? })
    })
}

fn key(node: &mut Node<'_>) -> Option<SecretText> {
    let text = node.text()?;
    let sound = (1..=INTEGRATION_KEY_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !sound {
        node.refuse_named("is not an integration key of letters and digits");
        return None;
    }
    Some(SecretText::new(text))
}

// === impl PagerDutyDraft ===

impl PagerDutyDraft {
    pub fn into_service(self, id: PagerDutyId, before: Option<&Stored>, now: Timestamp) -> Stored {
        let old_name = || before.map_or_else(|| NAME.to_owned(), |before| before.name.clone());
        let old_key = || before.and_then(|before| before.integration_key.clone());
        Stored {
            id,
            name: self.name.unwrap_or_else(old_name),
            integration_key: self.key.or_else(old_key),
            created_on: before.map_or(now, |before| before.created_on),
        }
    }
}

// === impl PagerDuty ===

impl From<&Stored> for PagerDuty {
    fn from(service: &Stored) -> PagerDuty {
        PagerDuty { id: service.id, name: service.name.clone() }
    }
}
