//! Alerts: where the engine meets the store, and what the API asks of it.
//!
//! Tasks: the engine, and the reader that tells it of every change of the configuration.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use trimtab_alert::book::{Book, PREFIXES};
use trimtab_alert::engine::Inputs;
use trimtab_alert::{
    Board, Courier, Engine, Message, SetUpError, Settings, Storage, StorageError, Target, Write,
};
use trimtab_api::{AlertPort, AlertTest};
use trimtab_api_types::v1::alerting::Tested;
use trimtab_connect::Connector;
use trimtab_live::Cell;
use trimtab_model::alert::Channel;
use trimtab_model::config::{Document, Key};
use trimtab_model::{Change, Timestamp};
use trimtab_store::{
    AnyStore, Clock, Prefix, Range, ReadError, Rev, Store, SystemClock, Txn, Write as StoreWrite,
};

use crate::config::Config;

/// Changes on their way to the engine; the reader of the store waits when it is full.
const CHANGES_MAX: usize = 1024;
/// What the history says who it was.
const ACTOR: &str = "alerts";

/// Everything that sends alerts.
pub(crate) struct Alerting {
    courier: Courier,
    connector: Connector,
    board: Arc<Board>,
    has_mail: bool,
}

/// The store, as the engine writes it.
struct Kept(AnyStore);

// === impl Alerting ===

impl Alerting {
    pub(crate) fn new(config: &Config, connector: &Connector) -> Result<Alerting, SetUpError> {
        let settings = Settings {
            smtp: config.smtp.as_ref().map(|smtp| trimtab_alert::Smtp {
                host: smtp.host.clone(),
                port: smtp.port(),
                security: smtp.tls,
                credentials: smtp
                    .username
                    .clone()
                    .zip(smtp.password_file.as_ref().map(|file| file.secret().clone())),
                from: smtp.from.clone(),
                ca: smtp.ca.as_ref().map(|file| file.pem().to_owned()),
            }),
            pagerduty_url: config.alerts.pagerduty_url.clone(),
            node: config.node.name.clone(),
        };
        Ok(Alerting {
            courier: Courier::new(&settings, connector.clone())?,
            connector: connector.clone(),
            board: Arc::default(),
            has_mail: settings.smtp.is_some(),
        })
    }

    /// Reads the configuration and starts both tasks.
    pub(crate) async fn start(
        &self,
        tasks: &mut JoinSet<Result<(), String>>,
        store: &AnyStore,
        cell: &Cell,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), ReadError> {
        let (book, rev) = load(store).await?;
        let (to_engine, changes) = mpsc::channel(CHANGES_MAX);
        tasks.spawn(follow(store.clone(), rev, to_engine, stopped.clone()));
        let (kept, board) = (Kept(store.clone()), Arc::clone(&self.board));
        let engine = Engine::new(kept, cell.clone(), self.courier.clone(), board, now);
        let inputs = Inputs { book, changes, stopped: stopped.clone() };
        let ended = engine.run(inputs).map(|ended| {
            ended.map_err(|error| format!("what was told cannot be read from the store: {error}"))
        });
        tasks.spawn(ended);
        Ok(())
    }

    pub(crate) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// What the API asks.
    pub(crate) fn port(&self) -> AlertPort {
        let (courier, connector) = (self.courier.clone(), self.connector.clone());
        AlertPort {
            forbids: Arc::new(move |to: SocketAddr| {
                connector.egress().check(to).err().map(|rule| rule.to_string())
            }),
            test: Arc::new(move |test| Box::pin(send_test(courier.clone(), test))),
            has_mail: self.has_mail,
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(SystemClock::start().unix_micros())
}

/// To each destination at the same time, once.
async fn send_test(courier: Courier, test: AlertTest) -> Vec<Tested> {
    let message = Message::test(&test.account, test.policy.as_ref(), test.at);
    let emails = test.emails.into_iter().map(Target::Email);
    let hooks = test.webhooks.into_iter().map(Target::Webhook);
    let services = test.pagerduty.into_iter().map(Target::PagerDuty);
    let sent = emails.chain(hooks).chain(services).map(|to| {
        let (courier, message) = (&courier, &message);
        async move {
            let id = &message.correlation;
            let outcome = courier.send(&to, message, id, message.at).await;
            told(&to, outcome)
        }
    });
    join_all(sent).await
}

fn told(to: &Target, outcome: Result<trimtab_alert::Sent, trimtab_alert::Failure>) -> Tested {
    let (mechanism_type, mechanism) = match to {
        Target::Email(mail) => (Channel::Email, mail.clone()),
        Target::Webhook(hook) => (Channel::Webhook, hook.id.to_string()),
        Target::PagerDuty(service) => (Channel::PagerDuty, service.id.to_string()),
    };
    let (status, answer, error, took) = match outcome {
        Ok(sent) => (Some(sent.status), sent.answer, None, sent.took),
        Err(failure) => (failure.status, failure.answer, Some(failure.why), failure.took),
    };
    Tested {
        mechanism_type,
        mechanism,
        delivered: error.is_none(),
        status,
        answer,
        error,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// All of one revision.
async fn load(store: &AnyStore) -> Result<(Book, Rev), ReadError> {
    let mut book = Book::default();
    let mut rev = None;
    for prefix in PREFIXES {
        let mut range = Range::of(Prefix::new(prefix));
        loop {
            let page = store.read(range.clone(), rev).await?;
            rev = Some(page.rev);
            for entry in &page.entries {
                if let Some(change) = change(entry.key.as_str(), Some(&entry.value)) {
                    book.apply(change);
                }
            }
            range.after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                break;
            }
        }
    }
    match rev {
        Some(rev) => Ok((book, rev)),
        None => Ok((book, store.now_rev().await?)),
    }
}

async fn follow(
    store: AnyStore,
    rev: Rev,
    to: mpsc::Sender<Change>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut log = store.watch(Prefix::all(), rev);
    loop {
        let batch = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            batch = log.next() => batch,
        };
        let batch = match batch {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return Err(format!("alerts cannot follow the store: {error}")),
            None => return Err("the store's log ended for alerts".into()),
        };
        for changed in &batch.changes {
            let Some(change) = change(changed.key.as_str(), changed.value.as_deref()) else {
                continue;
            };
            if to.send(change).await.is_err() {
                // The engine ended first; it says why.
                return Ok(());
            }
        }
    }
}

/// None for what alerting does not read, and for what is unreadable: whoever serves it says so.
fn change(key: &str, value: Option<&[u8]>) -> Option<Change> {
    PREFIXES.iter().find(|prefix| key.starts_with(*prefix))?;
    let key = Key::read(key)?;
    let document = match value {
        Some(value) => match Document::decode(&key, value) {
            Ok(document) => Some(document?),
            Err(error) => {
                tracing::error!(%error, "a stored resource is unreadable for alerts");
                return None;
            }
        },
        None => None,
    };
    Some(Change { key, document })
}

// === impl Kept ===

impl Storage for Kept {
    async fn read(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let mut range = Range::of(Prefix::new(prefix));
        let (mut all, mut rev) = (Vec::new(), None);
        loop {
            let page = self.0.read(range.clone(), rev).await?;
            rev = Some(page.rev);
            range.after = page.entries.last().map(|entry| entry.key.clone());
            let entries = page.entries.into_iter();
            all.extend(entries.map(|entry| (entry.key.as_str().to_owned(), entry.value.to_vec())));
            if !page.more {
                return Ok(all);
            }
        }
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        let key = |text: String| trimtab_store::Key::new(text);
        let mut all = Vec::with_capacity(writes.len());
        for write in writes {
            all.push(match write {
                Write::Put(at, value) => StoreWrite::Put(key(at)?, value.into()),
                Write::Delete(at) => StoreWrite::Delete(key(at)?),
            });
        }
        let txn = Txn { guards: Vec::new(), writes: all, actor: ACTOR.into(), comment: None };
        self.0.commit(txn).await?;
        Ok(())
    }
}
