//! The verbs by which people and other systems say what endpoints are.

use clap::{Args, Subcommand};
use trimtab_model::overrides::Forced;

use super::Server;

#[derive(Debug, Subcommand)]
pub(crate) enum Override {
    /// Hold endpoints to be up, down or drained, whatever machines say.
    Add(Hold),
    /// Which are there, the oldest first; of several that name an endpoint the newest counts.
    List(Server),
    /// Take one back.
    Remove {
        /// The id of an override, or its pattern.
        #[arg(value_name = "ID|PATTERN")]
        which: String,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// POOL/ENDPOINT, each by its name, or a pool by its id and an endpoint by its address; `*` is any characters,
    /// `?` is one. Without a slash all endpoints of the pools.
    pub(crate) pattern: String,
    /// up, down, or drained: those with a session stay, nobody else comes.
    pub(crate) state: Forced,
    /// For whoever finds the endpoints so at night.
    #[arg(long)]
    pub(crate) reason: String,
    /// For so long: seconds, or such as 90s, 2h, 1h30m, 7d. Without it until it is removed.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) duration: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Feed {
    /// The id of a pool, or its name.
    pub(crate) pool: String,
    /// The name of an endpoint, or its address.
    pub(crate) endpoint: String,
    #[command(flatten)]
    pub(crate) said: Said,
    /// Seconds until it is forgotten; 60 without it.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<u32>,
    /// For explanations.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// At least one; it replaces all that was said of the endpoint before.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Said {
    /// up, down or drained.
    #[arg(long)]
    pub(crate) state: Option<Forced>,
    /// 0 to 1: how busy the endpoint is; it keeps what is left of its weight.
    #[arg(long, value_name = "SHARE")]
    pub(crate) load: Option<f64>,
    /// 0 to 1: the share of its weight that it keeps.
    #[arg(long, value_name = "SHARE", conflicts_with = "load")]
    pub(crate) weight: Option<f64>,
}
