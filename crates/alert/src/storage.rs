//! What has to be kept over a restart, whoever keeps it.

use serde::Serialize;

/// Why something was not kept or not found.
pub type StorageError = Box<dyn std::error::Error + Send + Sync>;

/// A change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Put(String, Vec<u8>),
    Delete(String),
}

/// The configuration store, as far as alerting writes it.
pub trait Storage: Send + Sync + 'static {
    /// All keys under a prefix with their values, in the order of the keys.
    fn read(
        &self,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<(String, Vec<u8>)>, StorageError>> + Send;

    /// All of it or nothing; on disk when it returns.
    fn commit(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), StorageError>> + Send;
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(value)
}
