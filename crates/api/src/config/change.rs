//! A change of the configuration in the making: what must hold, and what is written.

use trimtab_model::config::{Document, Key};
use trimtab_store::{Guard, Prefix, Rev, Write};

use super::stored::store_key;
use crate::errors::Error;

/// Guards and writes of one transaction.
#[derive(Debug, Default)]
pub(super) struct Change {
    guards: Vec<Guard>,
    writes: Vec<Write>,
    served: bool,
}

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
        self.guards.push(Guard::Exists(store_key(key)?));
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
