//! Probes against real servers on loopback, each written to misbehave in one way.
#![expect(clippy::unwrap_used, reason = "test files whose checks are shared functions")]

mod datagrams;
mod grpc;
mod http;
mod prober;
mod reasons;
mod recipe;
mod redirects;
mod server;
mod steps;
mod talks;
mod tls;
mod way;
