//! The demo's receiver of alerts: prints a line for each.
//!
//! One task serves it; dropping [`Pager`] ends it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cli::say;

/// A documentation address (RFC 5737) that the demo's connector leads to loopback, like those of its origins.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 250);
/// What the webhook of the demo is told to be.
pub(crate) const URL: &str = "http://192.0.2.250/alerts";

/// Whoever is woken at night.
pub(crate) struct Pager {
    listens: SocketAddr,
    _task: JoinSet<io::Result<()>>,
}

// === impl Pager ===

impl Pager {
    pub(crate) async fn start() -> io::Result<Pager> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let listens = listener.local_addr()?;
        let router = Router::new().route("/alerts", post(take));
        let mut task = JoinSet::new();
        task.spawn(async { axum::serve(listener, router).await });
        Ok(Pager { listens, _task: task })
    }

    /// Where its address leads.
    pub(crate) fn detour(&self) -> (IpAddr, SocketAddr) {
        (IpAddr::V4(ADDRESS), self.listens)
    }
}

async fn take(Json(alert): Json<Value>) {
    let subject = alert["text"].as_str().and_then(|text| text.lines().next()).unwrap_or("?");
    say(format_args!("alert: {subject}"));
}
