//! Keeps decisions for later: each is made again from what it was made of, explained, and written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use trimtab_analytics::{EventLog, Kept, Kind};
use trimtab_api::Case;
use trimtab_live::{Sampling, clock};
use trimtab_model::balancer::Scope;
use trimtab_model::{AccountId, Moment, Timestamp, ZoneId};
use trimtab_proxy::Chosen;
use trimtab_steer::decide_request;
use trimtab_store::AnyStore;
use {trimtab_dns_server as dns_server, trimtab_proxy as proxy};

use crate::feed;

/// What became of samples that were not kept.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Made again, they led to something else: a decision rested on something that is not recorded.
    pub(crate) differing: AtomicU64,
    pub(crate) lost: Arc<AtomicU64>,
}

/// Where decisions come from to be kept, each for one in so many.
pub(crate) struct Samplings {
    pub(crate) dns: Sampling<dns_server::Sample>,
    pub(crate) http: Sampling<proxy::Sample>,
}

/// One task; it ends when nobody samples any more.
struct Keeper {
    store: AnyStore,
    log: Arc<EventLog>,
    stats: Arc<Stats>,
    /// Zones do not change hands.
    accounts: HashMap<ZoneId, AccountId>,
}

/// A decision of either edge.
enum Sample {
    Dns(dns_server::Sample),
    Http(Box<proxy::Sample>),
}

/// A decision made again.
enum Again {
    Same { scope: Scope, kept: Kept },
    Differs,
}

/// Decisions of each edge on their way to be kept; more are counted and dropped.
const SAMPLES_MAX: usize = 64;

/// What the edges need, the task to run, and what became of it. One decision in so many is kept, of DNS and of requests.
pub(crate) fn keep(
    store: AnyStore,
    log: Arc<EventLog>,
    [every_answer, every_request]: [u32; 2],
) -> (Samplings, impl Future<Output = Result<(), String>> + Send + use<>, Arc<Stats>) {
    let stats = Arc::<Stats>::default();
    let (answers, answered) = mpsc::channel(SAMPLES_MAX);
    let (requests, requested) = mpsc::channel(SAMPLES_MAX);
    let samplings = Samplings {
        dns: Sampling::new(answers, every_answer, Arc::clone(&stats.lost)),
        http: Sampling::new(requests, every_request, Arc::clone(&stats.lost)),
    };
    let keeper = Keeper { store, log, stats: Arc::clone(&stats), accounts: HashMap::new() };
    (samplings, keeper.run(answered, requested), stats)
}

// === impl Keeper ===

impl Keeper {
    async fn run(
        mut self,
        mut answered: mpsc::Receiver<dns_server::Sample>,
        mut requested: mpsc::Receiver<proxy::Sample>,
    ) -> Result<(), String> {
        loop {
            let sample = tokio::select! {
                Some(sample) = answered.recv() => Sample::Dns(sample),
                Some(sample) = requested.recv() => Sample::Http(Box::new(sample)),
                else => return Ok(()),
            };
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
    }

    async fn keep(&mut self, scope: Scope, kept: Kept) {
        // The balancer's zone was deleted while this was under way: nobody may see it any more.
        let Some(account) = self.account(scope).await else { return };
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

/// Only what leads to the same once more is explained: then the explanation is that of the decision.
fn again(sample: &Sample) -> Option<Again> {
    match sample {
        Sample::Dns(sample) => answer_again(sample),
        Sample::Http(sample) => request_again(sample),
    }
}

/// The same query, snapshot, time and dice must give the same bytes.
fn answer_again(sample: &dns_server::Sample) -> Option<Again> {
    let dns_server::Sample { snapshot, now, dice, .. } = sample;
    let view = snapshot.view();
    let made = trimtab_dns::record(&sample.query, sample.from, sample.via, &view, *now, *dice);
    let (recorded, reply) = made?;
    if *reply != *sample.reply {
        return Some(Again::Differs);
    }
    let balancer = snapshot.world.balancer(recorded.balancer)?;
    let at = timestamp(*now);
    let client = recorded.client();
    same(&Case { snapshot, balancer, client, now: *now, at, dice: *dice, over_tls: false })
}

/// The same request, snapshot, time and dice must choose the same endpoint in the same way.
fn request_again(sample: &proxy::Sample) -> Option<Again> {
    let proxy::Sample { snapshot, balancer, now, at, dice, over_tls, chosen, .. } = sample;
    let balancer = snapshot.world.balancer(*balancer)?;
    let request = sample.request();
    let client = sample.client(&request);
    let proxied = decide_request(&snapshot.world, balancer, &client, *now, *dice);
    if Chosen::of(&proxied) != *chosen {
        return Some(Again::Differs);
    }
    let (now, at, dice, over_tls) = (*now, *at, *dice, *over_tls);
    same(&Case { snapshot, balancer, client, now, at, dice, over_tls })
}

fn same(case: &Case<'_>) -> Option<Again> {
    let explanation = case.explain();
    let kept = Kept {
        trace: case.dice,
        timestamp: case.at.micros(),
        kind: if case.client.http.is_some() { Kind::Http } else { Kind::Dns },
        account: String::new(),
        balancer: case.balancer.id.to_string(),
        name: explanation.name.clone(),
        // What serializes to the API's answers serializes here.
        explanation: serde_json::to_string(&explanation).ok()?,
    };
    Some(Again::Same { scope: case.balancer.scope, kept })
}

fn timestamp(at: Moment) -> Timestamp {
    let ago = clock::now().saturating_duration_since(at);
    let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let wall = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(wall.saturating_sub(micros))
}
