//! The one binary: a node, a demo world and the client verbs.

mod acme;
mod alert;
mod assemble;
mod cli;
mod client;
mod config;
mod control;
mod decisions;
mod demo;
mod events;
mod explain;
mod fed;
mod feed;
mod health;
mod metrics;
mod notify;
mod overrides;
mod probe;
mod resolve;
mod serve;
mod split;
mod status;
mod token;
mod watched;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Cli, Exit, Failure, Verb, say};
use crate::config::Config;

/// After an import or a reload the memory that it took goes back to the system within seconds
/// (`.cargo/config.toml` says when), where glibc's allocator keeps most of it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, message }) => {
            eprintln!("trimtab: {message}");
            ExitCode::from(exit as u8)
        }
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Demo(options) => to_the_end(demo::run(options)),
        Verb::Serve(options) => to_the_end(serve::run(&options.config)),
        Verb::Check { file } => check(&file),
        Verb::Health(wanted) => to_the_end(health::run(&wanted)),
        Verb::Status(server) => to_the_end(status::run(&server)),
        Verb::Explain(options) => to_the_end(explain::run(&options)),
        Verb::Decisions(options) => to_the_end(explain::list(&options)),
        Verb::Split(options) => to_the_end(split::run(&options)),
        Verb::Probe(options) => to_the_end(probe::run(&options)),
        Verb::Override(verb) => to_the_end(overrides::run(verb)),
        Verb::Feed(wanted) => to_the_end(fed::run(&wanted)),
        Verb::Notify(verb) => to_the_end(notify::run(verb)),
        Verb::Token(verb) => to_the_end(token::run(verb)),
    }
}

/// Whatever a thread still does after that is not waited for: it would hold up one who was told to end at once.
fn to_the_end(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime()?;
    let ended = runtime.block_on(verb);
    runtime.shutdown_background();
    ended
}

/// The control runtime: store, API, probes. DNS over UDP has threads of its own.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|why| Failure::from_error(Exit::Failed, &why))
}

fn check(file: &std::path::Path) -> Result<(), Failure> {
    let config = Config::load(file).map_err(|why| Failure::from_error(Exit::Usage, &why))?;
    assemble::geo_table(&config, &[]).map_err(|why| Failure::from_error(Exit::Usage, &why))?;
    say(format_args!(
        "{} is a configuration: node {}, PoP {}",
        file.display(),
        config.node.name,
        config.node.pop
    ));
    Ok(())
}
