//! What the host names of endpoints resolved to, and which pools stand behind each name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use trimtab_model::pool::Address;
use trimtab_model::{self as model, Name, PoolId};
use trimtab_steer::Pool;

use crate::event::Resolved;

/// Every host name in use, with its addresses in order; none for a name that was never resolved.
pub type Hosts = BTreeMap<Name, Arc<[IpAddr]>>;

/// The publisher's table of host names.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    /// Shared with the last snapshot, and copied when it changes after that.
    resolved: Arc<Hosts>,
    users: BTreeMap<Name, BTreeSet<PoolId>>,
    /// What was known before a restart of names whose pools are not read yet.
    remembered: Hosts,
}

// === impl HostTable ===

impl HostTable {
    pub(crate) fn remember(&mut self, hosts: Hosts) {
        self.remembered = hosts;
    }

    /// Every pool is read: whatever else is remembered belongs to nobody.
    pub(crate) fn forget_remembered(&mut self) {
        self.remembered = Hosts::new();
    }

    pub(crate) fn all(&self) -> &Arc<Hosts> {
        &self.resolved
    }

    pub(crate) fn addresses(&self, name: &Name) -> &[IpAddr] {
        self.resolved.get(name).map(|addresses| &**addresses).unwrap_or_default()
    }

    /// The names of a pool are those of its configuration from now on.
    pub(crate) fn follow(&mut self, before: Option<&Pool>, config: &model::Pool) {
        let old = before.map(names_of).unwrap_or_default();
        let origins = config.origins.iter();
        let new: BTreeSet<&Name> = origins.filter_map(|origin| host(&origin.address)).collect();
        for &name in new.difference(&old) {
            self.enter(name, config.id);
        }
        for &name in old.difference(&new) {
            self.leave(name, config.id);
        }
    }

    /// The pool is gone.
    pub(crate) fn forget(&mut self, gone: &Pool) {
        for name in names_of(gone) {
            self.leave(name, gone.id);
        }
    }

    /// Takes in what a name resolved to; gives the pools that must be built anew.
    pub(crate) fn resolve(&mut self, news: Resolved) -> BTreeSet<PoolId> {
        let Resolved { name, addresses } = news;
        // A look-up may end after the last pool with the name was deleted.
        match (self.resolved.get(&name), self.users.get(&name)) {
            (Some(before), Some(users)) if *before != addresses => {
                Arc::make_mut(&mut self.resolved).insert(name, addresses);
                users.clone()
            }
            (Some(_) | None, Some(_) | None) => BTreeSet::new(),
        }
    }

    fn enter(&mut self, name: &Name, pool: PoolId) {
        if !self.resolved.contains_key(name) {
            let known = self.remembered.remove(name).unwrap_or_default();
            Arc::make_mut(&mut self.resolved).insert(name.clone(), known);
        }
        self.users.entry(name.clone()).or_default().insert(pool);
    }

    fn leave(&mut self, name: &Name, pool: PoolId) {
        let Some(users) = self.users.get_mut(name) else { return };
        users.remove(&pool);
        if users.is_empty() {
            self.users.remove(name);
            Arc::make_mut(&mut self.resolved).remove(name);
        }
    }
}

fn names_of(pool: &Pool) -> BTreeSet<&Name> {
    pool.endpoints.iter().filter_map(|endpoint| host(&endpoint.address)).collect()
}

fn host(address: &Address) -> Option<&Name> {
    match address {
        Address::Host(name) => Some(name),
        Address::Ip(_) => None,
    }
}
