use std::collections::HashMap;

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;

fn server(server: impl Into<String>) -> Server {
    Server { server: server.into(), token: None, json: false }
}

async fn listen() -> (TcpListener, Client) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    (listener, Client::new(&server(format!("http://{at}"))).unwrap())
}

#[test]
fn a_name_is_one_value_of_a_query() {
    assert_eq!(escaped("*.a-b.example.com"), "*.a-b.example.com");
    assert_eq!(escaped("a b&c=d#/é"), "a%20b%26c%3Dd%23%2F%C3%A9");
}

#[test]
fn a_server_is_a_host_with_or_without_port_and_path() {
    let check = |url: &str, want: Result<(&str, &str), &str>| {
        let got = Client::new(&server(url)).map(|client| (client.authority, client.base_path));
        let got = got.map_err(|failure| failure.message);
        let got = got.as_ref().map(|(host, path)| (host.as_str(), path.as_str()));
        match want {
            Ok(_) => assert_eq!(got.map_err(String::as_str), want, "{url}"),
            Err(why) => assert_eq!(got.unwrap_err(), &format!("--server {url}: {why}"), "{url}"),
        }
    };
    check("http://127.0.0.1:8353/client/v4", Ok(("127.0.0.1:8353", "/client/v4")));
    check("http://lb.example/client/v4/", Ok(("lb.example:80", "/client/v4")));
    check("http://lb.example:8353", Ok(("lb.example:8353", "/client/v4")));
    check("http://lb.example/", Ok(("lb.example:80", "/client/v4")));
    check("http://lb.example/lb/api", Ok(("lb.example:80", "/lb/api")));
    check("http://[::1]:8353", Ok(("[::1]:8353", "/client/v4")));
    check("http://[::1]/client/v4", Ok(("[::1]:80", "/client/v4")));
    check("http://::1/client/v4", Err("invalid authority"));
    check("http://", Err("empty string"));
    check("lb.example", Err("must begin with http://"));
    check("https://lb.example", Err("must begin with http://"));
}

#[test]
fn a_refusal_has_the_exit_code_of_its_kind() {
    let check = |status: u16, code: u32, want: Exit| {
        let envelope = json!({"errors": [{"code": code, "message": "no"}]});
        let failure = refused(StatusCode::from_u16(status).unwrap(), "/accounts", &envelope);
        assert_eq!(failure.exit, want, "{status} {code}");
    };
    check(400, 9106, Exit::Unauthorized);
    check(400, 6003, Exit::Unauthorized);
    check(400, 1002, Exit::Failed);
    check(401, 1000, Exit::Unauthorized);
    check(403, 9109, Exit::Unauthorized);
    check(404, 1001, Exit::NotFound);
    check(429, 971, Exit::Failed);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_node_that_says_nothing_more() {
    let check = async |said: &str, within: Duration| {
        let (listener, client) = listen().await;
        let talk = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        };
        let began = Instant::now();
        let asked = client.call(Method::GET, "/accounts", None);
        let lines = client.lines("/probe", &Value::Null, |_| Ok(()));
        let failure = match within == LINE_WITHIN {
            true => tokio::join!(lines, talk).0.unwrap_err(),
            false => tokio::join!(asked, talk).0.unwrap_err(),
        };
        assert_eq!(failure.exit, Exit::Unreachable, "{said:?}: {}", failure.message);
        assert!(failure.message.contains("not a byte within"), "{said:?}: {}", failure.message);
        let took = began.elapsed();
        assert!(took >= within && took < within + Duration::from_secs(1), "{said:?}: {took:?}");
    };
    check("", ANSWER_WITHIN).await;
    check("HTTP/1.1 200 OK\r\nx-a: ", ANSWER_WITHIN).await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", ANSWER_WITHIN).await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}\n", LINE_WITHIN).await;
}

#[tokio::test]
async fn a_server_that_is_no_node_is_told_so() {
    let (listener, client) = listen().await;
    tokio::spawn(async { axum::serve(listener, Router::new()).await });
    let failure = client.call(Method::GET, "/accounts", None).await.unwrap_err();
    let base = format!("http://{}/client/v4", client.authority);
    let want = format!("/accounts: 404 Not Found, and no JSON: is {base} the API of a node?");
    assert_eq!((failure.exit, failure.message), (Exit::Failed, want));
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let (listener, client) = listen().await;
    let page = async |Query(asked): Query<HashMap<String, usize>>| {
        let all: Vec<usize> = (0..61).collect();
        let page = all.chunks(asked["per_page"]).nth(asked["page"] - 1);
        json!({"result": page.unwrap_or_default()}).to_string()
    };
    let router = Router::new().route("/client/v4/numbers", get(page));
    tokio::spawn(async { axum::serve(listener, router).await });
    let all = client.all_pages("/numbers", 50).await.unwrap();
    assert_eq!(all, (0..61).map(|n| json!(n)).collect::<Vec<_>>());
}
