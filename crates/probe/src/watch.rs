//! Probes that somebody watches: each step as it happens, then the verdict.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use trimtab_connect::Connector;
use trimtab_live::Target;
use trimtab_model::{Monitor, PoolId};

use crate::{Attempt, Check, Step, check, repeat};

/// Who watches reads one line at a time, and the scheduled probes need their connections.
const IN_FLIGHT_MAX: usize = 8;
/// Steps that nobody has read yet. Whoever stops reading stops the probes, so that only those of one
/// turn can pile up, a few dozen for each endpoint.
const UNREAD_MAX: usize = 1024;

/// What is probed.
#[derive(Clone, Debug)]
pub struct Trial {
    pub monitor: Monitor,
    pub pool: PoolId,
    /// Each with the simulated way there.
    pub targets: Vec<(Target, Duration)>,
}

/// What is told of one target, by its place in the trial.
#[derive(Debug)]
pub struct Told {
    pub target: usize,
    pub news: News,
}

#[derive(Debug)]
pub enum News {
    Step(Step),
    /// The last of a target: what came of it, after how long, and the command that repeats it by hand.
    Verdict {
        attempt: Attempt,
        took: Duration,
        repeat: String,
    },
}

/// The probes under way, and what they said that was not handed on yet.
struct Watched {
    /// None when all have their verdicts.
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    news: mpsc::Receiver<Told>,
}

/// Probes every target once, with the monitor's retries. Nothing happens while nobody reads, and
/// dropping the stream ends the probes.
pub fn watch(connector: Connector, trial: Trial) -> impl Stream<Item = Told> + Send + 'static {
    let (sender, news) = mpsc::channel(UNREAD_MAX);
    let watched = Watched { work: Some(Box::pin(work(connector, trial, sender))), news };
    stream::unfold(watched, |mut watched| async {
        let told = watched.next().await?;
        Some((told, watched))
    })
}

async fn work(connector: Connector, trial: Trial, sender: mpsc::Sender<Told>) {
    let trial = Arc::new(trial);
    let probes = stream::iter(0..trial.targets.len());
    let probes = probes.map(|place| one(&connector, &trial, place, &sender));
    probes.buffer_unordered(IN_FLIGHT_MAX).for_each(async |()| {}).await;
}

async fn one(connector: &Connector, trial: &Trial, place: usize, sender: &mpsc::Sender<Told>) {
    let Some((target, delay)) = trial.targets.get(place) else { return };
    let check = Check { monitor: &trial.monitor, pool: trial.pool, target, delay: *delay };
    let began = Instant::now();
    let mut listener = |step| {
        if let Err(error) = sender.try_send(Told { target: place, news: News::Step(step) }) {
            tracing::warn!(%error, "a step of a watched probe is lost");
        }
    };
    let attempt = check::run_telling(connector, &check, &mut listener).await;
    let (took, repeat) = (began.elapsed(), repeat(&check, connector.source()));
    let news = News::Verdict { attempt, took, repeat };
    // Who would take it owns this very future.
    if sender.send(Told { target: place, news }).await.is_err() {
        tracing::debug!("nobody watches any more");
    }
}

// === impl Watched ===

impl Watched {
    /// What was said comes before what is still to be done.
    async fn next(&mut self) -> Option<Told> {
        while let Some(work) = &mut self.work {
            tokio::select! {
                biased;
                told = self.news.recv() => return told,
                () = work => self.work = None,
            }
        }
        self.news.recv().await
    }
}
