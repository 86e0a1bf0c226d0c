//! A checked body on its way to become a resource, and how a PATCH becomes a whole body.

use serde::Serialize;
use serde_json::{Map, Value};
use trimtab_model::{Problems, Timestamp};

/// A resource read from a body; id and times are the caller's to give.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<T>(T);

/// What a body cannot set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<Id> {
    pub id: Id,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// A model type that bodies create and replace.
pub trait Resource: PartialEq + Sized {
    type Id;

    fn stamp(&self) -> Stamp<Self::Id>;
    fn stamped(self, stamp: Stamp<Self::Id>) -> Self;

    /// Fills in what follows from the state before, such as when something was disabled.
    fn settled(self, _before: Option<&Self>, _now: Timestamp) -> Self {
        self
    }
}

// === impl Draft ===

impl<T: Resource> Draft<T> {
    pub(crate) fn new(resource: T) -> Draft<T> {
        Draft(resource)
    }

    /// The resource with blanks for id and times: enough to look up what it refers to.
    pub fn resource(&self) -> &T {
        &self.0
    }

    pub fn into_new(self, id: T::Id, now: Timestamp) -> T {
        self.0.stamped(Stamp { id, created_on: now, modified_on: now }).settled(None, now)
    }

    /// The resource in place of `current`, and whether anything changed. If nothing did, `modified_on`
    /// stays too.
    pub fn onto(self, current: &T, now: Timestamp) -> (T, bool) {
        let new = self.0.stamped(current.stamp()).settled(Some(current), now);
        if new == *current {
            return (new, false);
        }
        let stamp = Stamp { modified_on: now, ..current.stamp() };
        (new.stamped(stamp), true)
    }
}

/// The body of a PUT that does what this PATCH asks for: the rendered resource with the keys of the body
/// laid over it. A null takes a key out if it is one of `reset_by_null`, and is ignored otherwise.
///
/// # Errors
/// When the body is not an object.
pub(crate) fn merged(
    current: &impl Serialize,
    body: &Value,
    reset_by_null: &[&str],
) -> Result<Map<String, Value>, Problems> {
    let Value::Object(changes) = body else {
        let mut problems = Problems::default();
        problems.add("", "the body is not an object");
        return Err(problems);
    };
    let mut fields = rendered(current)?;
    for (key, value) in changes {
        if !value.is_null() {
            fields.insert(key.clone(), value.clone());
        } else if reset_by_null.contains(&key.as_str()) {
            fields.remove(key);
        }
    }
    Ok(fields)
}

fn rendered(current: &impl Serialize) -> Result<Map<String, Value>, Problems> {
    let why = match serde_json::to_value(current) {
        Ok(Value::Object(fields)) => return Ok(fields),
        Ok(_) => "the stored resource is not an object".to_owned(),
        Err(error) => format!("the stored resource cannot be rendered: {error}"),
    };
    let mut problems = Problems::default();
    problems.add("", why);
    Err(problems)
}
