//! Plays the text scenarios of `tests/scenarios/dns`; the README beside them tells the language.

use std::net::IpAddr;
use std::path::Path;

use trimtab_dns::Transport;
use trimtab_model::RecordType;

use crate::client::{Query, option, show};
use crate::stage::Stage;

/// Plays every case of one file.
pub(crate) fn play(file: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/dns");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let cases = text.split("\n\n").filter(|case| !case.trim().is_empty());
    let played = cases.map(play_case).count();
    assert!(played > 0, "{file} holds no case");
}

fn play_case(case: &str) {
    let mut lines = case.lines().peekable();
    let title = lines.next().unwrap();
    let mut stage = Stage::new();
    let mut asked = 0;
    while let Some(line) = lines.next() {
        let (verb, rest) = line.trim().split_once(' ').unwrap();
        match verb {
            "place" => stage.place(rest),
            "node" => stage.node(rest),
            "pool" => stage.pool(rest),
            "host" => stage.host(rest),
            "balancer" => stage.balancer(rest),
            "zone" => {
                stage.zone(rest);
                while let Some(line) = lines.next_if(|line| line.starts_with("    ")) {
                    stage.zone_line(line.strip_prefix("    ").unwrap());
                }
            }
            "query" => {
                let first = lines.next().unwrap().trim().strip_prefix("-> ").unwrap();
                let mut want = vec![first];
                while let Some(line) = lines.next_if(|line| line.starts_with("     ")) {
                    want.push(line.trim());
                }
                asked += 1;
                assert_eq!(ask(&stage, rest), want.join("\n"), "{title}: {rest}");
            }
            other => panic!("{title}: unknown verb {other}"),
        }
    }
    assert!(asked > 0, "{title} asks nothing");
}

fn ask(stage: &Stage, rest: &str) -> String {
    let built = stage.build();
    let (reply, _) = read_query(rest).ask(&built.view(), stage.now, 3);
    show(&reply)
}

/// `NAME TYPE [tcp] [rd] [ad] [cd] [class=NUMBER] [from=IP] [edns[=BYTES]] [do] [nsid] [version=N] [ecs=IP/N] [option=CODE]`
fn read_query(text: &str) -> Query {
    let mut words = text.split(' ');
    let mut query = Query::new(words.next().unwrap(), read_type(words.next().unwrap()));
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let edns = (1232, 0, Vec::new());
        match key {
            "tcp" => query.via = Transport::Tcp,
            "rd" => query.flags |= 0x0100,
            "ad" => query.flags |= 0x0020,
            "cd" => query.flags |= 0x0010,
            "class" => query.qclass = value.parse().unwrap(),
            "from" => query.from.set_ip(value.parse().unwrap()),
            "edns" => {
                let size = if value.is_empty() { 1232 } else { value.parse().unwrap() };
                query.edns.get_or_insert(edns).0 = size;
            }
            "do" => query.edns.get_or_insert(edns).1 |= 0x8000,
            "version" => {
                query.edns.get_or_insert(edns).1 |= value.parse::<u32>().unwrap() << 16;
            }
            "nsid" => query.edns.get_or_insert(edns).2.extend(option(3, b"")),
            "option" => {
                let code = value.parse().unwrap();
                query.edns.get_or_insert(edns).2.extend(option(code, b"12345678"));
            }
            "ecs" => query.edns.get_or_insert(edns).2.extend(option(8, &subnet(value))),
            other => panic!("unknown word {other}"),
        }
    }
    query
}

fn read_type(word: &str) -> u16 {
    match word {
        "SOA" => 6,
        "ANY" => 255,
        _ => match word.strip_prefix("TYPE") {
            Some(number) => number.parse().unwrap(),
            None => word.parse::<RecordType>().unwrap().number(),
        },
    }
}

/// The option's value for `IP/PREFIX`; the address as long as the prefix needs.
pub(crate) fn subnet(text: &str) -> Vec<u8> {
    let (ip, prefix) = text.split_once('/').unwrap();
    let prefix: u8 = prefix.parse().unwrap();
    let (family, address) = match ip.parse().unwrap() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    [&[0, family, prefix, 0], &address[..usize::from(prefix.div_ceil(8))]].concat()
}
