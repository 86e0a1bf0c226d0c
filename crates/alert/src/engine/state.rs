//! What the engine knows: the configuration, what was told, what waits; kept in step with the store.

use std::collections::{BTreeMap, VecDeque};

use serde::de::DeserializeOwned;
use trimtab_live::Snapshot;
use trimtab_model::alert::{Channel, DeliveryResult, Standing};
use trimtab_model::{AccountId, AlertKey, Timestamp, WebhookId};

use crate::book::Book;
use crate::courier::Target;
use crate::incident::{INCIDENTS, Incident, Told};
use crate::outbox::{Outbox, PARCELS_MAX};
use crate::parcel::{Destination, Ending, OUTBOX, Parcel};
use crate::plan::{Look, Mint, Step, differs, plan, unsent};
use crate::storage::{Storage, StorageError, Write, to_json};
use crate::{fresh_id, observe};

/// Entries of an account's history; older ones go.
const HISTORY_MAX: usize = 1000;
/// Of an account's history.
const HISTORY: &str = "alerts/history/";
const STANDING: &str = "alerts/standing/";
/// The time of the last failure of a webhook is written at most this often.
const STANDING_EVERY_MICROS: i64 = 60_000_000;

pub(super) struct State {
    pub(super) book: Book,
    pub(super) told: Told,
    pub(super) outbox: Outbox,
    /// Of the parcel that is made next.
    number: u64,
    /// The keys of each account's history, oldest first.
    history: BTreeMap<AccountId, VecDeque<String>>,
    standing: BTreeMap<WebhookId, Standing>,
}

// === impl State ===

impl State {
    pub(super) async fn load(storage: &impl Storage, book: Book) -> Result<State, StorageError> {
        let mut state = State {
            book,
            told: Told::default(),
            outbox: Outbox::default(),
            number: 0,
            history: BTreeMap::new(),
            standing: BTreeMap::new(),
        };
        for parcel in read::<Parcel>(storage, OUTBOX).await? {
            state.number = state.number.max(parcel.1.number.saturating_add(1));
            state.outbox.put(parcel.1);
        }
        for (key, _) in storage.read(HISTORY).await? {
            state.remember(key);
        }
        for (key, standing) in read::<Standing>(storage, STANDING).await? {
            if let Some(id) = key.rsplit('/').next().and_then(|id| id.parse().ok()) {
                state.standing.insert(id, standing);
            }
        }
        state.reload_told(storage).await?;
        Ok(state)
    }

    async fn reload_told(&mut self, storage: &impl Storage) -> Result<(), StorageError> {
        self.told = Told::default();
        for (_, incident) in read::<Incident>(storage, INCIDENTS).await? {
            self.told.put(incident);
        }
        Ok(())
    }

    /// Does anything have to be told?
    pub(super) fn differs(&self, snapshot: &Snapshot) -> bool {
        differs(&self.told, &observe::seen(snapshot, &self.book))
    }

    /// One transaction for each incident: what is told, and who has to be. Gives what is never to be sent.
    pub(super) async fn tell(
        &mut self,
        storage: &impl Storage,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Vec<(Channel, DeliveryResult)>, StorageError> {
        let mut held_back = Vec::new();
        for step in self.decide(snapshot, now) {
            let of_step =
                step.held_back.iter().map(|(parcel, result)| (parcel.to.channel(), *result));
            held_back.extend(of_step);
            if let Err(error) = self.take(storage, step, now).await {
                // It may be on disk all the same.
                self.reload(storage).await?;
                return Err(error);
            }
        }
        Ok(held_back)
    }

    fn decide(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Step> {
        let seen = observe::seen(snapshot, &self.book);
        let facts = |subject: &_| observe::facts(snapshot, &self.book, subject);
        let look = Look { now, book: &self.book, seen: &seen, facts: &facts };
        let room = PARCELS_MAX.saturating_sub(self.outbox.len());
        let mut mint = Mint { id: &mut fresh_id, number: self.number, room };
        let steps = plan(&self.told, look, &mut mint);
        self.number = mint.number;
        steps
    }

    async fn take(
        &mut self,
        storage: &impl Storage,
        step: Step,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let Step { incident, parcels, held_back, bytes: _ } = step;
        let mut writes = Vec::with_capacity(1 + parcels.len() + held_back.len());
        writes.push(match incident.is_over() {
            true => Write::Delete(incident.key()),
            false => Write::Put(incident.key(), to_json(&incident)?),
        });
        for parcel in &parcels {
            writes.push(parcel.put()?);
        }
        for (parcel, result) in held_back {
            let ended = parcel.ended(unsent(result, now))?;
            self.add_history(ended, parcel.message.account, &mut writes);
        }
        storage.commit(writes).await?;
        self.told.put(incident);
        for parcel in parcels {
            self.outbox.put(parcel);
        }
        Ok(())
    }

    /// What is under way stays so: only parcels that are not known yet come in.
    async fn reload(&mut self, storage: &impl Storage) -> Result<(), StorageError> {
        self.reload_told(storage).await?;
        for (_, parcel) in read::<Parcel>(storage, OUTBOX).await? {
            if !self.outbox.has(&parcel) {
                self.number = self.number.max(parcel.number.saturating_add(1));
                self.outbox.put(parcel);
            }
        }
        Ok(())
    }

    /// The parcel goes from the outbox to the history.
    pub(super) async fn end(
        &mut self,
        storage: &impl Storage,
        parcel: &Parcel,
        ending: Ending,
    ) -> Result<(), StorageError> {
        let mut writes = vec![Write::Delete(parcel.key())];
        if let Destination::Webhook(account, id) = parcel.to {
            let standing = self.standing.entry(id).or_default();
            match ending.result {
                DeliveryResult::Delivered => standing.last_success = Some(ending.at),
                DeliveryResult::GivenUp | DeliveryResult::Silenced | DeliveryResult::Dropped => {
                    standing.last_failure = Some(ending.at);
                }
            }
            writes.push(put_standing(account, id, standing)?);
        }
        let ended = parcel.ended(ending)?;
        self.add_history(ended, parcel.message.account, &mut writes);
        storage.commit(writes).await
    }

    /// A webhook did not take a message that is sent again.
    pub(super) async fn stand(
        &mut self,
        storage: &impl Storage,
        to: &Destination,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let Destination::Webhook(account, id) = *to else { return Ok(()) };
        let standing = self.standing.entry(id).or_default();
        let last = standing.last_failure.map_or(i64::MIN, Timestamp::micros);
        if now.micros().saturating_sub(last) < STANDING_EVERY_MICROS {
            return Ok(());
        }
        standing.last_failure = Some(now);
        let write = put_standing(account, id, standing)?;
        storage.commit(vec![write]).await
    }

    /// None: it was deleted since.
    pub(super) fn target(&self, to: &Destination) -> Option<Target> {
        match to {
            Destination::Email(mail) => Some(Target::Email(mail.clone())),
            Destination::Webhook(account, id) => {
                self.book.webhooks.get(&(*account, *id)).cloned().map(Target::Webhook)
            }
            Destination::PagerDuty(account, id) => {
                self.book.pagerduty.get(&(*account, *id)).cloned().map(Target::PagerDuty)
            }
        }
    }

    /// With what is too old to be kept beside it.
    fn add_history(&mut self, entry: Write, account: AccountId, writes: &mut Vec<Write>) {
        if let Write::Put(key, _) = &entry {
            self.remember(key.clone());
        }
        writes.push(entry);
        let keys = self.history.entry(account).or_default();
        while keys.len() > HISTORY_MAX {
            writes.extend(keys.pop_front().map(Write::Delete));
        }
    }

    fn remember(&mut self, key: String) {
        let account = key.strip_prefix(HISTORY).and_then(|rest| rest.split('/').next());
        if let Some(account) = account.and_then(|account| account.parse().ok()) {
            self.history.entry(account).or_default().push_back(key);
        }
    }
}

fn put_standing(
    account: AccountId,
    id: WebhookId,
    standing: &Standing,
) -> Result<Write, serde_json::Error> {
    Ok(Write::Put(AlertKey::Standing(account, id).to_string(), to_json(standing)?))
}

/// One unreadable value must not take the others down: it is logged and left out.
async fn read<T: DeserializeOwned>(
    storage: &impl Storage,
    prefix: &str,
) -> Result<Vec<(String, T)>, StorageError> {
    let entries = storage.read(prefix).await?;
    let read = entries.into_iter().filter_map(|(key, value)| match serde_json::from_slice(&value) {
        Ok(value) => Some((key, value)),
        Err(error) => {
            tracing::error!(key, %error, "a stored value of alerting is unreadable and was left out");
            None
        }
    });
    Ok(read.collect())
}

/// What waits in a store.
#[cfg(test)]
pub(super) async fn parcels(storage: &impl Storage) -> Vec<Parcel> {
    let all = read(storage, OUTBOX).await.unwrap_or_default();
    all.into_iter().map(|(_, parcel)| parcel).collect()
}
