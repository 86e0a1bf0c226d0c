//! What the handlers share.
//!
//! Tasks: [`App::follow`] is run by whoever assembles the node; previews run in a bounded set that ends
//! with the app.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use trimtab_analytics::EventLog;
use trimtab_api_types::v1;
use trimtab_live::Cell;
use trimtab_model::{Name, Pop, Timestamp};
use trimtab_store::{AnyStore, Clock};

use crate::alerts::AlertPort;
use crate::auth::Tokens;
use crate::auth::limit::Limits;
use crate::config::{Allowance, Config};
use crate::feed::FeedPorts;
use crate::health::ChecksPort;
use crate::previews::{PreviewPort, Previews, ProbePort};
use crate::split::DrawsPort;

/// An operator's choices.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What zones are told to delegate to.
    pub nameservers: Vec<Name>,
    /// The mailbox of exported zones; `hostmaster.` of the zone when None.
    pub hostmaster: Option<Name>,
    /// The node's own place.
    pub pop: Pop,
    /// Other places that it probes for.
    pub extra_pops: Vec<Pop>,
    /// Seconds.
    pub monitor_interval_min: u32,
    /// Of this node, all endpoints together.
    pub checks_per_second_max: u32,
    /// Per token.
    pub requests_per_minute: u32,
}

/// What is known of the certificates that the node orders. Filled in by whoever runs the issuer.
pub type AcmePort = Arc<dyn Fn(Timestamp) -> v1::Acme + Send + Sync>;

/// What an [`App`] is made of.
pub struct Parts {
    pub store: AnyStore,
    pub cell: Cell,
    pub events: Arc<EventLog>,
    pub preview: PreviewPort,
    pub probe: ProbePort,
    pub draws: DrawsPort,
    pub acme: AcmePort,
    pub feed: FeedPorts,
    pub checks: ChecksPort,
    pub alerts: AlertPort,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
}

/// The control API of one node. Cheap to clone; all clones are the same app.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// One app, behind all of its clones.
pub struct Shared {
    pub(crate) config: Config,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) limits: Limits,
    pub(crate) cell: Cell,
    pub(crate) events: Arc<EventLog>,
    pub(crate) previews: Previews,
    pub(crate) probe: ProbePort,
    pub(crate) draws: DrawsPort,
    pub(crate) acme: AcmePort,
    pub(crate) feed: FeedPorts,
    pub(crate) checks: ChecksPort,
    pub(crate) alerts: AlertPort,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
}

/// The app could not read who may ask.
#[derive(Debug, thiserror::Error)]
#[error("could not read the tokens")]
pub struct StartError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// A watch that broke is begun again after this long.
const FOLLOW_AGAIN_AFTER: Duration = Duration::from_secs(1);

// === impl Settings ===

impl Settings {
    fn allowance(&self) -> Allowance {
        let pops = std::iter::once(&self.pop).chain(&self.extra_pops);
        Allowance::new(self.checks_per_second_max, pops.copied())
    }
}

// === impl App ===

impl App {
    /// # Errors
    /// When the tokens cannot be read from the store.
    pub async fn start(parts: Parts) -> Result<App, StartError> {
        let Parts {
            store,
            cell,
            events,
            preview,
            probe,
            draws,
            acme,
            feed,
            checks,
            alerts,
            clock,
            settings,
        } = parts;
        let tokens = Tokens::load(store.clone()).await.map_err(|why| StartError(why.into()))?;
        let tokens = Arc::new(tokens);
        let limits = Limits::new(settings.requests_per_minute);
        let config = Config::new(
            store,
            cell.clone(),
            Arc::clone(&clock),
            Arc::clone(&tokens),
            settings.allowance(),
        );
        let previews = Previews::new(preview);
        Ok(App(Arc::new(Shared {
            config,
            tokens,
            limits,
            cell,
            events,
            previews,
            probe,
            draws,
            acme,
            feed,
            checks,
            alerts,
            clock,
            settings,
        })))
    }

    /// Follows tokens that other nodes change, until the store is closed. To be run beside the server.
    pub async fn follow(self) {
        while let Err(why) = self.tokens.follow().await {
            tracing::warn!("following tokens stopped: {why}");
            tokio::time::sleep(FOLLOW_AGAIN_AFTER).await;
        }
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.unix_micros())
    }
}
