//! From configuration to health: the prober and the real publisher, with an endpoint on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use trimtab_dns::{Node, Seed};
use trimtab_health::Verdict;
use trimtab_live::{Batch, Cell, Clocks, Event, Hosting, Observer, Publisher, Settings, Start};
use trimtab_model::config::Key;
use trimtab_model::monitor::MonitorType;
use trimtab_model::pool::{Address, Watch};
use trimtab_model::{AccountId, Change, Document, Origin, Pool, PoolId};
use trimtab_probe::{Counts, Prober, Uplinks};
use trimtab_steer::Site;

use crate::recipe::{monitor, plain};
use crate::server::{Server, closed_port, ok};

const ACCOUNT: AccountId = AccountId::new([1; 16]);
/// Its place in the interval is the middle, so no regular tick falls into the first second.
const POOL: PoolId = PoolId::new([0x80; 16]);

fn pool(endpoints: &[SocketAddr]) -> Document {
    let origin = |at: &SocketAddr| Origin {
        name: at.to_string(),
        address: Address::Ip(at.ip()),
        port: at.port(),
        ..trimtab_testkit::origin()
    };
    Document::Pool(Box::new(Pool {
        id: POOL,
        name: "pool".into(),
        origins: endpoints.iter().map(origin).collect(),
        watch: Watch { monitor: Some(monitor(MonitorType::Http).id), ..Default::default() },
        ..trimtab_testkit::pool()
    }))
}

fn publisher() -> Publisher {
    let fra = trimtab_geo::pop("FRA".parse().unwrap()).unwrap();
    let settings = Settings {
        site: Site::at(fra.code).unwrap(),
        observers: vec![Observer { pop: fra.code, region: fra.region }],
        node: Arc::new(Node::new()),
        hosting: Hosting {
            nameservers: vec!["ns1.example.net".parse().unwrap()],
            hostmaster: None,
            seed: Seed(1),
        },
        saved_to: None,
    };
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    let start = Start { geo, saved: None, clocks: Clocks::now() };
    Publisher::new(settings, start, mpsc::channel(16).0)
}

fn config(revision: u64, document: Option<Document>) -> Batch {
    let key = Key::Pool(ACCOUNT, POOL);
    Batch { revision, changes: vec![Change { key, document }], names: Vec::new() }
}

/// The verdicts of the pool's endpoints, none without a pool.
fn verdicts(cell: &Cell) -> Vec<Verdict> {
    let snapshot = cell.load();
    let pools = snapshot.world.pools.iter().flatten();
    pools.flat_map(|pool| pool.health.endpoints.iter().map(|e| e.verdict)).collect()
}

/// Waits for snapshots until the verdicts are these.
async fn until(cell: &Cell, want: &[Verdict]) {
    let mut newer = cell.subscribe();
    let reached = async {
        while verdicts(cell) != want {
            newer.changed().await.unwrap();
        }
    };
    let reached = timeout(Duration::from_secs(5), reached).await;
    assert!(reached.is_ok(), "{:?} instead of {want:?}", verdicts(cell));
}

#[tokio::test]
async fn new_endpoints_have_a_verdict_within_a_second_and_gone_ones_no_counters() {
    let server = Server::answering(&[&ok("")]).await;
    let mut publisher = publisher();
    let recipe = monitor(MonitorType::Http);
    let key = Key::Monitor(ACCOUNT, recipe.id);
    let changes = vec![Change { key, document: Some(Document::Monitor(recipe)) }];
    publisher.load(Batch { revision: 1, changes, names: Vec::new() });
    let cell = Cell::new(publisher.snapshot());
    let (events, received) = mpsc::channel(16);
    let publishing = tokio::spawn(publisher.run(cell.clone(), received));
    let prober =
        Prober::start(&cell, events.clone(), Uplinks::new(plain(), []), Default::default());

    let endpoints = [server.at, closed_port().await];
    events.send(Event::Config(config(2, Some(pool(&endpoints))))).await.unwrap();
    until(&cell, &[Verdict::Up, Verdict::Down]).await;
    let counts: Vec<Counts> = prober.stats().read().into_iter().map(|(_, counts)| counts).collect();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].passes, counts[0].fails.len()), (1, 1));

    events.send(Event::Config(config(3, None))).await.unwrap();
    until(&cell, &[]).await;
    prober.stop().await;
    drop(events);
    timeout(Duration::from_secs(5), publishing).await.unwrap().unwrap();
    assert_eq!(server.asked().len(), 1);
}
