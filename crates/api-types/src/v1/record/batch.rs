//! Many changes of records in one body, run in one transaction: deletes, patches, puts, posts.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::{Problems, RecordId};
use utoipa::ToSchema;

use super::Record;
use crate::body::{self, Node, Object, id};

/// Changes in one batch; they are one transaction of the store.
pub const BATCH_CHANGES_MAX: usize = 1000;

/// A batch taken apart; each change is read by [`super::read`] or [`super::patch`] with the record that
/// it names, and its problems put at its place with `Problems::append_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub deletes: Vec<RecordId>,
    pub patches: Vec<(RecordId, Value)>,
    pub puts: Vec<(RecordId, Value)>,
    pub posts: Vec<Value>,
}

/// The records of a batch after it ran, list by list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = DnsRecordBatch)]
pub struct Batched {
    pub deletes: Vec<Record>,
    pub patches: Vec<Record>,
    pub puts: Vec<Record>,
    pub posts: Vec<Record>,
}

// === impl Batch ===

impl Batch {
    /// # Errors
    /// When a list is none, is too long, or an item names no record.
    pub fn read(body: &Value) -> Result<Batch, Problems> {
        body::read(body, |body| {
            let deletes = list(body, "deletes", |item| item.object()?.required("id", record_id));
            let patches = list(body, "patches", named);
            let puts = list(body, "puts", named);
            let posts = list(body, "posts", |item| Some(item.value().clone()));
            Some(Batch { deletes: deletes?, patches: patches?, puts: puts?, posts: posts? })
        })
    }
}

fn list<T>(
    body: &mut Object<'_>,
    key: &str,
    item: impl FnMut(&mut Node<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    body.or(key, Vec::new(), |node| node.list(key, 0..=BATCH_CHANGES_MAX, item))
}

fn named(item: &mut Node<'_>) -> Option<(RecordId, Value)> {
    let record = item.object()?.required("id", record_id)?;
    Some((record, item.value().clone()))
}

fn record_id(node: &mut Node<'_>) -> Option<RecordId> {
    id("record")(node)
}
