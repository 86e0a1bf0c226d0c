//! The control API under `/client/v4`: wire-compatible with the Load Balancing API v4.
//!
//! A request goes `router` → `auth::admit` → `handlers` → `config` → store; what went wrong becomes a
//! status and numbers in `errors`.

pub mod alerts;
mod app;
mod auth;
pub mod bootstrap;
mod config;
mod errors;
mod events;
mod explain;
mod extract;
mod feed;
mod form;
mod handlers;
mod health;
mod ids;
mod matrix;
mod notices;
pub mod openapi;
mod order;
mod previews;
mod respond;
mod route;
mod router;
mod split;

pub use alerts::{AlertPort, AlertTest};
pub use app::{AcmePort, App, Parts, Settings, StartError};
pub use auth::Secret;
pub use bootstrap::{Bootstrap, BootstrapError, bootstrap};
pub use explain::Case;
pub use feed::{FeedClosed, FeedPort, FeedPorts, Feeding, StandingPort};
pub use health::{CheckState, ChecksPort};
pub use previews::{Ended, PreviewPort, ProbeLines, ProbePort, Probing, Watched};
pub use router::{PREFIX, router};
pub use split::DrawsPort;

#[cfg(test)]
mod tests;
