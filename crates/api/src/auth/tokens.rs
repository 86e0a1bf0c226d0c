//! All tokens in memory, by the digest of their value, kept up to date by watching the store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::StreamExt;
use subtle::ConstantTimeEq;
use trimtab_model::Token;
use trimtab_store::{AnyStore, Prefix, Rev, Store};

use super::Secret;
use super::secret::{Digest, read_digest};
use crate::config::stored;
use crate::errors::Error;

const PREFIX: &str = "tokens/";

/// Who may ask.
pub(crate) struct Tokens {
    store: AnyStore,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    rev: Rev,
    by_digest: HashMap<Digest, Arc<Token>>,
}

// === impl Tokens ===

impl Tokens {
    pub(crate) async fn load(store: AnyStore) -> Result<Tokens, Error> {
        let tokens = Tokens { store, known: RwLock::default() };
        tokens.reload().await?;
        Ok(tokens)
    }

    pub(crate) fn find(&self, secret: &Secret) -> Option<Arc<Token>> {
        let digest = secret.digest();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (found, token) = known.by_digest.get_key_value(&digest)?;
        bool::from(found.ct_eq(&digest)).then(|| Arc::clone(token))
    }

    /// Reads all tokens anew: after a change made here, so that the next request sees it.
    pub(crate) async fn reload(&self) -> Result<Rev, Error> {
        let listed = stored::list::<Token>(&self.store, Prefix::new(PREFIX)).await?;
        let tokens = listed.items.into_iter().map(|entry| Arc::new(entry.value));
        let by_digest =
            tokens.filter_map(|token| Some((read_digest(&token.digest)?, token))).collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Reads may overtake each other; the newer one stays.
        if listed.rev >= known.rev {
            *known = Known { rev: listed.rev, by_digest };
        }
        Ok(listed.rev)
    }

    /// Follows changes made by other nodes. Ends when the store is closed or fails; the error says why.
    pub(crate) async fn follow(&self) -> Result<(), Error> {
        let after = self.reload().await?;
        let mut changes = self.store.watch(Prefix::new(PREFIX), after);
        while let Some(batch) = changes.next().await {
            batch?;
            self.reload().await?;
        }
        Ok(())
    }
}
