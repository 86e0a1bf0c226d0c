//! Batches over real sockets on loopback.
#![expect(clippy::unwrap_used, reason = "a test file whose checks are shared functions")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use trimtab_net::udp::{self, BATCH, Batch, Options, QUERY_ROOM, REPLY_ROOM, Served};

/// Long enough for a loaded machine; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// Short, for the tests that expect nothing to come.
const BRIEFLY: Duration = Duration::from_millis(2);

/// A loopback address of this call alone. The kernel hands out the same port twice to sockets that
/// may share one, and two tests would then share the datagrams.
fn own_address() -> String {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = process::id().to_be_bytes();
    format!("127.{high}.{low}.{}:0", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn server(address: &str) -> UdpSocket {
    let options = Options { wait: PATIENCE, ..Options::default() };
    udp::bind(address.parse().unwrap(), &options).unwrap()
}

/// A client that has sent `queries` to `to`; on loopback they lie in the server's queue by then.
fn client(to: SocketAddr, queries: &[Vec<u8>]) -> UdpSocket {
    let any = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let client = UdpSocket::bind(any).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    for query in queries {
        client.send_to(query, to).unwrap();
    }
    client
}

fn answers(client: &UdpSocket, count: usize) -> Vec<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; REPLY_ROOM + 1];
    let mut answers: Vec<_> = (0..count)
        .map(|_| {
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            (buffer[..len].to_vec(), from)
        })
        .collect();
    client.set_read_timeout(Some(BRIEFLY)).unwrap();
    assert_eq!(client.recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    answers.sort();
    answers
}

fn echo(query: &[u8], _: SocketAddr, out: &mut [u8]) -> Option<usize> {
    out[..query.len()].copy_from_slice(query);
    Some(query.len())
}

fn sent(sent: usize) -> Served {
    Served { sent, ..Served::default() }
}

/// The answer to a query sent to `asked` must come from there, whatever the socket is bound to.
fn check_address(bound: &str, asked: &str) {
    let server = server(bound);
    let asked = SocketAddr::new(asked.parse().unwrap(), server.local_addr().unwrap().port());
    let client = client(asked, &[b"which".to_vec()]);
    let mut senders = Vec::new();
    let served = Batch::new().receive(&server).unwrap().serve(|query, from, out| {
        senders.push(from);
        echo(query, from, out)
    });
    assert_eq!(served, sent(1), "{bound} asked at {asked}");
    assert_eq!(senders, [client.local_addr().unwrap()], "{bound} asked at {asked}");
    assert_eq!(answers(&client, 1), [(b"which".to_vec(), asked)], "{bound} asked at {asked}");
}

#[test]
fn an_answer_leaves_from_the_address_asked() {
    check_address("127.0.0.1:0", "127.0.0.1");
    check_address("127.9.8.7:0", "127.9.8.7");
    check_address("0.0.0.0:0", "127.0.0.1");
    check_address("0.0.0.0:0", "127.0.0.5");
    check_address("[::1]:0", "::1");
    check_address("[::]:0", "::1");
}

#[test]
fn an_ipv6_wildcard_leaves_ipv4_to_others() {
    let options = Options { wait: BRIEFLY, ..Options::default() };
    let server = udp::bind("[::]:0".parse().unwrap(), &options).unwrap();
    let port = server.local_addr().unwrap().port();
    client((Ipv4Addr::LOCALHOST, port).into(), &[b"four".to_vec()]);
    assert!(Batch::new().receive(&server).unwrap().is_empty());
}

#[test]
fn sockets_of_several_threads_share_an_address() {
    let first = server(&own_address());
    let second = server(&first.local_addr().unwrap().to_string());
    assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
}

/// `count` queries of different lengths, one batch after the other through the same buffers.
fn check_batches(bound: &str, batch: &mut Batch, count: usize, sizes: &[usize]) {
    let server = server(bound);
    let mut queries: Vec<_> = (0..count).map(|i| vec![i as u8; 1 + i]).collect();
    let client = client(server.local_addr().unwrap(), &queries);
    for &size in sizes {
        let received = batch.receive(&server).unwrap();
        assert_eq!(received.len(), size, "of {count}");
        assert_eq!(received.serve(echo), sent(size));
    }
    let got: Vec<_> = answers(&client, count).into_iter().map(|(bytes, _)| bytes).collect();
    queries.sort();
    assert_eq!(got, queries);
}

#[test]
fn a_batch_takes_what_is_there_up_to_its_size() {
    let mut batch = Batch::new();
    for count in 1..=BATCH {
        check_batches(&own_address(), &mut batch, count, &[count]);
    }
    check_batches(&own_address(), &mut batch, BATCH + 1, &[BATCH, 1]);
    check_batches(&own_address(), &mut batch, 2 * BATCH + 7, &[BATCH, BATCH, 7]);
}

#[test]
fn one_batch_serves_sockets_of_both_families_in_turn() {
    let mut batch = Batch::new();
    for bound in ["0.0.0.0:0", "[::1]:0", "127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
        check_batches(bound, &mut batch, 3, &[3]);
    }
}

#[test]
fn silence_and_answers_of_impossible_length_leave_the_rest_alone() {
    let server = server(&own_address());
    let lengths =
        [Some(1), None, Some(REPLY_ROOM), Some(REPLY_ROOM + 1), Some(usize::MAX), Some(0)];
    let queries: Vec<_> = (0..lengths.len()).map(|i| vec![i as u8]).collect();
    let client = client(server.local_addr().unwrap(), &queries);
    let served = Batch::new().receive(&server).unwrap().serve(|query, _, out| {
        out.fill(query[0]);
        lengths[usize::from(query[0])]
    });
    let expected = Served {
        sent: 3,
        unanswered: 1,
        failed: 2,
        failure: Some(io::ErrorKind::InvalidData),
        ..Served::default()
    };
    assert_eq!(served, expected);
    let got: Vec<_> = answers(&client, 3).into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(got, [vec![], vec![0], vec![2; REPLY_ROOM]]);
}

#[test]
fn a_datagram_that_does_not_fit_is_never_handed_on_in_part() {
    let server = server(&own_address());
    let queries = [vec![1; QUERY_ROOM], vec![2; QUERY_ROOM + 1], vec![3; 60_000], vec![4]];
    let client = client(server.local_addr().unwrap(), &queries);
    let served = Batch::new().receive(&server).unwrap().serve(echo);
    assert_eq!(served, Served { sent: 2, discarded: 2, ..Served::default() });
    let got: Vec<_> = answers(&client, 2).into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(got, [vec![1; QUERY_ROOM], vec![4]]);
}

#[test]
fn a_panic_drops_its_batch_and_no_other() {
    let mut batch = Batch::new();
    let server = server("0.0.0.0:0");
    let to = (Ipv4Addr::LOCALHOST, server.local_addr().unwrap().port()).into();
    let asker = client(to, &[vec![1], vec![2], vec![3]]);
    let received = batch.receive(&server).unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        received.serve(|query, from, out| {
            assert!(query != [2], "this test panics here on purpose");
            echo(query, from, out)
        })
    }));
    assert!(outcome.is_err());
    assert_eq!(answers(&asker, 0), []);
    check_batches("[::1]:0", &mut batch, 3, &[3]);
}

#[test]
fn an_empty_datagram_is_a_query_like_any_other() {
    let server = server(&own_address());
    let client = client(server.local_addr().unwrap(), &[vec![]]);
    assert_eq!(Batch::new().receive(&server).unwrap().serve(echo), sent(1));
    assert_eq!(answers(&client, 1)[0].0, Vec::<u8>::new());
}

#[test]
fn a_thread_without_queries_sees_its_stop_flag() {
    let options = Options { wait: BRIEFLY, ..Options::default() };
    let server = udp::bind(own_address().parse().unwrap(), &options).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let (empty, batches) = std::sync::mpsc::channel();
    let worker = thread::spawn(move || -> io::Result<()> {
        let mut batch = Batch::new();
        while !stopped.load(Ordering::Relaxed) {
            empty.send(batch.receive(&server)?.is_empty()).map_err(io::Error::other)?;
        }
        Ok(())
    });
    assert!(batches.recv_timeout(PATIENCE).unwrap());
    stop.store(true, Ordering::Relaxed);
    worker.join().unwrap().unwrap();
}

#[test]
fn a_wait_of_zero_would_be_forever_and_is_refused() {
    let options = Options { wait: Duration::ZERO, ..Options::default() };
    let error = udp::bind(own_address().parse().unwrap(), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn the_path_mtu_is_not_believed_and_the_buffers_are_large() {
    for (bound, level, name, wanted) in [
        ("127.0.0.1:0", libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE),
        ("[::1]:0", libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT),
    ] {
        let server = server(bound);
        assert_eq!(option(&server, level, name), wanted, "{bound}");
        let plain = UdpSocket::bind((IpAddr::from(Ipv4Addr::LOCALHOST), 0)).unwrap();
        for buffer in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
            let usual = option(&plain, libc::SOL_SOCKET, buffer);
            assert!(option(&server, libc::SOL_SOCKET, buffer) > usual, "{bound}");
        }
    }
}

fn option(socket: &UdpSocket, level: libc::c_int, name: libc::c_int) -> libc::c_int {
    use std::os::fd::AsRawFd;
    let mut value: libc::c_int = 0;
    let mut len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `value`.
    let outcome = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len)
    };
    assert_eq!(outcome, 0);
    value
}

#[test]
fn an_address_is_vacant_until_somebody_has_it() {
    for address in [own_address(), "[::1]:0".to_owned()] {
        let first = server(&address);
        let address = first.local_addr().unwrap();
        let second = server(&address.to_string());
        assert_eq!(second.local_addr().unwrap(), address);
        assert_eq!(udp::vacant(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop((first, second));
        udp::vacant(address).unwrap();
    }
}
