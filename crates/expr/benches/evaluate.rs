//! Instructions of one rule. `cargo bench -p trimtab-expr`; needs valgrind and gungraun-runner.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]
#![expect(unused_qualifications, reason = "the macros of the bench write them")]

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use trimtab_expr::{DnsQuestion, Expression, Facts, HttpRequest, Request, parse};

/// What a browser sends, and the line that is looked for nearly at the end.
const HEADERS: &[(&[u8], &[u8])] = &[
    (b"host", b"www.example.com"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de,en-US;q=0.7,en;q=0.3"),
    (b"connection", b"keep-alive"),
    (b"sec-fetch-dest", b"document"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-site", b"none"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"cookie", b"session=0123456789abcdef; theme=dark"),
];

const DNS: Request<'static> = Request::Dns(&DnsQuestion {
    name: b"www.example.com.",
    qtype: 28,
    is_question: true,
    client_subnet: None,
});
const HTTP: Request<'static> = Request::Http(&HttpRequest {
    method: b"GET",
    host: b"www.example.com",
    uri: b"/api/v2/orders/2024?page=3&sort=asc",
    version: b"HTTP/2",
    timestamp_seconds: 1_700_000_000,
    headers: &HEADERS,
});

fn facts(request: Request<'static>) -> Facts<'static> {
    Facts {
        balancer: b"www.example.com",
        region: b"WEU",
        source: [10, 50, 3, 7].into(),
        asn: &|| Some(64_500),
        request,
    }
}

fn read(source: &str, request: Request<'static>) -> (Expression, Facts<'static>) {
    (parse(source).expect("an expression"), facts(request))
}

fn networks() -> (Expression, Facts<'static>) {
    let networks: Vec<String> = (0..100).map(|number| format!("10.{number}.0.0/17")).collect();
    read(&format!("ip.src in {{{}}}", networks.join(" ")), DNS)
}

/// A thousand arguments to the power of three: what the limit on work comes to.
fn walks() -> (Expression, Facts<'static>) {
    const NAMES: &str = "http.request.uri.args.names[*]";
    let walk = |inner: &str| format!("any(starts_with({NAMES}, to_string({inner})))");
    let uri: &'static str = Box::leak(format!("/?{}", "a&".repeat(1000)).into_boxed_str());
    let Request::Http(request) = HTTP else { unreachable!("a request") };
    let request = Box::leak(Box::new(HttpRequest { uri: uri.as_bytes(), ..*request }));
    read(&walk(&walk(&walk("ip.src.asnum"))), Request::Http(request))
}

#[library_benchmark]
#[bench::dns(read(r#"cf.load_balancer.region in {"WEU" "EEU"} and dns.qry.type eq 28"#, DNS))]
#[bench::header(read(r#"any(http.request.headers["user-agent"][*] contains "curl")"#, HTTP))]
#[bench::lower_header(read(
    r#"any(lower(http.request.headers["user-agent"][*])[*] contains "curl")"#,
    HTTP
))]
#[bench::regex(read(r#"http.request.uri.path matches "^/api/v[0-9]+/orders/""#, HTTP))]
#[bench::networks(networks())]
#[bench::walks(walks())]
fn evaluate((expression, facts): (Expression, Facts<'static>)) -> (bool, Expression) {
    (black_box(&expression).matches(black_box(&facts)), expression)
}

library_benchmark_group!(name = rules, benchmarks = evaluate);
main!(library_benchmark_groups = rules);
