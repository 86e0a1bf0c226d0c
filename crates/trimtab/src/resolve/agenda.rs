//! When each host name is due to be asked for again: no clock, no sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trimtab_live::Hosts;
use trimtab_model::Name;
use trimtab_steer::dice::Dice;

/// After the first failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// A name that comes back is noticed within this time, however long it was away.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Per mille of a wait that chance may take off, so that names that came together do not stay together.
const JITTER: u32 = 250;

/// Every name that some pool has, by name and by time.
#[derive(Debug)]
pub(super) struct Agenda {
    names: BTreeMap<Name, Known>,
    due: BTreeSet<(Instant, Name)>,
    /// The names as the snapshot had them when they were last looked at.
    seen: Arc<Hosts>,
    stale: u64,
    dice: Dice,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// None while a look-up is under way.
    due: Option<Instant>,
    fails_in_a_row: u32,
    answerable: bool,
}

// === impl Agenda ===

impl Agenda {
    pub(super) fn new(seed: u64) -> Agenda {
        Agenda {
            names: BTreeMap::new(),
            due: BTreeSet::new(),
            seen: Arc::default(),
            stale: 0,
            dice: Dice::new(seed),
        }
    }

    /// New names are due at once, and so are those whose addresses went: they left and came back between two looks.
    pub(super) fn follow(&mut self, hosts: &Arc<Hosts>, now: Instant) {
        if Arc::ptr_eq(&self.seen, hosts) {
            return;
        }
        let seen = std::mem::replace(&mut self.seen, Arc::clone(hosts));
        for name in seen.keys().filter(|name| !hosts.contains_key(*name)) {
            self.forget(name);
        }
        for (name, addresses) in hosts.iter() {
            let answerable = !addresses.is_empty();
            let lost = !answerable && seen.get(name).is_some_and(|before| !before.is_empty());
            if lost || !seen.contains_key(name) {
                self.forget(name);
                let fresh = Known { due: None, fails_in_a_row: 0, answerable };
                self.names.insert(name.clone(), fresh);
                self.schedule(name, now);
            }
        }
    }

    /// The earliest name that is due, which is under way from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Name> {
        self.due.first().filter(|(at, _)| *at <= now)?;
        let (_, name) = self.due.pop_first()?;
        if let Some(known) = self.names.get_mut(&name) {
            known.due = None;
        }
        Some(name)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Names whose last look-up failed and whose addresses are those of an earlier one.
    pub(super) fn stale(&self) -> u64 {
        self.stale
    }

    pub(super) fn resolved(
        &mut self,
        name: &Name,
        answerable: bool,
        now: Instant,
        holds: Duration,
    ) {
        let at = now + self.spread(holds);
        self.change(name, |known| Known { fails_in_a_row: 0, answerable, ..known });
        self.schedule(name, at);
    }

    /// Gives how often in a row that was.
    pub(super) fn failed(&mut self, name: &Name, now: Instant) -> u32 {
        let fails = self.names.get(name).map_or(0, |known| known.fails_in_a_row).saturating_add(1);
        let at = now + self.spread(retry_wait(fails));
        self.change(name, |known| Known { fails_in_a_row: fails, ..known });
        self.schedule(name, at);
        fails
    }

    fn schedule(&mut self, name: &Name, at: Instant) {
        // A look-up may end after the last pool with the name was deleted.
        let Some(known) = self.names.get_mut(name) else { return };
        if let Some(before) = known.due.replace(at) {
            self.due.remove(&(before, name.clone()));
        }
        self.due.insert((at, name.clone()));
    }

    fn forget(&mut self, name: &Name) {
        self.change(name, |known| Known { fails_in_a_row: 0, ..known });
        if let Some(Known { due: Some(at), .. }) = self.names.remove(name) {
            self.due.remove(&(at, name.clone()));
        }
    }

    fn change(&mut self, name: &Name, to: impl FnOnce(Known) -> Known) {
        let Some(known) = self.names.get_mut(name) else { return };
        let before = known.is_stale();
        *known = to(*known);
        self.stale = self.stale + u64::from(known.is_stale()) - u64::from(before);
    }

    fn spread(&mut self, wait: Duration) -> Duration {
        wait * (1000 - self.dice.below(JITTER + 1)) / 1000
    }
}

// === impl Known ===

impl Known {
    fn is_stale(&self) -> bool {
        self.fails_in_a_row > 0 && self.answerable
    }
}

fn retry_wait(fails_in_a_row: u32) -> Duration {
    let doublings = fails_in_a_row.saturating_sub(1);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    RETRY_FIRST.saturating_mul(factor).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_waits_twice_as_long_each_time_up_to_a_minute() {
        let check = |fails, seconds| assert_eq!(retry_wait(fails), Duration::from_secs(seconds));
        check(1, 1);
        check(2, 2);
        check(6, 32);
        check(7, 60);
        check(u32::MAX, 60);
    }

    #[test]
    fn a_wait_is_shortened_by_at_most_a_quarter() {
        let mut agenda = Agenda::new(1);
        let waits: Vec<u128> =
            (0..10_000).map(|_| agenda.spread(Duration::from_secs(100)).as_millis()).collect();
        assert_eq!(waits.iter().min(), Some(&75_000));
        assert_eq!(waits.iter().max(), Some(&100_000));
    }

    fn hosts(names: &[(&str, &[u8])]) -> Arc<Hosts> {
        let address = |host: &u8| std::net::IpAddr::from([192, 0, 2, *host]);
        let host = |(name, of): &(&str, &[u8])| {
            (name.parse().unwrap(), of.iter().map(address).collect::<Vec<_>>().into())
        };
        Arc::new(names.iter().map(host).collect())
    }

    fn due(agenda: &mut Agenda, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| agenda.take_due(now)).map(|name| name.to_string()).collect()
    }

    #[test]
    fn a_name_is_due_when_it_is_new_when_it_lost_its_addresses_and_when_its_time_came() {
        let (mut agenda, start) = (Agenda::new(1), Instant::now());
        let second = Duration::from_secs(1);
        agenda.follow(&hosts(&[("a.example", &[]), ("b.example", &[1])]), start);
        assert_eq!(due(&mut agenda, start), ["a.example", "b.example"]);
        agenda.resolved(&"a.example".parse().unwrap(), true, start, 60 * second);
        agenda.resolved(&"b.example".parse().unwrap(), true, start, 20 * second);
        assert_eq!(due(&mut agenda, start + 14 * second), [""; 0]);
        assert_eq!(due(&mut agenda, start + 20 * second), ["b.example"]);
        agenda.resolved(&"b.example".parse().unwrap(), true, start, 90 * second);

        agenda.follow(&hosts(&[("a.example", &[2]), ("b.example", &[1])]), start);
        assert_eq!(due(&mut agenda, start), [""; 0], "what it resolved to has arrived");
        agenda.follow(&hosts(&[("a.example", &[]), ("b.example", &[1])]), start);
        assert_eq!(due(&mut agenda, start), ["a.example"], "it left and came back");

        agenda.follow(&hosts(&[]), start);
        agenda.resolved(&"a.example".parse().unwrap(), true, start, second);
        assert_eq!(agenda.next_due(), None, "nobody has the names any more");
    }

    #[test]
    fn stale_is_what_failed_last_and_is_answered_nevertheless() {
        let (mut agenda, now) = (Agenda::new(1), Instant::now());
        agenda.follow(&hosts(&[("known.example", &[1]), ("new.example", &[])]), now);
        let (known, new) = ("known.example".parse().unwrap(), "new.example".parse().unwrap());
        assert_eq!([agenda.failed(&known, now), agenda.failed(&known, now)], [1, 2]);
        agenda.failed(&new, now);
        assert_eq!(agenda.stale(), 1);
        agenda.resolved(&new, true, now, Duration::ZERO);
        agenda.failed(&new, now);
        assert_eq!(agenda.stale(), 2);
        agenda.resolved(&known, true, now, Duration::ZERO);
        assert_eq!(agenda.stale(), 1);
        agenda.follow(&hosts(&[]), now);
        assert_eq!(agenda.stale(), 0);
    }
}
