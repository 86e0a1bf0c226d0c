//! A health check from a body.

use trimtab_model::health_check::{
    CODES_MAX, CheckPace, CheckProbe, CheckType, DESCRIPTION_CHARS_MAX, HealthCheck, HttpCheck,
    NAME_CHARS_MAX,
};
use trimtab_model::monitor::{
    BODY_BYTES_READ_MAX, CONSECUTIVE_MAX, ExpectedCodes, INTERVAL_SECONDS_DEFAULT,
    INTERVAL_SECONDS_MAX, RETRIES_DEFAULT, RETRIES_MAX, TIMEOUT_SECONDS, TIMEOUT_SECONDS_DEFAULT,
};
use trimtab_model::pool::{Address, CheckRegions};
use trimtab_model::{HealthCheckId, Timestamp, ZoneId};

use super::super::Limits;
use super::super::monitor::{headers, path};
use super::super::pool::{check_regions, name};
use crate::body::{Node, Object, flag, no_extension, shown, text, whole, word};

pub(super) const CONNECTION_ESTABLISHED: &str = "connection_established";
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
const TCP_PORT: u16 = 80;
const HTTP_FIELDS: &[&str] = &[
    "allow_insecure",
    "expected_body",
    "expected_codes",
    "follow_redirects",
    "header",
    "method",
    "path",
    "port",
];

pub(super) fn has_usual_port(probe: &CheckProbe) -> bool {
    match probe {
        CheckProbe::Http(http) => http.port == HTTP_PORT,
        CheckProbe::Https(http) => http.port == HTTPS_PORT,
        CheckProbe::Tcp { port } => *port == TCP_PORT,
    }
}

pub(super) fn check(body: &mut Object<'_>, zone: ZoneId, limits: &Limits) -> Option<HealthCheck> {
    let name = body.required("name", name(NAME_CHARS_MAX));
    let address = body.required("address", address);
    let description = body.or("description", String::new(), text(DESCRIPTION_CHARS_MAX));
    let regions = body.or("check_regions", CheckRegions::Default, check_regions);
    let suspended = body.or("suspended", false, flag);
    let pace = pace(body, limits);
    let extension = body.or("trimtab", (), no_extension);
    let kind = body.or("type", CheckType::Http, word);
    // Without a type nothing can be said of the configuration that depends on it.
    let probe = probe(body, kind?);
    extension?;
    Some(HealthCheck {
        id: HealthCheckId::new([0; 16]),
        zone,
        name: name?,
        description: description?,
        address: address?,
        check_regions: regions?,
        suspended: suspended?,
        pace: pace?,
        probe: probe?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn address(node: &mut Node<'_>) -> Option<Address> {
    let text = node.text()?;
    let address = Address::read(text);
    if address.is_none() {
        node.refuse(format_args!("invalid address: {}", shown(text)));
    }
    address
}

fn pace(body: &mut Object<'_>, limits: &Limits) -> Option<CheckPace> {
    let intervals = limits.monitor_interval_min..=INTERVAL_SECONDS_MAX;
    let interval = body.or("interval", INTERVAL_SECONDS_DEFAULT, whole(intervals));
    let retries = body.or("retries", RETRIES_DEFAULT, whole(0..=RETRIES_MAX));
    let timeout = body.or("timeout", TIMEOUT_SECONDS_DEFAULT, whole(TIMEOUT_SECONDS));
    let fails = body.or("consecutive_fails", 1, whole(1..=CONSECUTIVE_MAX));
    let successes = body.or("consecutive_successes", 1, whole(1..=CONSECUTIVE_MAX));
    Some(CheckPace {
        interval: interval?,
        retries: retries?,
        timeout: timeout?,
        consecutive_fails: fails?,
        consecutive_successes: successes?,
    })
}

fn probe(body: &mut Object<'_>, kind: CheckType) -> Option<CheckProbe> {
    let other = match kind {
        CheckType::Http | CheckType::Https => "tcp_config",
        CheckType::Tcp => "http_config",
    };
    if body.has(other) {
        body.refuse(other, format_args!("{other} is not for {kind} health checks"));
    }
    match kind {
        CheckType::Http => http_in(body, HTTP_PORT).map(CheckProbe::Http),
        CheckType::Https => http_in(body, HTTPS_PORT).map(CheckProbe::Https),
        CheckType::Tcp => body.or("tcp_config", TCP_PORT, tcp).map(|port| CheckProbe::Tcp { port }),
    }
}

fn http_in(body: &mut Object<'_>, usual_port: u16) -> Option<HttpCheck> {
    let usual = HttpCheck::usual(usual_port);
    body.or("http_config", usual.clone(), |node| http(node, usual))
}

fn http(node: &mut Node<'_>, usual: HttpCheck) -> Option<HttpCheck> {
    let mut fields = node.object()?;
    fields.refuse_all_but(HTTP_FIELDS);
    let method = fields.or("method", usual.method, word);
    let port = fields.or("port", usual.port, whole(1..=u16::MAX));
    let path = fields.or("path", usual.path.clone(), path);
    let codes = fields.or("expected_codes", usual.expected_codes, |node| {
        node.list("expected_codes", 1..=CODES_MAX, code)
    });
    let expected_body = fields.or("expected_body", String::new(), text(BODY_BYTES_READ_MAX));
    let follow_redirects = fields.or("follow_redirects", usual.follow_redirects, flag);
    let allow_insecure = fields.or("allow_insecure", usual.allow_insecure, flag);
    let header = fields.optional("header", headers);
    Some(HttpCheck {
        method: method?,
        port: port?,
        path: Some(path?).filter(|path| !path.is_empty()).unwrap_or(usual.path),
        expected_codes: codes?,
        expected_body: expected_body?,
        follow_redirects: follow_redirects?,
        allow_insecure: allow_insecure?,
        header: header?,
    })
}

fn code(node: &mut Node<'_>) -> Option<ExpectedCodes> {
    let text = node.text()?;
    let code = ExpectedCodes::try_from(text.to_owned()).ok().filter(|code| !code.is_none());
    if code.is_none() {
        node.refuse_named(format_args!("{:?} is not a status such as 200 or 2xx", shown(text)));
    }
    code
}

fn tcp(node: &mut Node<'_>) -> Option<u16> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["method", "port"]);
    let method = fields.or("method", (), |node| {
        let method = node.text()?;
        if method != CONNECTION_ESTABLISHED {
            let method = shown(method);
            node.refuse_named(format_args!("{method:?} is not one of {CONNECTION_ESTABLISHED}"));
            return None;
        }
        Some(())
    });
    let port = fields.or("port", TCP_PORT, whole(1..=u16::MAX));
    method?;
    port
}
