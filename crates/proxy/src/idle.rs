//! Connections to origins that wait for their next request, of one thread.

use std::net::SocketAddr;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;

use crate::h1::Wire;

/// Connections that can stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) address: SocketAddr,
    /// Stands for everything else that a connection was made with: TLS and whom it trusts, and the virtual network.
    pub(crate) identity: u64,
}

/// The pool. The one that came last is used first, so that what is not needed grows old and is closed.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    endpoints: HashMap<Key, Endpoint, foldhash::fast::RandomState>,
    count: usize,
}

/// What is known of the connections to one endpoint.
#[derive(Debug, Default)]
struct Endpoint {
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    /// The last one that was used again served again.
    keeps: bool,
}

#[derive(Debug)]
struct Waiting {
    wire: Wire,
    since: Instant,
    until: Instant,
}

/// What becomes of a request whose connection turns out to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtWorst {
    /// It is sent again.
    Repeated,
    /// It fails: nobody knows what the endpoint did about it.
    Lost,
}

/// Whether a connection that was given served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Once,
    Again,
}

/// To one endpoint, from one thread.
const WAITING_PER_KEY_MAX: usize = 1024;
/// To all endpoints, from one thread; each is a file descriptor.
const WAITING_MAX: usize = 8 * 1024;

/// An endpoint that ends connections behind a response without saying so has done it by then.
const SETTLED_AFTER: Duration = Duration::from_millis(100);
/// Connections of which none has served again yet: with so many, what is lost at worst takes the oldest all the same.
const UNTRIED_MAX: usize = 8;

// === impl Idle ===

impl Idle {
    pub(crate) fn take(&mut self, key: &Key, now: Instant, at_worst: AtWorst) -> Option<Wire> {
        let endpoint = self.endpoints.get_mut(key)?;
        let waiting = &mut endpoint.waiting;
        if at_worst == AtWorst::Lost && !endpoint.keeps {
            let oldest = waiting.first()?;
            let is_settled = now.duration_since(oldest.since) >= SETTLED_AFTER;
            if !is_settled && waiting.len() < UNTRIED_MAX {
                return None;
            }
            let oldest = waiting.remove(0);
            self.count -= 1;
            return (oldest.until > now).then_some(oldest.wire);
        }
        let last = waiting.pop()?;
        self.count -= 1;
        if last.until > now {
            return Some(last.wire);
        }
        // Those below it have waited longer.
        self.count -= waiting.len();
        waiting.clear();
        None
    }

    pub(crate) fn give(
        &mut self,
        key: Key,
        mut wire: Wire,
        now: Instant,
        limit: Duration,
        served: Served,
    ) {
        if self.count >= WAITING_MAX {
            return;
        }
        let endpoint = self.endpoints.entry(key).or_default();
        endpoint.keeps |= served == Served::Again;
        if endpoint.waiting.len() < WAITING_PER_KEY_MAX {
            wire.rest();
            endpoint.waiting.push(Waiting { wire, since: now, until: now + limit });
            self.count += 1;
        }
    }

    /// One of its connections had ended when it was to be used again.
    pub(crate) fn doubt(&mut self, key: &Key) {
        if let Some(endpoint) = self.endpoints.get_mut(key) {
            endpoint.keeps = false;
        }
    }

    /// Closes what has waited too long; endpoints that are gone leave nothing behind.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.endpoints.retain(|_, endpoint| {
            endpoint.waiting.retain(|one| one.until > now);
            !endpoint.waiting.is_empty()
        });
        self.count = self.endpoints.values().map(|endpoint| endpoint.waiting.len()).sum();
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use tokio::net::TcpStream;

    use super::*;
    use crate::stream::Stream;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Whether there is a connection, after so many were given and the time has gone by.
    async fn check(given: &[Served], doubted: bool, waited: Duration, want: [bool; 2]) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (key, now) = (Key { address, identity: 0 }, Instant::now());
        for (at_worst, want) in [AtWorst::Repeated, AtWorst::Lost].into_iter().zip(want) {
            let mut idle = Idle::default();
            for served in given {
                let stream = Stream::Plain(TcpStream::connect(address).await.unwrap());
                idle.give(key.clone(), Wire::new(stream), now, LIMIT, *served);
            }
            if doubted {
                idle.doubt(&key);
            }
            let taken = idle.take(&key, now + waited, at_worst).is_some();
            assert_eq!(taken, want, "{given:?} {doubted} {waited:?} {at_worst:?}");
            assert!(idle.len() < given.len() || !taken);
        }
    }

    #[tokio::test]
    async fn rfc_9112_section_9_3_1_what_would_be_lost_goes_where_connections_are_kept() {
        use Served::{Again, Once};
        const SOON: Duration = Duration::from_millis(1);
        check(&[], false, SOON, [false, false]).await;
        check(&[Once], false, SOON, [true, false]).await;
        check(&[Once], false, SETTLED_AFTER, [true, true]).await;
        check(&[Once, Again], false, SOON, [true, true]).await;
        check(&[Again, Once], false, SOON, [true, true]).await;
        check(&[Once, Again], true, SOON, [true, false]).await;
        check(&[Once; UNTRIED_MAX], false, SOON, [true, true]).await;
        check(&[Once], false, LIMIT, [false, false]).await;
    }
}
