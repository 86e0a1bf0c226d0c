//! Certificates that nobody uploads: ordered from an authority (RFC 8555) for the names that are proxied here, and
//! renewed before they end.

mod account;
mod authority;
pub mod board;
mod client;
mod error;
pub mod issuer;
pub mod plan;
mod proof;
mod retry;
pub mod settings;
#[cfg(test)]
mod stage;
pub mod storage;

pub use authority::{Acme, SetUpError};
pub use board::{Board, Shown};
pub use issuer::Issuer;
pub use settings::{Challenge, Directory, Settings};
pub use storage::{Issued, Storage, StorageError};
