//! The command line: verbs, options, exit codes.

mod spoken;

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use trimtab_model::Pop;

pub(crate) use spoken::{Feed, Hold, Override};

/// A self-hosted global load balancer: authoritative DNS that steers by geography and health.
#[derive(Debug, Parser)]
#[command(name = "trimtab", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// A whole world on this machine: fake origins, simulated places, real DNS and API. Leaves nothing behind.
    Demo(Demo),
    /// Run a node.
    Serve(ServeOptions),
    /// Read server.toml as `serve` would, and say what is wrong with it.
    Check {
        /// The file to read.
        #[arg(default_value = "server.toml")]
        file: PathBuf,
    },
    /// Is the node up, how old is its configuration, which pools are in trouble?
    Status(Server),
    /// Which endpoints are up, and what does every place see of them?
    Health(Health),
    /// Why does this name get this answer?
    Explain(Box<Explain>),
    /// Which decisions were kept? `explain --decision` shows one.
    Decisions(Decisions),
    /// Does every pool of this name get the share that its weight asks for?
    Split(Split),
    /// Probe the endpoints of a pool now, and show every step.
    Probe(Probe),
    /// What people hold endpoints to be, over whatever machines say.
    #[command(subcommand)]
    Override(Override),
    /// Say for a while what an endpoint is, as an autoscaler or a deployment would.
    Feed(Feed),
    /// Alerts: do they arrive, and what was sent?
    #[command(subcommand)]
    Notify(Notify),
    /// Tokens of the control API.
    #[command(subcommand)]
    Token(Token),
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[arg(long, default_value = "server.toml")]
    pub(crate) config: PathBuf,
}

/// Which node to talk to.
#[derive(Clone, Debug, Args)]
pub(crate) struct Server {
    /// The API's base URL; without a path /client/v4 is meant.
    #[arg(long, env = "TRIMTAB_SERVER", default_value = "http://127.0.0.1:8353/client/v4")]
    pub(crate) server: String,
    /// A token of its API.
    #[arg(long, env = "TRIMTAB_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// JSON as the API gives it, instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Only the pool of this name or id.
    pub(crate) pool: Option<String>,
    /// A column for every place that probes, and what it has to show for a failure.
    #[arg(long)]
    pub(crate) matrix: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A host name with a load balancer.
    #[arg(required_unless_present = "decision")]
    pub(crate) name: Option<String>,
    /// What was answered then: the trace id of a decision that was kept, or the ray of a request.
    #[arg(long, value_name = "TRACE", conflicts_with_all = ["name", "from", "ecs", "resolver", "kind", "dice", "Request"])]
    pub(crate) decision: Option<String>,
    /// An address or a network, for where the client is; or a city of `trimtab demo`, whose network is in no other
    /// node's tables.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// The client subnet that the resolver passes on.
    #[arg(long, value_name = "NET")]
    pub(crate) ecs: Option<IpNet>,
    /// The resolver that asks.
    #[arg(long, value_name = "IP")]
    pub(crate) resolver: Option<IpAddr>,
    /// A, AAAA, MX or SRV.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Decide with the dice of this trace id, to see the same draw again.
    #[arg(long, value_name = "TRACE")]
    pub(crate) dice: Option<String>,
    #[command(flatten)]
    pub(crate) request: Request,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// What asks about a request to a proxied load balancer, and no question of DNS.
#[derive(Debug, Args)]
#[group(multiple = true, conflicts_with_all = ["kind", "ecs"])]
pub(crate) struct Request {
    /// Of a request: its path and query.
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Of a request: its method; GET without it.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Of a request: `name: value`, once for each header line.
    #[arg(long = "header", value_name = "LINE")]
    pub(crate) headers: Vec<String>,
    /// Of a request: http or https.
    #[arg(long)]
    pub(crate) scheme: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Decisions {
    /// Only those of this name.
    pub(crate) name: Option<String>,
    /// At most so many, newest first.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Split {
    /// A host name with a load balancer.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// The id of a monitor, or its description.
    pub(crate) monitor: String,
    /// The id of a pool, or its name.
    pub(crate) pool: String,
    /// Only the endpoint of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// As this place sees them: one that the node probes for.
    #[arg(long, value_name = "CODE")]
    pub(crate) pop: Option<String>,
    /// Every step as it happens, what came back, and the command that repeats it by hand.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Send a message that says it is a test, and tell what came back.
    Test {
        /// The name or the id of a webhook or a policy.
        target: String,
        #[command(flatten)]
        server: Server,
    },
    /// What was sent, newest first.
    History {
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make an all-rights token; it is printed once.
    Create {
        /// What tells it from others.
        name: String,
        #[command(flatten)]
        server: Server,
    },
    /// Which are there; their values are not shown again.
    List(Server),
    /// Take one back: whoever uses it is not let in any more.
    Revoke {
        /// As `token list` shows it.
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(subcommand)]
    pub(crate) act: Option<Act>,
    /// Play the story unattended, assert every step, exit 0 or 1.
    #[arg(long)]
    pub(crate) selftest: bool,
    /// Everything that looks like chance in the demo's world follows from this.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Fails when the port is taken; without it the next free one is used.
    #[arg(long)]
    pub(crate) dns_port: Option<u16>,
    #[arg(long)]
    pub(crate) api_port: Option<u16>,
    #[arg(long)]
    pub(crate) http_port: Option<u16>,
    #[arg(long)]
    pub(crate) https_port: Option<u16>,
}

/// Things that happen to the running demo.
#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Stop an origin.
    Kill { origin: String },
    /// Undo kill, slow, flap and partition.
    Heal { origin: String },
    /// Let an origin answer late.
    Slow {
        origin: String,
        /// Milliseconds.
        millis: u64,
    },
    /// Let an origin fail and recover again and again.
    Flap { origin: String },
    /// Cut one place that probes off from an origin or a pool.
    Partition {
        /// Its code, such as NRT.
        pop: Pop,
        origin: String,
    },
    /// Ask the demo's DNS as a client in a city.
    Dig {
        city: String,
        #[arg(default_value = "www.demo.test")]
        name: String,
    },
    /// Ask the demo's proxy as a client in a city.
    Curl {
        city: String,
        /// A balancer of the demo, or a whole host name.
        #[arg(default_value = "shop")]
        name: String,
        #[arg(default_value = "/")]
        path: String,
        /// As the client would send it: a session stays where its cookie says.
        #[arg(long)]
        cookie: Option<String>,
    },
}

/// What a shell sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Unauthorized = 5,
    Unreachable = 6,
}

/// A verb that did not succeed: what to print and what to exit with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl std::fmt::Display) -> Failure {
        Failure { exit, message: message.to_string() }
    }

    /// With every cause, outermost first.
    pub(crate) fn from_error(exit: Exit, error: &dyn std::error::Error) -> Failure {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(why) = cause {
            message = format!("{message}: {why}");
            cause = why.source();
        }
        Failure { exit, message }
    }
}

/// The demo's or a node's DNS address as an option value would give it.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// One line on standard output. A reader that left, such as `head`, is no failure.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("trimtab: standard output: {error}");
        }
        Ok(()) | Err(_) => {}
    }
}
