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

/// One of them, of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    /// From then on it serves no more requests.
    pub(crate) retires: Instant,
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
    connection: Connection,
    since: Instant,
    /// Its time to wait is over, or its life.
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
    pub(crate) fn take(
        &mut self,
        key: &Key,
        now: Instant,
        at_worst: AtWorst,
    ) -> Option<Connection> {
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
            return (oldest.until > now).then_some(oldest.connection);
        }
        // Those below it have waited longer, but may be younger.
        while let Some(last) = waiting.pop() {
            self.count -= 1;
            if last.until > now {
                return Some(last.connection);
            }
        }
        None
    }

    pub(crate) fn give(
        &mut self,
        key: Key,
        mut connection: Connection,
        now: Instant,
        limit: Duration,
        served: Served,
    ) {
        let until = connection.retires.min(now + limit);
        if self.count >= WAITING_MAX || until <= now {
            return;
        }
        let endpoint = self.endpoints.entry(key).or_default();
        endpoint.keeps |= served == Served::Again;
        if endpoint.waiting.len() < WAITING_PER_KEY_MAX {
            connection.wire.rest();
            endpoint.waiting.push(Waiting { connection, since: now, until });
            self.count += 1;
        }
    }

    /// One of its connections had ended when it was to be used again.
    pub(crate) fn doubt(&mut self, key: &Key) {
        if let Some(endpoint) = self.endpoints.get_mut(key) {
            endpoint.keeps = false;
        }
    }

    /// Closes what has waited or lived too long; endpoints that are gone leave nothing behind.
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
    const LIFE: Duration = Duration::from_secs(900);

    async fn connection(listener: &TcpListener, retires: Instant) -> Connection {
        let address = listener.local_addr().unwrap();
        let stream = Stream::Plain(TcpStream::connect(address).await.unwrap());
        Connection { wire: Wire::new(stream), retires }
    }

    fn key(listener: &TcpListener) -> Key {
        Key { address: listener.local_addr().unwrap(), identity: 0 }
    }

    /// Whether there is a connection, after so many were given and the time has gone by.
    async fn check(given: &[Served], doubted: bool, waited: Duration, want: [bool; 2]) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (key, now) = (key(&listener), Instant::now());
        for (at_worst, want) in [AtWorst::Repeated, AtWorst::Lost].into_iter().zip(want) {
            let mut idle = Idle::default();
            for served in given {
                let connection = connection(&listener, now + LIFE).await;
                idle.give(key.clone(), connection, now, LIMIT, *served);
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

    /// Connections that retire after so many seconds each are given; after as many as `at` one is asked for: which one
    /// comes, by its life, and how many are left, then and after sweeping.
    async fn check_age(lives: &[u64], at: u64, want: (Option<u64>, usize, usize)) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (key, now) = (key(&listener), Instant::now());
        let mut idle = Idle::default();
        for life in lives {
            let connection = connection(&listener, now + Duration::from_secs(*life)).await;
            idle.give(key.clone(), connection, now, LIMIT, Served::Again);
        }
        let then = now + Duration::from_secs(at);
        let taken = idle.take(&key, then, AtWorst::Repeated);
        let (life, left) = (taken.map(|taken| (taken.retires - now).as_secs()), idle.len());
        idle.sweep(then);
        assert_eq!((life, left, idle.len()), want, "{lives:?} after {at} s");
    }

    #[tokio::test]
    async fn an_old_connection_is_not_used_again() {
        check_age(&[9, 7], 6, (Some(7), 1, 1)).await;
        check_age(&[9, 7], 7, (Some(9), 0, 0)).await;
        check_age(&[9, 7], 9, (None, 0, 0)).await;
        check_age(&[5, 7, 9], 6, (Some(9), 2, 1)).await;
        check_age(&[0, 9], 0, (Some(9), 0, 0)).await;
    }
}
