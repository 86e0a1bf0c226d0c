//! The account that certificates are ordered with (RFC 8555 section 7.1.2).

use serde::{Deserialize, Serialize};

use crate::SecretPem;

/// One for all nodes, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeAccount {
    /// Whose account it is: the address of the authority's directory.
    pub directory: String,
    /// The account's name with that authority.
    pub url: String,
    pub contacts: Vec<String>,
    /// PKCS#8.
    pub key_pem: SecretPem,
}
