//! What other systems say of endpoints, on its way to the live model. Nothing of it is stored.

use std::pin::Pin;
use std::sync::Arc;

use trimtab_api_types::v1::envelope::VALIDATION;
use trimtab_model::feed::FedOrigin;
use trimtab_model::{AccountId, Fed, Pool};

use crate::errors::{Error, Kind};

/// Takes what is said to whoever decides by it. Filled in by whoever runs the live model.
pub type FeedPort = Arc<dyn Fn(Fed) -> Feeding + Send + Sync>;

/// Ends when the live model has taken what was said.
pub type Feeding = Pin<Box<dyn Future<Output = Result<(), FeedClosed>> + Send>>;

/// What is said of an account's endpoints and not over, the oldest first.
pub type StandingPort = Arc<dyn Fn(AccountId) -> Vec<Fed> + Send + Sync>;

/// Both ways of the feed.
#[derive(Clone)]
pub struct FeedPorts {
    pub take: FeedPort,
    pub standing: StandingPort,
}

/// The live model has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes what is fed")]
pub struct FeedClosed;

/// By its name, else by its address.
pub(crate) fn find(pool: &Pool, text: &str) -> Result<FedOrigin, Error> {
    let named = || pool.origins.iter().enumerate();
    let mut found: Vec<_> = named().filter(|(_, origin)| origin.name == text).collect();
    if found.is_empty() {
        found = named().filter(|(_, origin)| origin.address.to_string() == text).collect();
    }
    match found.as_slice() {
        [] => Err(Error::missing(Kind::Origin, text)),
        [(place, origin)] => Ok(FedOrigin {
            place: *place,
            name: origin.name.clone(),
            address: origin.address.clone(),
            port: origin.port,
        }),
        several => {
            let message =
                format_args!("{text} is {} endpoints: say which by its name", several.len());
            Err(Error::coded("", VALIDATION, message))
        }
    }
}
