//! Documents in the store, read back as the types they are.

use trimtab_model::config::{Document, Key};
use trimtab_model::{
    Account, AffinityKeys, AlertDocument, Balancer, Certificate, HealthCheck, Monitor,
    MonitorGroup, Override, Pool, Record, Token, Zone, alert,
};
use trimtab_store::{self as store, AnyStore, Entry, Prefix, Range, Rev, Store};

use crate::errors::Error;

/// A type of document.
pub(crate) trait Kept: Sized {
    /// None for a document of another type.
    fn kept(document: Document) -> Option<Self>;
}

/// A document, and when it was last written.
#[derive(Clone, Debug)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    pub(crate) created: Rev,
    pub(crate) modified: Rev,
}

/// All documents under a prefix as they were at one revision, in the order in which they were made.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    pub(crate) rev: Rev,
    pub(crate) items: Vec<Stored<T>>,
}

// === impl Listed ===

impl<T> Listed<T> {
    pub(crate) fn values(self) -> Vec<T> {
        self.items.into_iter().map(|item| item.value).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|item| &item.value)
    }
}

macro_rules! kept {
    ($($kind:ident $(($unboxed:tt))?),+) => { $(
        impl Kept for $kind {
            fn kept(document: Document) -> Option<$kind> {
                match document {
                    Document::$kind(value) => Some(kept!(@ value $($unboxed)?)),
                    _ => None,
                }
            }
        }
    )+ };
    (@ $value:ident) => { $value };
    (@ $value:ident *) => { *$value };
}
kept!(
    Account, Token, Zone, Record(*), Monitor, MonitorGroup, Override, Pool(*), Balancer(*),
    Certificate(*), HealthCheck(*), AffinityKeys
);

macro_rules! kept_of_alerting {
    ($($kind:ident $case:ident),+) => { $(
        impl Kept for alert::$kind {
            fn kept(document: Document) -> Option<alert::$kind> {
                match document {
                    Document::Alert(document) => match *document {
                        AlertDocument::$case(value) => Some(value),
                        _ => None,
                    },
                    _ => None,
                }
            }
        }
    )+ };
}
kept_of_alerting!(
    AlertPolicy Policy, Webhook Webhook, Standing Standing, PagerDuty PagerDuty, Silence Silence,
    HistoryEntry History
);

pub(crate) fn store_key(key: &Key) -> Result<store::Key, Error> {
    Ok(store::Key::new(key.to_string())?)
}

pub(crate) async fn find<T: Kept>(store: &AnyStore, key: &Key) -> Result<Option<Stored<T>>, Error> {
    let entry = store.entry(store_key(key)?, None).await?;
    entry.as_ref().map_or(Ok(None), decode)
}

pub(crate) async fn list<T: Kept>(store: &AnyStore, prefix: Prefix) -> Result<Listed<T>, Error> {
    let mut range = Range::of(prefix);
    let mut page = store.read(range.clone(), None).await?;
    let rev = page.rev;
    let mut items = Vec::new();
    loop {
        for entry in &page.entries {
            items.extend(decode(entry)?);
        }
        let Some(last) = page.entries.pop().filter(|_| page.more) else { break };
        range.after = Some(last.key);
        page = store.read(range.clone(), Some(rev)).await?;
    }
    items.sort_by_key(|item: &Stored<T>| item.created);
    Ok(Listed { rev, items })
}

/// None for entries of a kind that this version does not know.
fn decode<T: Kept>(entry: &Entry) -> Result<Option<Stored<T>>, Error> {
    let Some(key) = Key::read(entry.key.as_str()) else { return Ok(None) };
    let document = Document::decode(&key, &entry.value)?;
    let Entry { created, modified, .. } = *entry;
    let value = document.and_then(T::kept);
    Ok(value.map(|value| Stored { value, created, modified }))
}
