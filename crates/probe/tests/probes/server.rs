//! Servers that answer with the bytes they are told to, and remember what they were asked.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Stops when dropped.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Server {
    /// Hands each connection to `serve`, one after the other.
    pub(crate) async fn start<Served>(
        mut serve: impl FnMut(TcpStream) -> Served + Send + 'static,
    ) -> Server
    where
        Served: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut served = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                served.spawn(serve(stream));
            }
        });
        Server { at, asked: Arc::default(), _task: task }
    }

    /// Answers the first request of each connection with the next of these, the last for ever, then closes.
    pub(crate) async fn answering(answers: &[&str]) -> Server {
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (remembered, mut next) = (Arc::clone(&asked), 0);
        let server = Server::start(move |mut stream| {
            let answer = answers[next.min(answers.len() - 1)].clone();
            next += 1;
            let asked = Arc::clone(&remembered);
            async move {
                let head = head(&mut stream).await;
                asked.lock().unwrap().push(head);
                send(&mut stream, &answer).await;
            }
        })
        .await;
        Server { asked, ..server }
    }

    /// Answers each connection's request with these bytes and then keeps it open.
    pub(crate) async fn staying(answer: &'static str) -> Server {
        Server::start(async move |mut stream| {
            head(&mut stream).await;
            send(&mut stream, answer).await;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Says the first of these, then one more after each line that comes in, then closes.
    pub(crate) async fn talking(says: &[&'static str]) -> Server {
        let says = says.to_vec();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let remembered = Arc::clone(&asked);
        let server = Server::start(move |stream| {
            let (says, asked) = (says.clone(), Arc::clone(&remembered));
            async move {
                let mut stream = BufReader::new(stream);
                let Some((first, rest)) = says.split_first() else { return };
                send(stream.get_mut(), first).await;
                for say in rest {
                    let mut line = String::new();
                    if !stream.read_line(&mut line).await.is_ok_and(|length| length > 0) {
                        return;
                    }
                    asked.lock().unwrap().push(line);
                    send(stream.get_mut(), say).await;
                }
            }
        })
        .await;
        Server { asked, ..server }
    }

    /// Answers the first bytes of each connection with these.
    pub(crate) async fn replying(answer: &'static [u8]) -> Server {
        Server::start(async move |mut stream: TcpStream| {
            let mut question = [0; 1024];
            assert_ne!(stream.read(&mut question).await.unwrap(), 0);
            if stream.write_all(answer).await.is_ok() {
                // A reset would take the answer with it.
                while stream.read(&mut question).await.is_ok_and(|length| length > 0) {}
            }
        })
        .await
    }

    /// The heads of all requests, or the lines, so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The bytes up to the empty line.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

/// A probe that has its verdict hangs up, so sending may fail.
pub(crate) async fn send(stream: &mut TcpStream, answer: &str) {
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        stream.flush().await.unwrap();
    }
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

/// A port of loopback on which nobody listens.
pub(crate) async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Answers each datagram with what `answer` makes of it; None is silence.
pub(crate) async fn datagrams(
    answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
) -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut datagram = [0; 2048];
        loop {
            let (length, from) = socket.recv_from(&mut datagram).await.unwrap();
            if let Some(answer) = answer(&datagram[..length]) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    Server { at, asked: Arc::default(), _task: task }
}
