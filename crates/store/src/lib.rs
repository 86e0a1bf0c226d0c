//! The configuration store: one key space with revisions, guarded transactions, a gap-free watch
//! and a history that names who changed what.
//!
//! The contract is etcd's. [`Store`] states it, one test suite checks it, [`Sqlite`] keeps it on
//! one machine. Programs hold an [`AnyStore`] and do not see which engine answers.

pub mod any;
pub mod clock;
pub mod error;
pub mod key;
pub mod record;
pub mod sqlite;
pub mod store;
pub mod txn;

#[cfg(test)]
mod suite;

pub use any::AnyStore;
pub use clock::{Clock, SystemClock};
pub use error::{CommitError, Conflict, Failed, Invalid, LeaseError, ReadError, Step};
pub use key::{BadKey, Key, Prefix};
pub use record::{Batch, Change, Entry, Page, Past, Range, Rev, Value};
pub use sqlite::{OpenError, Sqlite};
pub use store::{Store, Watch};
pub use txn::{Guard, Lease, LeaseId, Txn, Write};
