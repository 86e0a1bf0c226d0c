//! A sheet of paper for changing records: names are read when they are first touched, changes are made
//! on the sheet, and the difference becomes one transaction.

use std::collections::BTreeMap;

use serde_json::Value;
use trimtab_api_types::v1::record::{self, Parsed, RecordDraft};
use trimtab_model::config::{Document, Key};
use trimtab_model::{Name, Record, RecordId, Timestamp, Zone};
use trimtab_store::Rev;

use super::clash::{clash, clash_with_apex, crowd};
use super::{parse, prefix_of_name, refused};
use crate::config::Config;
use crate::config::change::Change;
use crate::config::stored::Stored;
use crate::errors::{Error, Kind};
use crate::ids;

/// The names touched so far.
pub(super) struct Sheet<'a> {
    config: &'a Config,
    zone: &'a Zone,
    now: Timestamp,
    names: BTreeMap<Name, AtName>,
    /// Where records are now that the sheet has moved or made.
    moved: BTreeMap<RecordId, Name>,
}

/// All records at a name.
struct AtName {
    rev: Rev,
    before: Vec<Stored<Record>>,
    after: Vec<Record>,
}

// === impl Sheet ===

impl<'a> Sheet<'a> {
    pub(super) fn new(config: &'a Config, zone: &'a Zone) -> Sheet<'a> {
        let (names, moved) = (BTreeMap::new(), BTreeMap::new());
        Sheet { config, zone, now: config.now(), names, moved }
    }

    pub(super) async fn post(&mut self, body: &Value) -> Result<Record, Error> {
        let mut draft = record::read(body, self.zone).map_err(refused)?;
        let parsed = parse::parse(&mut draft, self.zone).map_err(refused)?;
        self.add(draft, parsed).await
    }

    pub(super) async fn add(
        &mut self,
        draft: RecordDraft,
        parsed: Parsed,
    ) -> Result<Record, Error> {
        let id = RecordId::new(ids::random()?);
        let record = draft.into_new(id, self.zone, parsed, self.now);
        self.place(record.clone()).await?;
        Ok(record)
    }

    pub(super) async fn replace(&mut self, id: RecordId, body: &Value) -> Result<Record, Error> {
        let current = self.current(id).await?;
        let draft = record::read(body, self.zone).map_err(refused)?;
        self.put_in_place_of(&current, draft).await
    }

    pub(super) async fn patch(&mut self, id: RecordId, body: &Value) -> Result<Record, Error> {
        let current = self.current(id).await?;
        let draft = record::patch(&current, body, self.zone).map_err(refused)?;
        self.put_in_place_of(&current, draft).await
    }

    pub(super) async fn remove(&mut self, id: RecordId) -> Result<Record, Error> {
        let current = self.current(id).await?;
        self.at(&current.name).await?.after.retain(|record| record.id != id);
        Ok(current)
    }

    async fn put_in_place_of(
        &mut self,
        current: &Record,
        mut draft: RecordDraft,
    ) -> Result<Record, Error> {
        let parsed = parse::parse(&mut draft, self.zone).map_err(refused)?;
        let (record, changed) = draft.onto(current, self.zone, parsed, self.now);
        if changed {
            self.at(&current.name).await?.after.retain(|other| other.id != record.id);
            if let Err(why) = self.place(record.clone()).await {
                // The others are judged beside the record as it was.
                self.at(&current.name).await?.after.push(current.clone());
                return Err(why);
            }
        }
        Ok(record)
    }

    async fn place(&mut self, record: Record) -> Result<(), Error> {
        let apex = &self.zone.name;
        let at = self.at(&record.name).await?;
        let others = clash(&record, at.after.iter())
            .or_else(|| clash_with_apex(&record, apex))
            .or_else(|| crowd(&record, at.after.iter()));
        if let Some((code, message)) = others {
            return Err(Error::coded("", code, message));
        }
        let (id, name) = (record.id, record.name.clone());
        at.after.push(record);
        self.moved.insert(id, name);
        Ok(())
    }

    async fn current(&mut self, id: RecordId) -> Result<Record, Error> {
        let name = match self.moved.get(&id) {
            Some(name) => Some(name.clone()),
            None => self.config.name_of_record(self.zone.id, id).await?,
        };
        let missing = || Error::missing(Kind::Record, id);
        let at = self.at(&name.ok_or_else(missing)?).await?;
        at.after.iter().find(|record| record.id == id).cloned().ok_or_else(missing)
    }

    async fn at(&mut self, name: &Name) -> Result<&mut AtName, Error> {
        if !self.names.contains_key(name) {
            let prefix = prefix_of_name(self.zone.id, name);
            let listed = self.config.list::<Record>(prefix).await?;
            let after = listed.iter().cloned().collect();
            let at = AtName { rev: listed.rev, before: listed.items, after };
            self.names.insert(name.clone(), at);
        }
        self.names.get_mut(name).ok_or(Error::Broken("a name that was just read is gone"))
    }

    /// The difference, under guards that no name was touched by others meanwhile.
    pub(super) fn into_change(self) -> Result<Change, Error> {
        let mut change = Change::default();
        for (name, at) in &self.names {
            self.write_name(&mut change, at)?;
            change.if_none_newer(prefix_of_name(self.zone.id, name), at.rev);
        }
        if change.writes() > 0 {
            change.if_exists(&Key::Zone(self.zone.id))?;
        }
        Ok(change)
    }

    fn write_name(&self, change: &mut Change, at: &AtName) -> Result<(), Error> {
        for Stored { value: old, modified, .. } in &at.before {
            let new = at.after.iter().find(|record| record.id == old.id);
            if new == Some(old) {
                continue;
            }
            let key = Key::Record(old.zone, old.name.clone(), old.id);
            change.if_unchanged(&key, *modified)?;
            if new.is_none() {
                change.delete(&key)?;
                if !self.is_elsewhere(old) {
                    change.delete(&Key::RecordName(old.zone, old.id))?;
                }
            }
        }
        for new in &at.after {
            let old = at.before.iter().find(|stored| stored.value.id == new.id);
            if old.is_some_and(|old| old.value == *new) {
                continue;
            }
            let key = Key::Record(new.zone, new.name.clone(), new.id);
            change.put(&key, &Document::Record(Box::new(new.clone())))?;
            if old.is_none() {
                change.put_text(&Key::RecordName(new.zone, new.id), new.name.as_str())?;
            }
        }
        Ok(())
    }

    /// The record has another name now.
    fn is_elsewhere(&self, record: &Record) -> bool {
        self.names.values().flat_map(|at| &at.after).any(|other| other.id == record.id)
    }
}
