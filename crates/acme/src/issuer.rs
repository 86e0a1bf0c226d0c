//! The one task that orders certificates, one after another.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use trimtab_live::{Cell, Snapshot};
use trimtab_model::{Name, Timestamp, ZoneId};

use crate::authority::{Acme, Authority};
use crate::board::{Board, Next, Now};
use crate::error::{Blame, Failure, OrderError};
use crate::plan::wanted;
use crate::retry;
use crate::settings::Settings;
use crate::storage::Storage;

/// The clock that people read may be set while nobody looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(3600);
/// What was stored is served within one second; a busy machine gets more.
const SERVED_WITHIN: Duration = Duration::from_secs(10);

/// Names that have not failed are tried again after this long, whatever the authority is in trouble for.
const HOLD_MAX: Duration = Duration::from_secs(3600);

/// Orders what is wanted, when it is time.
pub struct Issuer {
    settings: Settings,
    cell: Cell,
    board: Arc<Board>,
    clock: fn() -> Timestamp,
}

/// Troubles of the authority as a whole.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    in_a_row: u32,
    until: Option<Instant>,
}

// === impl Issuer ===

impl Issuer {
    pub fn new(
        settings: Settings,
        cell: Cell,
        board: Arc<Board>,
        clock: fn() -> Timestamp,
    ) -> Issuer {
        Issuer { settings, cell, board, clock }
    }

    /// Until told to stop; an order that is under way then is given up, and its traces are taken away.
    pub async fn run<S: Storage>(self, acme: Acme<S>, stopped: watch::Receiver<bool>) {
        self.serve(acme, stopped).await;
    }

    async fn serve(self, mut authority: impl Authority, mut stopped: watch::Receiver<bool>) {
        let mut trouble = Trouble::default();
        loop {
            let seen = self.cell.load();
            let wall = (self.clock)();
            let wanted = wanted(&seen, self.settings.renew_before, wall);
            self.board.want(wanted, self.settings.challenge);
            let step = async {
                match self.next(wall, &trouble) {
                    Next::Order { name, zone } => {
                        self.order(&mut authority, &name, zone, &mut trouble).await;
                    }
                    Next::Wait(wait) => self.wait(&seen, wait).await,
                }
            };
            let ends = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => true,
                () = step => false,
            };
            authority.tidy().await;
            if ends {
                return;
            }
        }
    }

    fn next(&self, wall: Timestamp, trouble: &Trouble) -> Next {
        let at = Instant::now();
        match trouble.until.map(|until| until.saturating_duration_since(at)) {
            Some(rest) if !rest.is_zero() => Next::Wait(Some(rest)),
            Some(_) | None => self.board.next(Now { wall, at }),
        }
    }

    /// Until the time is over, or other names are proxied or have certificates.
    async fn wait(&self, seen: &Snapshot, wait: Option<Duration>) {
        let until = Instant::now() + wait.unwrap_or(LOOK_AGAIN_AFTER).min(LOOK_AGAIN_AFTER);
        let mut published = self.cell.subscribe();
        let changed = published.wait_for(|_| {
            let current = self.cell.load();
            !Arc::ptr_eq(&current.routes, &seen.routes)
                || !Arc::ptr_eq(&current.certificates, &seen.certificates)
        });
        tokio::select! {
            () = sleep_until(until) => {}
            // The cell outlives every receiver.
            _ = changed => {}
        }
    }

    async fn order(
        &self,
        authority: &mut impl Authority,
        name: &Name,
        zone: ZoneId,
        trouble: &mut Trouble,
    ) {
        self.board.began(name);
        let before = self.cell.load();
        let ordered = match authority.order(name, zone).await {
            Ok(()) => self.until_served(name, &before).await,
            Err(failure) => Err(failure),
        };
        match ordered {
            Ok(()) => {
                *trouble = Trouble::default();
                self.board.issued(name);
                tracing::info!(%name, "a certificate was issued");
            }
            Err(failure) => self.note(name, &failure, trouble),
        }
    }

    /// Otherwise the next look would find nothing and order again.
    async fn until_served(&self, name: &Name, before: &Snapshot) -> Result<(), Failure> {
        // The outer option: is it wanted at all? It may have gone while it was ordered.
        let expiry = |snapshot: &Snapshot| {
            let wanted = wanted(snapshot, self.settings.renew_before, (self.clock)());
            wanted.get(name).map(|want| want.expires_on)
        };
        let last = expiry(before);
        let mut published = self.cell.subscribe();
        let served = published.wait_for(|_| {
            let current = expiry(&self.cell.load());
            current.is_none() || current != last
        });
        match timeout(SERVED_WITHIN, served).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                let why = OrderError::NotServed(SERVED_WITHIN);
                Err(Failure { why, retry_after: None })
            }
        }
    }

    fn note(&self, name: &Name, failure: &Failure, trouble: &mut Trouble) {
        let (now, dice) = (Instant::now(), RandomState::new().build_hasher().finish());
        let failures = self.board.failures(name).saturating_add(1);
        let wait = retry::wait(failures, failure.retry_after, dice);
        let error = failure.why.text();
        tracing::warn!(%name, error, retry_seconds = wait.as_secs(), "no certificate was issued");
        self.board.failed(name, error, now + wait);
        match failure.why.blame() {
            Blame::Name => *trouble = Trouble::default(),
            Blame::Everything => {
                trouble.in_a_row = trouble.in_a_row.saturating_add(1);
                let wait = retry::wait(trouble.in_a_row, failure.retry_after, dice);
                trouble.until = Some(now + wait.min(HOLD_MAX));
            }
        }
    }
}

#[cfg(test)]
mod tests;
