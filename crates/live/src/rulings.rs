//! What persons say of endpoints, sorted out by pool: worked out when somebody speaks, not for every report.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use trimtab_health::{Ruler, Ruling};
use trimtab_model::feed::{FedOrigin, FedWord};
use trimtab_model::{
    AccountId, Fed, Moment, Origin, Override, OverrideId, Pool, PoolId, Timestamp,
};

use crate::Clocks;
use crate::observers::endpoint_key;
use crate::saved::SavedFed;

/// All that stands, and what follows from it for each pool that it names.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    overrides: BTreeMap<OverrideId, (AccountId, Override)>,
    /// The last word of other systems on each endpoint.
    fed: HashMap<(PoolId, u64), Fed>,
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

    /// Another system speaks, or takes it back. False when it speaks of no endpoint of the pool.
    pub(crate) fn feed(&mut self, fed: Fed, pool: &Pool) -> bool {
        let Some(origin) = spoken_of(&fed.origin, pool) else { return false };
        let endpoint = (pool.id, endpoint_key(pool.id, origin));
        match fed.word {
            Some(_) => self.fed.insert(endpoint, fed),
            None => self.fed.remove(&endpoint),
        };
        true
    }

    /// As it stood when the node stopped. What is over by now goes when its pool is worked out.
    pub(crate) fn restore(saved: &[SavedFed]) -> Rulings {
        let fed = saved.iter().map(|SavedFed { key, fed }| ((fed.pool, *key), fed.clone()));
        Rulings { fed: fed.collect(), ..Rulings::default() }
    }

    pub(crate) fn saved(&self) -> Vec<SavedFed> {
        let saved = self.fed.iter().map(|((_, key), fed)| SavedFed { key: *key, fed: fed.clone() });
        saved.collect()
    }

    /// Forgets what was said of pools that went while the node did not run.
    pub(crate) fn keep_pools(&mut self, is_there: impl Fn(PoolId) -> bool) {
        self.fed.retain(|(pool, _), _| is_there(*pool));
    }

    /// What other systems say, the oldest first.
    pub(crate) fn standing(&self) -> Vec<Fed> {
        let mut standing: Vec<Fed> = self.fed.values().cloned().collect();
        standing.sort_by_key(|fed| fed.word.as_ref().map(|word| word.since));
        standing
    }

    /// Works out what stands for a pool.
    pub(crate) fn work_out(&mut self, account: AccountId, pool: &Pool, now: Clocks) {
        let said = self.said_of(account, pool, now);
        match said.is_empty() {
            true => self.of.remove(&pool.id),
            false => self.of.insert(pool.id, said.into()),
        };
        self.next_end = self.ends().min();
    }

    pub(crate) fn forget(&mut self, pool: PoolId) {
        self.of.remove(&pool);
        self.fed.retain(|(of, _), _| *of != pool);
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
    fn said_of(
        &mut self,
        account: AccountId,
        pool: &Pool,
        now: Clocks,
    ) -> Vec<Option<Arc<Ruling>>> {
        let today = now.timestamp();
        // One that moved to another address is another endpoint, of which nobody has said anything.
        let keys: HashSet<u64> = pool.origins.iter().map(|it| endpoint_key(pool.id, it)).collect();
        self.fed.retain(|(of, key), fed| {
            let stands = fed.word.as_ref().is_some_and(|word| word.until() > today);
            *of != pool.id || (stands && keys.contains(key))
        });
        let of_account = self.overrides.values().filter(|(of, _)| *of == account);
        let standing = of_account.map(|(_, said)| said).filter(|said| !said.is_over(today));
        let standing: Vec<&Override> = standing.collect();
        if standing.is_empty() && !self.fed.keys().any(|(of, _)| *of == pool.id) {
            return Vec::new();
        }
        let said = pool.origins.iter().map(|origin| {
            let of_it = standing.iter().filter(|said| said.pattern.names_origin(pool, origin));
            // Who spoke last is the one who knows.
            let person = of_it.max_by_key(|said| (said.created_on, said.id));
            let fed = || self.fed.get(&(pool.id, endpoint_key(pool.id, origin)))?.word.as_ref();
            let said = person.map(|said| ruling(said, now));
            said.or_else(|| fed().map(|word| fed_ruling(word, now))).map(Arc::new)
        });
        let said: Vec<Option<Arc<Ruling>>> = said.collect();
        if said.iter().all(Option::is_none) { Vec::new() } else { said }
    }
}

/// The endpoint where it stood when it was spoken of, else wherever it is now.
fn spoken_of<'a>(fed: &FedOrigin, pool: &'a Pool) -> Option<&'a Origin> {
    let is_it = |origin: &&Origin| {
        origin.name == fed.name && origin.address == fed.address && origin.port == fed.port
    };
    let there = pool.origins.get(fed.place).filter(is_it);
    there.or_else(|| pool.origins.iter().find(is_it))
}

/// Does it speak of any endpoint of the pool?
pub(crate) fn names_any(said: &Override, pool: &Pool) -> bool {
    pool.origins.iter().any(|origin| said.pattern.names_origin(pool, origin))
}

fn ruling(said: &Override, now: Clocks) -> Ruling {
    Ruling {
        by: Ruler::Person(said.id),
        state: Some(said.state),
        weight: None,
        reason: said.reason.as_str().into(),
        author: said.author.as_str().into(),
        since: now.moment_of(said.created_on),
        until: said.until.map(|until| now.moment_of(until)),
    }
}

fn fed_ruling(word: &FedWord, now: Clocks) -> Ruling {
    Ruling {
        by: Ruler::Feed,
        state: word.state,
        // From 0 to 1, checked where it came in.
        weight: word.weight.map(|share| (share * 100.0).round() as u8),
        reason: word.note.as_str().into(),
        author: word.author.as_str().into(),
        since: now.moment_of(word.since),
        until: Some(now.moment_of(word.until())),
    }
}

/// The pool as it is under what stands: drained endpoints are disabled since somebody said so, so that sessions stay
/// where they are and nobody new comes, and others weigh what is left to them.
pub(crate) fn ruled<'a>(
    pool: &'a Pool,
    rulings: &[Option<Arc<Ruling>>],
    now: Clocks,
) -> Cow<'a, Pool> {
    let acts = |ruling: &Arc<Ruling>| ruling.drains() || ruling.weight.is_some();
    if !rulings.iter().flatten().any(acts) {
        return Cow::Borrowed(pool);
    }
    let mut pool = pool.clone();
    for (origin, ruling) in pool.origins.iter_mut().zip(rulings) {
        let Some(ruling) = ruling else { continue };
        if ruling.drains() && origin.enabled {
            origin.enabled = false;
            origin.disabled_at = Some(now.timestamp_of(ruling.since));
        }
        if let Some(left) = ruling.weight {
            origin.weight = origin.weight.part(left);
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
