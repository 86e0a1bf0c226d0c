//! Who may know why, and that what is recorded leads to the same answer again.

use trimtab_dns::{Transport, record};
use trimtab_steer::{Wanted, explain};

use crate::client::{Query, option, show};
use crate::stage::{Built, Stage};

const TRACE: u16 = 65_432;
const DICE: u64 = 0x0123_4567_89ab_cdef;

fn stage() -> (Stage, Built) {
    let mut stage = Stage::new();
    stage.node("explain=192.0.2.0/24");
    stage.place("10.1.0.0/16 DE");
    stage.zone("example.com");
    stage.zone_line("text 300 TXT text");
    stage.zone_line("_why.text 300 TXT stored");
    stage.zone_line("alias 300 CNAME www.example.com.");
    stage.pool("fra : 198.51.100.1 up, 198.51.100.2 up");
    stage.pool("iad : 203.0.113.1 up");
    stage.balancer("www.example.com geo default=iad fallback=iad country.DE=fra");
    stage.balancer("front.example.com off default=iad fallback=iad proxied");
    let built = stage.build();
    (stage, built)
}

fn ask(name: &str, qtype: u16, from: &str, change: impl FnOnce(&mut Query)) -> String {
    let (stage, built) = stage();
    let mut query = Query::new(name, qtype);
    query.from = from.parse().unwrap();
    change(&mut query);
    show(&query.ask(&built.view(), stage.now, DICE).0)
}

#[test]
fn operators_are_told_every_step() {
    let told = ask("_why.www.example.com", 16, "192.0.2.1:53", |query| {
        let subnet = [&[0, 1, 24, 0][..], &[10, 1, 5]].concat();
        query.edns = Some((1232, 0, option(8, &subnet)));
    });
    for said in [
        "NOERROR aa",
        "_why.www.example.com 0 TXT \"01 www.example.com steers by geography",
        "by its subnet (ECS) the client is in DE",
        "country_pools has a list for DE",
        "pool fra is chosen",
        "answer 198.51.100.1",
        "trace 0123456789abcdef",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }
}

#[test]
fn what_is_not_steered_is_said_to_be_so() {
    let check = |name: &str, want: &str| {
        let told = ask(&format!("_why.{name}"), 16, "192.0.2.1:53", |_| ());
        assert!(told.contains(want), "{want} in {told}");
    };
    check("text.example.com", "01 no load balancer stands at this name");
    check("nothing.example.com", "01 no load balancer stands at this name");
    check("front.example.com", "01 front.example.com is proxied");
    check("www.example.net", "REFUSED");
}

#[test]
fn to_others_why_is_a_name_like_any() {
    let stranger = |name| ask(name, 16, "198.51.100.9:53", |_| ());
    assert!(stranger("_why.www.example.com").starts_with("NXDOMAIN aa"));
    assert!(stranger("_why.text.example.com").contains("\"stored\""));
    let other_type = ask("_why.www.example.com", 1, "192.0.2.1:53", |_| ());
    assert!(other_type.starts_with("NXDOMAIN aa"));
}

#[test]
fn long_explanations_are_asked_for_again_over_tcp() {
    let ask = |via| {
        ask("_why.www.example.com", 16, "192.0.2.1:53", |query| {
            (query.via, query.edns) = (via, None);
        })
    };
    assert!(ask(Transport::Udp).starts_with("NOERROR aa tc"));
    assert!(ask(Transport::Tcp).contains("pool fra is chosen"));
}

#[test]
fn the_trace_id_is_told_to_operators_who_ask_for_it() {
    let ask = |from, code| {
        ask("www.example.com", 1, from, |query| query.edns = Some((1232, 0, option(code, &[]))))
    };
    let told = "edns 1232 UnknownOptData { code: OptionCode(65432), data: 0123456789ABCDEF }";
    assert!(ask("192.0.2.1:53", TRACE).ends_with(told));
    assert!(ask("192.0.2.1:53", 10).ends_with("edns 1232"));
    assert!(ask("198.51.100.9:53", TRACE).ends_with("edns 1232"));
}

#[test]
fn what_is_recorded_leads_to_the_same_answer() {
    let (stage, built) = stage();
    let view = built.view();
    for (name, qtype, steered) in [
        ("www.example.com", 1, true),
        ("WwW.example.com", 28, true),
        ("alias.example.com", 1, true),
        ("text.example.com", 16, false),
        ("front.example.com", 1, false),
    ] {
        for dice in 0..50 {
            let mut query = Query::new(name, qtype);
            let subnet = [&[0, 1, 24, 0][..], &[10, 1, 5]].concat();
            query.edns = Some((1232, 0, option(8, &subnet)));
            let (reply, facts) = query.ask(&view, stage.now, dice);
            let again = record(&query.bytes(), query.from, query.via, &view, stage.now, dice);
            assert_eq!(again.is_some(), steered, "{name}");
            let Some((recorded, bytes)) = again else { continue };
            assert_eq!(bytes, reply);
            let balancer = view.world.balancer(recorded.balancer).unwrap();
            let client = recorded.client();
            assert_eq!(client.name, b"www.example.com.");
            assert_eq!(client.wanted, if qtype == 28 { Wanted::Aaaa } else { Wanted::A });
            let (decision, _) = explain(view.world, balancer, &client, stage.now, dice);
            assert_eq!(decision.why, facts.steered.unwrap().why);
        }
    }
}
