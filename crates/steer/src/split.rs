//! What a balancer drew, held against what its weights ask for.
//!
//! A share is compared with what was configured where chance alone decides. Where the client or a measurement
//! decides, nobody can say what the share should be, and the reason is told instead.

mod expected;
mod interval;

use std::collections::BTreeMap;

use crate::{Balancer, Pool, PoolSlot, World};
use expected::Expected;
pub use interval::{Interval, Sure};

/// Answers of one balancer in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    /// The number of the [`Epoch`](crate::Epoch).
    pub epoch: u32,
    pub counts: BTreeMap<Drawn, u64>,
}

/// What one answer drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drawn {
    /// None when no pool could answer.
    pub pool: Option<PoolSlot>,
    /// Index of the endpoint that came first; None when the pool had nothing to tell of the type asked for.
    pub endpoint: Option<u16>,
}

/// One balancer, pool by pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub answers: u64,
    /// The worst of all that follow.
    pub verdict: Verdict,
    pub pools: Vec<PoolSplit>,
}

/// One pool: its part of the balancer's answers, and those of its endpoints of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSplit {
    pub pool: PoolSlot,
    pub part: Part,
    /// In the pool's order.
    pub endpoints: Vec<Part>,
}

/// A share that was drawn beside the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub answers: u64,
    /// The share of all answers among which this part was drawn; 0 when there are none.
    pub drawn: f64,
    /// Where the drawn share comes from, as far as chance lets one say.
    pub interval: Interval,
    pub configured: Configured,
    pub verdict: Verdict,
}

/// What share was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Configured {
    /// From 0 to 1.
    Share(f64),
    Unknown(Unknown),
}

/// Why no share is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Geo,
    Latency,
    Proximity,
    Rules,
    Persistence,
    /// A pool sheds clients by a hash of their addresses.
    ShedsByHash,
    /// More pools shed than [`expected::SHEDDING_MAX`].
    ManyShed,
    EndpointHash,
    /// Endpoints have addresses of different families, or different numbers of them.
    Families,
    /// The pool answers as the fallback too, and then with endpoints that are down.
    Fallback,
}

/// Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The configured share lies in the interval, and the interval is narrow enough to say so.
    AsConfigured,
    /// There is no configured share.
    ByClient,
    /// Too few answers to say.
    TooFew,
    /// By chance alone, one look in a million would show such a share.
    Differs,
}

/// Fewer answers are not judged: somebody who looks after each of the first ones would see every oddity of chance.
const ANSWERS_MIN: u64 = 100;
/// An interval wider than this (ten points of a percentage) would contain too many shares that nobody configured.
const WIDTH_MAX: f64 = 0.10;

/// Compares every pool that the balancer names, and every endpoint of it. Draws of another epoch count as none.
pub fn split(world: &World, balancer: &Balancer, epoch: u32, draws: &Draws) -> Split {
    let none = Draws::default();
    let draws = if draws.epoch == epoch { draws } else { &none };
    let expected = Expected::of(world, balancer);
    let answers = draws.answers();
    let pools = expected.pools().filter_map(|slot| {
        let pool = world.pool(slot)?;
        Some(split_pool(slot, pool, &expected, answers, draws))
    });
    let pools: Vec<PoolSplit> = pools.collect();
    let verdict = pools.iter().map(PoolSplit::worst).max().unwrap_or(Verdict::TooFew);
    Split { answers, verdict, pools }
}

fn split_pool(
    slot: PoolSlot,
    pool: &Pool,
    expected: &Expected,
    answers: u64,
    draws: &Draws,
) -> PoolSplit {
    let told = draws.told(slot);
    let part = |index: usize| {
        let configured = expected.endpoint(slot, pool, index);
        let endpoint = u16::try_from(index).ok();
        Part::compare(draws.of_endpoint(slot, endpoint), told, configured)
    };
    PoolSplit {
        pool: slot,
        part: Part::compare(draws.of_pool(slot), answers, expected.pool(slot)),
        endpoints: (0..pool.endpoints.len()).map(part).collect(),
    }
}

// === impl Draws ===

impl Draws {
    /// Draws of an older epoch are forgotten beside those of a newer one.
    pub fn add(&mut self, other: &Draws) {
        if other.epoch > self.epoch {
            *self = other.clone();
        } else if other.epoch == self.epoch {
            for (&drawn, &count) in &other.counts {
                self.count(drawn, count);
            }
        }
    }

    /// Draws of the epoch with this number; an older one than what is known counts for nothing.
    pub fn add_one(&mut self, epoch: u32, drawn: Drawn, count: u64) {
        if epoch > self.epoch {
            *self = Draws { epoch, counts: BTreeMap::new() };
        }
        if epoch == self.epoch {
            self.count(drawn, count);
        }
    }

    fn count(&mut self, drawn: Drawn, count: u64) {
        let sum = self.counts.entry(drawn).or_default();
        *sum = sum.saturating_add(count);
    }

    fn answers(&self) -> u64 {
        self.sum(|_| true)
    }

    fn of_pool(&self, pool: PoolSlot) -> u64 {
        self.sum(|drawn| drawn.pool == Some(pool))
    }

    /// Answers of the pool that had something to tell.
    fn told(&self, pool: PoolSlot) -> u64 {
        self.sum(|drawn| drawn.pool == Some(pool) && drawn.endpoint.is_some())
    }

    fn of_endpoint(&self, pool: PoolSlot, endpoint: Option<u16>) -> u64 {
        self.counts.get(&Drawn { pool: Some(pool), endpoint }).copied().unwrap_or(0)
    }

    fn sum(&self, counts: impl Fn(&Drawn) -> bool) -> u64 {
        let counted = self.counts.iter().filter(|(drawn, _)| counts(drawn));
        counted.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

// === impl PoolSplit ===

impl PoolSplit {
    /// Endpoints of a pool that was never drawn are judged with their pool.
    fn worst(&self) -> Verdict {
        let drawn = self.endpoints.iter().filter(|_| self.part.answers > 0);
        drawn.map(|endpoint| endpoint.verdict).fold(self.part.verdict, Verdict::max)
    }
}

// === impl Part ===

impl Part {
    fn compare(answers: u64, among: u64, configured: Configured) -> Part {
        let interval = Interval::of(answers, among, Sure::InAThousand);
        let possible = Interval::of(answers, among, Sure::InAMillion);
        let drawn = if among == 0 { 0.0 } else { answers as f64 / among as f64 };
        let verdict = match configured {
            Configured::Share(share) => judge(share, drawn, among, [interval, possible]),
            Configured::Unknown(_) => Verdict::ByClient,
        };
        Part { answers, drawn, interval, configured, verdict }
    }
}

/// All and nothing need no statistics: one answer elsewhere is one too many. Any other share is as configured when
/// the interval that is shown is narrower than itself and than what is left of the whole and contains it, and differs
/// when it is hardly possible; between the two, more answers will tell.
fn judge(share: f64, drawn: f64, among: u64, [interval, possible]: [Interval; 2]) -> Verdict {
    let certain = share <= 0.0 || share >= 1.0;
    let narrow = interval.width() <= WIDTH_MAX.min(share).min(1.0 - share);
    match among {
        0 => Verdict::TooFew,
        _ if certain && drawn == share => Verdict::AsConfigured,
        _ if certain => Verdict::Differs,
        few if few < ANSWERS_MIN => Verdict::TooFew,
        _ if !possible.contains(share) => Verdict::Differs,
        _ if narrow && interval.contains(share) => Verdict::AsConfigured,
        _ => Verdict::TooFew,
    }
}

// === impl Verdict ===

impl Verdict {
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::AsConfigured => "as_configured",
            Verdict::ByClient => "by_client",
            Verdict::TooFew => "too_few",
            Verdict::Differs => "differs",
        }
    }
}

// === impl Unknown ===

impl Unknown {
    /// As the rest of a sentence that begins with "no share is configured:".
    pub const fn reason(self) -> &'static str {
        match self {
            Unknown::Geo => "where the client is decides",
            Unknown::Latency => "measured latencies decide",
            Unknown::Proximity => "the distance to the client decides",
            Unknown::Rules => "rules or pool sets can change the pools of a request",
            Unknown::Persistence => "clients keep the endpoint they had",
            Unknown::ShedsByHash => "a pool sheds clients by a hash of their addresses",
            Unknown::ManyShed => "more than 12 pools shed load",
            Unknown::EndpointHash => "a hash of the client's address decides",
            Unknown::Families => "the type of address asked for decides",
            Unknown::Fallback => "the pool answers as fallback too, with endpoints that are down",
        }
    }
}

#[cfg(test)]
mod tests;
