//! Evaluating allocates nothing, whatever the expression does.

use allocation_counter::measure;
use trimtab_expr::{DnsQuestion, Facts, HttpRequest, Request, parse};

const HEADERS: &[(&[u8], &[u8])] = &[
    (b"accept", b"text/html, application/JSON"),
    (b"accept", b"*/*"),
    (b"cookie", b"session=1"),
    (b"cookie", b"theme=dark"),
    (b"x-json", br#"{"tier":"go\u006cd","limits":[3,{"burst":-7}]}"#),
    (b"x-base64", b"MTIzYWJj"),
];

/// Between them: every operator, every function, a pattern with a table and one without.
const EXPRESSIONS: [&str; 22] = [
    "",
    r#"dns.qry.type in {1 28} and ip.src in {192.0.2.0/24 2001:db8::/32}"#,
    r#"dns.qry.name eq "www.example.com." or dns.rr.opt.client.addr contains "198""#,
    r#"http.host in {"a" "WWW.example.com"} xor not http.host ge "b""#,
    r#"http.host matches "^w+\.example\.(com|net)$" or http.request.uri ~ "cart\?.*x=[0-9]+""#,
    r#"http.host matches r"(?u)\bé\b|\w+" or http.host ~ r"(?u)^\w{1,5}\.""#,
    r#"http.host wildcard "*.example.*" and http.host strict wildcard "WWW*""#,
    r#"http.cookie contains "theme=dark""#,
    r#"any(lower(http.request.headers["accept"][*])[*] contains "json")"#,
    r#"all(http.request.headers[*][0] ne "a" or len(http.request.headers[*][0])[*] eq 1)"#,
    r#"concat(upper(http.host), ":", to_string(ip.src), to_string(ip.src.asnum)) eq "a""#,
    r#"substring(http.host, -3, len(http.host)) eq "com""#,
    r#"url_decode(http.request.uri.args["y"][0], "ur") eq "A b""#,
    r#"decode_base64(http.request.headers["x-base64"][0]) eq "123abc""#,
    r#"remove_bytes(http.host, ".") eq "a""#,
    r#"lookup_json_string(http.request.headers["x-json"][0], "tier") eq "gold""#,
    r#"lookup_json_integer(http.request.headers["x-json"][0], "limits", 1, "burst") eq -7"#,
    r#"join(lower(http.request.headers["accept"][*]), ";") contains "json;""#,
    r#"any(split(http.request.uri.query, "&", 128)[*] eq "Z")"#,
    r#"join(concat(http.request.uri.args.names, http.request.uri.args.values), "!") eq "a""#,
    r#"starts_with(http.host, "W") and ends_with(http.host, "m") and cidr(ip.src, 24, 48) ne ::1"#,
    r#"is_timed_hmac_valid_v0("mysecretkey", http.request.uri.args["t"][0], 60, http.request.timestamp.sec)"#,
];

fn facts(request: Request<'_>) -> Facts<'_> {
    Facts {
        balancer: b"lb.example.com",
        region: b"WEU",
        source: [192, 0, 2, 1].into(),
        asn: &|| Some(64_500),
        request,
    }
}

#[test]
fn semantics_23_evaluation_allocates_nothing() {
    let http = facts(Request::Http(&HttpRequest {
        method: b"GET",
        host: b"WWW.example.com",
        uri: b"/shop/cart?x=1&y=%41+b&Z&t=/download/cat.jpg1484063787-JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D",
        version: b"HTTP/2",
        timestamp_seconds: 1_484_063_790,
        headers: &HEADERS,
    }));
    let question = DnsQuestion {
        name: b"www.example.com.",
        qtype: 28,
        is_question: true,
        client_subnet: Some([198, 51, 100, 0].into()),
    };
    let dns = facts(Request::Dns(&question));
    for source in EXPRESSIONS {
        let expression = parse(source).unwrap();
        for facts in [&http, &dns, &facts(Request::Opaque)] {
            // A pattern without a table finds its states the first time.
            let first = expression.matches(facts);
            let mut second = false;
            let allocated = measure(|| second = expression.matches(facts));
            assert_eq!(allocated.count_total, 0, "{source}");
            assert_eq!(first, second);
        }
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1_u8)))).count_total, 1);
}
