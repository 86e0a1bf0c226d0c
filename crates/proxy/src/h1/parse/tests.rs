use super::*;
use proptest::prelude::*;

/// What a request's head comes to: method, target, host, body, whether the connection stays.
type Read<'a> = (&'a str, &'a str, &'a str, Body, bool);

fn read(head: &str) -> Result<RequestHead, Refusal> {
    let mut scan = Scan::default();
    match scan.find(head.as_bytes())? {
        Some(length) => {
            assert_eq!(length, head.len(), "{head:?}");
            read_request(BytesMut::from(head), Vec::new())
        }
        None => panic!("not a whole head: {head:?}"),
    }
}

fn check(head: &str, want: Result<Read<'_>, Refusal>) {
    let read = read(head);
    let got = read.as_ref().map(|read| {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        (text(read.method()), text(read.target()), text(read.host()), read.body, read.keeps)
    });
    assert_eq!(got.map_err(|refusal| *refusal), want, "{head:?}");
}

#[test]
fn rfc_9112_section_3_request_lines() {
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n");
    let good = |target| Ok(("GET", target, "a", Body::None, true));
    check(&line("GET / HTTP/1.1"), good("/"));
    check(&line("GET /a?b=%20c HTTP/1.1"), good("/a?b=%20c"));
    check(&line("GET / HTTP/1.0"), Ok(("GET", "/", "a", Body::None, false)));
    check(&line("OPTIONS * HTTP/1.1"), Ok(("OPTIONS", "*", "a", Body::None, true)));
    check(&line("GET http://A/x HTTP/1.1"), good("/x"));
    check(&line("GET http://A HTTP/1.1"), good("/"));
    for refused in [
        "GET /",
        "GET  / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/ HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.1x",
        "G[]T / HTTP/1.1",
        "GET /\u{e4} HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "OPTIONS http://a HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /\0 HTTP/1.1",
    ] {
        check(&line(refused), Err(Refusal::RequestLine));
    }
    check(&line("GET / HTTP/2.0"), Err(Refusal::Version));
    check(&line("GET / HTTP/1.2"), Err(Refusal::Version));
    check(&line("CONNECT a:443 HTTP/1.1"), Err(Refusal::Method));
    check(&line(&format!("{} / HTTP/1.1", "M".repeat(33))), Err(Refusal::Method));
    check(&line("GET http://b/ HTTP/1.1"), Err(Refusal::Host));
    check(&line("GET http://u@a/ HTTP/1.1"), Err(Refusal::Host));
    check(&line("GET http://a?b HTTP/1.1"), Err(Refusal::Host));
    check(&line("GET http:// HTTP/1.1"), Err(Refusal::Host));
}

#[test]
fn rfc_9112_section_3_2_one_host() {
    let host = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n");
    check(
        &host("Host: WWW.Example.com:80\r\n"),
        Ok(("GET", "/", "www.example.com", Body::None, true)),
    );
    for lines in ["", "Host:\r\n", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a,b\r\n"] {
        check(&host(lines), Err(Refusal::Host));
    }
}

#[test]
fn rfc_9112_section_5_field_lines() {
    let field = |line: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
    for good in ["X: y", "X:y", "X:", "X: \t y \t", "x-\u{7e}!: \u{e4}\u{1f600}", "a: b\tc"] {
        check(&field(good), Ok(("GET", "/", "a", Body::None, true)));
    }
    for refused in [
        "X : y",
        " X: y",
        "\tX: y",
        ": y",
        "X",
        "X\0: y",
        "X: y\0",
        "X: \x01",
        "X: y\x7f",
        "X(: y",
        "X: y\r\n folded",
        "X\u{e4}: y",
        "X: a\rb",
    ] {
        check(&field(refused), Err(Refusal::HeaderLine));
    }
    let many = (0..FIELDS_MAX).map(|n| format!("x{n}: y")).collect::<Vec<_>>().join("\r\n");
    check(&field(&many), Err(Refusal::TooManyFields));
    check(&field("Expect: 200-maybe"), Err(Refusal::Expectation));
    check(&field("Expect: 100-Continue"), Ok(("GET", "/", "a", Body::None, true)));
}

#[test]
fn rfc_9112_section_6_3_the_length_of_a_body_is_told_once() {
    let framed =
        |version: &str, lines: &str| format!("POST / HTTP/{version}\r\nHost: a\r\n{lines}\r\n\r\n");
    let good = |body| Ok(("POST", "/", "a", body, true));
    check(&framed("1.1", "Content-Length: 5"), good(Body::Length(5)));
    check(&framed("1.1", "Content-Length: 0"), good(Body::None));
    check(&framed("1.1", "Transfer-Encoding: CHUNKED"), good(Body::Streamed));
    for lines in ["+5", "-5", "5,5", "5 5", "0x5", "", "5\u{e4}", "1234567890123456789"] {
        check(&framed("1.1", &format!("Content-Length: {lines}")), Err(Refusal::ContentLength));
    }
    check(&framed("1.1", "Content-Length: 5\r\nContent-Length: 5"), Err(Refusal::ContentLength));
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked";
    check(&framed("1.1", both), Err(Refusal::TwoLengths));
    for coding in ["gzip", "chunked, chunked", "identity", "gzip, chunked", "x", "chunked,"] {
        let lines = format!("Transfer-Encoding: {coding}");
        check(&framed("1.1", &lines), Err(Refusal::TransferCoding));
    }
    check(
        &framed("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        Err(Refusal::TransferEncoding),
    );
    check(&framed("1.0", "Transfer-Encoding: chunked"), Err(Refusal::TransferEncoding));
}

#[test]
fn lines_end_with_both_characters_and_heads_within_their_limits() {
    let find = |bytes: &[u8]| Scan::default().find(bytes);
    assert_eq!(find(b"GET / HTTP/1.1\r\nHost: a\r\n"), Ok(None));
    assert_eq!(find(b"GET / HTTP/1.1\n"), Err(Refusal::BareLineFeed));
    assert_eq!(find(b"GET / HTTP/1.1\r\nA: b\n\n"), Err(Refusal::BareLineFeed));
    assert_eq!(find(b"\n"), Err(Refusal::BareLineFeed));
    let long = vec![b'a'; START_LINE_BYTES_MAX + 1];
    assert_eq!(find(&long), Err(Refusal::RequestLineTooLong));
    let mut large = b"GET / HTTP/1.1\r\nA: ".to_vec();
    large.resize(HEAD_BYTES_MAX, b'a');
    assert_eq!(find(&large), Err(Refusal::HeadTooLarge));
}

#[test]
fn rfc_9112_section_4_responses() {
    let check = |head: &str, want: Option<(u16, Body, bool)>| {
        let got = read_response(BytesMut::from(head), Vec::new(), false);
        assert_eq!(got.map(|got| (got.status, got.body, got.keeps)), want, "{head:?}");
    };
    let with = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
    check(&with("Content-Length: 3\r\n"), Some((200, Body::Length(3), true)));
    check(&with("Transfer-Encoding: chunked\r\n"), Some((200, Body::Streamed, true)));
    check(&with(""), Some((200, Body::UntilClose, false)));
    check(&with("Content-Length: 3\r\nConnection: close\r\n"), Some((200, Body::Length(3), false)));
    check("HTTP/1.1 204\r\n\r\n", Some((204, Body::None, true)));
    check("HTTP/1.0 304 Not Modified\r\n\r\n", Some((304, Body::None, false)));
    for refused in [
        with("Content-Length: 3\r\nContent-Length: 3\r\n"),
        with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        with("Transfer-Encoding: gzip\r\n"),
        with("Content-Length: x\r\n"),
        with("A : b\r\n"),
        "HTTP/1.1 2000 OK\r\n\r\n".into(),
        "HTTP/1.1 20 OK\r\n\r\n".into(),
        "HTTP/2 200 OK\r\n\r\n".into(),
        "HTTP/1.1  200 OK\r\n\r\n".into(),
        "200 OK\r\n\r\n".into(),
        "HTTP/1.1 099 x\r\n\r\n".into(),
        "HTTP/1.1 200 O\0K\r\n\r\n".into(),
    ] {
        check(&refused, None);
    }
}

proptest! {
    #[test]
    fn a_head_is_found_wherever_reads_cut_it(
        fields in proptest::collection::vec("[a-z]{1,8}: [a-z ]{0,20}", 0..10),
        cuts in proptest::collection::vec(0..400_usize, 0..6),
    ) {
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
            fields.iter().map(|field| format!("{field}\r\n")).collect::<String>());
        let mut scan = Scan::default();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < head.len()).collect();
        cuts.sort_unstable();
        for cut in cuts {
            prop_assert_eq!(scan.find(&head.as_bytes()[..cut]), Ok(None));
        }
        let more = format!("{head}GET / HTTP/1.1\r\n");
        prop_assert_eq!(scan.find(more.as_bytes()), Ok(Some(head.len())));
    }

    #[test]
    fn rubbish_is_refused_and_never_harms(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Some(length)) = Scan::default().find(&bytes) {
            let head = BytesMut::from(&bytes[..length]);
            let _read = read_request(head.clone(), Vec::new());
            let _read = read_response(head.clone(), Vec::new(), false);
            let _read = read_trailers(head);
        }
    }
}
