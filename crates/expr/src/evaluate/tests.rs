//! Every field, operator and function against one DNS question and one HTTP request.

use std::net::IpAddr;

use crate::expression::parse;
use crate::facts::{DnsQuestion, Facts, HttpRequest, Request};
use crate::scratch::SCRATCH_BYTES;

const QUESTION: DnsQuestion<'static> = DnsQuestion {
    name: b"www.example.com.",
    qtype: 28,
    is_question: true,
    client_subnet: Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 0))),
};
const HEADERS: &[(&[u8], &[u8])] = &[
    (b"accept", b"text/html, application/JSON"),
    (b"accept", b"*/*"),
    (b"cookie", b"session=1"),
    (b"cookie", b"theme=dark"),
    (b"referer", b"https://a.example/?q=%2520"),
    (b"x-raw", b"\xffA\x00b"),
    (b"x-json", br#"{"tier":"go\u006cd","limits":[3,{"burst":-7}],"f":42.0}"#),
    (b"x-base64", b"MTIzYWJj"),
    (b"x-list", b"groceries,electronics,diy,auto"),
];
const REQUEST: HttpRequest<'static> = HttpRequest {
    method: b"GET",
    host: b"WWW.example.com",
    uri: b"/shop/cart?x=1&x=2&y=%41+b&Z",
    version: b"HTTP/2",
    timestamp_seconds: 1_700_000_000,
    headers: &HEADERS,
};

fn facts<'a>(source: &str, request: Request<'a>) -> Facts<'a> {
    Facts {
        balancer: b"lb.example.com",
        region: b"WEU",
        source: source.parse().unwrap(),
        asn: &|| Some(64_500),
        request,
    }
}

fn holds(source: &str, facts: &Facts<'_>) -> bool {
    parse(source).unwrap_or_else(|refused| panic!("{refused}")).matches(facts)
}

/// Each holds, and turned round it does not.
fn all_hold(facts: &Facts<'_>, sources: &[&str]) {
    for source in sources {
        assert!(holds(source, facts), "{source}");
        assert!(!holds(&format!("not ({source})"), facts), "not ({source})");
    }
}

fn none_hold(facts: &Facts<'_>, sources: &[&str]) {
    for source in sources {
        assert!(!holds(source, facts), "{source}");
    }
}

fn dns() -> Facts<'static> {
    facts("192.0.2.1", Request::Dns(&QUESTION))
}

fn http() -> Facts<'static> {
    facts("192.0.2.1", Request::Http(&REQUEST))
}

#[test]
fn fields_are_read_from_their_traffic() {
    let everywhere = [
        r#"cf.load_balancer.name eq "lb.example.com""#,
        r#"cf.load_balancer.region eq "WEU""#,
        "ip.src eq 192.0.2.1",
        "ip.src.asnum eq 64500",
    ];
    for request in [Request::Dns(&QUESTION), Request::Http(&REQUEST), Request::Opaque] {
        all_hold(&facts("192.0.2.1", request), &everywhere);
    }
    all_hold(
        &dns(),
        &[
            r#"dns.qry.name eq "www.example.com.""#,
            "dns.qry.name.len eq 16",
            "dns.qry.qu",
            "dns.qry.type eq 28",
            "dns.rr.opt.client",
            r#"dns.rr.opt.client.addr eq "198.51.100.0""#,
        ],
    );
    all_hold(
        &http(),
        &[
            r#"http.cookie eq "session=1; theme=dark""#,
            r#"http.host eq "WWW.example.com""#,
            r#"http.referer eq "https://a.example/?q=%2520""#,
            r#"http.request.headers["accept"][1] eq "*/*""#,
            r#"http.request.method eq "GET""#,
            "http.request.timestamp.sec eq 1700000000",
            r#"http.request.uri eq "/shop/cart?x=1&x=2&y=%41+b&Z""#,
            r#"http.request.uri.path eq "/shop/cart""#,
            r#"http.request.uri.query eq "x=1&x=2&y=%41+b&Z""#,
            r#"http.request.uri.args["x"][1] eq "2""#,
            r#"http.request.uri.args["Z"][0] eq """#,
            r#"join(http.request.uri.args.names, "|") eq "x|x|y|Z""#,
            r#"join(http.request.uri.args.values, "|") eq "1|2|%41+b|""#,
            r#"http.request.version eq "HTTP/2""#,
        ],
    );
    let bare = DnsQuestion { is_question: false, client_subnet: None, ..QUESTION };
    none_hold(
        &facts("::1", Request::Dns(&bare)),
        &["dns.qry.qu", "dns.rr.opt.client", r#"dns.rr.opt.client.addr ne "a""#],
    );
}

#[test]
fn strings_compare_by_their_bytes() {
    all_hold(
        &http(),
        &[
            r#"http.host ne "www.example.com""#,
            r#"http.host lt "www.example.com""#,
            r#"http.host le "WWW.example.com""#,
            r#"http.host ge "WWW.example.com""#,
            r#"http.host gt "WWW.example.co""#,
            r#"http.request.headers["x-raw"][0] gt "~""#,
            r#"http.request.headers["x-raw"][0] eq ff:41:00:62"#,
            r#"http.host contains "example""#,
            r#"http.host contains """#,
            r#"http.host matches "^W{3}\.""#,
            r#"http.request.headers["x-raw"][0] matches "\xff.\x00""#,
            r#"http.host wildcard "www.*.COM""#,
            r#"http.host strict wildcard "WWW.*""#,
            r#"http.host in {"b" "WWW.example.com" "a"}"#,
        ],
    );
    none_hold(
        &http(),
        &[
            r#"http.host lt "WWW""#,
            r#"http.host contains "Example""#,
            r#"http.host matches "^example""#,
            r#"http.host strict wildcard "www.*""#,
            r#"http.host wildcard "www""#,
            r#"http.host in {"www.example.com"}"#,
            "http.host in {}",
        ],
    );
}

#[test]
fn numbers_compare_with_sign_and_bits() {
    all_hold(
        &dns(),
        &[
            "dns.qry.type ne 27",
            "dns.qry.type lt 29",
            "dns.qry.type le 28",
            "dns.qry.type gt -1",
            "dns.qry.type ge 28",
            "dns.qry.type & 0x14",
            "dns.qry.type in {1 20..30}",
            "dns.qry.type in {28 28}",
        ],
    );
    none_hold(
        &dns(),
        &["dns.qry.type & 3", "dns.qry.type in {1..27 29..100}", "dns.qry.type in {}"],
    );
}

#[test]
fn addresses_of_two_families_are_only_different() {
    all_hold(
        &dns(),
        &[
            "ip.src ne 192.0.2.2",
            "ip.src lt 192.0.2.2",
            "ip.src ge 192.0.2.1",
            "ip.src ne ::1",
            "ip.src in {192.0.2.0/24}",
            "ip.src in {::/0 0.0.0.0/0}",
            "ip.src in {192.0.2.1}",
            "ip.src in {10.0.0.0..192.0.2.1}",
            "cidr(ip.src, 24, 48) eq 192.0.2.0",
            "cidr6(ip.src, 48) eq 192.0.2.1",
        ],
    );
    none_hold(
        &dns(),
        &[
            "ip.src lt ::1",
            "ip.src gt ::1",
            "ip.src eq ::ffff:192.0.2.1",
            "ip.src in {::/0}",
            "ip.src in {192.0.2.2..192.0.2.9 192.0.3.0/24}",
        ],
    );
    all_hold(
        &facts("2001:db8:1:2::3", Request::Opaque),
        &[
            "ip.src gt 2001:db8::1",
            "ip.src in {2001:db8::/32}",
            "cidr(ip.src, 24, 48) eq 2001:db8:1::",
            "cidr6(ip.src, 32) eq 2001:db8::",
            r#"to_string(ip.src) eq "2001:db8:1:2::3""#,
        ],
    );
}

#[test]
fn logic_is_that_of_its_words() {
    for (source, expected) in [
        ("dns.qry.qu and dns.qry.type eq 1", false),
        ("dns.qry.qu or dns.qry.type eq 1", true),
        ("dns.qry.qu xor dns.qry.type eq 1", true),
        ("dns.qry.qu xor dns.qry.type eq 28", false),
        ("dns.qry.qu xor dns.qry.qu xor dns.qry.qu", true),
        ("not dns.qry.qu or dns.qry.qu", true),
        ("not (dns.qry.qu or dns.qry.qu)", false),
        ("dns.qry.type eq 1 and dns.qry.qu or dns.qry.qu", true),
        ("dns.qry.type eq 1 and (dns.qry.qu or dns.qry.qu)", false),
        ("dns.qry.qu or dns.qry.qu xor dns.qry.qu", true),
        ("", true),
        (" \r\n ", true),
    ] {
        assert_eq!(holds(source, &dns()), expected, "{source}");
    }
}

#[test]
fn functions_make_what_they_say() {
    all_hold(
        &http(),
        &[
            r#"lower(http.host) eq "www.example.com""#,
            r#"upper(http.request.headers["x-raw"][0]) eq "\xffA\x00B""#,
            "len(http.host) eq 15",
            r#"len(http.request.headers["accept"]) eq 2"#,
            "len(http.request.uri.args.names) eq 4",
            r#"concat(http.request.method, " ", http.host, ":", to_string(http.request.timestamp.sec)) eq "GET WWW.example.com:1700000000""#,
            r#"starts_with(http.request.uri.path, "/shop")"#,
            r#"ends_with(http.request.uri.path, "cart")"#,
            r#"starts_with(http.request.uri, http.request.uri.path)"#,
            r#"substring(http.host, 4, -4) eq "example""#,
            r#"substring(http.host, -3) eq "com""#,
            r#"substring(http.host, len(http.request.method)) eq ".example.com""#,
            r#"remove_bytes(http.host, "\x2eW") eq "examplecom""#,
            r#"url_decode(http.request.uri.args["y"][0]) eq "A b""#,
            r#"url_decode(http.referer, "r") eq "https://a.example/?q= ""#,
            r#"decode_base64(http.request.headers["x-base64"][0]) eq "123abc""#,
            r#"lookup_json_string(http.request.headers["x-json"][0], "tier") eq "gold""#,
            r#"lookup_json_integer(http.request.headers["x-json"][0], "limits", 1, "burst") eq -7"#,
            r#"split(http.request.headers["x-list"][0], ",", 3)[2] eq "diy,auto""#,
            r#"len(split(http.request.headers["x-list"][0], ",", 64)) eq 4"#,
            r#"split(http.host, "!", 5)[0] eq "WWW.example.com""#,
            r#"len(split(http.request.uri.args["Z"][0], ",", 2)) eq 1"#,
            r#"join(concat(http.request.uri.args["x"], http.request.uri.args["none"], http.request.headers["accept"]), ";") eq "1;2;text/html, application/JSON;*/*""#,
            r#"join(lower(http.request.headers["accept"][*]), ";") eq "text/html, application/json;*/*""#,
            r#"lower(http.request.headers["accept"][*])[0] contains "json""#,
            r#"to_string(starts_with(http.host, "W")) eq "true""#,
            r#"to_string(any(http.request.uri.args.names[*] eq "q")) eq "false""#,
        ],
    );
    none_hold(
        &http(),
        &[
            r#"lookup_json_integer(http.request.headers["x-json"][0], "f") eq 42"#,
            r#"lookup_json_string(http.request.headers["x-json"][0], "limits") ne "a""#,
            r#"decode_base64(http.host) ne "a""#,
            r#"split(http.host, ".", 2)[2] ne "a""#,
        ],
    );
}

#[test]
fn tokens_are_checked_against_the_time_of_the_request() {
    let token =
        "/download/cat.jpg?verify=1484063787-JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D";
    let source = "is_timed_hmac_valid_v0(\"mysecretkey\", http.request.uri, 60, http.request.timestamp.sec, 8)";
    for (timestamp_seconds, expected) in [(1_484_063_787, true), (1_484_063_848, false)] {
        let request = HttpRequest { uri: token.as_bytes(), timestamp_seconds, ..REQUEST };
        assert_eq!(holds(source, &facts("::1", Request::Http(&request))), expected);
    }
    let parts = r#"is_timed_hmac_valid_v0("mysecretkey", concat("/download/cat.jpg", "1484063787", "-JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5+BFS9zZZ0="), 60, 1484063790)"#;
    assert!(holds(parts, &dns()));
}

#[test]
fn quantifiers_go_through_arrays() {
    all_hold(
        &http(),
        &[
            r#"any(http.request.headers["accept"][*] contains "JSON")"#,
            r#"any(lower(http.request.headers["accept"][*])[*] contains "json")"#,
            r#"all(http.request.headers["accept"][*] contains "/")"#,
            r#"any(http.request.uri.args.names[*] eq "y" and len(http.request.uri.args.names[*])[*] eq 1)"#,
            r#"any(http.request.uri.args.values[*] eq "1" xor http.request.uri.args.values[*] eq "2")"#,
            r#"all(not http.request.uri.args.names[*] eq "q")"#,
            r#"any(starts_with(http.request.uri.args.values[*], "%"))"#,
            r#"any(starts_with(http.request.uri.args.values[*], "%")[*])"#,
            r#"any(http.request.headers[*][*] eq "*/*")"#,
            r#"any(http.request.headers[*][1] eq "theme=dark")"#,
            r#"all(http.request.headers[*][1] in {"*/*" "theme=dark"})"#,
            r#"all(http.request.uri.args[*][1] eq "2")"#,
            r#"any(split(http.request.headers["x-list"][0], ",", 9)[*] eq "diy")"#,
        ],
    );
    none_hold(
        &http(),
        &[
            r#"all(http.request.headers["accept"][*] contains "JSON")"#,
            r#"any(http.request.headers["accept"][*] contains "json")"#,
            r#"any(http.request.uri.args.names[*] eq "y" and http.request.uri.args.names[*] eq "x")"#,
            r#"any(http.request.headers[*][0] eq "*/*")"#,
            r#"any(http.request.headers[*][2] ne "*/*")"#,
        ],
    );
}

#[test]
fn nothing_is_any_of_nothing_and_everything_is_all_of_it() {
    let empty = HttpRequest { uri: b"/", ..REQUEST };
    for facts in [facts("::1", Request::Http(&empty)), dns()] {
        none_hold(
            &facts,
            &[
                r#"any(http.request.headers["none"][*] eq "a")"#,
                r#"any(http.request.headers["none"][*] ne "a")"#,
                // The array itself is the argument, and it is not there.
                r#"all(starts_with(http.request.headers["none"][*], "a"))"#,
                r#"any(starts_with(http.request.headers["none"][*], "a"))"#,
            ],
        );
        all_hold(
            &facts,
            &[
                r#"all(http.request.headers["none"][*] eq "a")"#,
                r#"all(starts_with(http.request.headers["none"][*], "a")[*])"#,
                r#"all(http.request.uri.args.names[*] eq "a")"#,
            ],
        );
    }
    assert!(holds("len(http.request.uri.args.names) eq 0", &facts("::1", Request::Http(&empty))));
}

#[test]
fn semantics_22_fields_of_other_traffic_are_absent() {
    let of_http = [
        r#"http.host ne "a""#,
        r#"http.cookie ne "a""#,
        r#"http.request.headers["a"][0] ne "a""#,
        "http.request.timestamp.sec ge 0",
        "len(http.request.uri.args.names) ge 0",
        r#"any(http.request.headers[*][*] ne "a")"#,
        r#"concat(http.host, http.cookie) ne "a""#,
        r#"join(http.request.uri.args.names, ",") ne "a""#,
        r#"to_string(starts_with(http.host, "a")) ne "a""#,
    ];
    let of_dns = [
        r#"dns.qry.name ne "a""#,
        "dns.qry.name.len ge 0",
        "dns.qry.qu",
        "dns.qry.type ge 0",
        "dns.rr.opt.client",
        r#"dns.rr.opt.client.addr ne "a""#,
        r#"to_string(dns.qry.qu) ne "a""#,
    ];
    none_hold(&dns(), &of_http);
    none_hold(&http(), &of_dns);
    none_hold(&facts("::1", Request::Opaque), &of_http);
    none_hold(&facts("::1", Request::Opaque), &of_dns);
}

#[test]
fn semantics_22_every_comparison_with_an_absent_value_is_false() {
    for relation in ["eq", "ne", "lt", "le", "gt", "ge"] {
        for absent in [
            r#"http.request.headers["none"][0]"#,
            r#"http.request.headers["accept"][2]"#,
            r#"lower(http.request.headers["none"][0])"#,
            r#"lookup_json_string(http.request.headers["x-json"][0], "none")"#,
        ] {
            none_hold(&http(), &[&format!("{absent} {relation} \"a\"")]);
        }
        let number = format!("len(http.request.headers[\"none\"][0]) {relation} 1");
        none_hold(&http(), &[&number]);
    }
    none_hold(
        &http(),
        &[
            r#"http.request.headers["none"][0] contains """#,
            r#"http.request.headers["none"][0] matches """#,
            r#"http.request.headers["none"][0] wildcard "*""#,
            r#"http.request.headers["none"][0] in {"a"}"#,
            r#"len(http.request.headers["none"][0]) & -1"#,
            r#"len(http.request.headers["none"]) ge 0"#,
            r#"starts_with(http.request.headers["none"][0], "")"#,
            r#"starts_with(http.host, http.request.headers["none"][0])"#,
        ],
    );
    all_hold(
        &http(),
        &[
            r#"not http.request.headers["none"][0] eq "a""#,
            r#"concat("a", http.request.headers["none"][0], "b") eq "ab""#,
        ],
    );
}

#[test]
fn semantics_23_a_string_that_does_not_fit_is_absent() {
    let long = vec![b'A'; SCRATCH_BYTES];
    let headers: &[(&[u8], &[u8])] = &[(b"a", &long), (b"a", b"B")];
    let request = HttpRequest { headers: &headers, ..REQUEST };
    let facts = Facts { request: Request::Http(&request), ..dns() };
    all_hold(
        &facts,
        &[
            r#"lower(http.request.headers["a"][0]) ne """#,
            // Each has the whole area.
            r#"any(lower(http.request.headers["a"][*])[*] eq "b")"#,
            r#"all(lower(http.request.headers["a"][*])[*] ne "B")"#,
        ],
    );
    none_hold(
        &facts,
        &[
            r#"concat(http.request.headers["a"][0], "a") ne """#,
            r#"lower(http.request.headers["a"][0]) ne "" and concat(lower(http.request.headers["a"][0]), "a") ne """#,
            r#"join(http.request.headers["a"], ",") ne """#,
        ],
    );
}

#[test]
fn the_autonomous_system_is_looked_up_only_when_it_is_read() {
    let asked = std::cell::Cell::new(0);
    let asn = || {
        asked.set(asked.get() + 1);
        None
    };
    let facts = Facts { asn: &asn, ..dns() };
    assert!(holds("dns.qry.qu or ip.src.asnum eq 1", &facts));
    assert_eq!(asked.get(), 0);
    none_hold(&facts, &["ip.src.asnum ne 1"]);
    assert_eq!(asked.get(), 1);
}
