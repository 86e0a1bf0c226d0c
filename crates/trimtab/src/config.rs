//! `server.toml`: every key, its default, and a refusal that shows the line.

mod alerts;
mod check;
mod networks;
mod pem_file;
mod refusal;
mod secret_file;
mod sources;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use trimtab_acme::{Challenge, Directory};
use trimtab_model::{Name, Pop};

use check::span_of;
use networks::networks;

pub(crate) use alerts::{Alerts, Smtp};
pub(crate) use pem_file::PemFile;
pub(crate) use refusal::Refusal;
pub(crate) use secret_file::SecretFile;
pub(crate) use sources::Sources;

/// One node's settings, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    #[serde(default)]
    pub(crate) node: Node,
    #[serde(default)]
    pub(crate) api: Api,
    #[serde(default)]
    pub(crate) dns: Dns,
    #[serde(default)]
    pub(crate) proxy: Proxy,
    /// Absent: nothing is ordered.
    pub(crate) acme: Option<Acme>,
    /// Absent: alerts by mail wait.
    pub(crate) smtp: Option<Smtp>,
    #[serde(default)]
    pub(crate) alerts: Alerts,
    #[serde(default)]
    pub(crate) egress: Egress,
    #[serde(default)]
    pub(crate) geo: Geo,
    #[serde(default)]
    pub(crate) store: Store,
    #[serde(default)]
    pub(crate) limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// An IATA code: gives coordinates and region.
    pub(crate) pop: Pop,
    /// Further places whose probes this process makes itself.
    pub(crate) extra_pops: Vec<Pop>,
    /// Where probes of a place leave from; of those that it does not name, as the system chooses.
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    pub(crate) listen: SocketAddr,
    /// Per token.
    pub(crate) requests_per_minute: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dns {
    /// UDP and TCP.
    pub(crate) listen: Vec<SocketAddr>,
    /// DNS over TLS.
    pub(crate) tls: Vec<SocketAddr>,
    /// DNS over HTTPS.
    pub(crate) https: Vec<SocketAddr>,
    /// NS and SOA of hosted zones.
    pub(crate) nameservers: Vec<Name>,
    /// The mailbox of the SOA as a name; `hostmaster.` of the zone when absent.
    pub(crate) hostmaster: Option<Name>,
    /// What `version.bind` says; absent refuses.
    pub(crate) version: Option<String>,
    /// Who may ask `_why`, for trace ids, and for the decisions on proxied requests.
    #[serde(deserialize_with = "networks")]
    pub(crate) explain_to: Vec<IpNet>,
    /// One decision in so many is kept with its explanation; 0 keeps those whose trace id was asked for.
    pub(crate) keep_decisions: u32,
    pub(crate) rrl: Rrl,
    /// UDP threads for each address; 0 is one for each core.
    pub(crate) threads: usize,
}

/// Response rate limiting; read by this release and not acted on yet.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rrl {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
    pub(crate) slip: u32,
    #[serde(deserialize_with = "networks")]
    pub(crate) exempt: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Proxy {
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
    /// Each of `https` is one of HTTP/3, too.
    pub(crate) http3: bool,
    /// What DNS answers for a proxied name.
    pub(crate) addresses: Vec<IpAddr>,
    /// Whose `X-Forwarded-For`, `CF-Connecting-IP` and PROXY header are believed.
    #[serde(deserialize_with = "networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// 0: one for each core.
    pub(crate) threads: usize,
    /// Client connections; 0: as many as the process may have descriptors for.
    pub(crate) max_connections: usize,
    /// Bytes; 0: what the control group of the process may have.
    pub(crate) max_memory: u64,
    /// Responses say which pool and endpoint they are from.
    pub(crate) expose: bool,
    /// A file, or `-` for standard output; absent logs nothing.
    pub(crate) access_log: Option<PathBuf>,
    /// Of requests, from 0 to 1; absent logs all.
    pub(crate) access_log_share: Option<f64>,
    /// Who may sign the certificates of clients.
    pub(crate) client_ca: Option<PemFile>,
    pub(crate) client_certificates: ClientCertificates,
    /// One decision on a request in so many is kept with its explanation; 0 keeps those that were asked for.
    pub(crate) keep_decisions: u32,
}

/// Whether clients of HTTPS are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCertificates {
    #[default]
    Off,
    /// Whoever shows none is served as well.
    Optional,
    Required,
}

/// Certificates that this node orders.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acme {
    pub(crate) directory: Directory,
    /// Being set, they accept the authority's terms of service.
    pub(crate) contact: Vec<String>,
    #[serde(default)]
    pub(crate) challenge: Challenge,
    /// Believed instead of the system's roots when the authority is spoken to.
    #[serde(default)]
    pub(crate) ca: Option<PemFile>,
    #[serde(default = "renew_before_days")]
    pub(crate) renew_before_days: u32,
}

/// What the usual authorities recommend for certificates of 90 days.
const fn renew_before_days() -> u32 {
    30
}

/// Where this node may connect.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Egress {
    /// Set: only these. Empty: everything but link-local, metadata, multicast and this node's own API.
    #[serde(deserialize_with = "networks")]
    pub(crate) allow: Vec<IpNet>,
    #[serde(deserialize_with = "networks")]
    pub(crate) deny: Vec<IpNet>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Geo {
    /// MMDB files; a later one wins over an earlier one.
    pub(crate) databases: Vec<PathBuf>,
    /// RFC 8805; wins over every database.
    pub(crate) geofeed: Option<PathBuf>,
    pub(crate) latencies: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, tag = "engine", rename_all = "lowercase")]
pub(crate) enum Store {
    // With braces, so that keys that it does not have are refused.
    Sqlite {},
    Etcd { endpoints: Vec<String>, prefix: String },
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Seconds.
    pub(crate) min_monitor_interval: u32,
    /// Of this node, all endpoints together.
    pub(crate) max_checks_per_second: u32,
}

// === impl Config ===

impl Config {
    /// `trimtab check` and `trimtab serve` both read the file here. Relative paths in it start at its folder.
    pub(crate) fn load(path: &Path) -> Result<Config, Refusal> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Refusal::Unreadable { path: path.into(), source })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let read = Config::read(&text).and_then(|config| config.with_files(folder));
        let read = read.and_then(|config| {
            let config = config.below(folder);
            config.check_paths().map_err(|(place, why)| (span_of(&text, place), why))?;
            Ok(config)
        });
        read.map_err(|(span, why)| Refusal::Wrong { path: path.into(), text, span, why })
    }

    /// With paths that start at the folder of the file.
    fn below(mut self, folder: &Path) -> Config {
        self.data_dir = folder.join(&self.data_dir);
        if let Some(log) = self.proxy.access_log.as_mut().filter(|log| log.as_os_str() != "-") {
            *log = folder.join(&*log);
        }
        let geo = &mut self.geo;
        let feeds = geo.geofeed.iter_mut().chain(&mut geo.latencies);
        for file in geo.databases.iter_mut().chain(feeds) {
            *file = folder.join(&*file);
        }
        self
    }

    /// What stands in other files and is part of the configuration all the same.
    fn with_files(mut self, folder: &Path) -> Result<Config, (std::ops::Range<usize>, String)> {
        if let Some(file) = &mut self.proxy.client_ca {
            file.load(folder)?;
        }
        if let Some(file) = self.acme.as_mut().and_then(|acme| acme.ca.as_mut()) {
            file.load(folder)?;
        }
        if let Some(smtp) = &mut self.smtp {
            smtp.load(folder)?;
        }
        Ok(self)
    }

    fn read(text: &str) -> Result<Config, (std::ops::Range<usize>, String)> {
        let config: Config = toml::from_str(text).map_err(|wrong| {
            (wrong.span().unwrap_or_default(), wrong.message().trim_end().to_owned())
        })?;
        config.check().map_err(|(place, why)| (span_of(text, place), why))?;
        config.node.sources.check(&config.node.places())?;
        Ok(config)
    }
}

// === impl Node ===

impl Node {
    /// That this process probes for; its own first.
    pub(crate) fn places(&self) -> Vec<Pop> {
        std::iter::once(self.pop).chain(self.extra_pops.iter().copied()).collect()
    }
}

// === defaults ===

impl Default for Node {
    fn default() -> Node {
        Node {
            name: "trimtab".into(),
            pop: POP_DEFAULT,
            extra_pops: Vec::new(),
            sources: Sources::default(),
        }
    }
}

/// Somewhere has to be home; a node that steers by its own place names its own.
const POP_DEFAULT: Pop = match Pop::new(*b"FRA") {
    Some(pop) => pop,
    None => panic!("three capital letters"),
};

impl Default for Api {
    fn default() -> Api {
        Api { listen: SocketAddr::from(([127, 0, 0, 1], 8353)), requests_per_minute: 1200 }
    }
}

impl Default for Dns {
    fn default() -> Dns {
        Dns {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 1053))],
            tls: Vec::new(),
            https: Vec::new(),
            nameservers: "ns1.trimtab.test".parse().into_iter().collect(),
            hostmaster: None,
            version: None,
            explain_to: Vec::new(),
            keep_decisions: KEEP_DECISIONS,
            rrl: Rrl::default(),
            threads: 0,
        }
    }
}

impl Default for Proxy {
    fn default() -> Proxy {
        Proxy {
            http: Vec::new(),
            https: Vec::new(),
            http3: false,
            addresses: Vec::new(),
            trusted_proxies: Vec::new(),
            threads: 0,
            max_connections: 0,
            max_memory: 0,
            expose: false,
            access_log: None,
            access_log_share: None,
            client_ca: None,
            client_certificates: ClientCertificates::default(),
            keep_decisions: KEEP_DECISIONS,
        }
    }
}

/// Some each second of a busy node.
const KEEP_DECISIONS: u32 = 1000;

impl Default for Rrl {
    fn default() -> Rrl {
        Rrl { per_second: 50, burst: 125, slip: 2, exempt: Vec::new() }
    }
}

impl Default for Store {
    fn default() -> Store {
        Store::Sqlite {}
    }
}

impl Default for Limits {
    fn default() -> Limits {
        // Five times what ten thousand endpoints take that are checked every ten seconds.
        Limits { min_monitor_interval: 10, max_checks_per_second: 5_000 }
    }
}

#[cfg(test)]
mod tests;
