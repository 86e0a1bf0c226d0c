//! From the store's log to the publisher's events.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use trimtab_live::{Batch, Event, NameRecords, Publisher};
use trimtab_model::config::Key;
use trimtab_model::{Change, Document, Name, Record, Zone, ZoneId};
use trimtab_store::{AnyStore, Entry, Page, Prefix, Range, ReadError, Rev, Store};

/// Zones come before what stands in them, monitors before pools, pools before balancers.
const READ_ORDER: [&str; 10] = [
    "zones/",
    "health-checks/",
    "monitors/",
    "monitor-groups/",
    "overrides/",
    "pools/",
    "balancers/",
    "records/",
    "certificates/",
    "secrets/",
];

/// Reads the whole configuration of one revision, page by page: a large zone is never in memory twice.
pub(crate) async fn load(store: &AnyStore, publisher: &mut Publisher) -> Result<Rev, ReadError> {
    let mut rev = None;
    for prefix in READ_ORDER {
        let mut range = Range::of(Prefix::new(prefix));
        // The last name of a page may go on in the next one.
        let mut held: Option<NameRecords> = None;
        loop {
            let page = store.read(range.clone(), rev).await?;
            rev = Some(page.rev);
            let mut batch = batch_of_page(&page, held.take());
            if page.more {
                held = batch.names.pop();
                range.after = page.entries.last().map(|entry| entry.key.clone());
            }
            publisher.load(batch);
            if !page.more {
                break;
            }
        }
    }
    match rev {
        Some(rev) => Ok(rev),
        None => Ok(store.now_rev().await?),
    }
}

/// Follows the log after `rev` until the store is closed or nobody listens any more.
pub(crate) async fn follow(
    store: AnyStore,
    rev: Rev,
    events: mpsc::Sender<Event>,
) -> Result<(), ReadError> {
    let mut log = store.watch(Prefix::all(), rev);
    while let Some(batch) = log.next().await {
        let batch = batch_of_log(&store, &batch?).await?;
        if events.send(Event::Config(batch)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// None when there is no such zone.
pub(crate) async fn zone(store: &AnyStore, zone: ZoneId) -> Result<Option<Zone>, ReadError> {
    let mut page = store.read(Range::of(Prefix::new(Key::Zone(zone).to_string())), None).await?;
    let entry = page.entries.pop().and_then(|entry| read_entry(&entry));
    Ok(entry.and_then(|(_, document)| match document {
        Document::Zone(zone) => Some(zone),
        _ => None,
    }))
}

fn batch_of_page(page: &Page, held: Option<NameRecords>) -> Batch {
    let mut batch = Batch { revision: page.rev.value(), ..Batch::default() };
    batch.names.extend(held);
    for (key, document) in page.entries.iter().filter_map(read_entry) {
        match document {
            Document::Record(record) => push_record(&mut batch.names, *record),
            document => batch.changes.push(Change { key, document: Some(document) }),
        }
    }
    batch
}

fn push_record(names: &mut Vec<NameRecords>, record: Record) {
    match names.last_mut() {
        Some(last) if last.zone == record.zone && last.name == record.name => {
            last.records.push(record);
        }
        _ => names.push(NameRecords {
            zone: record.zone,
            name: record.name.clone(),
            records: vec![record],
        }),
    }
}

async fn batch_of_log(
    store: &AnyStore,
    changed: &trimtab_store::Batch,
) -> Result<Batch, ReadError> {
    let mut batch = Batch { revision: changed.rev.value(), ..Batch::default() };
    let mut names = BTreeSet::new();
    for change in &changed.changes {
        match (Key::read(change.key.as_str()), &change.value) {
            (Some(Key::Record(zone, name, _)), _) => {
                names.insert((zone, name));
            }
            (Some(key), None) => batch.changes.push(Change { key, document: None }),
            (Some(key), Some(value)) => {
                let document = decode(&key, value);
                batch.changes.extend(document.map(|d| Change { key, document: Some(d) }));
            }
            (None, _) => {}
        }
    }
    for (zone, name) in names {
        batch.names.push(records_at(store, zone, name, changed.rev).await?);
    }
    Ok(batch)
}

async fn records_at(
    store: &AnyStore,
    zone: ZoneId,
    name: Name,
    rev: Rev,
) -> Result<NameRecords, ReadError> {
    let mut range = Range::of(Prefix::new(format!("records/{zone}/{name}/")));
    let mut records = Vec::new();
    loop {
        let page = store.read(range.clone(), Some(rev)).await?;
        records.extend(page.entries.iter().filter_map(read_entry).filter_map(|(_, document)| {
            match document {
                Document::Record(record) => Some(*record),
                _ => None,
            }
        }));
        range.after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            return Ok(NameRecords { zone, name, records });
        }
    }
}

fn read_entry(entry: &Entry) -> Option<(Key, Document)> {
    let key = Key::read(entry.key.as_str())?;
    let document = decode(&key, &entry.value)?;
    Some((key, document))
}

/// One unreadable value must not take the others down: it is logged and left out.
fn decode(key: &Key, value: &[u8]) -> Option<Document> {
    match Document::decode(key, value) {
        Ok(document) => document,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "a stored resource is unreadable and was left out");
            None
        }
    }
}
