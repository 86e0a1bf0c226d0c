use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use trimtab_dns::{Node, Seed};
use trimtab_live::{Batch, Clocks, Hosting, Observer, Publisher, Settings, Start};
use trimtab_model::config::Key;
use trimtab_model::pool::Address;
use trimtab_model::{self as model, AccountId, Change, Document, PoolId};
use trimtab_steer::Site;

use super::*;

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const HOLDS: Duration = Duration::from_secs(30);
/// Longer than any news takes to be public.
const SOON: Duration = Duration::from_millis(100);

/// What the name servers of a test say, and what they were asked.
#[derive(Default)]
struct Names {
    /// No addresses: the look-up fails. Not there: it never ends.
    hosts: BTreeMap<Name, Vec<u8>>,
    asked: Vec<(Duration, Name)>,
    under_way: usize,
}

/// A publisher, the task that resolves for it, and name servers.
struct Stage {
    names: Arc<Mutex<Names>>,
    cell: Cell,
    stats: Arc<Stats>,
    events: mpsc::Sender<Event>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    revision: u64,
}

impl Stage {
    fn new() -> Stage {
        let (changes, _) = mpsc::channel(1);
        let mut publisher = Publisher::new(settings(), start(), changes);
        let cell = Cell::new(publisher.snapshot());
        let (events, inbox) = mpsc::channel(64);
        tokio::spawn(publisher.run(cell.clone(), inbox));
        let (stop, stopped) = watch::channel(false);
        let (names, stats) = (Arc::new(Mutex::new(Names::default())), Arc::new(Stats::default()));
        let posts = Posts {
            cell: cell.clone(),
            events: events.clone(),
            stats: Arc::clone(&stats),
            stopped,
        };
        let (asked, began) = (Arc::clone(&names), Instant::now());
        let task = tokio::spawn(keep(posts, 1, move |name| {
            asked.lock().unwrap().asked.push((began.elapsed(), name.clone()));
            look_up(Arc::clone(&asked), name)
        }));
        Stage { names, cell, stats, events, stop, task, revision: 0 }
    }

    async fn pool(&mut self, number: u8, hosts: &[&str]) {
        self.revision += 1;
        let batch =
            Batch { revision: self.revision, changes: vec![pool(number, hosts)], names: vec![] };
        self.events.send(Event::Config(batch)).await.unwrap();
        sleep(SOON).await;
    }

    fn says(&self, name: &str, hosts: &[u8]) {
        self.names.lock().unwrap().hosts.insert(name.parse().unwrap(), hosts.to_vec());
    }

    /// The last bytes of what is served for the name.
    fn served(&self, name: &str) -> Vec<String> {
        let snapshot = self.cell.load();
        let name: Name = name.parse().unwrap();
        snapshot.hosts[&name].iter().map(ToString::to_string).collect()
    }

    /// Seconds at which the name was asked for, since the start.
    fn asked(&self, name: &str) -> Vec<f64> {
        let names = self.names.lock().unwrap();
        let of_name = names.asked.iter().filter(|(_, asked)| asked.as_str() == name);
        of_name.map(|(at, _)| at.as_secs_f64()).collect()
    }

    fn stale(&self) -> u64 {
        self.stats.stale.load(Ordering::Relaxed)
    }
}

async fn look_up(names: Arc<Mutex<Names>>, name: Name) -> (Result<Found, ConnectError>, Name) {
    names.lock().unwrap().under_way += 1;
    sleep(Duration::from_millis(10)).await;
    let said = names.lock().unwrap().hosts.get(&name).cloned();
    let Some(hosts) = said else { return std::future::pending().await };
    names.lock().unwrap().under_way -= 1;
    let addresses = hosts.iter().map(|&host| IpAddr::from([192, 0, 2, host])).collect();
    let found = match hosts.is_empty() {
        true => Err(ConnectError::UnknownHost(name.to_string())),
        false => Ok(Found { addresses, holds: HOLDS }),
    };
    (found, name)
}

fn settings() -> Settings {
    let site = trimtab_geo::pop("FRA".parse().unwrap()).unwrap();
    Settings {
        site: Site::at(site.code).unwrap(),
        observers: vec![Observer { pop: site.code, region: site.region }],
        node: Arc::new(Node::new()),
        hosting: Hosting {
            nameservers: vec!["ns1.example.net".parse().unwrap()],
            hostmaster: None,
            seed: Seed(1),
        },
        saved_to: None,
    }
}

fn start() -> Start {
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    Start { geo, saved: None, clocks: Clocks::now() }
}

fn pool(number: u8, hosts: &[&str]) -> Change {
    let origins = hosts.iter().map(|host| model::Origin {
        name: (*host).into(),
        address: Address::Host(host.parse().unwrap()),
        ..trimtab_testkit::origin()
    });
    let pool = model::Pool {
        id: PoolId::new([number; 16]),
        name: number.to_string(),
        origins: origins.collect(),
        ..trimtab_testkit::pool()
    };
    let key = Key::Pool(ACCOUNT, pool.id);
    Change { key, document: Some(Document::Pool(Box::new(pool))) }
}

#[tokio::test(start_paused = true)]
async fn semantics_28_a_name_is_asked_for_once_for_all_pools_and_before_its_addresses_cease_to_hold()
 {
    let mut stage = Stage::new();
    stage.says("a.example", &[1, 2]);
    stage.pool(1, &["a.example", "a.example"]).await;
    stage.pool(2, &["a.example"]).await;
    assert_eq!(stage.served("a.example"), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(stage.asked("a.example").len(), 1);

    let (generation, before) = (stage.cell.load().generation, stage.cell.load().hosts.clone());
    sleep(HOLDS).await;
    let asked = stage.asked("a.example");
    assert_eq!(asked.len(), 2);
    assert!((22.5..=30.1).contains(&asked[1]), "{asked:?}");
    assert_eq!(stage.cell.load().generation, generation, "the same addresses are no news");
    assert!(Arc::ptr_eq(&before, &stage.cell.load().hosts));

    stage.says("a.example", &[3]);
    sleep(HOLDS + SOON).await;
    assert_eq!(stage.served("a.example"), ["192.0.2.3"]);
}

#[tokio::test(start_paused = true)]
async fn semantics_28_what_was_resolved_is_served_while_look_ups_fail() {
    let mut stage = Stage::new();
    stage.says("a.example", &[1]);
    stage.says("never.example", &[]);
    stage.pool(1, &["a.example", "never.example"]).await;
    assert_eq!((stage.served("a.example"), stage.stale()), (vec!["192.0.2.1".to_owned()], 0));

    stage.says("a.example", &[]);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(stage.served("a.example"), ["192.0.2.1"]);
    assert_eq!(stage.stale(), 1, "one that was never resolved is not stale");
    let asked = stage.asked("a.example");
    let waits: Vec<f64> = asked.windows(2).skip(1).map(|pair| pair[1] - pair[0] - 0.01).collect();
    for (wait, longest) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]) {
        assert!((longest * 0.75 - 0.01..=longest + 0.01).contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 8, "{waits:?}");

    stage.says("a.example", &[2]);
    sleep(Duration::from_secs(61)).await;
    assert_eq!((stage.served("a.example"), stage.stale()), (vec!["192.0.2.2".to_owned()], 0));
    let ended =
        [&stage.stats.resolved, &stage.stats.failed].map(|count| count.load(Ordering::Relaxed));
    let asked = stage.asked("a.example").len() + stage.asked("never.example").len();
    assert_eq!(ended.iter().sum::<u64>(), asked as u64);
}

#[tokio::test(start_paused = true)]
async fn so_many_look_ups_and_no_more_are_under_way() {
    let mut stage = Stage::new();
    let many: Vec<String> = (0..40).map(|number| format!("n{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    stage.pool(1, &many).await;
    sleep(HOLDS).await;
    assert_eq!(stage.names.lock().unwrap().under_way, LOOKUPS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_pool_has_any_more_is_asked_for_no_more() {
    let mut stage = Stage::new();
    stage.says("a.example", &[1]);
    stage.says("b.example", &[2]);
    stage.pool(1, &["a.example"]).await;
    stage.pool(1, &["b.example"]).await;
    sleep(10 * HOLDS).await;
    assert_eq!(stage.asked("a.example").len(), 1);
    stage.pool(1, &["a.example"]).await;
    assert_eq!(stage.served("a.example"), ["192.0.2.1"], "and asked for again when it comes back");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_look_ups() {
    let mut stage = Stage::new();
    stage.pool(1, &["silent.example"]).await;
    stage.stop.send_replace(true);
    timeout(SOON, stage.task).await.unwrap().unwrap();
}
