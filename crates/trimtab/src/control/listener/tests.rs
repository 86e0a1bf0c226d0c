use std::future::pending;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

struct Bench {
    at: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), String>>,
}

impl Bench {
    async fn start() -> Bench {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(async || "ok"))
            .route("/who", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
            .route("/said", post(async |said: Bytes| said))
            .route("/never", get(async || pending::<String>().await));
        let (stop, stopped) = watch::channel(false);
        Bench { at, stop, serving: tokio::spawn(serve(listener, router, stopped)) }
    }

    async fn say(&self, said: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        stream
    }
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_connection_are_answered_and_know_their_peer() {
    let bench = Bench::start().await;
    let mut stream =
        bench.say("POST /said HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi").await;
    let mine = stream.local_addr().unwrap();
    stream.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let heard = rest_of(stream).await;
    assert!(heard.contains("\r\n\r\nhiHTTP/1.1 200 OK\r\n"), "{heard}");
    assert!(heard.ends_with(&format!("\r\n\r\n{mine}")), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stays_unfinished_is_given_up() {
    let check = async |said: &str, within: Duration, want: &str| {
        let bench = Bench::start().await;
        let began = Instant::now();
        let heard = rest_of(bench.say(said).await).await;
        assert!(heard.starts_with(want), "{said:?}: {heard}");
        let took = began.elapsed();
        assert!(took >= within && took < within + Duration::from_secs(1), "{said:?}: {took:?}");
    };
    check("", HEAD_WITHIN, "").await;
    check("GET / HTTP/1.1\r\nhost: x\r\nx-a: ", HEAD_WITHIN, "").await;
    let body = "POST /said HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    check(body, BODY_SILENT_MAX, "HTTP/1.1 400").await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nobody_long() {
    let check = async |said: &str, within: Duration| {
        let Bench { at, stop, serving } = Bench::start().await;
        let mut stream = TcpStream::connect(at).await.unwrap();
        // Time passes when nobody has anything to do: the connection is taken by then, and an answer sent.
        stream.write_all(said.as_bytes()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        stop.send_replace(true);
        serving.await.unwrap().unwrap();
        let took = began.elapsed();
        assert!(took >= within && took < within + Duration::from_secs(1), "{said:?}: {took:?}");
        assert!(TcpStream::connect(at).await.is_err(), "{said:?}: still listening");
    };
    check("GET / HTTP/1.1\r\nhost: x\r\n\r\n", Duration::ZERO).await;
    check("GET /never HTTP/1.1\r\nhost: x\r\n\r\n", DRAIN_WITHIN).await;
    check("POST /said HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{", DRAIN_WITHIN).await;
    check("GET / HTTP/1.1\r\nhost: x\r\nx-a: ", DRAIN_WITHIN).await;
}
