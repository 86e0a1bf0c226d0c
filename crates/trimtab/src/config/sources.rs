//! `[node] sources`: the addresses that the probes of a place leave from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use trimtab_connect::{Source, SourceError};
use trimtab_model::Pop;

/// Of some of the places that this process probes for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sources(BTreeMap<Spanned<Pop>, Leaving>);

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Vec<IpAddr>")]
struct Leaving(Source);

// === impl Sources ===

impl Sources {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Pop, Source)> + '_ {
        self.0.iter().map(|(pop, leaving)| (*pop.get_ref(), leaving.0))
    }

    /// All are places that are probed for.
    pub(super) fn check(&self, probed: &[Pop]) -> Result<(), (Range<usize>, String)> {
        let stranger = self.0.keys().find(|pop| !probed.contains(pop.get_ref()));
        stranger.map_or(Ok(()), |pop| {
            let why = match trimtab_geo::pop(*pop.get_ref()) {
                None => format!("no airport has the code {}", pop.get_ref()),
                Some(_) => format!("{} is neither pop nor one of extra_pops", pop.get_ref()),
            };
            Err((pop.span(), why))
        })
    }
}

// === impl Leaving ===

impl TryFrom<Vec<IpAddr>> for Leaving {
    type Error = SourceError;

    fn try_from(addresses: Vec<IpAddr>) -> Result<Leaving, SourceError> {
        Source::new(&addresses).map(Leaving)
    }
}
