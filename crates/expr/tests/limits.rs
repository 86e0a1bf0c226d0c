//! What an expression may cost, whoever wrote it and whatever a client sends.

use std::cell::Cell;
use std::thread;

use trimtab_expr::{Facts, HttpRequest, NESTING_MAX, Request, parse};

/// A thread has eight times as much; frames that are not optimised are large.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 1536 * 1024 } else { 256 * 1024 };
/// As many elements as an evaluation looks at.
const ELEMENTS_MAX: u32 = 4 * 1024 * 1024 / 64;

fn request(uri: &str) -> HttpRequest<'_> {
    HttpRequest {
        method: b"GET",
        host: b"A",
        uri: uri.as_bytes(),
        version: b"HTTP/2",
        timestamp_seconds: 1_700_000_000,
        headers: &NO_HEADERS,
    }
}

fn facts<'a>(request: &'a HttpRequest<'a>, asn: &'a dyn Fn() -> Option<u32>) -> Facts<'a> {
    Facts {
        balancer: b"lb.example.com",
        region: b"WEU",
        source: [192, 0, 2, 1].into(),
        asn,
        request: Request::Http(request),
    }
}

const NO_HEADERS: &[(&[u8], &[u8])] = &[];

fn walk_around(inner: &str, levels: usize) -> String {
    (0..levels).fold(inner.to_owned(), |inner, _| {
        format!("any(starts_with(http.request.uri.args.names[*], to_string({inner})))")
    })
}

#[test]
fn semantics_23_work_has_a_limit() {
    let uri = format!("/?{}", "a&".repeat(100));
    let asked = Cell::new(0_u32);
    let asn = || {
        asked.set(asked.get() + 1);
        None
    };
    let request = request(&uri);
    let facts = facts(&request, &asn);
    for (levels, least, most) in [(1, 100, 100), (2, 10_000, 10_000), (3, 10_000, ELEMENTS_MAX)] {
        asked.set(0);
        let holds = parse(&walk_around("ip.src.asnum", levels)).unwrap().matches(&facts);
        assert!((least..=most).contains(&asked.get()), "{levels} levels: {}", asked.get());
        assert!(!holds);
    }
}

#[test]
fn semantics_23_what_is_left_when_work_is_spent_is_absent() {
    let uri = format!("/?{}", "a&".repeat(200));
    let asn = || Some(1);
    let request = request(&uri);
    let facts = facts(&request, &asn);
    let spent = walk_around("ip.src.asnum", 3);
    for (source, expected) in [
        (r#"http.host eq "A""#, true),
        (r#"all(http.request.uri.args.names[*] eq "a")"#, true),
        ("len(http.request.uri.args.names) eq 200", true),
    ] {
        assert_eq!(parse(source).unwrap().matches(&facts), expected, "{source}");
        let behind = format!("not {spent} and {source}");
        assert!(!parse(&behind).unwrap().matches(&facts), "{behind}");
    }
}

#[test]
fn semantics_23_the_deepest_expressions_fit_on_a_small_stack() {
    let nested = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let sources = [
        nested("(", "http.host eq \"A\"", ")", NESTING_MAX),
        nested("!", "http.host eq \"A\"", "", NESTING_MAX),
        nested("(!", "http.host eq \"A\"", ")", NESTING_MAX / 2),
        nested("lower(", "http.host", ")", NESTING_MAX) + " eq \"a\"",
        nested("concat(", "http.host", ",\"\")", NESTING_MAX) + " eq \"A\"",
        // A string of a string of a string has no place any more.
        format!(
            "not {} eq \"A\"",
            nested("join(split(", "http.host", ",\".\",1),\".\")", NESTING_MAX / 2 - 1)
        ),
        format!("not {}", walk_around("ip.src", NESTING_MAX / 3 - 1)),
    ];
    let run = move || {
        for source in sources {
            let expression = parse(&source).unwrap();
            assert!(expression.matches(&facts(&request("/?a"), &|| None)), "{source}");
            drop(parse(&expression.to_string()).unwrap());
        }
    };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join().unwrap();
}
