//! What persons say of endpoints, sorted out by pool: worked out when somebody speaks, not for every report.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use trimtab_health::{Ruler, Ruling};
use trimtab_model::overrides::Forced;
use trimtab_model::{AccountId, Moment, Origin, Override, OverrideId, Pool, PoolId, Timestamp};

use crate::Clocks;

/// All that stands, and what follows from it for each pool that it names.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    overrides: BTreeMap<OverrideId, (AccountId, Override)>,
    /// In the order of the pool's endpoints. Pools that nobody speaks of are not among them.
    of: HashMap<PoolId, Box<[Option<Arc<Ruling>>]>>,
    /// When the first of them ends.
    next_end: Option<Moment>,
}

// === impl Rulings ===

impl Rulings {
    /// A person speaks, or takes it back. Gives what was said before.
    pub(crate) fn put(
        &mut self,
        id: OverrideId,
        said: Option<(AccountId, Override)>,
    ) -> Option<(AccountId, Override)> {
        match said {
            Some(said) => self.overrides.insert(id, said),
            None => self.overrides.remove(&id),
        }
    }

    /// Works out what stands for a pool; true when that is not what stood.
    pub(crate) fn work_out(&mut self, account: AccountId, pool: &Pool, now: Clocks) -> bool {
        let said = self.said_of(account, pool, now);
        let before = self.of.remove(&pool.id);
        let changed = before.as_deref().unwrap_or_default() != said.as_slice();
        if !said.is_empty() {
            self.of.insert(pool.id, said.into());
        }
        self.next_end = self.ends().min();
        changed
    }

    pub(crate) fn forget(&mut self, pool: PoolId) {
        self.of.remove(&pool);
    }

    pub(crate) fn next_end(&self) -> Option<Moment> {
        self.next_end
    }

    /// Pools of which something that stood is over.
    pub(crate) fn over(&self, now: Moment) -> BTreeSet<PoolId> {
        let is_over = |ruling: &Arc<Ruling>| ruling.until.is_some_and(|until| until <= now);
        let of = self.of.iter();
        let over = of.filter(|(_, rulings)| rulings.iter().flatten().any(is_over));
        over.map(|(pool, _)| *pool).collect()
    }

    /// In the order of the pool's endpoints; empty where nobody speaks of any.
    pub(crate) fn of_pool(&self, pool: PoolId) -> &[Option<Arc<Ruling>>] {
        self.of.get(&pool).map(AsRef::as_ref).unwrap_or_default()
    }

    fn ends(&self) -> impl Iterator<Item = Moment> {
        self.of.values().flat_map(|rulings| rulings.iter().flatten()).filter_map(|it| it.until)
    }

    /// Empty when nobody speaks of any endpoint of the pool.
    fn said_of(&self, account: AccountId, pool: &Pool, now: Clocks) -> Vec<Option<Arc<Ruling>>> {
        let today = now.timestamp();
        let of_account = self.overrides.values().filter(|(of, _)| *of == account);
        let standing = of_account.map(|(_, said)| said).filter(|said| {
            let is_over = said.until.is_some_and(|until| until <= today);
            !is_over
        });
        let standing: Vec<&Override> = standing.collect();
        if standing.is_empty() {
            return Vec::new();
        }
        let said = pool.origins.iter().map(|origin| {
            let of_it = standing.iter().filter(|said| names(said, pool, origin));
            // Who spoke last is the one who knows.
            let last = of_it.max_by_key(|said| (said.created_on, said.id))?;
            Some(Arc::new(ruling(last, now)))
        });
        let said: Vec<Option<Arc<Ruling>>> = said.collect();
        if said.iter().all(Option::is_none) { Vec::new() } else { said }
    }
}

/// Does it speak of any endpoint of the pool?
pub(crate) fn names_any(said: &Override, pool: &Pool) -> bool {
    pool.origins.iter().any(|origin| names(said, pool, origin))
}

fn names(said: &Override, pool: &Pool, origin: &Origin) -> bool {
    let (id, address) = (pool.id.to_string(), origin.address.to_string());
    said.pattern.names(&[&pool.name, &id], &[&origin.name, &address])
}

fn ruling(said: &Override, now: Clocks) -> Ruling {
    Ruling {
        by: Ruler::Person(said.id),
        state: said.state,
        reason: said.reason.as_str().into(),
        author: said.author.as_str().into(),
        since: now.moment_of(said.created_on),
        until: said.until.map(|until| now.moment_of(until)),
    }
}

/// The pool with drained endpoints disabled since the moment that somebody said so: sessions stay where they are, and
/// nobody new comes.
pub(crate) fn drained<'a>(
    pool: &'a Pool,
    rulings: &[Option<Arc<Ruling>>],
    now: Clocks,
) -> Cow<'a, Pool> {
    let is_drained = |ruling: &Arc<Ruling>| ruling.state == Forced::Drained;
    if !rulings.iter().flatten().any(is_drained) {
        return Cow::Borrowed(pool);
    }
    let mut pool = pool.clone();
    for (origin, ruling) in pool.origins.iter_mut().zip(rulings) {
        let Some(ruling) = ruling.as_ref().filter(|ruling| is_drained(ruling)) else { continue };
        if origin.enabled {
            origin.enabled = false;
            origin.disabled_at = Some(now.timestamp_of(ruling.since));
        }
    }
    Cow::Owned(pool)
}

// === impl Clocks ===

impl Clocks {
    fn timestamp(&self) -> Timestamp {
        self.timestamp_of(self.monotonic)
    }

    fn moment_of(&self, at: Timestamp) -> Moment {
        let micros = at.micros().saturating_sub(self.timestamp().micros());
        let span = Duration::from_micros(micros.unsigned_abs());
        match micros {
            0.. => self.monotonic + span,
            _ => self.monotonic.saturating_sub(span),
        }
    }

    fn timestamp_of(&self, at: Moment) -> Timestamp {
        // A clock before 1970 is set wrong, and says so best as 1970.
        let now = self.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ahead = at.saturating_duration_since(self.monotonic);
        let behind = self.monotonic.saturating_duration_since(at);
        let at = now.saturating_add(ahead).saturating_sub(behind);
        Timestamp::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
