//! The command that repeats a probe by hand.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use trimtab_connect::Source;
use trimtab_model::monitor::MonitorType;
use trimtab_model::pool::Address;

use crate::Check;
use crate::http::hop::{Hop, Scheme, bracketed};
use crate::http::request::{OURS, user_agent};
use crate::secure::bare_host;

/// In place of what is nobody's business.
const REDACTED: &str = "***";
/// A header whose name holds one of these has a value that opens something.
const SECRETIVE: [&str; 9] =
    ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];
/// A source is asked for by where it leads to.
const FAMILIES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// As many as a probe follows.
const REDIRECTS_MAX: usize = 5;

/// For a shell, on one line; secrets of the monitor's headers are left out. It leaves from where the probe
/// left, if the tool can.
pub fn repeat(check: &Check<'_>, source: Source) -> String {
    let from = |option| from(option, &check.target.address, source);
    let (to, seconds) = (&check.target.address, check.limit().as_secs_f64().ceil());
    // A monitor without a port is probed nowhere, and 0 says so.
    let port = check.port().unwrap_or(0);
    match check.monitor.probe.kind {
        MonitorType::Http | MonitorType::Https => http(check, &from("--interface"), seconds),
        MonitorType::Tcp => format!("nc -vz{} -w {seconds} {to} {port}", from("-s")),
        MonitorType::IcmpPing => format!("ping{} -c 1 -W {seconds} {to}", from("-I")),
        MonitorType::UdpIcmp => {
            let (ping, nc) = (from("-I"), from("-s"));
            format!("ping{ping} -c 1 -W {seconds} {to} && nc -vzu{nc} -w {seconds} {to} {port}")
        }
        MonitorType::Smtp => smtp(check, port, seconds, from),
        MonitorType::Ldap => {
            let url = format!("ldap://{}:{port}", bracketed(to));
            format!("ldapwhoami -x -H {} -o nettimeout={seconds}", quoted(&url))
        }
        MonitorType::Dns => dns(check, port, &from("-b"), seconds),
        MonitorType::Grpc => grpc(check, port, seconds),
    }
}

/// For tools that take an address; of a name its first family, where there is one.
fn from(option: &str, to: &Address, source: Source) -> String {
    let address = match to {
        Address::Ip(ip) => source.towards(*ip),
        Address::Host(_) => FAMILIES.into_iter().find_map(|family| source.towards(family)),
    };
    address.map_or(String::new(), |address| format!(" {option} {address}"))
}

fn http(check: &Check<'_>, from: &str, seconds: f64) -> String {
    let (probe, hop) = (&check.monitor.probe, Hop::first(check));
    let mut command = format!("curl --verbose --max-time {seconds}{from}");
    if probe.method == "HEAD" {
        command.push_str(" --head");
    }
    if probe.allow_insecure {
        command.push_str(" --insecure");
    }
    if probe.follow_redirects {
        add(&mut command, format_args!(" --location --max-redirs {REDIRECTS_MAX}"));
    }
    let (name, port) = (bare_host(&hop.host), hop.port);
    if check.named_host().is_some() {
        let road = format!("{name}:{port}:{}:{port}", bracketed(&hop.address));
        add(&mut command, format_args!(" --connect-to {}", quoted(&road)));
        add(&mut command, format_args!(" -H {}", quoted(&format!("Host: {}", hop.host))));
    }
    add(&mut command, format_args!(" -A {}", quoted(&user_agent(check.pool))));
    for (name, values) in &probe.header {
        if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours.as_str())) {
            continue;
        }
        for value in values {
            let value = if is_secret(name) { REDACTED } else { value };
            add(&mut command, format_args!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    let scheme = match hop.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let host = match check.named_host() {
        Some(_) if name.contains(':') => format!("[{name}]"),
        Some(_) => name.to_owned(),
        None => bracketed(&hop.address),
    };
    let url = format!("{scheme}://{host}:{port}{}", hop.path);
    add(&mut command, format_args!(" {}", quoted(&url)));
    command
}

fn smtp(
    check: &Check<'_>,
    port: u16,
    seconds: f64,
    from: impl Fn(&'static str) -> String,
) -> String {
    let to = &check.target.address;
    let starttls = check.own().and_then(|own| own.smtp).is_some_and(|smtp| smtp.starttls);
    if !starttls {
        return format!(
            r"printf 'HELO probe\r\nQUIT\r\n' | nc{} -w {seconds} {to} {port}",
            from("-s")
        );
    }
    let own_name = to.to_string();
    let name = check.named_host().map_or(&*own_name, bare_host);
    let connect = format!("{}:{port}", bracketed(to));
    format!(
        r"printf 'HELO probe\r\nQUIT\r\n' | timeout {seconds} openssl s_client -starttls smtp -crlf{} -connect {} -servername {}",
        from("-bind"),
        quoted(&connect),
        quoted(name)
    )
}

fn dns(check: &Check<'_>, port: u16, from: &str, seconds: f64) -> String {
    let to = &check.target.address;
    let asked = check.own().and_then(|own| own.dns.as_ref());
    let (name, kind) = match asked {
        Some(asked) => (asked.name.as_str(), asked.rtype.word()),
        None => (".", "NS"),
    };
    let name = quoted(name);
    format!("dig{from} +noedns +tries=1 +time={seconds} @{to} -p {port} {name} {kind}")
}

fn grpc(check: &Check<'_>, port: u16, seconds: f64) -> String {
    let grpc = check.own().and_then(|own| own.grpc.clone()).unwrap_or_default();
    let mut command = format!("grpcurl -max-time {seconds}");
    match (grpc.tls, check.monitor.probe.allow_insecure) {
        (false, _) => command.push_str(" -plaintext"),
        (true, true) => command.push_str(" -insecure"),
        (true, false) => {}
    }
    if let Some(host) = check.named_host() {
        add(&mut command, format_args!(" -authority {}", quoted(host)));
    }
    // A service's name has no control characters: escaping quotes and backslashes makes it JSON.
    let service = grpc.service.replace('\\', r"\\").replace('"', r#"\""#);
    let asked = quoted(&format!(r#"{{"service":"{service}"}}"#)).into_owned();
    let to = bracketed(&check.target.address);
    add(&mut command, format_args!(" -d {asked} {to}:{port} grpc.health.v1.Health/Check"));
    command
}

/// Writing to a text cannot fail.
fn add(command: &mut String, text: std::fmt::Arguments<'_>) {
    if command.write_fmt(text).is_err() {
        command.push_str(REDACTED);
    }
}

fn is_secret(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    SECRETIVE.iter().any(|word| name.contains(word))
}

/// One word for a shell of POSIX: within single quotes nothing is special but they themselves.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/:=@%+,".contains(&b);
    match !word.is_empty() && word.bytes().all(plain) {
        true => Cow::Borrowed(word),
        false => Cow::Owned(format!("'{}'", word.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests;
