use std::io;
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use trimtab_dns::{Node, Seed, Zones};
use trimtab_live::Snapshot;
use trimtab_steer::{Site, World};

use super::*;

/// Of a query for a name that is not served here, which is answered with REFUSED.
const ANSWER_BYTES: usize = 2 + 12 + 17;

/// The client's side of a connection.
struct Peer {
    stream: DuplexStream,
    seen: Arc<Client>,
    connection: JoinHandle<()>,
    since: Instant,
    /// It sends into the stream while it lives.
    _stop: watch::Sender<bool>,
}

// === impl Peer ===

impl Peer {
    fn connect() -> Peer {
        let (stream, far) = tokio::io::duplex(64 * 1024);
        let (stop, stopped) = watch::channel(false);
        let since = Instant::now();
        let seen = Arc::new(Client::new(since));
        let connection = Connection {
            stream: far,
            from: ([192, 0, 2, 1], 5353).into(),
            cell: Cell::new(snapshot()),
            client: Arc::clone(&seen),
            started: since,
            tally: Tally::new(Arc::default()),
            sampling: None,
            stopped,
        };
        let connection = tokio::spawn(connection.run());
        Peer { stream, seen, connection, since, _stop: stop }
    }

    /// One byte after another; says how long the server listened to them, if not to the end.
    async fn trickle(&mut self, bytes: &[u8], pause: Duration) -> Option<Duration> {
        for byte in bytes {
            if self.stream.write_all(&[*byte]).await.is_err() {
                return Some(self.since.elapsed());
            }
            tokio::select! {
                ended = &mut self.connection => {
                    ended.unwrap();
                    return Some(self.since.elapsed());
                }
                () = sleep(pause) => {}
            }
        }
        None
    }

    async fn answers(&mut self, count: usize) -> io::Result<usize> {
        self.stream.read_exact(&mut [0; ANSWER_BYTES].repeat(count)).await
    }

    async fn ended(self) -> Duration {
        self.connection.await.unwrap();
        self.since.elapsed()
    }

    fn active_at(&self) -> Duration {
        Duration::from_millis(self.seen.active_at.load(Ordering::Relaxed))
    }
}

/// Nothing is served.
fn snapshot() -> Snapshot {
    Snapshot {
        generation: 1,
        revision: 1,
        zones: Arc::new(Zones::new(Seed(1))),
        world: World {
            pools: Arc::default(),
            balancers: Arc::default(),
            geo: Arc::new(trimtab_geo::Builder::empty().unwrap().build()),
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        },
        node: Arc::new(Node::new()),
        jobs: Arc::default(),
        hosts: Arc::default(),
        certificates: Arc::default(),
        affinity_keys: Arc::default(),
        routes: Arc::default(),
        checks: Arc::default(),
        fed: Arc::default(),
        loads: Arc::default(),
    }
}

fn query() -> Vec<u8> {
    let mut query = vec![0, 29, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x03www\x07example\0\0\x01\0\x01");
    query
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn rfc7766_8_messages_are_taken_whole_and_in_order() {
    let check = |stream: &[u8], want: Option<&[u8]>| assert_eq!(first_message(stream), want);
    check(b"", None);
    check(b"\0", None);
    check(b"\0\x02a", None);
    check(b"\0\x02ab", Some(b"ab"));
    check(b"\0\x02ab\0\x01c", Some(b"ab"));
    check(b"\0\0", Some(b""));
}

#[tokio::test(start_paused = true)]
async fn rfc7766_6_2_3_who_sends_nothing_leaves_after_ten_seconds() {
    assert_eq!(Peer::connect().ended().await.as_secs(), 10);
    let mut peer = Peer::connect();
    sleep(seconds(9.0)).await;
    peer.stream.write_all(&query()).await.unwrap();
    assert_eq!(peer.ended().await.as_secs(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_query_has_five_seconds_from_its_first_byte_however_often_one_more_comes() {
    let mut peer = Peer::connect();
    assert_eq!(peer.trickle(&query(), seconds(2.0)).await.map(|at| at.as_secs()), Some(5));
    assert_eq!(peer.active_at(), Duration::ZERO, "no query has come");

    let mut peer = Peer::connect();
    sleep(seconds(3.0)).await;
    assert_eq!(peer.trickle(&query(), seconds(0.15)).await, None);
    assert_eq!(peer.answers(1).await.unwrap(), ANSWER_BYTES);
    assert_eq!(peer.active_at().as_millis(), 3_000 + 30 * 150);
}

#[tokio::test(start_paused = true)]
async fn each_query_of_a_stream_has_its_own_five_seconds() {
    let mut peer = Peer::connect();
    // One whole query and the first byte of the next with each write.
    let stream = query().repeat(4);
    for part in stream.chunks(query().len() + 1) {
        peer.stream.write_all(part).await.unwrap();
        sleep(seconds(4.0)).await;
    }
    assert_eq!(peer.answers(4).await.unwrap(), 4 * ANSWER_BYTES);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_bytes_that_are_no_query_is_answered() {
    let mut peer = Peer::connect();
    let sent = [query(), vec![0, 5, 0, 0, 0, 0, 0], query()].concat();
    peer.stream.write_all(&sent).await.unwrap();
    let mut all = Vec::new();
    peer.stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), ANSWER_BYTES);
    assert_eq!(peer.ended().await, Duration::ZERO);
}
