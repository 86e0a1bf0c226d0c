//! The ways that names go on this node: to load balancers, through their pools, along aliases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trimtab_model::balancer::Scope;
use trimtab_model::config::Key;
use trimtab_model::{
    AccountId, Balancer, Name, Pool, PoolId, Problems, Record, RecordType, Zone, ZoneId,
};

use super::hosts;
use crate::config::change::Change;
use crate::config::monitors::refused;
use crate::config::{Config, balancers, records, zones};
use crate::errors::Error;

/// Names of zones here that one write may lead through; each is looked up in the store.
const NAMES_FOLLOWED_MAX: usize = 5_000;

/// Names of a loop that a refusal shows; who removes one of these has opened it.
const NAMES_SHOWN_MAX: usize = 10;

/// What this node answers names with, read from the store as far as it is needed.
pub(super) struct Paths<'a> {
    config: &'a Config,
    zones: Vec<Zone>,
    balancers: BTreeMap<(ZoneId, Name), Arc<Balancer>>,
    hosts: BTreeMap<PoolId, Vec<Name>>,
    /// What stands at names that were looked at; many host names have the same names above them.
    known: BTreeMap<Name, Option<Answer>>,
    /// Names that lead nowhere back.
    cleared: BTreeSet<Name>,
    followed: usize,
}

/// What a name is answered with.
#[derive(Clone)]
enum Answer {
    Balancer(Arc<Balancer>),
    Alias(Name),
    /// By other records, or not by this node.
    Otherwise,
}

/// A name on the way, and the place of the one that led to it.
struct Step {
    name: Name,
    from: Option<usize>,
}

/// From an endpoint's host name to the name of the load balancer that closes the loop.
pub(super) struct Path(Vec<Name>);

// === impl Paths ===

impl<'a> Paths<'a> {
    /// Load balancers are read before zones, and guarded: one that is made meanwhile, in a new zone too, is a
    /// conflict.
    pub(super) async fn read(config: &'a Config, change: &mut Change) -> Result<Paths<'a>, Error> {
        let listed = config.list::<Balancer>(balancers::PREFIX).await?;
        change.if_none_newer(balancers::PREFIX, listed.rev);
        let zones = config.list::<Zone>(zones::PREFIX).await?.values();
        let in_zones = listed.values().into_iter().filter_map(|balancer| match balancer.scope {
            Scope::Zone(zone) => Some(((zone, balancer.name.clone()), Arc::new(balancer))),
            Scope::Account(_) => None,
        });
        Ok(Paths {
            config,
            zones,
            balancers: in_zones.collect(),
            hosts: BTreeMap::new(),
            known: BTreeMap::new(),
            cleared: BTreeSet::new(),
            followed: 0,
        })
    }

    /// As if the load balancer were written.
    pub(super) fn put(&mut self, zone: ZoneId, current: Option<&Balancer>, new: &Balancer) {
        if let Some(current) = current {
            self.balancers.remove(&(zone, current.name.clone()));
        }
        self.balancers.insert((zone, new.name.clone()), Arc::new(new.clone()));
    }

    /// The shortest way from a host name to a load balancer that is the end.
    pub(super) async fn back(
        &mut self,
        change: &mut Change,
        host: &Name,
        is_back: impl Fn(&Balancer) -> bool,
    ) -> Result<Option<Path>, Error> {
        if self.cleared.contains(host) {
            return Ok(None);
        }
        let mut seen = BTreeSet::from([host.clone()]);
        let mut steps = vec![Step { name: host.clone(), from: None }];
        let mut at = 0;
        while let Some(Step { name, .. }) = steps.get(at) {
            let further = match self.answer(name).await? {
                Answer::Balancer(last) if is_back(&last) => {
                    return Ok(Some(Path::along(&steps, at, &last.name)));
                }
                Answer::Balancer(balancer) => self.hosts_behind(change, &balancer).await?,
                Answer::Alias(target) => vec![target],
                Answer::Otherwise => Vec::new(),
            };
            for name in further {
                if !self.cleared.contains(&name) && seen.insert(name.clone()) {
                    steps.push(Step { name, from: Some(at) });
                }
            }
            at += 1;
        }
        self.cleared.append(&mut seen);
        Ok(None)
    }

    /// The host names in all pools of a load balancer; that the pools stay as they are is guarded.
    async fn hosts_behind(
        &mut self,
        change: &mut Change,
        balancer: &Balancer,
    ) -> Result<Vec<Name>, Error> {
        let Some(account) = self.account_of(balancer.scope) else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for pool in balancer.pools() {
            if !self.hosts.contains_key(&pool) {
                let key = Key::Pool(account, pool);
                let Some(stored) = self.config.find::<Pool>(&key).await? else { continue };
                change.if_unchanged(&key, stored.modified)?;
                self.hosts.insert(pool, hosts(&stored.value).map(|(_, n)| n.clone()).collect());
            }
            names.extend(self.hosts.get(&pool).into_iter().flatten().cloned());
        }
        Ok(names)
    }

    fn account_of(&self, scope: Scope) -> Option<AccountId> {
        let of_zone = |id| self.zones.iter().find(|zone| zone.id == id);
        match scope {
            Scope::Zone(id) => of_zone(id).map(|zone| zone.account),
            Scope::Account(account) => Some(account),
        }
    }

    /// As in a DNS answer: the name itself, else the asterisk below the longest part of the name that exists
    /// (RFC 4592 section 3.3.1). Parts that exist only by names below them count as absent.
    async fn answer(&mut self, name: &Name) -> Result<Answer, Error> {
        let holding = self.zones.iter().filter(|zone| name.is_in(&zone.name));
        let Some(zone) = holding.max_by_key(|zone| zone.name.as_str().len()) else {
            return Ok(Answer::Otherwise);
        };
        let (zone, apex) = (zone.id, zone.name.clone());
        self.followed += 1;
        if self.followed > NAMES_FOLLOWED_MAX {
            return Err(too_far());
        }
        if let Some(answer) = self.answer_at(zone, name).await? {
            return Ok(answer);
        }
        for above in parents(name).filter(|above| above.is_in(&apex)) {
            let asterisk = format!("*.{above}").parse();
            if let Ok(asterisk) = asterisk
                && let Some(answer) = self.answer_at(zone, &asterisk).await?
            {
                return Ok(answer);
            }
            if self.answer_at(zone, &above).await?.is_some() {
                break;
            }
        }
        Ok(Answer::Otherwise)
    }

    /// None when nothing stands at the name.
    async fn answer_at(&mut self, zone: ZoneId, name: &Name) -> Result<Option<Answer>, Error> {
        if let Some(balancer) = self.balancers.get(&(zone, name.clone())) {
            return Ok(Some(Answer::Balancer(Arc::clone(balancer))));
        }
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let records = self.config.list::<Record>(records::prefix_of_name(zone, name)).await?;
        let alias = records.iter().find(|record| record.kind == RecordType::Cname);
        let answer = match alias.map(|alias| alias.content.parse()) {
            Some(Ok(target)) => Some(Answer::Alias(target)),
            // A target that is no host name is nobody's load balancer.
            Some(Err(_)) => Some(Answer::Otherwise),
            None => (!records.items.is_empty()).then_some(Answer::Otherwise),
        };
        self.known.insert(name.clone(), answer.clone());
        Ok(answer)
    }
}

/// What is left of a name without its first labels is a name as well.
fn parents(name: &Name) -> impl Iterator<Item = Name> {
    let above = |name: &Name| name.as_str().split_once('.').and_then(|(_, rest)| rest.parse().ok());
    std::iter::successors(above(name), above)
}

fn too_far() -> Error {
    let mut problems = Problems::default();
    let most = NAMES_FOLLOWED_MAX;
    problems.add("", format_args!("host names of endpoints lead through over {most} names here"));
    refused(problems)
}

// === impl Path ===

impl Path {
    fn along(steps: &[Step], last: usize, end: &Name) -> Path {
        let step = |at: &usize| steps.get(*at).and_then(|step| step.from);
        let places = std::iter::successors(Some(last), step);
        let mut names: Vec<Name> =
            places.filter_map(|at| steps.get(at)).map(|step| step.name.clone()).collect();
        names.reverse();
        if names.last() != Some(end) {
            names.push(end.clone());
        }
        Path(names)
    }

    /// What the first name does to `whom`.
    pub(super) fn told(&self, whom: &str) -> String {
        match self.0.as_slice() {
            [] | [_] => format!("is answered by {whom} itself"),
            names => {
                let shown = names.iter().take(NAMES_SHOWN_MAX).map(Name::as_str);
                let more = (names.len() > NAMES_SHOWN_MAX).then_some("...");
                let way: Vec<&str> = shown.chain(more).collect();
                format!("leads back to {whom}: {}", way.join(" -> "))
            }
        }
    }
}
