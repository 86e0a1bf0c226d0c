//! Silences on the wire: several in one body.

use serde::Serialize;
use serde_json::{Value, json};
use trimtab_model::alert::Silence as Stored;
use trimtab_model::alert::silence::SILENCES_MAX;
use trimtab_model::{AlertPolicyId, Problems, SilenceId, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Object, id, word};

/// When a policy tells nothing new.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Silence {
    #[schema(value_type = String)]
    pub id: SilenceId,
    #[schema(value_type = String)]
    pub policy_id: AlertPolicyId,
    #[schema(value_type = String)]
    pub start_time: Timestamp,
    #[schema(value_type = String)]
    pub end_time: Timestamp,
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

/// A new one.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceDraft {
    pub policy: AlertPolicyId,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// A change of one; what is None stays.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceEdit {
    pub id: SilenceId,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

/// Reads the body of a POST: a list.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Vec<SilenceDraft>, Problems> {
    list(body, |fields| {
        let policy = fields.required("policy_id", id("policy"));
        let start = fields.required("start_time", word);
        let end = fields.required("end_time", word);
        let draft = SilenceDraft { policy: policy?, start: start?, end: end? };
        ends_later(fields, draft.start, draft.end).then_some(draft)
    })
}

/// Reads the body of a PUT: a list.
///
/// # Errors
/// Every problem of the body.
pub fn read_edits(body: &Value) -> Result<Vec<SilenceEdit>, Problems> {
    list(body, |fields| {
        let id = fields.required("id", id("silence"));
        let start = fields.optional("start_time", word);
        let end = fields.optional("end_time", word);
        Some(SilenceEdit { id: id?, start: start?, end: end? })
    })
}

/// The pointers in its refusals are those of the list itself.
fn list<T>(body: &Value, item: impl Fn(&mut Object<'_>) -> Option<T>) -> Result<Vec<T>, Problems> {
    const FIELD: &str = "silences";
    let wrapped = json!({ FIELD: body });
    let read = body::read(&wrapped, |fields| {
        fields.required(FIELD, |node| {
            node.list("silence", 1..=SILENCES_MAX, |one| item(&mut one.object()?))
        })
    });
    read.map_err(|wrapped| {
        let mut problems = Problems::default();
        for problem in wrapped.iter() {
            let pointer = problem.pointer.strip_prefix("/silences").unwrap_or("");
            problems.add(pointer, &problem.message);
        }
        problems
    })
}

fn ends_later(fields: &mut Object<'_>, start: Timestamp, end: Timestamp) -> bool {
    if end <= start {
        fields.refuse("end_time", "end_time is not after start_time");
    }
    start < end
}

// === impl Silence ===

impl From<&Stored> for Silence {
    fn from(silence: &Stored) -> Silence {
        Silence {
            id: silence.id,
            policy_id: silence.policy,
            start_time: silence.start,
            end_time: silence.end,
            created_at: silence.created_on,
            updated_at: silence.modified_on,
        }
    }
}
