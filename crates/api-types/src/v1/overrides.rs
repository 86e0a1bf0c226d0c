//! Overrides on the wire: what a person says of endpoints.

mod lasting;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::overrides::{
    AUTHOR_CHARS_MAX, Forced, LASTS_SECONDS_MAX, PATTERN_CHARS_MAX, Pattern, REASON_CHARS_MAX,
};
use trimtab_model::{self as model, OverrideId, Problems, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, line, no_extension, shown, word};
use crate::draft::{self, Draft, Resource, Stamp};

/// One person's word on all endpoints that its pattern names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Override {
    #[schema(value_type = String)]
    pub id: OverrideId,
    /// `POOL/ENDPOINT`, each with `*` and `?`; without a slash all endpoints of the pools.
    pub pattern: String,
    /// `up`, `down` or `drained`.
    #[schema(value_type = String)]
    pub state: Forced,
    pub reason: String,
    /// The token's name where nobody else is given.
    pub author: String,
    /// Null: until somebody takes it back. Can be written as `duration`, too: seconds, or a text such as `2h`.
    #[schema(value_type = Option<String>)]
    pub until: Option<Timestamp>,
    /// Its time is over, and it says nothing any more.
    pub expired: bool,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
}

/// What a body is read against.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// The author where the body names none.
    pub author: &'a str,
    pub now: Timestamp,
}

const MICROS: i64 = 1_000_000;

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value, writing: Writing<'_>) -> Result<Draft<model::Override>, Problems> {
    body::read(body, |body| forced(body, writing, None)).map(Draft::new)
}

/// Reads the body of a PUT. An end that stays may be over already.
///
/// # Errors
/// Every problem of the body.
pub fn replace(
    current: &model::Override,
    body: &Value,
    writing: Writing<'_>,
) -> Result<Draft<model::Override>, Problems> {
    body::read(body, |body| forced(body, writing, current.until)).map(Draft::new)
}

/// Reads the body of a PATCH. A `duration` takes the place of the end that there is.
///
/// # Errors
/// Every problem of what the override would become.
pub fn patch(
    current: &model::Override,
    body: &Value,
    writing: Writing<'_>,
) -> Result<Draft<model::Override>, Problems> {
    let mut fields = draft::merged(&Override::new(current, writing.now), body, &["until"])?;
    let given = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    if given("duration") && !given("until") {
        fields.remove("until");
    }
    replace(current, &Value::Object(fields), writing)
}

// === impl Override ===

impl Override {
    pub fn new(of: &model::Override, now: Timestamp) -> Override {
        Override {
            id: of.id,
            pattern: of.pattern.as_str().to_owned(),
            state: of.state,
            reason: of.reason.clone(),
            author: of.author.clone(),
            until: of.until,
            expired: of.is_over(now),
            created_on: of.created_on,
            modified_on: of.modified_on,
        }
    }
}

// === impl model::Override ===

impl Resource for model::Override {
    type Id = OverrideId;

    fn stamp(&self) -> Stamp<OverrideId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<OverrideId>) -> model::Override {
        let Stamp { id, created_on, modified_on } = stamp;
        model::Override { id, created_on, modified_on, ..self }
    }
}

// === reading ===

fn forced(
    body: &mut Object<'_>,
    writing: Writing<'_>,
    kept: Option<Timestamp>,
) -> Option<model::Override> {
    let pattern = body.required("pattern", pattern);
    let state = body.required("state", word);
    let reason = body.required("reason", reason);
    let author = body.or("author", String::new(), line(AUTHOR_CHARS_MAX));
    let until = until(body, writing.now, kept);
    let extension = body.or("trimtab", (), no_extension);
    let author = author.map(|author| Some(author).filter(|author| !author.is_empty()));
    extension?;
    Some(model::Override {
        id: OverrideId::new([0; 16]),
        pattern: pattern?,
        state: state?,
        reason: reason?,
        author: author?.unwrap_or_else(|| writing.author.chars().take(AUTHOR_CHARS_MAX).collect()),
        until: until?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn pattern(node: &mut Node<'_>) -> Option<Pattern> {
    let text = line(PATTERN_CHARS_MAX)(node)?;
    let pattern = Pattern::read(&text);
    if pattern.is_none() {
        let text = shown(&text);
        node.refuse_named(format_args!(
            "{text:?} is not POOL or POOL/ENDPOINT, such as fra-*/web-?"
        ));
    }
    pattern
}

/// Whoever finds an endpoint down at night must be able to read why.
fn reason(node: &mut Node<'_>) -> Option<String> {
    let reason = line(REASON_CHARS_MAX)(node)?;
    if reason.trim().is_empty() {
        node.refuse("reason is required");
        return None;
    }
    Some(reason)
}

fn until(
    body: &mut Object<'_>,
    now: Timestamp,
    kept: Option<Timestamp>,
) -> Option<Option<Timestamp>> {
    let until = body.optional("until", |node| moment(node, now, kept));
    let lasting = body.optional("duration", lasting::read);
    if let (Some(Some(_)), Some(Some(_))) = (until, lasting) {
        body.refuse("duration", "until and duration exclude each other");
    }
    let end = |seconds: u32| Timestamp::from_micros(now.micros() + i64::from(seconds) * MICROS);
    Some(until?.or(lasting?.map(end)))
}

fn moment(node: &mut Node<'_>, now: Timestamp, kept: Option<Timestamp>) -> Option<Timestamp> {
    let until: Timestamp = word(node)?;
    let lasts = until.micros().saturating_sub(now.micros());
    if Some(until) == kept {
        return Some(until);
    }
    if lasts <= 0 {
        node.refuse_named(format_args!("{until} is not in the future"));
        return None;
    }
    if lasts > i64::from(LASTS_SECONDS_MAX) * MICROS {
        node.refuse_named(format_args!("{until} is more than a year away"));
        return None;
    }
    Some(until)
}

#[cfg(test)]
mod tests;
