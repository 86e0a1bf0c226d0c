//! The words for proxied requests: their session, where they failed, and what is under way.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::ControlFlow;

use trimtab_expr::{Headers, HttpRequest};
use trimtab_model::{Origin, Timestamp};
use trimtab_steer::{
    Client, Failed, Found, Held, Http, Load, PoolSlot, Proxied, Wanted, decide_request,
};

use super::{Stage, Table};

/// One request as it is written.
struct Sent<'a> {
    address: IpAddr,
    uri: &'a str,
    headers: Lines<'a>,
    seconds: i64,
    found: Found,
    failed: Vec<Failed>,
    open: Counted,
}

/// Header lines.
struct Lines<'a>(Vec<(&'a str, &'a str)>);

/// Requests under way at pools, and at endpoints.
#[derive(Default)]
struct Counted {
    pools: BTreeMap<PoolSlot, u32>,
    endpoints: BTreeMap<(PoolSlot, u16), u32>,
}

impl Stage {
    /// `CLIENT [URI] [WORD=…]`
    pub(super) fn send(&self, rest: &str) -> String {
        let table = self.table();
        let Proxied { decision, session, fixed, .. } = table.send(rest, 1);
        let why = decision.why;
        let pool = why.pool.map_or("none", |slot| self.name(slot));
        let addresses = decision.picks.iter().filter_map(|pick| pick.data.address());
        let addresses: String = addresses.map(|address| format!(" {address}")).collect();
        let fixed = fixed.map_or(String::new(), |fixed| format!(" status={:?}", fixed.status_code));
        format!("{pool} {:?} {:?}{addresses} {session:?}{fixed}", why.chosen, why.endpoints)
    }

    /// Counts addresses.
    pub(super) fn sends(&self, rest: &str) -> String {
        let (count, sent) = rest.split_once(' ').unwrap();
        let count: u64 = count.parse().unwrap();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let table = self.table();
        for dice in 0..count {
            let proxied = table.send(sent, dice);
            let pick = proxied.decision.picks.iter().next().unwrap();
            *counts.entry(pick.data.address().unwrap().to_string()).or_default() += 1;
        }
        let counted = counts.iter().map(|(name, times)| format!("{name}={times}/{count}"));
        counted.collect::<Vec<_>>().join(" ")
    }
}

impl Table {
    fn send(&self, rest: &str, dice: u64) -> Proxied<'_> {
        let sent = self.sent(rest);
        let request = HttpRequest {
            method: b"GET",
            host: b"www.example.com",
            uri: sent.uri.as_bytes(),
            version: b"HTTP/1.1",
            timestamp_seconds: sent.seconds,
            headers: &sent.headers,
        };
        let http = Http { request: &request, sessions: &sent.found, failed: &sent.failed };
        let client = Client {
            name: b"www.example.com",
            address: sent.address,
            subnet: None,
            wanted: Wanted::Endpoint,
            load: Some(&sent.open),
            session: false,
            http: Some(http),
        };
        decide_request(&self.world, &self.balancer, &client, self.now, dice)
    }

    fn sent<'a>(&self, rest: &'a str) -> Sent<'a> {
        let mut words = rest.split(' ');
        let mut sent = Sent {
            address: words.next().unwrap().parse().unwrap(),
            uri: "/",
            headers: Lines(Vec::new()),
            seconds: 0,
            found: Found::None,
            failed: Vec::new(),
            open: Counted::default(),
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                (uri, "") => sent.uri = uri,
                ("at", seconds) => sent.seconds = seconds.parse().unwrap(),
                ("header", line) => sent.headers.0.extend(line.split_once(':')),
                ("session", "new") => sent.found = Found::New,
                ("session", at) => sent.found = Found::Held(self.held(at)),
                ("failed", list) => {
                    let failed = list.split(',').map(|at| self.endpoint(at).unwrap());
                    sent.failed =
                        failed.map(|(pool, endpoint)| Failed { pool, endpoint }).collect();
                }
                ("open", list) => list.split(',').for_each(|one| self.count(one, &mut sent.open)),
                (other, _) => panic!("unknown word {other}"),
            }
        }
        sent
    }

    /// `POOL/ADDRESS`; what is not there has the hash of nothing.
    fn held(&self, at: &str) -> Held {
        let (pool, _) = at.split_once('/').unwrap();
        let pool = self.pool(pool).and_then(|slot| self.world.pool(slot));
        let endpoint = self.endpoint(at).map(|(_, index)| usize::from(index));
        Held {
            pool: pool.map_or(0, |pool| pool.hash),
            endpoint: pool.zip(endpoint).map_or(0, |(pool, index)| pool.endpoints[index].hash),
        }
    }

    /// `POOL:REQUESTS` or `POOL/ADDRESS:REQUESTS`
    fn count(&self, text: &str, open: &mut Counted) {
        let (at, requests) = text.rsplit_once(':').unwrap();
        let requests = requests.parse().unwrap();
        match self.endpoint(at) {
            Some(endpoint) => open.endpoints.insert(endpoint, requests),
            None => open.pools.insert(self.pool(at).unwrap(), requests),
        };
    }

    fn endpoint(&self, at: &str) -> Option<(PoolSlot, u16)> {
        let (pool, address) = at.split_once('/')?;
        let slot = self.pool(pool)?;
        let endpoints = &self.world.pool(slot)?.endpoints;
        let index =
            endpoints.iter().position(|endpoint| endpoint.address.to_string() == address)?;
        Some((slot, index.try_into().unwrap()))
    }

    fn pool(&self, name: &str) -> Option<PoolSlot> {
        let mut slots = (0..).map(PoolSlot).zip(self.world.pools.iter().flatten());
        slots.find(|(_, pool)| *pool.name == *name).map(|(slot, _)| slot)
    }
}

impl Load for Counted {
    fn pool(&self, pool: PoolSlot) -> u32 {
        self.pools.get(&pool).copied().unwrap_or(0)
    }

    fn endpoint(&self, pool: PoolSlot, endpoint: u16) -> u32 {
        self.endpoints.get(&(pool, endpoint)).copied().unwrap_or(0)
    }
}

impl Headers for Lines<'_> {
    fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {
        for (name, value) in &self.0 {
            if visit(name.as_bytes(), value.as_bytes()).is_break() {
                return;
            }
        }
    }
}

/// Since then, in seconds of Unix time.
pub(super) fn disable(origin: &mut Origin, seconds: &str) {
    let seconds: i64 = seconds.parse().unwrap();
    origin.enabled = false;
    origin.disabled_at = Some(Timestamp::from_micros(seconds * 1_000_000));
}
