//! Requests, codes, bodies and retries.

use std::collections::BTreeMap;

use trimtab_health::FailureReason::{self, BodyMismatch, CodeMismatch, HttpTimeout};
use trimtab_health::Passed;
use trimtab_model::Monitor;
use trimtab_model::monitor::{MonitorType, Probe};

use crate::recipe::{fail, http, monitor, pass, plain, run, target, told, with_host};
use crate::server::{Server, ok, status};

fn headers(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    list.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect()
}

/// The request's lines, the headers sorted.
async fn lines(change: impl FnOnce(&mut Probe)) -> Vec<String> {
    let server = Server::answering(&[&ok("")]).await;
    let attempt =
        run(&plain(), &http(change), &with_host("www.example.com", target(server.at))).await;
    assert_eq!(told(&attempt), pass(200));
    let mut lines: Vec<String> = server.asked()[0].trim_end().lines().map(str::to_owned).collect();
    lines[1..].sort();
    lines
}

#[tokio::test]
async fn semantics_1_the_request_says_who_asks_for_what() {
    let user_agent = "User-Agent: Mozilla/5.0 (compatible; Trimtab-Traffic-Manager/1.0; \
                      pool-id: 0123456789abcdef)";
    let usual = ["Accept: */*", "Connection: close", "Host: www.example.com", user_agent];
    assert_eq!(lines(|_| ()).await, [&["GET / HTTP/1.1"], &usual[..]].concat());

    let head = lines(|probe| {
        probe.method = "HEAD".into();
        probe.path = "/health?deep=1".into();
    });
    assert_eq!(head.await, [&["HEAD /health?deep=1 HTTP/1.1"], &usual[..]].concat());

    let own = lines(|probe| {
        probe.header = headers(&[
            ("Accept", &["text/plain"]),
            ("Content-Length", &["5"]),
            ("Host", &["outranked.example.com"]),
            ("Transfer-Encoding", &["chunked"]),
            ("User-Agent", &["curl"]),
            ("X-Many", &["one", "two"]),
            ("connection", &["keep-alive"]),
        ]);
    });
    let want = ["GET / HTTP/1.1", "Accept: text/plain", usual[1], usual[2], user_agent];
    assert_eq!(own.await, [&want[..], &["X-Many: one", "X-Many: two"]].concat());
}

#[tokio::test]
async fn the_endpoint_s_host_outranks_the_monitor_s_which_outranks_the_address() {
    let server = Server::answering(&[&ok("")]).await;
    let by_monitor = http(|probe| probe.header = headers(&[("hOsT", &["monitor.example.com"])]));
    let endpoint = target(server.at);
    let named = with_host("endpoint.example.com", endpoint.clone());
    for (monitor, target) in
        [(&by_monitor, &named), (&by_monitor, &endpoint), (&http(|_| ()), &endpoint)]
    {
        assert_eq!(told(&run(&plain(), monitor, target).await), pass(200));
    }
    let host = |head: &String| {
        head.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap().to_owned()
    };
    let hosts: Vec<String> = server.asked().iter().map(host).collect();
    assert_eq!(hosts, ["endpoint.example.com", "monitor.example.com", &server.at.to_string()]);
}

#[tokio::test]
async fn the_endpoint_s_port_outranks_the_monitor_s() {
    let (right, wrong) = (Server::answering(&[&ok("")]).await, Server::answering(&[&ok("")]).await);
    let of_monitor = |port| http(|probe| probe.port = port);
    let mut endpoint = target(right.at);
    assert_eq!(told(&run(&plain(), &of_monitor(wrong.at.port()), &endpoint).await), pass(200));
    endpoint.port = 0;
    assert_eq!(told(&run(&plain(), &of_monitor(right.at.port()), &endpoint).await), pass(200));
    assert_eq!((right.asked().len(), wrong.asked().len()), (2, 0));
}

#[tokio::test]
async fn semantics_1_the_status_must_be_expected() {
    let check = async |line: &str, codes: &str, want: (Passed, FailureReason, u16)| {
        let server = Server::answering(&[&status(line)]).await;
        let monitor = http(|probe| probe.expected_codes = codes.to_owned().try_into().unwrap());
        assert_eq!(
            told(&run(&plain(), &monitor, &target(server.at)).await),
            want,
            "{line} {codes}"
        );
    };
    check("200 OK", "200", pass(200)).await;
    check("204 No Content", "2xx", pass(204)).await;
    check("302 Found", "200,302", pass(302)).await;
    check("503 Service Unavailable", "2xx", fail(CodeMismatch, 503)).await;
    check("502 Bad Gateway", "200-299", fail(CodeMismatch, 502)).await;
    check("301 Moved Permanently", "200", fail(CodeMismatch, 301)).await;
    check("418 I'm a teapot", "", pass(418)).await;
}

#[tokio::test]
async fn semantics_1_the_body_must_hold_the_text_in_its_first_ten_kilobytes() {
    let chunked = |chunks: &[&str]| {
        let body: String =
            chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
    };
    let check = async |answer: &str, want: (Passed, FailureReason, u16)| {
        let server = Server::answering(&[answer]).await;
        let monitor = http(|probe| probe.expected_body = "Alive".into());
        let answer = answer.get(..60).unwrap_or(answer);
        assert_eq!(told(&run(&plain(), &monitor, &target(server.at)).await), want, "{answer}");
    };
    let (limit, mismatch) = ("x".repeat(10 * 1024), fail(BodyMismatch, 200));
    check(&ok("I am ALIVE."), pass(200)).await;
    check(&ok("dead"), mismatch).await;
    check(&ok(""), mismatch).await;
    check("HTTP/1.1 200 OK\r\n\r\nalive until close", pass(200)).await;
    check(&chunked(&["al", "iv", "e"]), pass(200)).await;
    check(&chunked(&[&limit[5..], "alive"]), pass(200)).await;
    check(&chunked(&[&limit[4..], "alive"]), mismatch).await;
    check(&chunked(&[&limit, &limit, "alive"]), mismatch).await;
}

#[tokio::test]
async fn the_verdict_falls_as_soon_as_it_can() {
    let stays_open = |expected: &str| http(|probe| probe.expected_body = expected.into());
    let check = async |answer, monitor: &Monitor, want| {
        let server = Server::staying(answer).await;
        assert_eq!(told(&run(&plain(), monitor, &target(server.at)).await), want, "{answer}");
    };
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nalive";
    check(half, &stays_open(""), pass(200)).await;
    check(half, &stays_open("alive"), pass(200)).await;
    check(half, &stays_open("dead"), fail(HttpTimeout, 0)).await;
}

#[tokio::test]
async fn semantics_1_retries_follow_at_once_and_one_pass_is_enough() {
    let (bad, good) = (status("503 Busy"), ok(""));
    let check = async |retries, want, tries| {
        let server = Server::answering(&[&bad, &bad, &good]).await;
        let mut monitor = monitor(MonitorType::Http);
        monitor.pace.retries = retries;
        let attempt = run(&plain(), &monitor, &target(server.at)).await;
        assert_eq!((told(&attempt), attempt.tries), (want, tries));
        assert_eq!(server.asked().len(), tries as usize);
    };
    check(0, fail(CodeMismatch, 503), 1).await;
    check(1, fail(CodeMismatch, 503), 2).await;
    check(2, pass(200), 3).await;
    check(5, pass(200), 3).await;
}
