//! The one task of alerting: looks what changed, writes down what that comes to, and has it sent.
//!
//! Tasks: deliveries, at most sixteen at a time, in a set that ends with the engine.

mod state;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use trimtab_live::Cell;
use trimtab_model::alert::DeliveryResult;
use trimtab_model::{Change, Timestamp};

use crate::board::Board;
use crate::book::Book;
use crate::courier::{Courier, Failure, Sent};
use crate::parcel::{Ending, Parcel};
use crate::retry;
use crate::storage::{Storage, StorageError};

use state::State;

/// What turns within so long is one message: the endpoints of a dead site do not fail in the same millisecond.
pub const WINDOW: Duration = Duration::from_secs(2);
/// Snapshots come up to fifty times a second; looking at each would be work for nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// After the store failed, and when nothing else happens: a silence ends without an event.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Deliveries that are under way when the node stops get this long. What is not taken by then is sent after the
/// next start, with the same key.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Compares, decides, and delivers.
pub struct Engine<S> {
    storage: S,
    cell: Cell,
    courier: Courier,
    board: Arc<Board>,
    clock: fn() -> Timestamp,
}

/// What an engine listens to beside the cell.
pub struct Inputs {
    /// The configuration so far.
    pub book: Book,
    /// What became of it since.
    pub changes: mpsc::Receiver<Change>,
    pub stopped: watch::Receiver<bool>,
}

/// Everything that wakes the engine.
enum Event {
    Stopped,
    Changed(Option<Box<Change>>),
    Published,
    Ended(Result<(Id, Outcome), JoinError>),
    Woke,
}

type Outcome = Result<Sent, Failure>;

/// Deliveries that are under way.
#[derive(Default)]
struct Deliveries {
    tasks: JoinSet<Outcome>,
    parcels: HashMap<Id, Parcel>,
}

// === impl Engine ===

impl<S: Storage> Engine<S> {
    pub fn new(
        storage: S,
        cell: Cell,
        courier: Courier,
        board: Arc<Board>,
        clock: fn() -> Timestamp,
    ) -> Engine<S> {
        Engine { storage, cell, courier, board, clock }
    }

    /// Until told to stop.
    ///
    /// # Errors
    /// When what was told before cannot be read.
    pub async fn run(self, inputs: Inputs) -> Result<(), StorageError> {
        let Inputs { book, mut changes, mut stopped } = inputs;
        let mut state = State::load(&self.storage, book).await?;
        let mut published = self.cell.subscribe();
        let mut deliveries = Deliveries::default();
        let (mut glance, mut tell) = (Some(Instant::now()), None);
        let mut configured = true;
        loop {
            self.board.waits(state.outbox.len(), state.outbox.oldest());
            self.begin_deliveries(&mut state, &mut deliveries);
            let again = Instant::now() + LOOK_AGAIN_AFTER;
            let wake = [glance, tell, state.outbox.next_at()].into_iter().flatten().min();
            let event = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => Event::Stopped,
                ended = deliveries.next() => Event::Ended(ended),
                change = changes.recv(), if configured => Event::Changed(change.map(Box::new)),
                // The cell outlives every receiver.
                _ = published.changed(), if glance.is_none() => Event::Published,
                () = sleep_until(wake.unwrap_or(again)) => Event::Woke,
            };
            let soon = Instant::now() + LOOK_EVERY;
            match event {
                Event::Stopped => break,
                Event::Ended(ended) => self.settle(&mut state, &mut deliveries, ended).await,
                Event::Changed(None) => configured = false,
                Event::Changed(Some(change)) => {
                    state.book.apply(*change);
                    glance = glance.or(Some(soon));
                }
                Event::Published => glance = Some(soon),
                Event::Woke => self.woke(&mut state, &mut glance, &mut tell).await,
            }
        }
        self.finish(&mut state, &mut deliveries).await;
        Ok(())
    }

    /// First it is seen that something turned, and told when the window is over.
    async fn woke(
        &self,
        state: &mut State,
        glance: &mut Option<Instant>,
        tell: &mut Option<Instant>,
    ) {
        let now = Instant::now();
        let snapshot = self.cell.load();
        if tell.is_some_and(|at| at <= now) {
            *tell = None;
            match state.tell(&self.storage, &snapshot, (self.clock)()).await {
                Ok(held_back) => {
                    held_back.into_iter().for_each(|(to, result)| self.board.ended(to, result));
                }
                Err(error) => {
                    let error = crate::courier::chain(&*error);
                    tracing::error!(error, "alerts cannot be stored");
                    *glance = Some(now + LOOK_AGAIN_AFTER);
                }
            }
        } else if tell.is_none() && glance.is_none_or(|at| at <= now) {
            *glance = None;
            *tell = state.differs(&snapshot).then_some(now + WINDOW);
        } else {
            *glance = glance.filter(|at| *at > now);
        }
    }

    fn begin_deliveries(&self, state: &mut State, deliveries: &mut Deliveries) {
        while let Some(parcel) = state.outbox.begin(Instant::now()) {
            let target = state.target(&parcel.to);
            let (courier, now) = (self.courier.clone(), (self.clock)());
            let Parcel { id, message, .. } = parcel.clone();
            deliveries.begin(parcel, async move {
                match target {
                    Some(to) => courier.send(&to, &message, &id, now).await,
                    None => Err(Failure::for_good("there is no such destination any more")),
                }
            });
        }
    }

    async fn settle(
        &self,
        state: &mut State,
        deliveries: &mut Deliveries,
        ended: Result<(Id, Outcome), JoinError>,
    ) {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(panicked) => {
                tracing::error!(%panicked, "a delivery panicked");
                (panicked.id(), Err(Failure::for_good("a delivery panicked")))
            }
        };
        let Some(parcel) = deliveries.parcels.remove(&id) else { return };
        let now = (self.clock)();
        let attempts = state.outbox.attempts(&parcel.to);
        match verdict(&outcome, &parcel, now) {
            Some(result) => {
                let error = outcome.err().map(|failure| failure.why);
                let ending = Ending { at: now, result, attempts, error };
                self.end(state, &parcel, ending).await;
            }
            None => self.note_failure(state, &parcel, outcome, now).await,
        }
    }

    /// Only when that is on disk it is not sent again.
    async fn end(&self, state: &mut State, parcel: &Parcel, ending: Ending) {
        let (channel, result) = (parcel.to.channel(), ending.result);
        log(parcel, &ending);
        match state.end(&self.storage, parcel, ending).await {
            Ok(()) => {
                self.board.ended(channel, result);
                state.outbox.ended(&parcel.to);
            }
            Err(error) => {
                let error = crate::courier::chain(&*error);
                tracing::error!(error, "the end of a delivery cannot be stored: it is made again");
                state.outbox.failed(&parcel.to, Instant::now(), dice());
            }
        }
    }

    async fn note_failure(
        &self,
        state: &mut State,
        parcel: &Parcel,
        outcome: Outcome,
        now: Timestamp,
    ) {
        let why = outcome.err().map(|failure| failure.why).unwrap_or_default();
        let (channel, destination) = (parcel.to.channel(), parcel.to.name());
        tracing::warn!(%channel, destination, why, "an alert was not taken, it is sent again");
        self.board.failed(channel);
        state.outbox.failed(&parcel.to, Instant::now(), dice());
        if let Err(error) = state.stand(&self.storage, &parcel.to, now).await {
            let error = crate::courier::chain(&*error);
            tracing::warn!(error, "the failure of a webhook cannot be stored");
        }
    }

    async fn finish(&self, state: &mut State, deliveries: &mut Deliveries) {
        let until = Instant::now() + STOP_WITHIN;
        while !deliveries.tasks.is_empty() {
            match timeout_at(until, deliveries.next()).await {
                Ok(ended) => self.settle(state, deliveries, ended).await,
                Err(_late) => break,
            }
        }
        deliveries.tasks.shutdown().await;
    }
}

/// None: it is to be sent again.
fn verdict(outcome: &Outcome, parcel: &Parcel, now: Timestamp) -> Option<DeliveryResult> {
    let age = now.micros().saturating_sub(parcel.made.micros());
    let kept = i64::try_from(retry::KEPT_FOR.as_micros()).unwrap_or(i64::MAX);
    match outcome {
        Ok(_) => Some(DeliveryResult::Delivered),
        Err(failure) if failure.for_good || age >= kept => Some(DeliveryResult::GivenUp),
        Err(_) => None,
    }
}

fn log(parcel: &Parcel, ending: &Ending) {
    let (channel, destination) = (parcel.to.channel(), parcel.to.name());
    let subject = crate::text::subject(&parcel.message);
    match &ending.error {
        None => tracing::info!(%channel, destination, subject, "an alert was delivered"),
        Some(error) => {
            tracing::warn!(%channel, destination, subject, error, "an alert was given up");
        }
    }
}

fn dice() -> u64 {
    RandomState::new().build_hasher().finish()
}

// === impl Deliveries ===

impl Deliveries {
    fn begin(&mut self, parcel: Parcel, delivery: impl Future<Output = Outcome> + Send + 'static) {
        let id = self.tasks.spawn(delivery).id();
        self.parcels.insert(id, parcel);
    }

    /// Waits for ever while none is under way.
    async fn next(&mut self) -> Result<(Id, Outcome), JoinError> {
        match self.tasks.join_next_with_id().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
