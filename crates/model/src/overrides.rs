//! Overrides: what a person says of endpoints, which outranks all that machines say.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::{Origin, OverrideId, Pool, Timestamp, words};

/// More standing orders than this are configuration.
pub const OVERRIDES_MAX: usize = 1_000;
/// Two names of 255 characters and the slash between them.
pub const PATTERN_CHARS_MAX: usize = 511;
pub const REASON_CHARS_MAX: usize = 1_024;
pub const AUTHOR_CHARS_MAX: usize = 255;
/// Seconds; a year from now nobody knows what an end was meant for.
pub const LASTS_SECONDS_MAX: u32 = 366 * 86_400;

words! {
    /// What endpoints are held to be.
    Forced {
        Up = "up",
        Down = "down",
        /// No new clients; those with a session stay until its end.
        Drained = "drained",
    }
}

/// One person's word on all endpoints that its pattern names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub id: OverrideId,
    pub pattern: Pattern,
    pub state: Forced,
    pub reason: String,
    /// Who said so.
    pub author: String,
    /// None: until somebody takes it back.
    pub until: Option<Timestamp>,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// `POOL/ENDPOINT`, each with `*` for any characters and `?` for one; without a slash all endpoints of the pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

// === impl Override ===

impl Override {
    /// Is its time over? Then it says nothing, wherever it is still kept.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

// === impl Pattern ===

impl Pattern {
    /// None when it is empty, too long, or has an empty side.
    pub fn read(text: &str) -> Option<Pattern> {
        let (pool, endpoint) = halves(text);
        let sound = !pool.is_empty() && !endpoint.is_empty();
        (sound && text.chars().count() <= PATTERN_CHARS_MAX).then(|| Pattern(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this endpoint of the pool meant, by the names that people know both by?
    pub fn names_origin(&self, pool: &Pool, origin: &Origin) -> bool {
        let (id, address) = (pool.id.to_string(), origin.address.to_string());
        self.names(&[&pool.name, &id], &[&origin.name, &address])
    }

    /// Is this endpoint meant? Each of its names and each of its pool's may be the one that matches.
    pub fn names(&self, pool: &[&str], endpoint: &[&str]) -> bool {
        let (wanted_pool, wanted_endpoint) = halves(&self.0);
        one_matches(wanted_pool, pool) && one_matches(wanted_endpoint, endpoint)
    }
}

/// Names of pools hold no slash, names of endpoints may.
fn halves(pattern: &str) -> (&str, &str) {
    pattern.split_once('/').unwrap_or((pattern, "*"))
}

fn one_matches(pattern: &str, names: &[&str]) -> bool {
    let pattern = WildMatch::new(pattern);
    names.iter().any(|name| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_endpoints_by_pool_and_name() {
        let check = |pattern: &str, pool: &str, endpoint: &[&str], want: bool| {
            let pattern = Pattern::read(pattern).unwrap();
            assert_eq!(pattern.names(&[pool], endpoint), want, "{pattern:?} {pool} {endpoint:?}");
        };
        check("fra-*/*", "fra-web", &["web-1"], true);
        check("fra-*", "fra-web", &["web-1"], true);
        check("*/web-?", "iad", &["web-1", "10.0.0.1"], true);
        check("*/web-?", "iad", &["web-10", "10.0.0.1"], false);
        check("*/10.0.0.*", "iad", &["web-10", "10.0.0.1"], true);
        check("fra/web-1", "fra-web", &["web-1"], false);
        check("fra/rack/1", "fra", &["rack/1"], true);
    }

    #[test]
    fn a_pattern_without_a_side_is_none() {
        for bad in ["", "/x", "x/", &"x".repeat(PATTERN_CHARS_MAX + 1)] {
            assert_eq!(Pattern::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_still_quick() {
        let pattern = Pattern::read(&"*a".repeat(200)).unwrap();
        assert!(!pattern.names(&[&"a".repeat(199)], &["x"]));
    }
}
