//! From a host name to addresses: the system's resolver, bounded in time and number.
//!
//! Threads: each look-up occupies one of tokio's blocking threads until the system gives up.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use trimtab_model::Name;

use crate::ConnectError;

/// The system's resolver cannot be interrupted, so a dead name server would otherwise fill the
/// blocking pool (512 threads), which file access needs too.
const LOOKUPS_MAX: usize = 32;

/// Two tries of the usual five seconds; waiting for a free look-up counts.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(10);

/// The system's resolver keeps the TTLs of what it finds to itself, so all of it is asked for again after
/// this long: most names that move servers around have a TTL of a minute or less.
const HOLDS: Duration = Duration::from_secs(30);

/// What glibc and musl say when the name does not exist or has no address. The standard library
/// passes their text on but not their code.
const NO_SUCH_NAME: [&str; 4] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
];

/// Who knows the addresses of names.
#[derive(Clone, Debug)]
pub struct Resolver {
    source: Source,
}

/// The addresses of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub addresses: Vec<IpAddr>,
    /// From now until the name has to be asked for again.
    pub holds: Duration,
}

#[derive(Clone, Debug)]
enum Source {
    System(Arc<Semaphore>),
    Fixed(Arc<HashMap<Name, Vec<IpAddr>>>),
}

// === impl Resolver ===

impl Resolver {
    /// `getaddrinfo`: `/etc/hosts`, the configured name servers and whatever else the system asks.
    pub fn system() -> Resolver {
        Resolver { source: Source::System(Arc::new(Semaphore::new(LOOKUPS_MAX))) }
    }

    /// These names and no others; asks nobody.
    pub fn fixed(hosts: HashMap<Name, Vec<IpAddr>>) -> Resolver {
        Resolver { source: Source::Fixed(Arc::new(hosts)) }
    }

    /// The addresses of `name` in the order in which they should be tried; never empty.
    pub async fn lookup(&self, name: &Name) -> Result<Found, ConnectError> {
        let addresses = match &self.source {
            Source::System(free) => ask_system(free, name).await?,
            Source::Fixed(hosts) => hosts.get(name).cloned().unwrap_or_default(),
        };
        match addresses.is_empty() {
            true => Err(ConnectError::UnknownHost(name.to_string())),
            false => Ok(Found { addresses, holds: HOLDS }),
        }
    }
}

async fn ask_system(free: &Arc<Semaphore>, name: &Name) -> Result<Vec<IpAddr>, ConnectError> {
    let answer = timeout(LOOKUP_TIME_MAX, getaddrinfo(Arc::clone(free), name.to_string())).await;
    answer.unwrap_or_else(|late| Err(late.into())).map_err(|cause| refusal(name, cause))
}

async fn getaddrinfo(free: Arc<Semaphore>, name: String) -> io::Result<Vec<IpAddr>> {
    let slot = free.acquire_owned().await.map_err(io::Error::other)?;
    let lookup = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        // Given back by the thread, not by who waits for it: after a timeout the thread is still busy.
        drop(slot);
        found.map(|found| found.map(|address| address.ip()).collect())
    });
    lookup.await.map_err(io::Error::other)?
}

fn refusal(name: &Name, cause: io::Error) -> ConnectError {
    let text = cause.to_string();
    match NO_SUCH_NAME.iter().any(|known| text.contains(known)) {
        true => ConnectError::UnknownHost(name.to_string()),
        false => ConnectError::ResolverFailed { name: name.to_string(), cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_exist_is_not_a_broken_resolver() {
        let name: Name = "origin.example.com".parse().unwrap();
        let check = |detail: &str, want: &str| {
            let text = format!("failed to lookup address information: {detail}");
            assert_eq!(refusal(&name, io::Error::other(text)).to_string(), want, "{detail}");
        };
        let unknown = "unknown host origin.example.com";
        let failed = "resolver could not look up origin.example.com";
        check("Name or service not known", unknown);
        check("No address associated with hostname", unknown);
        check("Name does not resolve", unknown);
        check("Temporary failure in name resolution", failed);
        check("Non-recoverable failure in name resolution", failed);
        check("Try again", failed);
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let found = Resolver::system().lookup(&"localhost".parse().unwrap()).await.unwrap();
        assert!(found.addresses.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_finds_no_free_slot_ends() {
        let name: Name = "localhost".parse().unwrap();
        let none_free = Arc::new(Semaphore::new(0));
        let started = tokio::time::Instant::now();
        let error = ask_system(&none_free, &name).await.unwrap_err();
        assert_eq!(error.to_string(), "resolver could not look up localhost");
        assert_eq!(started.elapsed(), LOOKUP_TIME_MAX);
    }
}
