//! Sockets and threads as the kernel wants them: datagrams in batches, one socket per core.
//!
//! The only crate with `unsafe`. Everything it offers is safe, knows nothing of DNS and keeps no
//! state beyond the buffers of a [`udp::Batch`].

pub mod errors;
pub mod files;
mod option;
pub mod port;
pub mod tcp;
pub mod thread;
pub mod udp;
