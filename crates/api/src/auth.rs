//! Who asks, and may they: credentials in the headers, tokens by their digest, limits, rights.

pub(crate) mod admit;
pub(crate) mod credentials;
pub(crate) mod limit;
pub(crate) mod refusal;
pub(crate) mod rights;
pub(crate) mod secret;
pub(crate) mod tokens;

pub(crate) use admit::{Access, Caller, Place, guard};
pub(crate) use refusal::Refusal;
pub use secret::Secret;
pub(crate) use tokens::Tokens;
