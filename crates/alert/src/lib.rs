//! Alerts that arrive: what changed is compared with what was last told, and each message is sent until it was taken.
//!
//! `engine` looks, `plan` decides, `outbox` puts in order, `courier` sends.

pub mod board;
pub mod book;
pub mod courier;
pub mod engine;
mod http;
pub mod incident;
mod listener;
mod mail;
pub mod message;
mod observe;
mod outbox;
mod parcel;
mod plan;
mod render;
mod retry;
mod seen;
pub mod settings;
pub mod storage;
mod text;

pub use board::{Board, Tally};
pub use courier::{Courier, Failure, Sent, SetUpError, Target};
pub use engine::Engine;
pub use message::Message;
pub use settings::{Security, Settings, Smtp};
pub use storage::{Storage, StorageError, Write};

use std::hash::{BuildHasher, Hasher, RandomState};

use trimtab_model::WebhookId;

/// RFC 9562 section 5.4: a random name that nothing else has.
fn fresh_id() -> String {
    let half = || RandomState::new().build_hasher().finish();
    let mut bytes = (u128::from(half()) << 64 | u128::from(half())).to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    // All identifiers of alerting are written alike.
    WebhookId::new(bytes).to_string()
}
