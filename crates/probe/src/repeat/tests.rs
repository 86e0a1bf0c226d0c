use std::time::Duration;

use trimtab_live::Target;
use trimtab_model::monitor::extension::{Dns, Grpc, QueryType, ResponseCode, Smtp};
use trimtab_model::monitor::{Extension, Pace, Probe};
use trimtab_model::{Monitor, MonitorId, PoolId, Timestamp};

use super::*;

const AGENT: &str =
    "-A 'Mozilla/5.0 (compatible; Trimtab-Traffic-Manager/1.0; pool-id: 0707070707070707)'";

fn probe(kind: MonitorType) -> Probe {
    Probe {
        kind,
        method: "GET".into(),
        path: "/health".into(),
        port: 0,
        header: Default::default(),
        expected_codes: "200".to_owned().try_into().unwrap(),
        expected_body: String::new(),
        follow_redirects: false,
        allow_insecure: false,
        probe_zone: None,
        extension: None,
    }
}

fn check(probe: Probe, to: (&str, u16, Option<&str>), want: &str) {
    check_from(&[], probe, to, want);
}

fn check_from(source: &[&str], probe: Probe, to: (&str, u16, Option<&str>), want: &str) {
    let source: Vec<IpAddr> = source.iter().map(|ip| ip.parse().unwrap()).collect();
    let monitor = Monitor {
        id: MonitorId::new([9; 16]),
        probe,
        pace: Pace::default(),
        description: String::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    };
    let (address, port, host) = to;
    let address = Address::read(address).unwrap();
    let target = Target {
        key: 1,
        name: "a".into(),
        address,
        port,
        host: host.map(Into::into),
        upstream: None,
    };
    let pool = PoolId::new([7; 16]);
    let check = Check { monitor: &monitor, pool, target: &target, delay: Duration::ZERO };
    assert_eq!(repeat(&check, Source::new(&source).unwrap()), want);
}

fn own(kind: MonitorType, extension: Extension) -> Probe {
    Probe { extension: Some(Box::new(extension)), ..probe(kind) }
}

#[test]
fn http_is_repeated_with_host_headers_and_limit_but_without_secrets() {
    let plain = format!("curl --verbose --max-time 5 {AGENT} http://192.0.2.1:80/health");
    check(probe(MonitorType::Http), ("192.0.2.1", 0, None), &plain);

    let v6 = format!("curl --verbose --max-time 5 {AGENT} 'http://[2001:db8::1]:8080/health'");
    check(probe(MonitorType::Http), ("2001:db8::1", 8080, None), &v6);

    let headers = [
        ("Authorization", "Bearer s3cret"),
        ("Cookie", "a=b"),
        ("Host", "outranked.example.com"),
        ("X-API-Key", "s3cret"),
        ("X-Note", "it's $HOME; `id`"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    let full = Probe {
        method: "HEAD".into(),
        header: headers.into(),
        follow_redirects: true,
        allow_insecure: true,
        ..probe(MonitorType::Https)
    };
    let want = format!(
        "curl --verbose --max-time 5 --head --insecure --location --max-redirs 5 \
         --connect-to www.example.com:8443:192.0.2.1:8443 -H 'Host: www.example.com' {AGENT} \
         -H 'Authorization: ***' -H 'Cookie: ***' -H 'X-API-Key: ***' \
         -H 'X-Note: it'\\''s $HOME; `id`' https://www.example.com:8443/health"
    );
    check(full, ("192.0.2.1", 8443, Some("www.example.com")), &want);
}

#[test]
fn other_kinds_are_repeated_with_the_usual_tools() {
    let to = |port| ("192.0.2.1", port, None);
    check(probe(MonitorType::Tcp), to(5432), "nc -vz -w 5 192.0.2.1 5432");
    check(probe(MonitorType::IcmpPing), to(0), "ping -c 1 -W 5 192.0.2.1");
    let udp = "ping -c 1 -W 5 192.0.2.1 && nc -vzu -w 5 192.0.2.1 51820";
    check(probe(MonitorType::UdpIcmp), to(51820), udp);
    let smtp = r"printf 'HELO probe\r\nQUIT\r\n' | nc -w 5 192.0.2.1 25";
    check(probe(MonitorType::Smtp), to(0), smtp);
    let starttls = Extension { smtp: Some(Smtp { starttls: true }), ..Extension::default() };
    let want = r"printf 'HELO probe\r\nQUIT\r\n' | timeout 5 openssl s_client -starttls smtp -crlf -connect 192.0.2.1:25 -servername mail.example.com";
    let endpoint = ("192.0.2.1", 0, Some("mail.example.com"));
    check(own(MonitorType::Smtp, starttls), endpoint, want);
    let ldap = "ldapwhoami -x -H 'ldap://[2001:db8::1]:389' -o nettimeout=5";
    check(probe(MonitorType::Ldap), ("2001:db8::1", 0, None), ldap);
    let asked = Dns {
        name: "www.example.com".parse().unwrap(),
        rtype: QueryType::Soa,
        rcode: ResponseCode::NoError,
        answer: None,
    };
    let asks = Extension { dns: Some(asked), timeout_ms: Some(300), ..Extension::default() };
    let want = "dig +noedns +tries=1 +time=1 @192.0.2.1 -p 53 www.example.com SOA";
    check(own(MonitorType::Dns, asks), to(0), want);
    let named = Grpc { service: r#"a."B'"#.into(), tls: false };
    let grpc = Extension { grpc: Some(named), ..Extension::default() };
    let want = r#"grpcurl -max-time 5 -plaintext -authority api.example.com -d '{"service":"a.\"B'\''"}' 192.0.2.1:50051 grpc.health.v1.Health/Check"#;
    let endpoint = ("192.0.2.1", 50051, Some("api.example.com"));
    check(own(MonitorType::Grpc, grpc), endpoint, want);
}

#[test]
fn a_place_with_its_own_way_out_is_repeated_from_there() {
    let from = |kind, name, want: &str| {
        check_from(&["192.0.2.3", "2001:db8::3"], probe(kind), (name, 53, None), want);
    };
    let curl = |from, to| format!("curl --verbose --max-time 5 --interface {from} {AGENT} {to}");
    from(MonitorType::Http, "192.0.2.1", &curl("192.0.2.3", "http://192.0.2.1:53/health"));
    from(
        MonitorType::Http,
        "2001:db8::1",
        &curl("2001:db8::3", "'http://[2001:db8::1]:53/health'"),
    );
    from(MonitorType::Http, "a.example", &curl("192.0.2.3", "http://a.example:53/health"));
    from(MonitorType::Tcp, "192.0.2.1", "nc -vz -s 192.0.2.3 -w 5 192.0.2.1 53");
    from(MonitorType::IcmpPing, "192.0.2.1", "ping -I 192.0.2.3 -c 1 -W 5 192.0.2.1");
    let ping = "ping -I 192.0.2.3 -c 1 -W 5 192.0.2.1 && nc -vzu -s 192.0.2.3 -w 5 192.0.2.1 53";
    from(MonitorType::UdpIcmp, "192.0.2.1", ping);
    let smtp = r"printf 'HELO probe\r\nQUIT\r\n' | nc -s 192.0.2.3 -w 5 192.0.2.1 53";
    from(MonitorType::Smtp, "192.0.2.1", smtp);
    let dig = "dig -b 192.0.2.3 +noedns +tries=1 +time=5 @192.0.2.1 -p 53 . NS";
    from(MonitorType::Dns, "192.0.2.1", dig);
}
