//! How long answers are and in what order: every border of truncation, the SOA of denials, the spread of addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trimtab_dns::{Facts, Rcode, Transport};

use crate::client::{OPT, Query, show};
use crate::stage::{Built, Stage};

fn world(lines: &str) -> (Stage, Built) {
    let mut stage = Stage::new();
    stage.zone("example.com");
    lines.lines().for_each(|line| stage.zone_line(line));
    let built = stage.build();
    (stage, built)
}

fn addresses(count: usize) -> String {
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, "www 300 A 192.0.2.{number}").unwrap();
    }
    lines
}

fn counts(reply: &[u8]) -> Vec<u16> {
    reply[4..12].as_chunks().0.iter().map(|count| u16::from_be_bytes(*count)).collect()
}

#[test]
fn rfc2181_9_a_set_fits_as_a_whole_or_not_at_all() {
    for count in 1..=90_usize {
        let (stage, built) = world(&addresses(count));
        for payload in
            [None, Some(0), Some(511), Some(512), Some(513), Some(1231), Some(1232), Some(4096)]
        {
            let mut query = Query::new("www.example.com", 1);
            query.edns = payload.map(|payload| (payload, 0, vec![]));
            let limit = payload.map_or(512, |payload| payload.clamp(512, 1232));
            let opt = if payload.is_some() { 11 } else { 0 };
            let whole = 12 + 21 + 16 * count + opt;
            let (reply, facts) = query.ask(&built.view(), stage.now, 9);
            let fits = whole <= limit.into();
            let (len, answers) = if fits { (whole, count) } else { (12 + 21 + opt, 0) };
            assert_eq!(reply.len(), len, "{count} records in {payload:?}");
            assert_eq!(counts(&reply), [1, answers as u16, 0, (opt > 0).into()]);
            assert_eq!(facts.truncated, !fits);
            assert_eq!(reply[2] & 0x02 != 0, !fits, "TC");
        }
        let mut tcp = Query::new("www.example.com", 1);
        tcp.via = Transport::Tcp;
        let (reply, facts) = tcp.ask(&built.view(), stage.now, 9);
        assert_eq!((reply.len(), facts.truncated), (12 + 21 + 16 * count, false));
    }
}

#[test]
fn rfc7766_8_an_answer_of_64_kilobytes_goes_over_tcp() {
    let text = |bytes: usize| "x".repeat(bytes);
    for (last, fits) in [(209, true), (210, false)] {
        let mut lines = String::new();
        for number in 0..255 {
            writeln!(lines, "big 300 TXT {number:03}{}", text(240)).unwrap();
        }
        writeln!(lines, "big 300 TXT {}", text(last)).unwrap();
        let (stage, built) = world(&lines);
        let mut query = Query::new("big.example.com", 16);
        query.via = Transport::Tcp;
        let (reply, facts) = query.ask(&built.view(), stage.now, 9);
        let whole = 12 + 17 + 4 + 255 * (12 + 1 + 243) + 12 + 1 + last;
        assert_eq!((reply.len(), facts.truncated), if fits { (whole, false) } else { (33, true) });
        assert_eq!(whole <= 65_535, fits, "the case is at the border: {whole}");
    }
}

#[test]
fn rfc9471_3_1_glue_inside_the_delegation_is_told_or_the_answer_is_truncated() {
    let mut lines = String::from("sub 300 NS ns.other\nns.other 300 A 192.0.2.200\n");
    for number in 0..12 {
        writeln!(lines, "sub 300 NS n{number:02}.sub\nn{number:02}.sub 300 A 192.0.2.{number}")
            .unwrap();
        writeln!(lines, "n{number:02}.sub 300 AAAA 2001:db8::{number}").unwrap();
    }
    let (stage, built) = world(&lines);
    // 13 NS records; 12 pairs of addresses inside the delegation, one address outside of it.
    let servers = 12 + 25 + 12 * (12 + 21) + (12 + 22);
    let inside = servers + 12 * (16 + 28);
    let mut seen = Vec::new();
    for limit in [inside + 11 - 1, inside + 11, inside + 11 + 15, inside + 11 + 16] {
        let mut query = Query::new("www.sub.example.com", 1);
        query.edns = Some((limit as u16, 0, vec![]));
        let (reply, facts) = query.ask(&built.view(), stage.now, 9);
        seen.push((facts.truncated, counts(&reply)));
    }
    let want = [
        (true, vec![1, 0, 0, 1]),
        (false, vec![1, 0, 13, 25]),
        (false, vec![1, 0, 13, 25]),
        (false, vec![1, 0, 13, 26]),
    ];
    assert_eq!(seen, want);
}

#[test]
fn truncation_takes_a_chain_back_as_a_whole() {
    let (stage, built) = world(&format!("alias 300 CNAME www\n{}", addresses(40)));
    let (reply, facts) = Query::new("alias.example.com", 1).ask(&built.view(), stage.now, 9);
    assert_eq!((show(&reply).as_str(), facts.truncated), ("NOERROR aa tc", true));
}

#[test]
fn rfc2308_3_the_soa_of_a_denial_has_the_negative_ttl_in_both_places() {
    let (stage, built) = world("");
    let (reply, _) = Query::new("none.example.com", 1).ask(&built.view(), stage.now, 9);
    let soa = &reply[12 + 22..];
    assert_eq!(soa[..2], [0xc0, 12 + 5], "the owner is the end of the question's name");
    assert_eq!(soa[6..10], 60_u32.to_be_bytes());
    assert_eq!(&soa[12..31], b"\x03ns1\x04test\x00\x0ahostmaster"[..19].as_ref());
    assert_eq!(soa[soa.len() - 4..], 60_u32.to_be_bytes());
}

#[test]
fn addresses_begin_with_each_of_them_as_often() {
    let (stage, built) = world(&addresses(4));
    let mut first: BTreeMap<u8, u32> = BTreeMap::new();
    for dice in 0..4_000 {
        let (reply, _) = Query::new("www.example.com", 1).ask(&built.view(), stage.now, dice);
        let all: Vec<u8> = (0..4).map(|record| reply[33 + 16 * record + 15]).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3], "all of them, each once");
        *first.entry(all[0]).or_default() += 1;
    }
    assert!(first.values().all(|&times| (850..1_150).contains(&times)), "{first:?}");
}

#[test]
fn proxied_addresses_are_all_told_and_begin_anywhere() {
    let mut stage = Stage::new();
    stage.node("addresses=192.0.2.0,192.0.2.1,192.0.2.2");
    stage.zone("example.com");
    stage.pool("p : 198.51.100.1");
    stage.balancer("www.example.com off default=p fallback=p proxied");
    let built = stage.build();
    let mut seen = std::collections::BTreeSet::new();
    for dice in 0..100 {
        let (reply, _) = Query::new("www.example.com", 1).ask(&built.view(), stage.now, dice);
        seen.insert([0, 1, 2].map(|record| reply[33 + 16 * record + 15]));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
}

#[test]
fn facts_say_what_was_asked_and_what_became_of_it() {
    let mut stage = Stage::new();
    stage.zone("example.com");
    stage.pool("p : 198.51.100.1");
    stage.balancer("lb.example.com off default=p fallback=p");
    let built = stage.build();
    let facts = |query: Query| query.ask(&built.view(), stage.now, 0).1;
    let mut with_subnet = Query::new("none.example.com", 28);
    with_subnet.edns = Some((1232, 0, vec![0, 8, 0, 4, 0, 1, 0, 0]));
    let zone = Some(trimtab_model::ZoneId::new([1; 16]));
    let want =
        Facts { rcode: Rcode::NxDomain, qtype: Some(28), subnet: true, zone, ..Facts::default() };
    assert_eq!(facts(with_subnet), want);
    let outside = facts(Query::new("example.net", 1));
    assert_eq!((outside.rcode, outside.zone), (Rcode::Refused, None));
    let steered = facts(Query::new("lb.example.com", 1)).steered.unwrap();
    assert_eq!((steered.balancer.0, steered.why.pool.map(|slot| slot.0)), (0, Some(0)));
    assert_eq!(facts(Query::new("lb.example.com", OPT)).rcode, Rcode::FormErr);
}
