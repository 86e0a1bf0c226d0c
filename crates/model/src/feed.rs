//! What other systems say of endpoints: kept for a while beside the store, not in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::overrides::Forced;
use crate::pool::Address;
use crate::{AccountId, PoolId, Timestamp};

/// Seconds; what is to hold for longer is an override.
pub const EXPIRES_IN_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;
/// A feed that falls silent is forgotten after a minute.
pub const EXPIRES_IN_SECONDS_DEFAULT: u32 = 60;
pub const NOTE_CHARS_MAX: usize = 1_024;

/// One word of another system on one endpoint; it replaces what was said of that endpoint before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fed {
    pub account: AccountId,
    pub pool: PoolId,
    pub origin: FedOrigin,
    /// None: what was said before is taken back.
    pub word: Option<FedWord>,
}

/// Which endpoint of the pool is meant, as the pool was stored when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FedOrigin {
    /// Its place in the pool. Whether it is still the same endpoint tell the others.
    pub place: usize,
    pub name: String,
    pub address: Address,
    pub port: u16,
}

/// What is said of an endpoint. One of `state` and `weight` is there at least.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FedWord {
    pub state: Option<Forced>,
    /// 0 to 1: the share that is left of the endpoint's own weight.
    pub weight: Option<f64>,
    pub note: String,
    /// Who said so.
    pub author: String,
    pub since: Timestamp,
    /// From when it is said.
    pub lasts: Duration,
}

// === impl FedWord ===

impl FedWord {
    pub fn until(&self) -> Timestamp {
        let lasts = i64::try_from(self.lasts.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.since.micros().saturating_add(lasts))
    }
}
