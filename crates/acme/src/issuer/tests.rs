use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use trimtab_live::{Batch, Event};
use trimtab_model::Change;
use trimtab_model::certificate::CertificateSource;

use super::*;
use crate::error::Refusal;
use crate::settings::Challenge;
use crate::stage::{balancer, certificate, publisher, put_balancer, seconds};

/// What a certificate lives here, and when before its end it is renewed; in seconds.
const LIFE: i64 = 90 * DAY;
const RENEW: i64 = 30 * DAY;
const DAY: i64 = 24 * 3600;
/// Longer than any news takes to be public.
const SOON: Duration = Duration::from_secs(1);

/// What an authority that is none answers.
#[derive(Clone, Copy)]
enum Says {
    Issued,
    /// Seconds that it asks to be left alone for.
    Refused(Option<u64>),
    Down(Option<u64>),
    Nothing,
}

/// Orders by name and second, and what to answer.
#[derive(Default)]
struct Desk {
    says: HashMap<String, Says>,
    asked: Vec<(String, i64)>,
    tidied: usize,
}

struct Fake {
    desk: Arc<Mutex<Desk>>,
    events: mpsc::Sender<Event>,
    issued: u8,
}

struct Stage {
    desk: Arc<Mutex<Desk>>,
    events: mpsc::Sender<Event>,
    board: Arc<Board>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

thread_local! {
    static STARTED: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

/// Virtual, since the stage was set.
fn now() -> i64 {
    let started = STARTED.get().unwrap();
    started.elapsed().as_secs().try_into().unwrap()
}

impl Authority for Fake {
    async fn order(&mut self, name: &Name, _: ZoneId) -> Result<(), Failure> {
        let says = {
            let mut desk = self.desk.lock().unwrap();
            desk.asked.push((name.to_string(), now()));
            desk.says.get(name.as_str()).copied().unwrap_or(Says::Issued)
        };
        let refuse = |why, retry: Option<u64>| {
            Err(Failure { why, retry_after: retry.map(Duration::from_secs) })
        };
        match says {
            Says::Issued => {
                self.issued += 1;
                let time = (now(), now() + LIFE);
                let source = CertificateSource::Acme;
                let change = certificate(self.issued, source, name.as_str(), time);
                self.events.send(config(vec![change])).await.unwrap();
                Ok(())
            }
            Says::Refused(retry) => {
                refuse(OrderError::Refused(Refusal { said: Some("no".into()) }), retry)
            }
            Says::Down(retry) => {
                refuse(OrderError::Account(instant_acme::Error::Str("down")), retry)
            }
            Says::Nothing => std::future::pending().await,
        }
    }

    async fn tidy(&mut self) {
        self.desk.lock().unwrap().tidied += 1;
    }
}

impl Stage {
    async fn new(names: &[&str], says: &[(&str, Says)]) -> Stage {
        let mut publisher = publisher();
        let cell = Cell::new(publisher.snapshot());
        let (events, inbox) = mpsc::channel(64);
        tokio::spawn(publisher.run(cell.clone(), inbox));
        let says = says.iter().map(|(name, says)| ((*name).to_owned(), *says)).collect();
        let desk = Arc::new(Mutex::new(Desk { says, ..Desk::default() }));
        let board = Arc::<Board>::default();
        let settings = Settings {
            directory: "https://authority.test/".parse().unwrap(),
            contacts: Vec::new(),
            challenge: Challenge::Dns01,
            ca: None,
            renew_before: Duration::from_secs(RENEW.try_into().unwrap()),
        };
        STARTED.set(Some(Instant::now()));
        let issuer = Issuer::new(settings, cell, Arc::clone(&board), || seconds(now()));
        let (stop, stopped) = watch::channel(false);
        let fake = Fake { desk: Arc::clone(&desk), events: events.clone(), issued: 0 };
        let task = tokio::spawn(issuer.serve(fake, stopped));
        let stage = Stage { desk, events, board, stop, task };
        let balancers = names.iter().zip(1..);
        let balancers = balancers.map(|(name, id)| put_balancer(balancer(id, name)));
        stage.events.send(config(balancers.collect())).await.unwrap();
        sleep(SOON).await;
        stage
    }

    fn asked(&self, name: &str) -> Vec<i64> {
        let desk = self.desk.lock().unwrap();
        desk.asked.iter().filter(|(asked, _)| asked == name).map(|(_, at)| *at).collect()
    }

    /// State, failures in a row and what was last said.
    fn state(&self, name: &str) -> (&'static str, u32, Option<String>) {
        let shown = self.board.shown(seconds(now()));
        let one = shown.into_iter().find(|one| one.name.as_str() == name).unwrap();
        (one.state, one.failures, one.last_error)
    }
}

fn config(changes: Vec<Change>) -> Event {
    Event::Config(Batch { revision: 1, changes, names: Vec::new() })
}

/// Between two orders that failed, in seconds, with the jitter that is due.
fn check_waits(asked: &[i64], steps: &[i64]) {
    let waits: Vec<i64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let fits = |(wait, step): (&i64, &i64)| (*step..=*step * 3 / 2 + 1).contains(wait);
    assert!(waits.len() >= steps.len() && waits.iter().zip(steps).all(fits), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_ordered_at_once_and_renewed_before_its_end() {
    let stage = Stage::new(&["www.example.com"], &[]).await;
    assert_eq!(stage.asked("www.example.com"), [0]);
    assert_eq!(stage.state("www.example.com"), ("issued", 0, None));
    sleep(Duration::from_secs((LIFE - RENEW + 3600) as u64)).await;
    let asked = stage.asked("www.example.com");
    assert!(
        asked.len() == 2 && (LIFE - RENEW..LIFE - RENEW + 3600).contains(&asked[1]),
        "{asked:?}"
    );
    assert_eq!(stage.board.orders(), crate::board::Orders { issued: 2, failed: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_refused_name_waits_longer_each_time_and_keeps_no_other_waiting() {
    let (bad, good) = ("bad.example.com", "good.example.com");
    let stage = Stage::new(&[bad, good], &[(bad, Says::Refused(None))]).await;
    assert_eq!((stage.asked(bad), stage.asked(good)), (vec![0], vec![0]));
    let said = "the authority did not accept the proof: no";
    assert_eq!(stage.state(bad), ("failed", 1, Some(said.into())));
    sleep(Duration::from_secs(7_200)).await;
    check_waits(&stage.asked(bad), &[60, 120, 240, 480, 960]);
    assert_eq!(stage.asked(good).len(), 1);
    stage.desk.lock().unwrap().says.clear();
    sleep(Duration::from_secs(12 * 3_600)).await;
    assert_eq!(stage.state(bad), ("issued", 0, None));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_from_elsewhere_ends_the_wait_of_its_name() {
    let name = "a.example.com";
    let stage = Stage::new(&[name], &[(name, Says::Refused(None))]).await;
    assert_eq!(stage.state(name).0, "failed");
    let ordered = certificate(9, CertificateSource::Acme, name, (now(), now() + LIFE));
    stage.events.send(config(vec![ordered])).await.unwrap();
    sleep(SOON).await;
    assert_eq!(stage.state(name), ("issued", 0, None));
}

#[tokio::test(start_paused = true)]
async fn an_authority_in_trouble_is_not_asked_for_other_names_either() {
    let names = ["a.example.com", "b.example.com"];
    let stage = Stage::new(&names, &[(names[0], Says::Down(None))]).await;
    assert_eq!((stage.asked(names[0]), stage.asked(names[1])), (vec![0], vec![]));
    assert_eq!(stage.state(names[1]), ("due", 0, None));
    sleep(Duration::from_secs(120)).await;
    check_waits(&[0, stage.asked(names[1])[0]], &[60]);
}

#[tokio::test(start_paused = true)]
async fn rfc8555_section_6_6_nobody_comes_back_before_the_authority_asked() {
    let check = async |says: Says, others_wait: i64| {
        let (name, other) = ("a.example.com", "b.example.com");
        let stage = Stage::new(&[name, other], &[(name, says)]).await;
        let began = stage.asked(name)[0];
        sleep(Duration::from_secs(7_100)).await;
        assert_eq!(stage.asked(name), [began]);
        sleep(Duration::from_secs(200)).await;
        assert_eq!(stage.asked(name).len(), 2);
        assert_eq!(stage.asked(other)[0] - began, others_wait);
    };
    check(Says::Refused(Some(7_200)), 0).await;
    // A name that has not failed is tried after an hour all the same.
    check(Says::Down(Some(7_200)), 3_600).await;
}

#[tokio::test(start_paused = true)]
async fn an_order_under_way_is_given_up_and_tidied_when_the_node_stops() {
    let name = "a.example.com";
    let stage = Stage::new(&[name], &[(name, Says::Nothing)]).await;
    assert_eq!(stage.state(name), ("ordering", 0, None));
    let before = stage.desk.lock().unwrap().tidied;
    stage.stop.send_replace(true);
    stage.task.await.unwrap();
    assert_eq!(stage.desk.lock().unwrap().tidied, before + 1);
}
