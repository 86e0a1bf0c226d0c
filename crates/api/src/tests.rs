//! The API from the outside: requests in, statuses and whole bodies out.

mod accounts;
mod acme;
mod affinity;
mod auth;
mod balancers;
mod bench;
mod certificates;
mod documents;
mod envelope;
mod explain;
mod health;
mod lists;
mod loops;
mod monitors;
mod pools;
mod probe;
mod records;
mod refusals;
mod scopes;
mod split;
mod tokens;
mod upstream;
mod writes;
mod zones;
