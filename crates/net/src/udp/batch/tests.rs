//! What the kernel refuses to send costs that answer alone. Real sockets on loopback.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::udp;

/// Five queries, of which the senders named in `spoilt` cannot be answered.
fn check(spoilt: &[usize], expected: Served) {
    let wait = Duration::from_millis(5);
    let options = udp::Options { wait, ..udp::Options::default() };
    // An address of its own: the kernel may hand out a port twice to sockets that can share it.
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = SocketAddr::from(([127, high, low, 0], 0));
    let server = udp::bind(address, &options).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(wait)).unwrap();
    for i in 0..5u8 {
        client.send_to(&[i], server.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    let received = batch.receive(&server).unwrap();
    assert_eq!(received.len(), 5);
    for &i in spoilt {
        received.buffers.spoil_sender(i);
    }
    let served = received.serve(|query, _, out| {
        out[0] = query[0];
        Some(1)
    });
    assert_eq!(served, expected, "spoilt {spoilt:?}");

    let mut answers = BTreeSet::new();
    let mut buffer = [0; 16];
    while let Ok(1) = client.recv(&mut buffer) {
        answers.insert(usize::from(buffer[0]));
    }
    assert_eq!(answers, (0..5).filter(|i| !spoilt.contains(i)).collect(), "spoilt {spoilt:?}");
}

#[test]
fn an_answer_that_cannot_be_sent_is_counted_and_the_others_leave() {
    let refused = |failed| Served {
        sent: 5 - failed,
        failed,
        failure: Some(io::ErrorKind::InvalidInput),
        ..Served::default()
    };
    check(&[], Served { sent: 5, ..Served::default() });
    check(&[0], refused(1));
    check(&[2], refused(1));
    check(&[4], refused(1));
    check(&[0, 2, 4], refused(3));
    check(&[0, 1, 2, 3, 4], refused(5));
}
