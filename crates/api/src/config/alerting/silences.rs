//! Silences.

use serde_json::Value;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::alerting::silence;
use trimtab_model::alert::silence::SILENCES_MAX;
use trimtab_model::alert::{AlertDocument, AlertKey, Silence};
use trimtab_model::config::Key;
use trimtab_model::{AccountId, Problems, SilenceId};

use super::{document, prefix, refused};
use crate::config::Config;
use crate::config::change::{Change, Outcome};
use crate::errors::{Error, Kind};
use crate::extract::AtAccount;
use crate::ids;

// === impl Config ===

impl Config {
    pub(crate) async fn silences(&self, account: AccountId) -> Result<Vec<Silence>, Error> {
        Ok(self.list(prefix("silences", account)).await?.values())
    }

    pub(crate) async fn silence(
        &self,
        account: AccountId,
        id: SilenceId,
    ) -> Result<Silence, Error> {
        let key = Key::Alert(AlertKey::Silence(account, id));
        Ok(self.require(&key, Kind::Silence, id).await?.value)
    }

    /// All of them or none.
    pub(crate) async fn create_silences(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<Vec<Silence>, Error> {
        let drafts = silence::read(body).map_err(refused)?;
        let mut made = Vec::with_capacity(drafts.len());
        let now = self.now();
        for draft in drafts {
            made.push(Silence {
                id: SilenceId::new(ids::random()?),
                policy: draft.policy,
                start: draft.start,
                end: draft.end,
                created_on: now,
                modified_on: now,
            });
        }
        self.transact(&at.token, || async {
            let (mut change, mut problems) = (Change::default(), Problems::default());
            let most = SILENCES_MAX.saturating_sub(made.len().saturating_sub(1));
            self.there_is_room::<Silence>(&mut change, "silences", at, most).await?;
            for (index, silence) in made.iter().enumerate() {
                let policy = Key::Alert(AlertKey::Policy(at.account, silence.policy));
                if !self.exists(&policy).await? {
                    let what = unknown("policy", silence.policy);
                    problems.add(format!("/{index}/policy_id"), what);
                }
                change.if_exists(&policy)?;
                put(&mut change, at.account, silence)?;
            }
            let change = problems.or(change).map_err(refused)?;
            Ok(Outcome::Commit(change, made.clone()))
        })
        .await
    }

    /// All of them or none.
    pub(crate) async fn change_silences(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<Vec<Silence>, Error> {
        let edits = silence::read_edits(body).map_err(refused)?;
        self.transact(&at.token, || async {
            let (mut change, mut problems) = (Change::default(), Problems::default());
            let mut changed: Vec<Silence> = Vec::with_capacity(edits.len());
            for (index, edit) in edits.iter().enumerate() {
                let key = Key::Alert(AlertKey::Silence(at.account, edit.id));
                let stored = self.require::<Silence>(&key, Kind::Silence, edit.id).await?;
                let old = stored.value;
                let (start, end) = (edit.start.unwrap_or(old.start), edit.end.unwrap_or(old.end));
                let moved = (start, end) != (old.start, old.end);
                let modified_on = if moved { self.now() } else { old.modified_on };
                let silence = Silence { start, end, modified_on, ..old };
                if end <= start {
                    let what = "end_time is not after start_time";
                    problems.add(format!("/{index}/end_time"), what);
                }
                if changed.iter().any(|other| other.id == silence.id) {
                    problems.add(format!("/{index}/id"), "the silence is in the list twice");
                    continue;
                }
                change.if_unchanged(&key, stored.modified)?;
                if moved {
                    put(&mut change, at.account, &silence)?;
                }
                changed.push(silence);
            }
            let change = problems.or(change).map_err(refused)?;
            Ok(match change.writes() {
                0 => Outcome::Nothing(changed),
                _ => Outcome::Commit(change, changed),
            })
        })
        .await
    }

    pub(crate) async fn delete_silence(&self, at: &AtAccount, id: SilenceId) -> Result<(), Error> {
        let key = Key::Alert(AlertKey::Silence(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<Silence>(&key, Kind::Silence, id).await?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }
}

fn put(change: &mut Change, account: AccountId, silence: &Silence) -> Result<(), Error> {
    let key = Key::Alert(AlertKey::Silence(account, silence.id));
    change.put(&key, &document(AlertDocument::Silence(silence.clone())))
}
