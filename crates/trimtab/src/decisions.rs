//! Keeps decisions for later: each is made again from what it was made of, explained, and written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use trimtab_analytics::{EventLog, Kept};
use trimtab_api::Case;
use trimtab_dns_server::{Sample, Sampling};
use trimtab_live::clock;
use trimtab_model::balancer::Scope;
use trimtab_model::{AccountId, Moment, Timestamp, ZoneId};
use trimtab_store::AnyStore;

use crate::feed;

/// What became of samples.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) kept: AtomicU64,
    /// Made again, they led to other bytes: a decision rested on something that is not recorded.
    pub(crate) differing: AtomicU64,
    pub(crate) lost: Arc<AtomicU64>,
}

/// One task; it ends when nobody samples any more.
struct Keeper {
    store: AnyStore,
    log: Arc<EventLog>,
    stats: Arc<Stats>,
    /// Zones do not change hands.
    accounts: HashMap<ZoneId, AccountId>,
}

/// Decisions on their way to be kept; more are counted and dropped.
const SAMPLES_MAX: usize = 64;

/// What the name server needs, the task to run, and what became of it.
pub(crate) fn keep(
    store: AnyStore,
    log: Arc<EventLog>,
    every: u32,
) -> (Sampling, impl Future<Output = Result<(), String>> + Send + use<>, Arc<Stats>) {
    let (samples, sampled) = mpsc::channel(SAMPLES_MAX);
    let sampling = Sampling::new(samples, every);
    let stats = Arc::new(Stats { lost: sampling.lost(), ..Stats::default() });
    let keeper = Keeper { store, log, stats: Arc::clone(&stats), accounts: HashMap::new() };
    (sampling, keeper.run(sampled), stats)
}

/// A decision made again.
enum Again {
    Same { scope: Scope, kept: Kept },
    Differs,
}

// === impl Keeper ===

impl Keeper {
    async fn run(mut self, mut samples: mpsc::Receiver<Sample>) -> Result<(), String> {
        while let Some(sample) = samples.recv().await {
            match tokio::task::spawn_blocking(move || again(&sample)).await {
                Ok(Some(Again::Same { scope, kept })) => self.keep(scope, kept).await,
                Ok(Some(Again::Differs)) => {
                    self.stats.differing.fetch_add(1, Ordering::Relaxed);
                }
                Ok(None) => {}
                // No query may end the node, not even one that cannot be explained.
                Err(error) => tracing::error!(%error, "explaining a decision panicked"),
            }
        }
        Ok(())
    }

    async fn keep(&mut self, scope: Scope, kept: Kept) {
        // The balancer's zone was deleted while this was under way: nobody may see it any more.
        let Some(account) = self.account(scope).await else { return };
        self.stats.kept.fetch_add(1, Ordering::Relaxed);
        self.log.keep(Kept { account: account.to_string(), ..kept });
    }

    async fn account(&mut self, scope: Scope) -> Option<AccountId> {
        let zone = match scope {
            Scope::Account(account) => return Some(account),
            Scope::Zone(zone) => zone,
        };
        if let Some(&known) = self.accounts.get(&zone) {
            return Some(known);
        }
        match feed::zone(&self.store, zone).await {
            Ok(found) => {
                let account = found?.account;
                self.accounts.insert(zone, account);
                Some(account)
            }
            Err(error) => {
                tracing::warn!(%error, "a decision is not kept: its zone cannot be read");
                None
            }
        }
    }
}

/// The same query, snapshot, time and dice must give the same bytes; only then is the explanation that of the answer.
fn again(sample: &Sample) -> Option<Again> {
    let Sample { snapshot, now, dice, .. } = sample;
    let view = snapshot.view();
    let made = trimtab_dns::record(&sample.query, sample.from, sample.via, &view, *now, *dice);
    let (recorded, reply) = made?;
    if *reply != *sample.reply {
        return Some(Again::Differs);
    }
    let balancer = snapshot.world.balancer(recorded.balancer)?;
    let at = timestamp(*now);
    let client = recorded.client();
    let case = Case { snapshot, balancer, client, now: *now, at, dice: *dice, over_tls: false };
    let explanation = case.explain();
    let kept = Kept {
        trace: *dice,
        timestamp: at.micros(),
        account: String::new(),
        balancer: balancer.id.to_string(),
        name: explanation.name.clone(),
        // What serializes to the API's answers serializes here.
        explanation: serde_json::to_string(&explanation).ok()?,
    };
    Some(Again::Same { scope: balancer.scope, kept })
}

fn timestamp(at: Moment) -> Timestamp {
    let ago = clock::now().saturating_duration_since(at);
    let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let wall = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(wall.saturating_sub(micros))
}
