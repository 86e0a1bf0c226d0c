//! Where a request goes: the endpoint first, then wherever its redirects lead.

use hyper::Uri;
use trimtab_model::monitor::MonitorType;
use trimtab_model::pool::Address;

use crate::Check;
use crate::secure::{bare, bare_host};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// One request's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) scheme: Scheme,
    pub(crate) address: Address,
    pub(crate) port: u16,
    /// What `Host` says: a name or an address, with a port where it is not the scheme's own.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    /// Still the host that the monitor's headers were written for, on a way as safe as the first.
    pub(crate) home: bool,
}

// === impl Scheme ===

impl Scheme {
    pub(crate) fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

// === impl Hop ===

impl Hop {
    /// The endpoint's `Host` outranks the monitor's, which outranks the address.
    pub(crate) fn first(check: &Check<'_>) -> Hop {
        let probe = &check.monitor.probe;
        let scheme = match probe.kind {
            MonitorType::Https => Scheme::Https,
            _ => Scheme::Http,
        };
        let port = check.given_port().unwrap_or(scheme.port());
        let host = match check.named_host() {
            Some(host) => host.to_owned(),
            None => with_port(bracketed(&check.target.address), port, scheme),
        };
        let path = rooted(&probe.path);
        Hop { scheme, address: check.target.address.clone(), port, host, path, home: true }
    }

    /// Where `location` leads from here (RFC 9110 section 10.2.2); None when that is not HTTP.
    pub(crate) fn follow(&self, location: &str) -> Option<Hop> {
        // A fragment is the browser's business.
        let location = location.split('#').next().unwrap_or_default().trim();
        if let Some((scheme, rest)) = absolute(location) {
            return self.elsewhere(scheme, rest);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return self.elsewhere(self.scheme, rest);
        }
        // RFC 3986 section 4.1: a colon before any slash is some other scheme.
        if location.split(['/', '?']).next().is_some_and(|first| first.contains(':')) {
            return None;
        }
        Some(Hop { path: self.relative(location), ..self.clone() })
    }

    /// The endpoint answers for its own name: whatever DNS says of that name, the endpoint is what is probed.
    fn elsewhere(&self, scheme: Scheme, rest: &str) -> Option<Hop> {
        let uri: Uri = format!("http://{rest}").parse().ok()?;
        let name = uri.host()?;
        let port = port_of(uri.authority()?.as_str(), scheme)?;
        let same_host = bare(name).eq_ignore_ascii_case(bare_host(&self.host));
        let address = if same_host { self.address.clone() } else { Address::read(bare(name))? };
        let downgraded = self.scheme == Scheme::Https && scheme == Scheme::Http;
        Some(Hop {
            scheme,
            address,
            port,
            host: with_port(name.to_owned(), port, scheme),
            path: rooted(uri.path_and_query().map_or("", |path| path.as_str())),
            home: self.home && same_host && !downgraded,
        })
    }

    /// RFC 3986 section 5.2 for references without scheme and host.
    fn relative(&self, reference: &str) -> String {
        let own_path = self.path.split('?').next().unwrap_or_default();
        let (path, query) = match reference.find('?') {
            Some(at) => reference.split_at(at),
            None => (reference, ""),
        };
        match path {
            "" if query.is_empty() => self.path.clone(),
            "" => format!("{own_path}{query}"),
            path if path.starts_with('/') => without_dots(path) + query,
            path => {
                let folder = own_path.rsplit_once('/').map_or("", |(folder, _)| folder);
                without_dots(&format!("{folder}/{path}")) + query
            }
        }
    }
}

/// RFC 9112 section 3.2.1: a request for a host alone asks for `/`.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

pub(crate) fn bracketed(address: &Address) -> String {
    match address {
        Address::Ip(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
        Address::Ip(_) | Address::Host(_) => address.to_string(),
    }
}

/// RFC 9110 section 7.2: the port is said when it is not the scheme's own.
fn with_port(host: String, port: u16, scheme: Scheme) -> String {
    if port == scheme.port() { host } else { format!("{host}:{port}") }
}

/// None when there is a port and it is none.
fn port_of(authority: &str, scheme: Scheme) -> Option<u16> {
    let host_and_port = authority.rsplit(['@', ']']).next()?;
    match host_and_port.rsplit_once(':') {
        None | Some((_, "")) => Some(scheme.port()),
        Some((_, port)) => port.parse().ok().filter(|&port| port != 0),
    }
}

fn absolute(location: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = location.split_once("://")?;
    match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Some((Scheme::Http, rest)),
        _ if scheme.eq_ignore_ascii_case("https") => Some((Scheme::Https, rest)),
        _ => None,
    }
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    // A path that ends in dots is a folder.
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;
