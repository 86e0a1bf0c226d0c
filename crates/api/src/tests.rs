//! The API from the outside: requests in, statuses and whole bodies out.

mod accounts;
mod auth;
mod balancers;
mod bench;
mod documents;
mod envelope;
mod health;
mod lists;
mod monitors;
mod pools;
mod records;
mod scopes;
mod tokens;
mod writes;
mod zones;
