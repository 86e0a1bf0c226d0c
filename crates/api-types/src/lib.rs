//! The wire shapes of the control API: bodies become checked model types, model types become answers.
//!
//! One version of the API is one module ([`v1`]). Each resource has a `read` for POST and PUT, a `patch`
//! where the API has one, and a serialisable shape with `From` the model type. Reading collects every
//! problem of a body with its JSON pointer; nothing here knows clocks, ids of others, or the store.

pub mod body;
pub mod draft;
pub mod number;
pub mod v1;

pub use draft::Draft;
