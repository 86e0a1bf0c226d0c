//! DNS records: one by one, many in one transaction, and what may stand beside what.

mod clash;
pub(crate) mod filter;
pub(crate) mod import;
mod parse;
mod sheet;

use serde_json::Value;
use trimtab_api_types::v1;
use trimtab_api_types::v1::record::{Batch, Batched};
use trimtab_model::config::Key;
use trimtab_model::{Name, Problems, Record, RecordId, Zone, ZoneId};

use self::filter::RecordFilter;
use self::sheet::Sheet;
use super::Config;
use super::change::Outcome;
use crate::errors::{Error, Kind, Service, code};
use crate::extract::AtZone;

pub(super) fn prefix(zone: ZoneId) -> String {
    format!("records/{zone}/")
}

pub(super) fn prefix_of_name(zone: ZoneId, name: &Name) -> String {
    format!("records/{zone}/{name}/")
}

// === impl Config ===

impl Config {
    pub(crate) async fn records(
        &self,
        zone: &Zone,
        filter: &RecordFilter,
    ) -> Result<Vec<Record>, Error> {
        let prefix = match filter.only_name() {
            Some(name) => prefix_of_name(zone.id, name),
            None => prefix(zone.id),
        };
        Ok(filter.apply(self.list(prefix).await?.values()))
    }

    pub(crate) async fn record(&self, zone: ZoneId, id: RecordId) -> Result<Record, Error> {
        let name = self.name_of_record(zone, id).await?;
        let found = match name {
            Some(name) => self.find(&Key::Record(zone, name, id)).await?,
            None => None,
        };
        found.map(|stored| stored.value).ok_or_else(|| Error::missing(Kind::Record, id))
    }

    /// From the index; None for a record that does not exist.
    async fn name_of_record(&self, zone: ZoneId, id: RecordId) -> Result<Option<Name>, Error> {
        let key = Key::RecordName(zone, id);
        let Some(text) = self.text(&key).await? else { return Ok(None) };
        let name = text.parse().map_err(|_| Error::Broken("a record's name is not a name"))?;
        Ok(Some(name))
    }

    pub(crate) async fn create_record(&self, at: &AtZone, body: &Value) -> Result<Record, Error> {
        self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            let record = sheet.post(body).await?;
            sheet.outcome(record)
        })
        .await
    }

    pub(crate) async fn replace_record(
        &self,
        at: &AtZone,
        id: RecordId,
        body: &Value,
    ) -> Result<Record, Error> {
        self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            let record = sheet.replace(id, body).await?;
            sheet.outcome(record)
        })
        .await
    }

    pub(crate) async fn patch_record(
        &self,
        at: &AtZone,
        id: RecordId,
        body: &Value,
    ) -> Result<Record, Error> {
        self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            let record = sheet.patch(id, body).await?;
            sheet.outcome(record)
        })
        .await
    }

    pub(crate) async fn delete_record(&self, at: &AtZone, id: RecordId) -> Result<(), Error> {
        self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            sheet.remove(id).await?;
            sheet.outcome(())
        })
        .await
    }

    /// Deletes, patches, puts, posts, in this order and in one transaction.
    pub(crate) async fn batch(&self, at: &AtZone, body: &Value) -> Result<Batched, Error> {
        let batch = Batch::read(body).map_err(refused)?;
        self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            let batched = run(&mut sheet, &batch).await?;
            sheet.outcome(batched)
        })
        .await
    }
}

/// Goes on after a refusal, so that one answer names them all.
async fn run(sheet: &mut Sheet<'_>, batch: &Batch) -> Result<Batched, Error> {
    let mut refusals = Refusals::default();
    let mut batched = Batched::default();
    for (index, id) in batch.deletes.iter().enumerate() {
        let done = sheet.remove(*id).await;
        batched.deletes.extend(refusals.sort_out(("deletes", index), done)?);
    }
    for (index, (id, body)) in batch.patches.iter().enumerate() {
        let done = sheet.patch(*id, body).await;
        batched.patches.extend(refusals.sort_out(("patches", index), done)?);
    }
    for (index, (id, body)) in batch.puts.iter().enumerate() {
        let done = sheet.replace(*id, body).await;
        batched.puts.extend(refusals.sort_out(("puts", index), done)?);
    }
    for (index, body) in batch.posts.iter().enumerate() {
        let done = sheet.post(body).await;
        batched.posts.extend(refusals.sort_out(("posts", index), done)?);
    }
    refusals.or(batched)
}

/// What several changes were refused for.
#[derive(Default)]
struct Refusals {
    problems: Problems,
    /// Some are bodies that are wrong in themselves.
    validation: bool,
}

// === impl Refusals ===

impl Refusals {
    /// None for a change that was refused; other errors end the whole.
    fn sort_out(
        &mut self,
        (list, index): (&str, usize),
        done: Result<Record, Error>,
    ) -> Result<Option<v1::Record>, Error> {
        let place = format!("/{list}/{index}");
        match done {
            Ok(record) => return Ok(Some(v1::Record::from(&record))),
            Err(Error::Refused { service, problems }) => {
                self.validation |= service == Service::Dns;
                self.problems.append_at(&place, problems);
            }
            Err(Error::Missing { kind: Kind::Record, .. }) => {
                let pointer = format!("{place}/id");
                self.problems.add_coded(pointer, code::RECORD_MISSING, "Record does not exist.");
            }
            Err(why) => return Err(why),
        }
        Ok(None)
    }

    fn or<T>(self, value: T) -> Result<T, Error> {
        let service = if self.validation { Service::Dns } else { Service::Plain };
        self.problems.or(value).map_err(|problems| Error::refused(service, problems))
    }
}

fn refused(problems: Problems) -> Error {
    Error::refused(Service::Dns, problems)
}

impl Sheet<'_> {
    fn outcome<T>(self, value: T) -> Result<Outcome<T>, Error> {
        let change = self.into_change()?;
        let nothing = change.writes() == 0;
        Ok(if nothing { Outcome::Nothing(value) } else { Outcome::Commit(change, value) })
    }
}
