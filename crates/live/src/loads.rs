//! Requests under way: counters that every proxy thread writes and every decision may read.
//!
//! A counter belongs to an endpoint and not to a snapshot. It goes on counting through health flips and changes of the
//! configuration, as long as the endpoint's address, port and network stay.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use trimtab_health::ejection::FAILURES_TO_EJECT;
use trimtab_steer::{Load, PoolSlot};

use crate::Places;

/// By pool slot, then by the endpoint's index in its pool.
#[derive(Clone, Debug, Default)]
pub struct Loads(Vec<Option<Arc<PoolLoad>>>);

/// One pool's counters.
#[derive(Debug)]
pub struct PoolLoad {
    /// Requests under way, at whichever endpoint.
    pub open: Arc<AtomicU32>,
    pub endpoints: Box<[Arc<EndpointLoad>]>,
    /// Tells endpoints apart, one key each.
    keys: Box<[u64]>,
}

/// One endpoint's counters.
#[derive(Debug)]
pub struct EndpointLoad {
    /// Its name in reports: [`Target::key`](crate::Target).
    pub key: u64,
    /// Requests under way.
    pub open: AtomicU32,
    /// Failed requests in a row, since there were last enough of them.
    failures: AtomicU32,
    /// How often failed requests took it out.
    pub ejections: AtomicU64,
    /// How often they did not, because others of its pool were out.
    pub ejections_refused: AtomicU64,
    /// For pools that limit how many are under way.
    pub places: Arc<Places>,
}

/// A request under way: counted from its making to its end.
#[derive(Debug)]
#[must_use = "the request counts as under way until this is dropped"]
pub struct OpenRequest {
    pool: Arc<PoolLoad>,
    endpoint: Arc<EndpointLoad>,
}

// === impl Loads ===

impl Loads {
    pub fn pool(&self, slot: PoolSlot) -> Option<&Arc<PoolLoad>> {
        self.0.get(usize::try_from(slot.0).ok()?)?.as_ref()
    }

    pub fn endpoint(&self, slot: PoolSlot, endpoint: u16) -> Option<&Arc<EndpointLoad>> {
        self.pool(slot)?.endpoints.get(usize::from(endpoint))
    }

    /// None when the snapshot has no such endpoint.
    pub fn open(&self, slot: PoolSlot, endpoint: u16) -> Option<OpenRequest> {
        let pool = Arc::clone(self.pool(slot)?);
        let endpoint = Arc::clone(self.endpoint(slot, endpoint)?);
        pool.open.fetch_add(1, Ordering::Relaxed);
        endpoint.open.fetch_add(1, Ordering::Relaxed);
        Some(OpenRequest { pool, endpoint })
    }

    /// The pool's endpoints are those of these keys from now on; one that it had keeps its counters.
    pub(crate) fn follow(this: &mut Arc<Loads>, slot: PoolSlot, keys: Box<[u64]>) {
        let before = this.pool(slot);
        if before.is_some_and(|before| before.keys == keys) {
            return;
        }
        let load = Arc::new(PoolLoad::build(before.map(Arc::as_ref), keys));
        Arc::make_mut(this).put(slot, Some(load));
    }

    /// The pool is gone. Requests that are still under way there count on for themselves.
    pub(crate) fn forget(this: &mut Arc<Loads>, slot: PoolSlot) {
        if this.pool(slot).is_some() {
            Arc::make_mut(this).put(slot, None);
        }
    }

    fn put(&mut self, slot: PoolSlot, load: Option<Arc<PoolLoad>>) {
        let index = slot.0 as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = load;
    }
}

impl Load for Loads {
    fn pool(&self, pool: PoolSlot) -> u32 {
        Loads::pool(self, pool).map_or(0, |load| load.open.load(Ordering::Relaxed))
    }

    fn endpoint(&self, pool: PoolSlot, endpoint: u16) -> u32 {
        Loads::endpoint(self, pool, endpoint).map_or(0, |load| load.open.load(Ordering::Relaxed))
    }
}

// === impl PoolLoad ===

impl PoolLoad {
    fn build(before: Option<&PoolLoad>, keys: Box<[u64]>) -> PoolLoad {
        let known = before.into_iter().flat_map(|before| before.keys.iter().zip(&before.endpoints));
        let mut known: HashMap<u64, Arc<EndpointLoad>> =
            known.map(|(&key, load)| (key, Arc::clone(load))).collect();
        // Two entries for one place share one counter.
        let new = |key| Arc::new(EndpointLoad::new(key));
        let endpoints = keys
            .iter()
            .map(|&key| Arc::clone(known.entry(key).or_insert_with_key(|&key| new(key))));
        PoolLoad {
            open: before.map(|before| Arc::clone(&before.open)).unwrap_or_default(),
            endpoints: endpoints.collect(),
            keys,
        }
    }
}

// === impl EndpointLoad ===

impl EndpointLoad {
    pub fn new(key: u64) -> EndpointLoad {
        EndpointLoad {
            key,
            open: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            ejections: AtomicU64::new(0),
            ejections_refused: AtomicU64::new(0),
            places: Arc::default(),
        }
    }

    /// A request failed. True for the one of [`FAILURES_TO_EJECT`] in a row that makes them enough; after it the count
    /// begins anew.
    pub fn fails(&self) -> bool {
        let is_enough = self.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES_TO_EJECT;
        if is_enough {
            self.failures.store(0, Ordering::Relaxed);
        }
        is_enough
    }

    /// A request was answered. Reading is cheap and shared, writing is neither.
    pub fn answers(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

// === impl OpenRequest ===

impl OpenRequest {
    /// Of the endpoint that the request is under way to.
    pub fn endpoint(&self) -> &EndpointLoad {
        &self.endpoint
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.endpoint.open.fetch_sub(1, Ordering::Relaxed);
        self.pool.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: PoolSlot = PoolSlot(2);

    fn follow(loads: &mut Arc<Loads>, keys: &[u64]) {
        Loads::follow(loads, POOL, keys.into());
    }

    /// Under way at the pool, then at each of its endpoints.
    fn counts(loads: &Loads) -> Vec<u32> {
        let endpoints = 0..loads.pool(POOL).map_or(0, |pool| pool.endpoints.len() as u16);
        let load: &dyn Load = loads;
        std::iter::once(load.pool(POOL))
            .chain(endpoints.map(|at| load.endpoint(POOL, at)))
            .collect()
    }

    #[test]
    fn a_request_counts_at_its_pool_and_endpoint_until_it_ends() {
        let mut loads: Arc<Loads> = Arc::default();
        follow(&mut loads, &[10, 20]);
        let first = loads.open(POOL, 1).unwrap();
        let second = loads.open(POOL, 0).unwrap();
        let third = loads.open(POOL, 1).unwrap();
        assert_eq!(counts(&loads), [3, 1, 2]);
        drop((first, second));
        assert_eq!(counts(&loads), [1, 0, 1]);
        drop(third);
        assert_eq!(counts(&loads), [0, 0, 0]);
        assert!(loads.open(POOL, 2).is_none() && loads.open(PoolSlot(0), 0).is_none());
    }

    #[test]
    fn counts_follow_their_endpoint_through_changes_of_the_list() {
        let mut loads: Arc<Loads> = Arc::default();
        follow(&mut loads, &[10, 20]);
        let [first, second] = [0, 1].map(|endpoint| loads.open(POOL, endpoint).unwrap());
        let old = Arc::clone(&loads);
        follow(&mut loads, &[20, 30]);
        assert_eq!((counts(&loads), counts(&old)), (vec![2, 1, 0], vec![2, 1, 1]));
        drop(second);
        assert_eq!(counts(&loads), [1, 0, 0]);
        // It is back as another one, and the request to the first one is not its own.
        follow(&mut loads, &[10, 20]);
        drop(first);
        assert_eq!(counts(&loads), [0, 0, 0]);
    }

    #[test]
    fn semantics_40_five_failures_in_a_row_are_enough_and_then_it_takes_five_more() {
        let load = EndpointLoad::new(7);
        // `.` answers, `x` fails; upper case where it is enough.
        let play = |text: &str| -> String {
            text.chars()
                .map(|letter| match letter {
                    '.' => {
                        load.answers();
                        '.'
                    }
                    _ if load.fails() => 'X',
                    _ => 'x',
                })
                .collect()
        };
        assert_eq!(play("xxxx.xxxx.xxxxx"), "xxxx.xxxx.xxxxX");
        assert_eq!(play("xxxxxxxxxx.x"), "xxxxXxxxxX.x");
    }

    #[test]
    fn the_table_is_shared_while_no_list_changes() {
        let mut loads: Arc<Loads> = Arc::default();
        follow(&mut loads, &[10]);
        let before = Arc::clone(&loads);
        follow(&mut loads, &[10]);
        Loads::forget(&mut loads, PoolSlot(7));
        assert!(Arc::ptr_eq(&before, &loads));
        let open = loads.open(POOL, 0).unwrap();
        Loads::forget(&mut loads, POOL);
        follow(&mut loads, &[10]);
        drop(open);
        assert_eq!((counts(&loads), counts(&before)), (vec![0, 0], vec![0, 0]));
    }
}
