use std::net::{Ipv4Addr, SocketAddr};

use h2::server;
use http::{Request, Response};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::exchange::Broken;

const LIFE: Duration = Duration::from_secs(900);
const IDLE: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(2);

fn key() -> Key {
    Key { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), identity: 0 }
}

fn life(now: Instant) -> Life {
    Life { retires: now + LIFE, idle_timeout: IDLE }
}

type Made = (SendRequest<Bytes>, Driver<DuplexStream, Bytes>);

/// An origin that allows so many streams and answers each once `answers` says so; its end is told by the task.
async fn origin(streams_max: u32, answers: Arc<Notify>) -> (Made, tokio::task::JoinHandle<usize>) {
    let (near, far) = duplex(64 * 1024);
    let served = tokio::spawn(async move {
        let mut builder = server::Builder::new();
        builder.max_concurrent_streams(streams_max);
        let mut connection = builder.handshake::<_, Bytes>(far).await.unwrap();
        let mut served = 0;
        while let Some(request) = connection.accept().await {
            let (_, mut respond) = request.unwrap();
            served += 1;
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                answers.notified().await;
                respond.send_response(Response::new(()), true).unwrap();
            });
        }
        served
    });
    (handshake(near, LIMIT).await.unwrap(), served)
}

fn name(next: &Next) -> &'static str {
    match next {
        Next::Send(_) => "send",
        Next::Make(_) => "make",
        Next::Wait => "wait",
        Next::Full => "full",
    }
}

#[tokio::test(start_paused = true)]
async fn rfc_9113_section_5_1_2_one_connection_has_the_streams_that_its_origin_allows() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let answers = Arc::<Notify>::default();
    let mut held = Vec::new();
    let mut check = |all: &mut Connections, want: &[&str]| {
        for want in want {
            let next = all.next(&key(), Want::Any, 2, now);
            assert_eq!(name(&next), *want, "{held:?}");
            held.push(next);
        }
        std::mem::take(&mut held)
    };
    let first = check(&mut all, &["make", "wait", "wait"]);
    let (made, _served) = origin(2, Arc::clone(&answers)).await;
    let lease = all.add(key(), made, life(now));
    drop(first);
    let second = check(&mut all, &["send", "make", "wait"]);
    let (made, _served) = origin(1, answers).await;
    let other = all.add(key(), made, life(now));
    drop((second, other));
    let third = check(&mut all, &["send", "send", "full"]);
    drop((lease, third));
    check(&mut all, &["send", "send", "send", "full"]);
}

#[tokio::test(start_paused = true)]
async fn we_open_no_more_streams_than_our_own_limit() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let (made, _served) = origin(1_000, Arc::default()).await;
    let mut leases = vec![all.add(key(), made, life(now))];
    while let Next::Send(lease) = all.next(&key(), Want::Any, 1, now) {
        leases.push(lease);
    }
    assert_eq!(leases.len(), STREAMS_MAX);
}

#[tokio::test(start_paused = true)]
async fn who_failed_over_one_connection_gets_another_as_far_as_there_may_be_one() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let (made, _first) = origin(1, Arc::default()).await;
    drop(all.add(key(), made, life(now)));
    assert_eq!(name(&all.next(&key(), Want::Any, 2, now)), "send");
    assert_eq!(name(&all.next(&key(), Want::New, 2, now)), "make");
    let (made, _second) = origin(1, Arc::default()).await;
    drop(all.add(key(), made, life(now)));
    let newest = all.next(&key(), Want::New, 2, now);
    let Next::Send(lease) = &newest else { panic!("{newest:?}") };
    let second = &all.endpoints[&key()].connections[1];
    assert!(Arc::ptr_eq(&lease.usage, &second.usage));
}

#[tokio::test(start_paused = true)]
async fn rfc_9113_section_6_8_an_old_connection_ends_with_its_last_stream() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let answers = Arc::<Notify>::default();
    let (made, served) = origin(2, Arc::clone(&answers)).await;
    let mut lease = all.add(key(), made, life(now));
    let (response, _) = lease.requests.send_request(Request::new(()), true).unwrap();
    assert_eq!(name(&all.next(&key(), Want::Any, 8, now)), "send");
    assert_eq!(name(&all.next(&key(), Want::Any, 8, now + LIFE)), "make");
    all.sweep(now + LIFE);
    answers.notify_one();
    assert_eq!(response.await.unwrap().status(), 200);
    drop(lease);
    assert_eq!(served.await.unwrap(), 1);
    all.sweep(now + LIFE);
    assert!(all.endpoints.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_says_nothing_is_waited_for_as_long_as_a_connection_may_take() {
    let (near, far) = duplex(1024);
    assert_eq!(handshake(near, LIMIT).await.err(), Some(Fault::ConnectTimeout));
    drop(far);
    let (near, _) = duplex(1024);
    assert_eq!(handshake(near, LIMIT).await.err(), Some(Fault::HungUp));
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_and_no_more() {
    let line = Line::default();
    let first = line.wait(1);
    assert!(first.is_some() && line.wait(1).is_none());
    drop(first);
    assert!(line.wait(1).is_some() && line.wait(0).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_streams_ends_after_its_idle_timeout() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let (made, served) = origin(2, Arc::default()).await;
    let lease = all.add(key(), made, life(now));
    all.sweep(now + IDLE * 2);
    drop(lease);
    let last = now + IDLE * 3 - Duration::from_secs(1);
    let next = all.next(&key(), Want::Any, 8, last);
    assert_eq!(name(&next), "send");
    drop(next);
    all.sweep(last + IDLE - Duration::from_secs(1));
    assert!(!all.endpoints.is_empty());
    all.sweep(last + IDLE);
    assert!(all.endpoints.is_empty());
    assert_eq!(served.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_origin_is_silent_gets_no_more_streams() {
    let (mut all, now) = (Connections::default(), Instant::now());
    let (made, _served) = origin(8, Arc::default()).await;
    let lease = all.add(key(), made, life(now));
    assert_eq!(name(&all.next(&key(), Want::Any, 1, now)), "send");
    lease.retire();
    assert_eq!(name(&all.next(&key(), Want::Any, 1, now)), "make");
}

/// The driver has to run, as it does for requests.
async fn fault_of(far: impl Future<Output = DuplexStream>, made: Made) -> Fault {
    let (mut all, now) = (Connections::default(), Instant::now());
    let mut lease = all.add(key(), made, life(now));
    let (response, _) = lease.requests.send_request(Request::new(()), true).unwrap();
    let (answer, _far) = tokio::join!(response, far);
    Fault::from(&Broken::Http2(answer.unwrap_err()))
}

/// A frame without its length, which is that of the payload.
fn frame(kind: u8, stream: u32, payload: &[u32]) -> Vec<u8> {
    let length = u8::try_from(payload.len() * 4).unwrap();
    let mut frame = vec![0, 0, length, kind, 0];
    for word in std::iter::once(&stream).chain(payload) {
        frame.extend(word.to_be_bytes());
    }
    frame
}

#[tokio::test(start_paused = true)]
async fn rfc_9113_section_8_7_what_an_origin_did_not_process_is_told_from_what_it_may_have() {
    let [no_error, refused_stream, cancel] = [0, 7, 8];
    let check = async |said: Vec<u8>, want| {
        let (near, mut far) = duplex(64 * 1024);
        far.write_all(&frame(4, 0, &[])).await.unwrap();
        let made = handshake(near, LIMIT).await.unwrap();
        let says = async {
            // Once nothing else happens, the request has come.
            tokio::time::sleep(Duration::from_millis(1)).await;
            far.write_all(&said).await.unwrap();
            far
        };
        assert_eq!(fault_of(says, made).await, want, "{said:?}");
    };
    check(frame(3, 1, &[refused_stream]), Fault::NotTaken).await;
    check(frame(3, 1, &[cancel]), Fault::HungUp).await;
    check(frame(7, 0, &[0, no_error]), Fault::NotTaken).await;
}

#[tokio::test(start_paused = true)]
async fn clients_that_do_not_read_hold_back_nobody_else() {
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut connection = server::handshake(far).await.unwrap();
        while let Some(request) = connection.accept().await {
            let (_, mut respond) = request.unwrap();
            let mut body = respond.send_response(Response::new(()), false).unwrap();
            body.send_data(vec![0; STREAM_WINDOW_BYTES as usize].into(), true).unwrap();
        }
    });
    let (mut all, now) = (Connections::default(), Instant::now());
    let made = handshake(near, LIMIT).await.unwrap();
    let mut lease = all.add(key(), made, life(now));
    let mut unread = Vec::new();
    for _ in 0..40 {
        let (response, _) = lease.requests.send_request(Request::new(()), true).unwrap();
        unread.push(response.await.unwrap().into_body());
    }
    let last = unread.last_mut().unwrap();
    let read = timeout(LIMIT, async {
        let mut bytes = 0;
        while let Some(data) = last.data().await {
            bytes += data.unwrap().len();
        }
        bytes
    });
    assert_eq!(read.await.ok(), Some(STREAM_WINDOW_BYTES as usize));
}
