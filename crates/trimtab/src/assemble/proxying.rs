//! What `[proxy]` asks for, as the proxy takes it.

use std::sync::Arc;

use trimtab_proxy::{ClientCertificates, Settings, access_log};

use crate::acme::Ordering;
use crate::config::{self, Config};

pub(super) fn settings(config: &Config, ordering: &Ordering) -> Settings {
    /// Of a process whose limit cannot be read: what every system allows.
    const DESCRIPTORS_MIN: u64 = 1024;
    let descriptors = trimtab_net::files::raise_limit().unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files is not raised");
        DESCRIPTORS_MIN
    });
    let proxy = &config.proxy;
    Settings {
        http: proxy.http.clone(),
        https: proxy.https.clone(),
        http3: proxy.http3,
        trusted: proxy.trusted_proxies.clone(),
        threads: proxy.threads,
        connections_max: match proxy.max_connections {
            // A client's connection needs another one to an origin, and DNS, the API and probes need some, too.
            0 => usize::try_from(descriptors / 2).unwrap_or(usize::MAX).saturating_sub(200),
            wanted => wanted,
        },
        memory_max: (proxy.max_memory > 0).then_some(proxy.max_memory),
        client_certificates: client_certificates(proxy),
        challenges: Arc::clone(&ordering.challenges),
        expose: proxy.expose,
        access_log: proxy.access_log.as_ref().map(|path| access_log::Settings {
            to: match path.as_os_str() == "-" {
                true => access_log::Destination::Stdout,
                false => access_log::Destination::File(path.clone()),
            },
            share: proxy.access_log_share.unwrap_or(1.0),
        }),
        explain_to: config.dns.explain_to.clone(),
        place: config.node.pop.code().to_owned(),
    }
}

/// Without `client_ca` nobody is asked: the configuration was checked for that.
fn client_certificates(proxy: &config::Proxy) -> ClientCertificates {
    let ca = proxy.client_ca.as_ref().map(|file| file.pem().to_owned());
    match (proxy.client_certificates, ca) {
        (config::ClientCertificates::Off, _) | (_, None) => ClientCertificates::Off,
        (config::ClientCertificates::Optional, Some(ca)) => ClientCertificates::Optional { ca },
        (config::ClientCertificates::Required, Some(ca)) => ClientCertificates::Required { ca },
    }
}
