//! What an issuer needs kept, whoever keeps it.

use trimtab_model::certificate::CertificateFacts;
use trimtab_model::{AcmeAccount, Name, SecretPem, ZoneId};

/// The comment of the records that an issuer writes, by which it knows them again.
pub const RECORD_COMMENT: &str = "ACME challenge";

/// Why something was not kept or not found.
pub type StorageError = Box<dyn std::error::Error + Send + Sync>;

/// A certificate that was just issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub zone: ZoneId,
    pub chain_pem: String,
    pub key_pem: SecretPem,
    pub facts: CertificateFacts,
}

/// The configuration store, as far as an issuer writes it.
pub trait Storage: Send + Sync + 'static {
    fn account(&self) -> impl Future<Output = Result<Option<AcmeAccount>, StorageError>> + Send;

    fn keep_account(
        &self,
        account: AcmeAccount,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// From now on the issuer's own TXT records at the name are this one, or none.
    fn put_proof(
        &self,
        zone: ZoneId,
        name: &Name,
        value: Option<&str>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// In the place of the one that was ordered for these hosts before, if there is one.
    fn keep(&self, issued: Issued) -> impl Future<Output = Result<(), StorageError>> + Send;
}
