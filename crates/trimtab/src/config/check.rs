//! What a single value of `server.toml` cannot know: what fits together, and what a start would trip over.

use std::collections::HashSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;
use trimtab_alert::settings::is_mailbox;
use trimtab_model::Pop;

use super::{ClientCertificates, Config, Store};

/// A table, empty for the top, and a key in it: which line to show.
pub(super) type Place = (&'static str, &'static str);

type Checked = Result<(), (Place, String)>;

// === impl Config ===

impl Config {
    pub(super) fn check(&self) -> Checked {
        self.check_node()?;
        self.check_answers()?;
        self.check_listeners()?;
        self.check_proxy()?;
        self.check_contact()?;
        if self.limits.min_monitor_interval == 0 {
            return refuse(("limits", "min_monitor_interval"), "must be at least 1 second");
        }
        if self.limits.max_checks_per_second == 0 {
            return refuse(("limits", "max_checks_per_second"), "must be at least 1");
        }
        if self.api.requests_per_minute == 0 {
            return refuse(("api", "requests_per_minute"), "must be at least 1");
        }
        if let Some(smtp) = &self.smtp {
            smtp.check().map_err(|(key, why)| (("smtp", key), why))?;
        }
        self.alerts.check().map_err(|(key, why)| (("alerts", key), why))?;
        if matches!(self.store, Store::Etcd { .. }) {
            return refuse(("store", "engine"), "this release has the engine \"sqlite\" only");
        }
        Ok(())
    }

    /// What a start would find to be no folder, or to be one.
    pub(super) fn check_paths(&self) -> Checked {
        let there = self.data_dir.ancestors().find(|folder| folder.exists());
        if let Some(file) = there.filter(|there| !there.is_dir()) {
            return refuse(("", "data_dir"), format!("{} is no folder", file.display()));
        }
        let log = self.proxy.access_log.as_deref().filter(|log| log.as_os_str() != "-");
        let Some(log) = log else { return Ok(()) };
        let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let why = format!("{} is no folder", folder.display());
            return refuse(("proxy", "access_log"), why);
        }
        if log.is_dir() {
            return refuse(("proxy", "access_log"), format!("{} is a folder", log.display()));
        }
        Ok(())
    }

    fn check_node(&self) -> Checked {
        let mut known = HashSet::new();
        for (index, pop) in self.node.places().into_iter().enumerate() {
            let place = ("node", if index == 0 { "pop" } else { "extra_pops" });
            if trimtab_geo::pop(pop).is_none() {
                return refuse(place, format!("no airport has the code {pop}"));
            }
            if !known.insert(pop) {
                return refuse(place, again(pop));
            }
        }
        Ok(())
    }

    /// By the code that makes answers of it.
    fn check_answers(&self) -> Checked {
        let node = trimtab_dns::Node::new;
        let at = |place: Place| move |why: trimtab_dns::node::NodeError| (place, why.to_string());
        node().with_addresses(&self.proxy.addresses).map_err(at(("proxy", "addresses")))?;
        node().with_server_id(Some(&self.node.name)).map_err(at(("node", "name")))?;
        node().with_version(self.dns.version.as_deref()).map_err(at(("dns", "version")))?;
        node().with_explain_to(&self.dns.explain_to).map_err(at(("dns", "explain_to")))?;
        if self.dns.nameservers.is_empty() {
            return refuse(("dns", "nameservers"), "must name at least one server");
        }
        for (list, key) in [(&self.dns.tls, "tls"), (&self.dns.https, "https")] {
            if !list.is_empty() {
                return refuse(("dns", key), "this release serves DNS over UDP and TCP only");
            }
        }
        Ok(())
    }

    /// Listeners of one process could share an address, and each would have a part of the other's clients.
    fn check_listeners(&self) -> Checked {
        let of =
            |place: Place, list: &[SocketAddr]| list.iter().map(move |at| (place, *at)).collect();
        let lists: [Vec<(Place, SocketAddr)>; 4] = [
            of(("api", "listen"), &[self.api.listen]),
            of(("dns", "listen"), &self.dns.listen),
            of(("proxy", "http"), &self.proxy.http),
            of(("proxy", "https"), &self.proxy.https),
        ];
        let listeners = lists.concat();
        for (index, &(place, here)) in listeners.iter().enumerate() {
            let before = listeners.iter().take(index);
            if let Some(((table, key), there)) = before.copied().find(|(_, at)| meet(*at, here)) {
                return refuse(place, format!("{here} is taken by {there} of [{table}] {key}"));
            }
        }
        Ok(())
    }

    fn check_proxy(&self) -> Checked {
        let proxy = &self.proxy;
        if let Some(nowhere) = proxy.addresses.iter().find(|address| address.is_unspecified()) {
            return refuse(("proxy", "addresses"), format!("no client can connect to {nowhere}"));
        }
        if proxy.client_certificates != ClientCertificates::Off && proxy.client_ca.is_none() {
            let why = "needs a client_ca to check them against";
            return refuse(("proxy", "client_certificates"), why);
        }
        if proxy.access_log_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return refuse(("proxy", "access_log_share"), "must be from 0 to 1");
        }
        if proxy.http3 && cfg!(not(feature = "http3")) {
            let why = "this program was built without HTTP/3, the cargo feature \"http3\"";
            return refuse(("proxy", "http3"), why);
        }
        Ok(())
    }

    fn check_contact(&self) -> Checked {
        let Some(acme) = &self.acme else { return Ok(()) };
        if acme.contact.is_empty() {
            return refuse(("acme", "contact"), "must name whom the authority writes to");
        }
        // RFC 8555 section 7.3: one address each, and nothing but the address.
        let address = |contact: &str| {
            let address = contact.strip_prefix("mailto:")?;
            (is_mailbox(address) && !address.contains(['<', ' ', ',', '?'])).then_some(())
        };
        match acme.contact.iter().find(|contact| address(contact).is_none()) {
            Some(wrong) => {
                let why = format!("{wrong:?} is no contact such as \"mailto:ops@example.com\"");
                refuse(("acme", "contact"), why)
            }
            None => Ok(()),
        }
    }
}

fn refuse(place: Place, why: impl Display) -> Checked {
    Err((place, why.to_string()))
}

fn again(pop: Pop) -> String {
    format!("{pop} is named twice: a place has one vote")
}

/// Port 0 is another one each time.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (any || one.ip() == other.ip())
}

/// Where the key is written, to the end of its line; its table if it is not, the whole text's start without that.
pub(super) fn span_of(text: &str, (table, key): Place) -> Range<usize> {
    let start = start_of(text, table, key).unwrap_or(0);
    let end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| start + n);
    start..end
}

fn start_of(text: &str, table: &str, key: &str) -> Option<usize> {
    // What cannot be read is refused before.
    let read = DeTable::parse(text).ok()?;
    let top = read.get_ref();
    if table.is_empty() {
        return top.get_key_value(key).map(|(key, _)| key.span().start);
    }
    let (header, inside) = top.get_key_value(table)?;
    let inside = inside.get_ref().as_table()?;
    Some(inside.get_key_value(key).map_or(header.span().start, |(key, _)| key.span().start))
}
