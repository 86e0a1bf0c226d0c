//! Domain names as an operator writes them: lower case, no dot at the end, `*` allowed as first label.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// RFC 1035 section 2.3.4: 255 bytes on the wire are 253 characters in text.
const NAME_CHARS_MAX: usize = 253;
/// RFC 1035 section 2.3.4.
const LABEL_CHARS_MAX: usize = 63;

/// A checked domain name, such as `www.example.com` or `*.example.com`.
///
/// Labels hold letters, digits, `-` and `_`; a label neither begins nor ends with `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// A text that is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid hostname: {0}")]
pub struct NotAName(String);

// === impl Name ===

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From the left, without the root.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// True for the zone's own name and everything below it.
    pub fn is_in(&self, zone: &Name) -> bool {
        self.0.strip_suffix(&*zone.0).is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

impl FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Name, NotAName> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let below = name.strip_prefix("*.").unwrap_or(&name);
        let sound = name.len() <= NAME_CHARS_MAX && below.split('.').all(is_label);
        if sound { Ok(Name(name.into())) } else { Err(NotAName(text.into())) }
    }
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_CHARS_MAX).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_without_the_last_dot() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(text.parse::<Name>().ok().map(|n| n.to_string()).as_deref(), want, "{text}");
        };
        check("WWW.Example.com.", Some("www.example.com"));
        check("*.example.com", Some("*.example.com"));
        check("_sip._tcp.example.com", Some("_sip._tcp.example.com"));
        check("a.*.example.com", None);
        check("", None);
        check("a..b", None);
        check("-a.b", None);
        check("a b.c", None);
        check(&"a".repeat(64), None);
        check(&format!("{}.com", "a.".repeat(130)), None);
    }

    #[test]
    fn a_zone_holds_its_own_name_and_what_is_below() {
        let zone: Name = "example.com".parse().unwrap();
        for (text, inside) in [
            ("example.com", true),
            ("www.example.com", true),
            ("*.example.com", true),
            ("notexample.com", false),
            ("com", false),
        ] {
            assert_eq!(text.parse::<Name>().unwrap().is_in(&zone), inside, "{text}");
        }
    }
}
