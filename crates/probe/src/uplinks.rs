//! The ways out of this node: each place may have one of its own.

use std::collections::HashMap;

use trimtab_connect::{Connector, Source};
use trimtab_model::Pop;

/// Which connector the probes of a place go through.
#[derive(Clone, Debug)]
pub struct Uplinks {
    usual: Connector,
    own: HashMap<Pop, Connector>,
}

// === impl Uplinks ===

impl Uplinks {
    /// Places without a source leave as the system chooses.
    pub fn new(usual: Connector, sources: impl IntoIterator<Item = (Pop, Source)>) -> Uplinks {
        let own = sources.into_iter().map(|(pop, source)| (pop, usual.clone().with_source(source)));
        Uplinks { own: own.collect(), usual }
    }

    pub fn of(&self, pop: Pop) -> &Connector {
        self.own.get(&pop).unwrap_or(&self.usual)
    }
}
