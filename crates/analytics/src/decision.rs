//! A kept decision: one answer of this node with its explanation, to be shown later.

use crate::limits::short;

/// Longest explanation: room for that of a balancer with hundreds of origins. A larger one would
/// push out too many others.
pub const EXPLANATION_BYTES_MAX: usize = 256 * 1024;

/// What a decision was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A question of DNS.
    Dns,
    /// A request that was proxied.
    Http,
}

/// One decision, kept whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Names the decision to the client that got it.
    pub trace: u64,
    /// Microseconds since 1970.
    pub timestamp: i64,
    pub kind: Kind,
    pub account: String,
    /// Its id.
    pub balancer: String,
    /// As it was asked for.
    pub name: String,
    /// JSON, as it will be served.
    pub explanation: String,
}

/// A kept decision without its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHead {
    pub trace: u64,
    /// Microseconds since 1970.
    pub timestamp: i64,
    pub kind: Kind,
    pub account: String,
    pub balancer: String,
    pub name: String,
}

/// Which decisions of an account to give. What is absent does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    pub account: String,
    pub balancer: Option<String>,
    /// In any case of its letters.
    pub name: Option<String>,
    /// Microseconds since 1970; from this moment on.
    pub since: Option<i64>,
    /// Microseconds since 1970; before this moment.
    pub until: Option<i64>,
    /// [`QUERY_LIMIT_DEFAULT`](crate::limits::QUERY_LIMIT_DEFAULT) when absent, never more than
    /// [`QUERY_LIMIT_MAX`](crate::limits::QUERY_LIMIT_MAX).
    pub limit: Option<usize>,
}

// === impl Kind ===

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Dns, Kind::Http];

    pub const fn word(self) -> &'static str {
        match self {
            Kind::Dns => "dns",
            Kind::Http => "http",
        }
    }
}

// === impl Kept ===

impl Kept {
    /// Whether it is within the limits of the log.
    pub(crate) fn fits(&self) -> bool {
        let texts = [&self.account, &self.balancer, &self.name];
        texts.into_iter().all(|text| short(text)) && self.explanation.len() <= EXPLANATION_BYTES_MAX
    }
}
