//! Packets that no honest client sends: each gets the protocol's own answer, or none.

use proptest::prelude::*;
use trimtab_dns::{DropReason, Outcome, Rcode, Scratch, Transport, answer};
use trimtab_model::Moment;

use crate::client::{OPT, Query, header, name, option, record, send, show};
use crate::scenario::subnet;
use crate::stage::{Built, Stage};

const QUERY: [u16; 4] = [1, 0, 0, 0];
const WITH_ONE_MORE: [u16; 4] = [1, 0, 0, 1];

fn small_world() -> Built {
    let mut stage = Stage::new();
    stage.zone("example.com");
    for line in ["www 300 A 192.0.2.1", "a 300 CNAME www", "*.w 300 TXT t", "d 300 NS ns.d"] {
        stage.zone_line(line);
    }
    stage.pool("p : 198.51.100.1, 198.51.100.2, 2001:db8::1");
    stage.balancer("lb.example.com random default=p fallback=p");
    stage.node("id=n version=v addresses=203.0.113.1");
    stage.build()
}

fn question() -> Vec<u8> {
    Query::new("www.example.com", 1).question()
}

fn plain() -> Vec<u8> {
    Query::new("www.example.com", 1).bytes()
}

fn opt(options: &[u8]) -> Vec<u8> {
    record(&[0], OPT, 1232, 0, options)
}

fn with(counts: [u16; 4], parts: &[&[u8]]) -> Vec<u8> {
    [header(7, 0, counts), question(), parts.concat()].concat()
}

fn with_options(options: &[u8]) -> Vec<u8> {
    with(WITH_ONE_MORE, &[&opt(options)])
}

/// The reply's first line and how many sections follow; or why there is none.
fn reply(query: &[u8]) -> Result<String, DropReason> {
    let world = small_world();
    let from = "198.51.100.7:5353".parse().unwrap();
    let (reply, _) = send(query, from, Transport::Udp, &world.view(), Moment::default(), 1)?;
    let counts: Vec<_> =
        reply[4..12].as_chunks().0.iter().map(|c| u16::from_be_bytes(*c)).collect();
    Ok(format!("{} {counts:?}", show(&reply).lines().next().unwrap()))
}

fn check(rows: &[(&str, Vec<u8>, Result<&str, DropReason>)]) {
    for (what, query, want) in rows {
        assert_eq!(reply(query), want.map(String::from), "{what}");
    }
}

#[test]
fn rfc1035_4_1_1_what_is_no_query_is_not_answered() {
    let cut = |bytes: usize| plain()[..bytes].to_vec();
    let mut response = plain();
    response[2] |= 0x80;
    check(&[
        ("nothing", vec![], Err(DropReason::NoHeader)),
        ("half a header", cut(11), Err(DropReason::NoHeader)),
        ("a response", response.clone(), Err(DropReason::IsResponse)),
        ("a short response", response[..12].to_vec(), Err(DropReason::IsResponse)),
    ]);
}

#[test]
fn rfc1035_4_1_2_broken_questions_are_form_errors() {
    let head = |rest: &[u8]| [&header(7, 0, QUERY), rest].concat();
    let (formerr, ok) = (Ok("FORMERR [0, 0, 0, 0]"), Ok("NOERROR aa [1, 1, 0, 0]"));
    let long = |labels: usize| [[1, b'x'].repeat(labels), vec![0, 0, 1, 0, 1]].concat();
    check(&[
        ("no question at all", header(7, 0, QUERY), formerr),
        ("a name without an end", head(b"\x03www\x07example"), formerr),
        ("no type", head(b"\x03www\x07example\x03com\x00"), formerr),
        ("half a class", head(b"\x03www\x07example\x03com\x00\x00\x01\x00"), formerr),
        ("a pointer to itself", head(b"\xc0\x0c\x00\x01\x00\x01"), formerr),
        ("a pointer behind a label", head(b"\x03www\xc0\x0c\x00\x01\x00\x01"), formerr),
        ("a pointer beyond the end", head(b"\xc0\xff\x00\x01\x00\x01"), formerr),
        ("a label type of 01", head(b"\x41x\x00\x00\x01\x00\x01"), formerr),
        ("a label type of 10", head(b"\x81x\x00\x00\x01\x00\x01"), formerr),
        ("a name of 255 bytes", head(&long(127)), Ok("REFUSED [1, 0, 0, 0]")),
        ("a name of 257 bytes", head(&long(128)), formerr),
        ("a sound one", plain(), ok),
    ]);
}

#[test]
fn rfc9619_4_exactly_one_question() {
    let two = [question(), question()].concat();
    let formerr = Ok("FORMERR [0, 0, 0, 0]");
    check(&[
        ("none", header(7, 0, [0; 4]), formerr),
        (
            "none but a cookie",
            [header(7, 0, [0, 0, 0, 1]), opt(&option(10, b"12345678"))].concat(),
            formerr,
        ),
        ("two", [header(7, 0, [2, 0, 0, 0]), two].concat(), formerr),
        ("65,535", [header(7, 0, [0xffff; 4]), question()].concat(), formerr),
    ]);
}

#[test]
fn rfc8906_3_1_4_other_opcodes_are_not_implemented_and_echoed() {
    for opcode in 1..16_u16 {
        let query = [header(7, opcode << 11 | 0x0100, QUERY), question()].concat();
        let want = Ok("NOTIMP rd [0, 0, 0, 0]".to_owned());
        assert_eq!(reply(&query), want, "opcode {opcode}");
        assert_eq!(reply(&header(7, opcode << 11 | 0x0100, [0; 4])), want, "header alone");
    }
}

#[test]
fn rfc8906_3_1_3_flags_of_a_query_mean_nothing_to_the_answer() {
    for flags in [0x0400, 0x0200, 0x0080, 0x0040, 0x0020, 0x0010, 0x000f] {
        let query = [header(7, flags, QUERY), question()].concat();
        assert_eq!(reply(&query), Ok("NOERROR aa [1, 1, 0, 0]".into()), "flags {flags:04x}");
    }
}

#[test]
fn rfc1035_4_1_1_the_counts_say_where_a_message_ends() {
    let a = record(&[0xc0, 12], 1, 1, 5, &[1, 2, 3, 4]);
    let soa = record(&name("example.com"), 6, 1, 5, &[0; 22]);
    let tsig = record(&name("key"), 250, 255, 0, &[9; 30]);
    let looped = record(&[3, b'a', b'b', b'c', 0xc0, 31], 1, 1, 5, &[]);
    let formerr = Ok("FORMERR [1, 0, 0, 0]");
    let formerr_opt = Ok("FORMERR [1, 0, 0, 1]");
    let ok = Ok("NOERROR aa [1, 1, 0, 0]");
    check(&[
        ("a byte too many", with(QUERY, &[b"x"]), formerr),
        ("a record too many", with(QUERY, &[&a]), formerr),
        ("an OPT record too many", with(QUERY, &[&opt(&[])]), formerr),
        ("an answer", with([1, 1, 0, 0], &[&a]), formerr),
        ("an answer that is counted and not there", with([1, 1, 0, 0], &[]), formerr),
        ("a record that is counted and not there", with([1, 0, 0, 1], &[]), formerr),
        ("half a record", with([1, 0, 0, 1], &[&a[..8]]), formerr),
        ("data longer than the message", with([1, 0, 0, 1], &[&a[..12], b"\xff\xff"]), formerr),
        (
            "an OPT record and a record that is not there",
            with([1, 0, 0, 2], &[&opt(&[])]),
            formerr_opt,
        ),
        ("an SOA record as in IXFR", with([1, 0, 1, 0], &[&soa]), ok),
        ("a TSIG record without a key of ours", with(WITH_ONE_MORE, &[&tsig]), ok),
        ("any other record", with(WITH_ONE_MORE, &[&a]), ok),
        ("a name that points at itself", with(WITH_ONE_MORE, &[&looped]), ok),
        ("eight records", with([1, 0, 0, 8], &[&a.repeat(8)]), ok),
        ("nine records", with([1, 0, 0, 9], &[&a.repeat(9)]), formerr),
        ("counts that overflow", with([1, 0, 0xffff, 0xffff], &[&a]), formerr),
    ]);
}

#[test]
fn rfc6891_6_1_1_one_opt_record_in_its_place() {
    let formerr = Ok("FORMERR [1, 0, 0, 0]");
    let formerr_opt = Ok("FORMERR [1, 0, 0, 1]");
    let ok = Ok("NOERROR aa [1, 1, 0, 1]");
    let a = record(&[0xc0, 12], 1, 1, 5, &[1, 2, 3, 4]);
    check(&[
        ("one", with_options(&[]), ok),
        ("behind another record", with([1, 0, 0, 2], &[&a, &opt(&[])]), ok),
        ("before another record", with([1, 0, 0, 2], &[&opt(&[]), &a]), ok),
        ("two", with([1, 0, 0, 2], &[&opt(&[]), &opt(&[])]), formerr_opt),
        ("with a name", with(WITH_ONE_MORE, &[&record(&name("x"), OPT, 1232, 0, &[])]), formerr),
        ("as an authority", with([1, 0, 1, 0], &[&opt(&[])]), formerr),
        ("half an option", with_options(b"\x00\x0a\x00"), formerr_opt),
        ("an option longer than the record", with_options(b"\x00\x0a\x00\x09xxxx"), formerr_opt),
        ("an empty option", with_options(&option(65_001, b"")), ok),
    ]);
    let version = |options: &[u8]| record(&[0], OPT, 1232, 0x0001_0000, options);
    let badvers = Ok("BADVERS [1, 0, 0, 1]");
    check(&[
        ("version 1", with(WITH_ONE_MORE, &[&version(&[])]), badvers),
        ("version 1, options in its own form", with(WITH_ONE_MORE, &[&version(b"xyz")]), badvers),
    ]);
}

#[test]
fn rfc7871_6_malformed_subnets_are_form_errors() {
    let ecs = |value: &[u8]| with_options(&option(8, value));
    let ok = Ok("NOERROR aa [1, 1, 0, 1]");
    let bad = Ok("FORMERR [1, 0, 0, 1]");
    let v6 = |prefix: u8, bytes: usize| [vec![0, 2, prefix, 0], vec![0; bytes]].concat();
    check(&[
        ("IPv4, 24 bits", ecs(&[0, 1, 24, 0, 10, 1, 2]), ok),
        ("IPv4, 32 bits", ecs(&[0, 1, 32, 0, 10, 1, 2, 3]), ok),
        ("IPv4, 20 bits", ecs(&[0, 1, 20, 0, 10, 1, 0xf0]), ok),
        ("IPv4, none", ecs(&[0, 1, 0, 0]), ok),
        ("IPv6, 56 bits", ecs(&v6(56, 7)), ok),
        ("IPv6, 128 bits", ecs(&v6(128, 16)), ok),
        ("family 0 without an address, as dig sends it", ecs(&[0, 0, 0, 0]), ok),
        ("a scope in a query", ecs(&[0, 1, 24, 24, 10, 1, 2]), bad),
        ("a source longer than the family", ecs(&[0, 1, 33, 0, 10, 1, 2, 3, 4]), bad),
        ("a source longer than IPv6", ecs(&v6(129, 17)), bad),
        ("an address too short", ecs(&[0, 1, 24, 0, 10, 1]), bad),
        ("an address too long", ecs(&[0, 1, 24, 0, 10, 1, 2, 0]), bad),
        ("bits beyond the source", ecs(&[0, 1, 20, 0, 10, 1, 0xf8]), bad),
        ("bits beyond a source of 0", ecs(&[0, 1, 0, 0, 1]), bad),
        ("a family that nobody knows", ecs(&[0, 3, 8, 0, 10]), bad),
        ("family 0 with an address", ecs(&[0, 0, 8, 0, 10]), bad),
        ("family 256 + 1", ecs(&[1, 1, 8, 0, 10]), bad),
        ("three bytes", ecs(&[0, 1, 24]), bad),
        ("nothing", ecs(&[]), bad),
        ("two subnets", with_options(&option(8, &[0, 1, 0, 0]).repeat(2)), bad),
    ]);
}

#[test]
fn a_form_error_repeats_no_subnet() {
    let sound = option(8, &subnet("10.0.0.0/8"));
    for broken in [sound.clone(), b"\x00\x0a\x00".to_vec()] {
        let query = with_options(&[sound.clone(), broken].concat());
        let world = small_world();
        let from = "198.51.100.7:5353".parse().unwrap();
        let sent = send(&query, from, Transport::Udp, &world.view(), Moment::default(), 1);
        assert_eq!(show(&sent.unwrap().0), "FORMERR\nedns 1232");
    }
}

fn any_query() -> impl Strategy<Value = Vec<u8>> {
    let names = vec![
        "www.example.com",
        "LB.example.COM",
        "a.example.com",
        "x.w.example.com",
        "q.d.example.com",
        "none.example.com",
        "version.bind",
        ".",
    ];
    let network =
        prop::option::of(prop::sample::select(vec!["10.0.0.0/8", "2001:db8::/32", "::/0"]));
    let numbers = (0..300_u16, prop_oneof![9 => Just(1_u16), 1 => Just(3), 1 => any::<u16>()]);
    (prop::sample::select(names), numbers, prop::option::of(any::<u16>()), network).prop_map(
        |(name, (qtype, qclass), payload, ecs)| {
            let mut query = Query::new(name, qtype);
            query.qclass = qclass;
            let options = ecs.map_or(vec![], |ecs| option(8, &subnet(ecs)));
            query.edns = payload.map(|payload| (payload, 0x8000, options));
            query.bytes()
        },
    )
}

/// Whatever comes in, what goes out is a sound message within its limit.
fn check_any(query: &[u8], dice: u64) -> Result<(), TestCaseError> {
    let world = small_world();
    let from = "[2001:db8::7]:53".parse().unwrap();
    for (via, limit) in [(Transport::Udp, 1232), (Transport::Tcp, 65_535)] {
        if let Ok((reply, _)) = send(query, from, via, &world.view(), Moment::default(), dice) {
            prop_assert!(reply.len() <= limit);
            let worth = 40 * query.len();
            prop_assert!(reply.len() <= worth, "{} bytes for {}", reply.len(), query.len());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_replies_are_sound(query: Vec<u8>, dice: u64) {
        check_any(&query, dice)?;
    }

    #[test]
    fn arbitrary_bytes_behind_a_query_header_never_panic(
        rest: Vec<u8>,
        counts in prop::array::uniform4(0..3_u16),
        dice: u64,
    ) {
        check_any(&[header(1, 0, counts), rest].concat(), dice)?;
    }

    #[test]
    fn queries_with_a_few_bytes_changed_never_panic(
        mut query in any_query(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        dice: u64,
    ) {
        for (at, byte) in changes {
            let at = at.index(query.len());
            query[at] = byte;
        }
        if let Some(cut) = cut {
            query.truncate(cut.index(query.len()));
        }
        check_any(&query, dice)?;
    }

    #[test]
    fn a_buffer_of_any_size_is_never_overrun(query in any_query(), room in 0..600_usize) {
        let world = small_world();
        let (from, now) = ("198.51.100.7:53".parse().unwrap(), Moment::default());
        let mut out = vec![0; room];
        let (scratch, view) = (&mut Scratch::new(), world.view());
        match answer(&query, from, Transport::Tcp, &view, now, 0, scratch, &mut out) {
            Outcome::Reply { len, facts } => {
                prop_assert!(len <= room);
                prop_assert!(Rcode::ALL.contains(&facts.rcode));
            }
            Outcome::Drop(reason) => prop_assert_eq!(reason, DropReason::NoRoom),
        }
    }
}
