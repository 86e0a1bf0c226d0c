//! The addresses that proxied traffic comes from, for those who filter at their origin.

use serde::Serialize;

use crate::auth::Access;
use crate::respond::{Answer, Reply};
use crate::route::Gives::Object;
use crate::route::Method::Get;
use crate::route::Route;

/// Lists of networks. A node connects from its own addresses, which its operator knows; none are listed.
#[derive(Debug, Serialize)]
struct Networks {
    ipv4_cidrs: Vec<String>,
    ipv6_cidrs: Vec<String>,
    /// Changes with the lists.
    etag: &'static str,
}

const ETAG_OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Get, "/ips", Access::Open, list)
            .says("List the networks that traffic comes from", Object),
    ]
}

async fn list() -> Answer<Networks> {
    let (ipv4_cidrs, ipv6_cidrs) = (Vec::new(), Vec::new());
    Ok(Reply::one(Networks { ipv4_cidrs, ipv6_cidrs, etag: ETAG_OF_NOTHING }))
}
