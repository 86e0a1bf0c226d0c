//! Keys: short paths such as `pools/<account>/<id>`, and the prefixes that select them.

use std::fmt;

/// Longest key. Several times the longest path of ids the configuration uses; small enough that an
/// index page holds many.
pub const KEY_BYTES_MAX: usize = 512;

/// Closes the range of a prefix: no key may contain it and every other character sorts before it.
const AFTER_ALL: char = char::MAX;

/// A name in the store, ordered by its bytes. Never empty, no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<str>);

/// The beginning of keys; the empty prefix selects them all.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Box<str>);

/// A text that cannot be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("a key may not be empty")]
    Empty,
    #[error("a key of {bytes} bytes is longer than {KEY_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("key {key:?} contains {found:?}")]
    Character { key: Box<str>, found: char },
}

// === impl Key ===

impl Key {
    pub fn new(text: impl Into<Box<str>>) -> Result<Key, BadKey> {
        let text = text.into();
        if text.is_empty() {
            return Err(BadKey::Empty);
        }
        if text.len() > KEY_BYTES_MAX {
            return Err(BadKey::TooLong { bytes: text.len() });
        }
        match text.chars().find(|c| c.is_control() || *c == AFTER_ALL) {
            Some(found) => Err(BadKey::Character { key: text, found }),
            None => Ok(Key(text)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key read back from an engine, which holds only keys that were checked on their way in.
    pub(crate) fn stored(text: String) -> Key {
        Key(text.into())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// === impl Prefix ===

impl Prefix {
    pub fn new(text: impl Into<Box<str>>) -> Prefix {
        Prefix(text.into())
    }

    /// Selects every key.
    pub fn all() -> Prefix {
        Prefix::new("")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, key: &Key) -> bool {
        key.0.starts_with(&*self.0)
    }

    /// The first text after every key of this prefix.
    pub(crate) fn end(&self) -> String {
        let mut end = String::from(&*self.0);
        end.push(AFTER_ALL);
        end
    }

    /// The first text a key of this prefix may have when it must also sort after `after`.
    pub(crate) fn start(&self, after: Option<&Key>) -> String {
        match after {
            Some(after) if *after.0 >= *self.0 => {
                let mut next = String::from(&*after.0);
                next.push('\0');
                next
            }
            Some(_) | None => String::from(&*self.0),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_a_short_text_without_control_characters() {
        let check = |text: &str, want: Result<(), BadKey>| {
            assert_eq!(Key::new(text).map(drop), want, "{text:?}");
        };
        check("pools/acc/1", Ok(()));
        check("zönes/ü", Ok(()));
        check(&"k".repeat(KEY_BYTES_MAX), Ok(()));
        check("", Err(BadKey::Empty));
        check(&"k".repeat(KEY_BYTES_MAX + 1), Err(BadKey::TooLong { bytes: 513 }));
        for found in ['\0', '\n', '\u{7f}', '\u{85}', char::MAX] {
            let key = format!("a{found}b");
            check(&key, Err(BadKey::Character { key: key.clone().into(), found }));
        }
    }

    proptest! {
        #[test]
        fn the_range_of_a_prefix_holds_exactly_its_keys(
            key in "[a-c/\u{ff}\u{10fffe}]{1,6}",
            prefix in "[a-c/\u{ff}\u{10fffe}]{0,4}",
            after in proptest::option::of("[a-c/\u{ff}\u{10fffe}]{1,6}"),
        ) {
            let key = Key::new(key).unwrap();
            let prefix = Prefix::new(prefix);
            let after = after.map(|a| Key::new(a).unwrap());
            let wanted = prefix.matches(&key) && after.as_ref().is_none_or(|a| key > *a);
            let text = key.as_str();
            let inside = text >= &*prefix.start(after.as_ref()) && text < &*prefix.end();
            prop_assert_eq!(inside, wanted);
        }
    }
}
