//! A change of the configuration in the making: what must hold, and what is written.

use trimtab_model::config::{Document, Key};
use trimtab_store::{self as store, Conflict, Guard, Prefix, Rev, Write};

use super::stored::store_key;
use crate::errors::{Error, Kind};

/// Guards and writes of one transaction.
#[derive(Debug, Default)]
pub(super) struct Change {
    guards: Vec<Guard>,
    writes: Vec<Write>,
    owners: Owners,
    served: bool,
}

/// The zones and accounts that must be there for what is written to be in them. They were read before the first
/// try, and no further try reads them again.
#[derive(Debug, Default)]
pub(super) struct Owners(Vec<(store::Key, Kind, String)>);

/// What one attempt came to.
pub(super) enum Outcome<T> {
    /// All is as it should be already.
    Nothing(T),
    Commit(Change, T),
}

// === impl Change ===

impl Change {
    pub(super) fn put(&mut self, key: &Key, document: &Document) -> Result<(), Error> {
        self.write(key, Write::Put(store_key(key)?, document.encode()?.into()));
        Ok(())
    }

    /// An index entry, which holds no document.
    pub(super) fn put_text(&mut self, key: &Key, text: &str) -> Result<(), Error> {
        self.write(key, Write::Put(store_key(key)?, text.as_bytes().into()));
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &Key) -> Result<(), Error> {
        self.write(key, Write::Delete(store_key(key)?));
        Ok(())
    }

    pub(super) fn if_exists(&mut self, key: &Key) -> Result<(), Error> {
        let stored = store_key(key)?;
        if let Some((kind, id)) = owner(key) {
            self.owners.0.push((stored.clone(), kind, id));
        }
        self.guards.push(Guard::Exists(stored));
        Ok(())
    }

    pub(super) fn if_unchanged(&mut self, key: &Key, modified: Rev) -> Result<(), Error> {
        self.guards.push(Guard::Unchanged { key: store_key(key)?, modified });
        Ok(())
    }

    /// Nothing under the prefix came or changed since it was read; what went does not matter.
    pub(super) fn if_none_newer(&mut self, prefix: impl Into<String>, at: Rev) {
        self.guards.push(Guard::NoneNewer { prefix: Prefix::new(prefix.into()), at });
    }

    pub(super) fn writes(&self) -> usize {
        self.writes.len()
    }

    /// No snapshot holds accounts, tokens and alerting.
    pub(super) fn is_served(&self) -> bool {
        self.served
    }

    pub(super) fn take_owners(&mut self) -> Owners {
        std::mem::take(&mut self.owners)
    }

    pub(super) fn into_parts(self) -> (Vec<Guard>, Vec<Write>) {
        (self.guards, self.writes)
    }

    fn write(&mut self, key: &Key, write: Write) {
        self.served |= match key {
            Key::Account(_) | Key::Token(_) | Key::AcmeAccount | Key::Alert(_) => false,
            Key::Zone(_)
            | Key::Record(..)
            | Key::RecordName(..)
            | Key::Monitor(..)
            | Key::MonitorGroup(..)
            | Key::Override(..)
            | Key::HealthCheck(..)
            | Key::Pool(..)
            | Key::Balancer(..)
            | Key::Certificate(..)
            | Key::AffinityKeys => true,
        };
        self.writes.push(write);
    }
}

// === impl Owners ===

impl Owners {
    /// The one whose absence is the conflict: no further try can succeed.
    pub(super) fn missing(&self, conflict: &Conflict) -> Option<Error> {
        let gone = self.0.iter().find(|(key, ..)| *key == conflict.key);
        let (_, kind, id) = gone.filter(|_| conflict.current.is_none())?;
        Some(Error::missing(*kind, id))
    }
}

fn owner(key: &Key) -> Option<(Kind, String)> {
    match key {
        Key::Account(id) => Some((Kind::Account, id.to_string())),
        Key::Zone(id) => Some((Kind::Zone, id.to_string())),
        Key::Token(_)
        | Key::Record(..)
        | Key::RecordName(..)
        | Key::Monitor(..)
        | Key::MonitorGroup(..)
        | Key::Override(..)
        | Key::HealthCheck(..)
        | Key::Pool(..)
        | Key::Balancer(..)
        | Key::Certificate(..)
        | Key::AffinityKeys
        | Key::AcmeAccount
        | Key::Alert(_) => None,
    }
}
