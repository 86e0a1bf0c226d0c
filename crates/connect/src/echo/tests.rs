use proptest::prelude::*;

use super::*;

fn echo(to: &str) -> Echo {
    Echo {
        to: to.parse().unwrap(),
        identifier: Some(0x1234),
        sequence: 7,
        payload: *b"sixteen bytes!!!",
    }
}

/// What a router sends back: the header of an error, and the packet that it is about.
fn unreachable(echo: &Echo, code: u8) -> Vec<u8> {
    let (kind, mut packet) = match echo.to {
        IpAddr::V4(to) => {
            let mut header = vec![0x45, 0, 0, 44, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 9];
            header.extend(to.octets());
            (3, header)
        }
        IpAddr::V6(to) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 24, 58, 64];
            header.extend([0; 16]);
            header.extend(to.octets());
            (1, header)
        }
    };
    packet.extend(echo.request());
    [vec![kind, code, 0, 0, 0, 0, 0, 0], packet].concat()
}

fn reply(echo: &Echo) -> Vec<u8> {
    let mut message = echo.request();
    message[0] = if echo.to.is_ipv4() { 0 } else { 129 };
    message
}

#[test]
fn rfc_792_a_request_has_a_checksum_that_makes_the_whole_sum_zero() {
    let request = echo("192.0.2.1").request();
    assert_eq!(&request[..8], [8, 0, request[2], request[3], 0x12, 0x34, 0, 7]);
    assert_eq!(checksum(&request), 0);
    assert_eq!(checksum(&[1]), 0xfeff);
    assert_eq!(echo("2001:db8::1").request()[..2], [128, 0]);
}

#[test]
fn only_the_answer_to_this_very_request_counts() {
    for to in ["192.0.2.1", "2001:db8::1"] {
        let mine = echo(to);
        let check = |from: &str, message: &[u8], want: Heard| {
            assert_eq!(mine.heard(from.parse().unwrap(), message), want, "{from} {message:?}");
        };
        let good = reply(&mine);
        check(to, &good, Heard::Reply);
        check("192.0.2.2", &good, Heard::Nothing);
        check(to, &mine.request(), Heard::Nothing);
        for other in [
            Echo { identifier: Some(1), ..mine },
            Echo { sequence: 8, ..mine },
            Echo { payload: [0; PAYLOAD_BYTES], ..mine },
        ] {
            check(to, &reply(&other), Heard::Nothing);
        }
        check(to, &good[..good.len() - 1], Heard::Nothing);
        let kernels = Echo { identifier: None, ..mine };
        assert_eq!(kernels.heard(mine.to, &good), Heard::Reply);
    }
}

#[test]
fn whoever_says_that_a_request_goes_nowhere_shows_the_request() {
    let check = |to: &str, code: u8, want: Unreachable| {
        let mine = echo(to);
        let router = "192.0.2.254".parse().unwrap();
        let message = unreachable(&mine, code);
        assert_eq!(mine.heard(router, &message), Heard::Unreachable(want), "{to} {code}");
        // RFC 792: of the payload nothing needs to come back.
        let cut = &message[..message.len() - PAYLOAD_BYTES];
        assert_eq!(mine.heard(router, cut), Heard::Unreachable(want), "{to} {code}");
        assert_eq!(mine.heard(router, &cut[..cut.len() - 1]), Heard::Nothing);
        let other = Echo { sequence: 8, ..mine };
        assert_eq!(other.heard(router, &message), Heard::Nothing);
        let elsewhere = echo(if mine.to.is_ipv4() { "192.0.2.3" } else { "2001:db8::3" });
        assert_eq!(elsewhere.heard(router, &message), Heard::Nothing);
    };
    check("192.0.2.1", 0, Unreachable::Network);
    check("192.0.2.1", 1, Unreachable::Host);
    check("192.0.2.1", 13, Unreachable::Host);
    check("2001:db8::1", 0, Unreachable::Network);
    check("2001:db8::1", 3, Unreachable::Host);
}

proptest! {
    #[test]
    fn any_message_is_judged(v6: bool, message in prop::collection::vec(any::<u8>(), 0..128)) {
        let mine = echo(if v6 { "2001:db8::1" } else { "192.0.2.1" });
        prop_assert_ne!(mine.heard(mine.to, &message), Heard::Reply);
        without_ipv4_header(&message);
    }
}
