//! Networks as an operator writes them: an address alone is a network of one.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

struct Network(IpNet);

/// What reads one: a refusal from inside has the place of the one that is wrong, not of the list.
struct Reading;

pub(super) fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let networks = Vec::<Network>::deserialize(from)?;
    Ok(networks.into_iter().map(|network| network.0).collect())
}

// === impl Network ===

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Network, D::Error> {
        from.deserialize_str(Reading)
    }
}

impl Visitor<'_> for Reading {
    type Value = Network;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a network such as 192.0.2.0/24, or an address")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Network, E> {
        let alone = |_| text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse::<IpNet>().or_else(alone);
        network.map(Network).map_err(|_no_address| {
            E::custom(format!("{text:?} is no network such as 192.0.2.0/24, and no address"))
        })
    }
}
