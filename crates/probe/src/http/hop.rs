//! Where a request goes: the endpoint first, then wherever its redirects lead.

use hyper::Uri;
use trimtab_connect::ServerName;
use trimtab_model::monitor::MonitorType;
use trimtab_model::pool::Address;

use crate::{Check, ProbeError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// One request's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) scheme: Scheme,
    pub(super) address: Address,
    pub(super) port: u16,
    /// What `Host` says: a name or an address, with a port where it is not the scheme's own.
    pub(super) host: String,
    /// Path and query.
    pub(super) path: String,
    /// Still the host that the monitor's headers were written for, on a way as safe as the first.
    pub(super) home: bool,
}

// === impl Scheme ===

impl Scheme {
    pub(super) fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

// === impl Hop ===

impl Hop {
    /// The endpoint's `Host` outranks the monitor's, which outranks the address.
    pub(super) fn first(check: &Check<'_>) -> Hop {
        let probe = &check.monitor.probe;
        let scheme = match probe.kind {
            MonitorType::Https => Scheme::Https,
            _ => Scheme::Http,
        };
        let port = check.port().unwrap_or(scheme.port());
        let named = check.target.host.as_deref().or_else(|| monitor_host(check));
        let host = match named {
            Some(host) => host.to_owned(),
            None => with_port(bracketed(&check.target.address), port, scheme),
        };
        let path = rooted(&probe.path);
        Hop { scheme, address: check.target.address.clone(), port, host, path, home: true }
    }

    /// Sent as SNI when it is a name; an address is only compared with the certificate.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, ProbeError> {
        ServerName::try_from(bare_host(&self.host).to_owned())
            .map_err(|_| ProbeError::BadRequest("host is neither a name nor an address"))
    }

    /// Where `location` leads from here (RFC 9110 section 10.2.2); None when that is not HTTP.
    pub(super) fn follow(&self, location: &str) -> Option<Hop> {
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

fn monitor_host<'a>(check: &Check<'a>) -> Option<&'a str> {
    let headers = &check.monitor.probe.header;
    let (_, values) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
    values.first().map(String::as_str)
}

/// RFC 9112 section 3.2.1: a request for a host alone asks for `/`.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn bracketed(address: &Address) -> String {
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

/// The host of a `Host` value, without port and brackets.
fn bare_host(host: &str) -> &str {
    match host.rsplit_once(':') {
        // In `[::1]` the last colon belongs to the address.
        Some((name, port)) if !port.ends_with(']') => bare(name),
        _ => bare(host),
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
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
