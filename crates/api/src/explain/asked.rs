//! Which load balancer a question is about: the one that DNS of this node, or its proxy, would ask.

use trimtab_dns::{End, Trail, trail};
use trimtab_live::Snapshot;
use trimtab_model::balancer::Scope;
use trimtab_model::{AccountId, Name, Wanted, ZoneId};
use trimtab_steer::{Balancer, BalancerSlot};

use crate::config::Config;
use crate::errors::{Error, Kind};

/// A load balancer, and how its name was come to.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) slot: BalancerSlot,
    pub(crate) balancer: &'a Balancer,
    /// The name that was asked for, and the target of each alias up to the name that is decided for.
    pub(crate) names: Vec<String>,
}

/// Who looks at what.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    pub(crate) config: &'a Config,
    pub(crate) snapshot: &'a Snapshot,
    /// Names of other accounts are as good as names that do not exist.
    pub(crate) account: AccountId,
}

// === impl Asked ===

impl Asked<'_> {
    /// The one that is decided for.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

// === impl Looking ===

impl<'a> Looking<'a> {
    /// For a question of DNS.
    ///
    /// # Errors
    /// When anything else answers, with what that is.
    pub(crate) async fn question(self, name: &Name, wanted: Wanted) -> Result<Asked<'a>, Error> {
        let world = &self.snapshot.world;
        let found = trail(&self.snapshot.zones, world, name, wanted);
        let mut visible = Vec::new();
        for hop in &found.hops {
            visible.push(hop.name.clone());
            if !self.owns(hop.zone).await? {
                return Err(self.unowned(name, visible));
            }
        }
        match &found.end {
            End::Balancer(slot) => match world.balancer(*slot) {
                Some(balancer) => Ok(Asked { slot: *slot, balancer, names: visible }),
                None => Err(Error::missing(Kind::Balancer, name)),
            },
            End::Records
            | End::Delegated(_)
            | End::NoData
            | End::NoName
            | End::Elsewhere
            | End::Endless => Err(self.unsteered(name, &visible, &answering(&found, wanted))),
        }
    }

    /// For a request with this name as its host, which no alias changes.
    ///
    /// # Errors
    /// When the proxy sends such requests nowhere.
    pub(crate) async fn request(self, name: &Name) -> Result<Asked<'a>, Error> {
        let slot = self.snapshot.routes.find(name.as_str().as_bytes());
        let routed = slot.and_then(|slot| Some((slot, self.snapshot.world.balancer(slot)?)));
        if let Some((slot, balancer)) = routed
            && let Scope::Zone(zone) = balancer.scope
            && self.owns(Some(zone)).await?
        {
            return Ok(Asked { slot, balancer, names: vec![name.to_string()] });
        }
        let asked = self.question(name, Wanted::A).await?;
        if asked.names.len() > 1 {
            let why = "requests keep their host, and no load balancer proxies that one";
            return Err(self.unsteered(name, &asked.names, why));
        }
        Ok(asked)
    }

    async fn owns(&self, zone: Option<ZoneId>) -> Result<bool, Error> {
        let Some(zone) = zone else { return Ok(false) };
        match self.config.zone(zone).await {
            Ok(zone) => Ok(zone.account == self.account),
            Err(Error::Missing { .. }) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// The last name is in no zone, or in one of another account: nothing tells which.
    fn unowned(&self, name: &Name, names: Vec<String>) -> Error {
        if names.len() == 1 && self.standing(name).is_none() {
            return Error::missing(Kind::Balancer, name);
        }
        let last = names.last().map_or("", String::as_str);
        self.unsteered(name, &names, &format!("{last} is in no zone of this account"))
    }

    fn unsteered(&self, name: &Name, names: &[String], why: &str) -> Error {
        let alias = match names {
            [_, .., last] => format!(" (an alias of {last})"),
            [_] | [] => String::new(),
        };
        let standing = self.standing(name).map(|it| format!("{it}, and ")).unwrap_or_default();
        Error::Unsteered { name: format!("{name}{alias}"), why: format!("{standing}{why}") }
    }

    /// Why a private load balancer of that very name is not what answers.
    fn standing(&self, name: &Name) -> Option<&'static str> {
        let mut balancers = self.snapshot.world.balancers.iter().flatten();
        let mine = Scope::Account(self.account);
        let private = balancers.any(|it| it.name == *name && it.scope == mine);
        private.then_some("it is private, which DNS and the proxy do not answer with")
    }
}

/// What answers in place of a load balancer.
fn answering(found: &Trail, wanted: Wanted) -> String {
    let last = found.hops.last().map_or("", |hop| &hop.name);
    match &found.end {
        End::Balancer(_) => format!("a load balancer answers for {last}"),
        End::Records => format!("{wanted} records answer for {last}"),
        End::Delegated(cut) => format!("{cut} is delegated, and its name servers answer"),
        End::NoData => format!("{last} exists, without {wanted} records"),
        End::NoName => format!("{last} does not exist (NXDOMAIN)"),
        End::Elsewhere => format!("{last} is in no zone of this account"),
        End::Endless => "its CNAME records go in a circle, or on for too long".to_owned(),
    }
}
