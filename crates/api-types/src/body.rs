//! Reading a JSON body: each field is asked for by name, and every problem is kept with its pointer.
//!
//! A parse function takes a [`Node`] and gives a value, or `None` after it has noted why not. Callers
//! ask for every field before they give up, so that one answer tells all that is wrong.

mod parse;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};
use trimtab_model::Problems;

pub use parse::{
    flag, hostname, id, line, no_extension, number, shown, text, unknown, weight, whole, word,
};

/// One value of a body and where it stands.
pub struct Node<'a> {
    value: &'a Value,
    place: Place<'a>,
    problems: &'a mut Problems,
}

/// A value that is known to be an object. Fields nobody asks for are ignored, as by the hosted API:
/// clients send back what they read.
pub struct Object<'a> {
    fields: &'a Map<String, Value>,
    place: Place<'a>,
    problems: &'a mut Problems,
}

/// The way from the body to a value, as long as the stack frames that walk it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Body,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

/// Reads a body that must be an object.
///
/// # Errors
/// Every problem of the body, never an empty list.
pub fn read<T>(
    body: &Value,
    parse: impl FnOnce(&mut Object<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let mut problems = Problems::default();
    let mut root = Node { value: body, place: Place::Body, problems: &mut problems };
    match root.object().and_then(|mut fields| parse(&mut fields)) {
        Some(value) => problems.or(value),
        None => Err(problems),
    }
}

// === impl Object ===

impl Object<'_> {
    /// Outer `None`: refused. Inner `None`: missing or null.
    pub fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&mut Node<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.field(key) {
            Some(mut node) => parse(&mut node).map(Some),
            None => Some(None),
        }
    }

    /// `default` where the field is missing or null.
    pub fn or<T>(
        &mut self,
        key: &str,
        default: T,
        parse: impl FnOnce(&mut Node<'_>) -> Option<T>,
    ) -> Option<T> {
        self.optional(key, parse).map(|value| value.unwrap_or(default))
    }

    pub fn required<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&mut Node<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.optional(key, parse)?;
        if value.is_none() {
            self.refuse(key, format_args!("{key} is required"));
        }
        value
    }

    /// True when the field is there and not null.
    pub fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub fn refuse(&mut self, key: &str, message: impl Display) {
        self.problems.add(Place::Field(&self.place, key).pointer(), message);
    }

    pub fn refuse_coded(&mut self, key: &str, code: u32, message: impl Display) {
        self.problems.add_coded(Place::Field(&self.place, key).pointer(), code, message);
    }

    /// For objects in which an unknown key can only be a slip of the pen.
    pub fn refuse_all_but(&mut self, known: &[&str]) {
        let fields = self.fields;
        for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
            self.refuse(key, format_args!("unknown field: {}", shown(key)));
        }
    }

    fn field<'n>(&'n mut self, key: &'n str) -> Option<Node<'n>> {
        let value = self.fields.get(key).filter(|value| !value.is_null())?;
        Some(Node { value, place: Place::Field(&self.place, key), problems: self.problems })
    }
}

// === impl Node ===

impl<'a> Node<'a> {
    pub fn value(&self) -> &'a Value {
        self.value
    }

    pub fn refuse(&mut self, message: impl Display) {
        self.problems.add(self.place.pointer(), message);
    }

    pub fn refuse_coded(&mut self, code: u32, message: impl Display) {
        self.problems.add_coded(self.place.pointer(), code, message);
    }

    /// `field message`, for messages that begin with the field's name.
    pub fn refuse_named(&mut self, message: impl Display) {
        self.refuse(format_args!("{} {message}", self.place.label()));
    }

    pub fn object(&mut self) -> Option<Object<'_>> {
        let Value::Object(fields) = self.value else {
            self.refuse_named("is not an object");
            return None;
        };
        Some(Object { fields, place: self.place, problems: self.problems })
    }

    /// `what` names the list in the message about its length. A list that is too long is not walked.
    pub fn list<T>(
        &mut self,
        what: &str,
        length: RangeInclusive<usize>,
        mut item: impl FnMut(&mut Node<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(values) = self.value else {
            self.refuse_named("is not a list");
            return None;
        };
        if !length.contains(&values.len()) {
            let (least, most) = length.into_inner();
            self.refuse(format_args!("the {what} list length must be in range [{least}, {most}]"));
            return None;
        }
        let mut items = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let place = Place::Item(&self.place, index);
            items.push(item(&mut Node { value, place, problems: self.problems }));
        }
        items.into_iter().collect()
    }

    /// An object whose keys are codes or ids.
    pub fn map<K: FromStr<Err: Display> + Ord, V>(
        &mut self,
        most: usize,
        mut item: impl FnMut(&mut Node<'_>) -> Option<V>,
    ) -> Option<BTreeMap<K, V>> {
        let Object { fields, place, problems } = self.object()?;
        if fields.len() > most {
            problems.add(place.pointer(), format_args!("{} has over {most} keys", place.label()));
            return None;
        }
        let (mut entries, mut sound) = (BTreeMap::new(), true);
        for (key, value) in fields {
            let node = &mut Node { value, place: Place::Field(&place, key), problems };
            let Some((parsed, item)) = node.key(key, &place).zip(item(node)) else {
                sound = false;
                continue;
            };
            // Two spellings of one code, such as IN and SAS.
            if entries.insert(parsed, item).is_some() {
                node.refuse(format_args!("{} has {} twice", place.label(), shown(key)));
            }
        }
        sound.then_some(entries)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let Value::String(text) = self.value else {
            self.refuse_named("is not a string");
            return None;
        };
        Some(text)
    }

    /// No code, id or header name is as long as what a message repeats.
    fn key<K: FromStr<Err: Display>>(&mut self, key: &str, map: &Place<'_>) -> Option<K> {
        match shown(key).parse() {
            Ok(key) => Some(key),
            Err(why) => {
                self.refuse(format_args!("{} {why}", map.label()));
                None
            }
        }
    }
}

// === impl Place ===

impl Place<'_> {
    /// RFC 6901.
    fn pointer(&self) -> String {
        match self {
            Place::Body => String::new(),
            Place::Field(parent, key) => {
                let key = shown(key).replace('~', "~0").replace('/', "~1");
                format!("{}/{key}", parent.pointer())
            }
            Place::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }

    /// What messages call the value.
    fn label(&self) -> String {
        match self {
            Place::Body => "the body".into(),
            Place::Field(_, key) => shown(key).into(),
            Place::Item(parent, index) => format!("{}[{index}]", parent.label()),
        }
    }
}

#[cfg(test)]
mod tests;
