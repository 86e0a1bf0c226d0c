//! The keys that authenticate session cookies.

use trimtab_model::config::{Document, Key};
use trimtab_model::{AffinityKeys, SecretBytes, Token};

use super::Config;
use super::change::{Change, Outcome};
use crate::errors::Error;
use crate::ids;

/// Where they stand, with the room for other secrets of the node's own.
pub(crate) const PREFIX: &str = "secrets/";

// === impl Config ===

impl Config {
    /// Cookies that the last key signed stay good; those of the one before it end.
    pub(crate) async fn rotate_affinity_keys(&self, by: &Token) -> Result<AffinityKeys, Error> {
        let secret = SecretBytes::new(ids::secret()?);
        self.transact(by, || async {
            let listed = self.list::<AffinityKeys>(PREFIX).await?;
            let current = listed.iter().next().cloned().unwrap_or_default();
            let keys = current.rotated(secret.clone(), self.now());
            let mut change = Change::default();
            change.if_none_newer(PREFIX, listed.rev);
            change.put(&Key::AffinityKeys, &Document::AffinityKeys(keys.clone()))?;
            Ok(Outcome::Commit(change, keys))
        })
        .await
    }
}
