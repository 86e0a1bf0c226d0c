//! `trimtab serve`: a node from its file until a signal ends it.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::assemble::{Extras, Running};
use crate::cli::{Exit, Failure, say};
use crate::config::Config;

/// SIGTERM, SIGINT and SIGHUP.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

pub(crate) async fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file).map_err(|why| Failure::from_error(Exit::Usage, &why))?;
    start_log();
    let mut signals = Signals::listen()?;
    let started = Running::start(config, Extras::default()).await;
    let mut running = started.map_err(|why| Failure::from_error(Exit::Failed, &why))?;
    if let Some(token) = running.first_token() {
        // Once, and to standard output alone, so that a log collector does not keep it.
        say(format_args!("first token (not shown again): {token}"));
    }
    let addresses = running.addresses();
    tracing::info!(api = %addresses.api, dns = ?addresses.dns, "serving");
    let ended = tokio::select! {
        () = signals.wait() => Ok(()),
        failed = running.failed() => Err(Failure::new(Exit::Failed, failed)),
    };
    signals.hurry(running.stop()).await?;
    ended
}

/// Pretty on a terminal, JSON for collectors; `RUST_LOG` filters.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        log.init();
    } else {
        log.json().init();
    }
}

// === impl Signals ===

impl Signals {
    pub(crate) fn listen() -> Result<Signals, Failure> {
        let listen = |kind| signal(kind).map_err(|why| Failure::from_error(Exit::Failed, &why));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// An orderly end, which whoever sends a second signal does not wait for.
    pub(crate) async fn hurry(&mut self, end: impl Future<Output = ()>) -> Result<(), Failure> {
        tokio::select! {
            () = end => Ok(()),
            () = self.asked() => {
                Err(Failure::new(Exit::Failed, "ended by a second signal, before all was stopped"))
            }
        }
    }

    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// A terminal that is closed is no person in a hurry: its shell may say so a second time.
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
