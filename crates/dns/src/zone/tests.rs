//! A zone against a plain map of names that is searched by the definitions of the RFCs.

use std::collections::BTreeMap;

use proptest::prelude::*;
use trimtab_model::RecordType;

use super::*;

pub(crate) const SEED: Seed = Seed(0x1234_5678_9abc_def0);

/// A zone with nothing but its apex.
pub(crate) fn zone(apex: &str) -> Zone {
    Zone::empty(ZoneId::new([7; 16]), &name(apex), &authority(), SEED)
}

pub(crate) fn authority() -> Authority {
    let soa = Soa::new(name("ns1.example.net"), name("hostmaster.example.net"), 1);
    Authority { nameservers: vec![name("ns1.example.net"), name("ns2.example.net")], soa }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn fold(text: &str) -> Folded {
    let mut wire = Vec::new();
    for label in text.split('.') {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    let mut folded = Folded::root();
    folded.read(&wire).unwrap();
    folded
}

/// A found thing in words: what a map of texts can give, too.
fn describe(found: Found<'_>) -> String {
    let set = |set: Rrset<'_>| {
        let ttl = u32::from_be_bytes(*set.image[6..].first_chunk().unwrap());
        let rdata: Vec<_> = set.rdata().map(|rdata| String::from_utf8_lossy(rdata)).collect();
        assert_eq!(rdata.len(), usize::from(set.records));
        format!("{} {ttl} {}", set.rtype, rdata.join(","))
    };
    match found {
        Found::Records(records) => set(records),
        Found::Alias(alias) => format!("alias {}", set(alias)),
        Found::Balanced(BalancerSlot(slot)) => format!("balancer {slot}"),
        Found::Anything => "anything".into(),
        Found::Referral { servers, labels } => format!("referral {labels} {}", set(servers)),
        Found::NoData => "no data".into(),
        Found::NoName => "no name".into(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    kind: RecordType,
    ttl: u32,
    rdata: String,
}

#[derive(Clone, Debug, Default)]
struct Stands {
    records: Vec<Record>,
    balancer: Option<u32>,
}

/// The map: a name is in it when something stands there.
#[derive(Clone, Debug, Default)]
struct Naive(BTreeMap<String, Stands>);

const APEX: &str = "example.com";

impl Naive {
    fn exists(&self, name: &str) -> bool {
        let below = format!(".{name}");
        name == APEX || self.0.keys().any(|key| key == name || key.ends_with(&below))
    }

    fn records(&self, name: &str, kind: u16) -> Vec<Record> {
        let stands = self.0.get(name).cloned().unwrap_or_default();
        let mut records = stands.records;
        if name == APEX {
            for server in ["\x03ns1\x07example\x03net\x00", "\x03ns2\x07example\x03net\x00"] {
                let (kind, rdata) = (RecordType::Ns, server.to_owned());
                records.push(Record { kind, ttl: 86_400, rdata });
            }
        }
        records.sort_by(|a, b| a.rdata.cmp(&b.rdata));
        records.retain(|record| record.kind.number() == kind);
        records
    }

    fn set(&self, name: &str, kind: u16) -> Option<String> {
        let mut records = self.records(name, kind);
        let ttl = records.iter().map(|record| record.ttl).min()?;
        records.dedup_by(|a, b| a.rdata == b.rdata);
        let rdata: Vec<_> = records.into_iter().map(|record| record.rdata).collect();
        Some(format!("{kind} {ttl} {}", rdata.join(",")))
    }

    fn lookup(&self, name: &str, qtype: u16) -> String {
        let labels: Vec<&str> = name.split('.').collect();
        for depth in 3..=labels.len() {
            let above = labels[labels.len() - depth..].join(".");
            if let Some(servers) = self.set(&above, NS)
                && !(above == name && qtype == DS)
            {
                return format!("referral {depth} {servers}");
            }
        }
        if self.exists(name) {
            return self.at(name, qtype);
        }
        let mut closest = name;
        while !self.exists(closest) {
            closest = closest.split_once('.').unwrap().1;
        }
        let asterisk = format!("*.{closest}");
        if self.exists(&asterisk) { self.at(&asterisk, qtype) } else { "no name".into() }
    }

    fn at(&self, name: &str, qtype: u16) -> String {
        let balancer = self.0.get(name).and_then(|stands| stands.balancer);
        let decided = [A, AAAA, CNAME, MX, SRV].contains(&qtype);
        if let Some(slot) = balancer.filter(|_| decided) {
            return format!("balancer {slot}");
        }
        if let Some(set) = self.set(name, qtype) {
            return set;
        }
        match self.set(name, CNAME).filter(|_| balancer.is_none()) {
            Some(alias) if qtype == ANY => alias,
            Some(alias) => format!("alias {alias}"),
            None if qtype == ANY => "anything".into(),
            None => "no data".into(),
        }
    }

    fn names(&self) -> usize {
        let mut all: Vec<&str> = vec![APEX];
        for key in self.0.keys() {
            let mut name = key.as_str();
            while name != APEX {
                all.push(name);
                name = name.split_once('.').unwrap().1;
            }
        }
        all.sort_unstable();
        all.dedup();
        all.len()
    }
}

fn owner() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "c", "ns"]);
    (prop::collection::vec(label, 0..4), any::<bool>()).prop_map(|(labels, wild)| {
        let asterisk = if wild && labels.len() < 3 { "*." } else { "" };
        let labels: String = labels.iter().map(|label| format!("{label}.")).collect();
        format!("{asterisk}{labels}{APEX}")
    })
}

/// Questions may hold an asterisk anywhere.
fn question() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "c", "ns", "*", "other"]);
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        format!("{}{APEX}", labels.iter().map(|label| format!("{label}.")).collect::<String>())
    })
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let kinds = [
        RecordType::A,
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Cname,
        RecordType::Txt,
        RecordType::Mx,
        RecordType::Ns,
        RecordType::Ds,
    ];
    let record = (prop::sample::select(kinds.to_vec()), 1..4_u32, "[x-z]{1,2}");
    let record = record.prop_map(|(kind, ttl, rdata)| Record { kind, ttl, rdata });
    prop::collection::vec(record, 0..4)
}

#[derive(Clone, Debug)]
enum Change {
    Records(String, Vec<Record>),
    Balancer(String, Option<u32>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (owner(), records()).prop_map(|(name, records)| Change::Records(name, records)),
        1 => (owner(), prop::option::of(0..100_u32))
            .prop_map(|(name, slot)| Change::Balancer(name, slot)),
    ]
}

fn inputs(records: &[Record]) -> Vec<RecordInput<'_>> {
    records
        .iter()
        .map(|record| RecordInput {
            kind: record.kind,
            ttl: record.ttl,
            rdata: record.rdata.as_bytes(),
        })
        .collect()
}

fn apply(change: &Change, zone: &mut Zone, naive: &mut Naive) {
    match change {
        Change::Records(owner, records) => {
            zone.set_records(&name(owner), &inputs(records));
            naive.0.entry(owner.clone()).or_default().records.clone_from(records);
        }
        Change::Balancer(owner, slot) => {
            zone.set_balancer(&name(owner), slot.map(BalancerSlot));
            naive.0.entry(owner.clone()).or_default().balancer = *slot;
        }
    }
    naive.0.retain(|_, stands| !stands.records.is_empty() || stands.balancer.is_some());
}

const QTYPES: [u16; 10] = [A, AAAA, NS, CNAME, MX, SRV, TXT, DS, ANY, 1000];

fn check_all(zone: &Zone, naive: &Naive, questions: &[String]) {
    for question in questions.iter().chain(naive.0.keys()) {
        for qtype in QTYPES {
            let found = describe(zone.lookup(&fold(question), qtype));
            assert_eq!(found, naive.lookup(question, qtype), "{question} {qtype} of {naive:#?}");
        }
    }
    assert_eq!(zone.names(), naive.names(), "{naive:#?}");
}

proptest! {
    #[test]
    fn every_question_finds_what_the_definitions_say(
        changes in prop::collection::vec(change(), 0..25),
        questions in prop::collection::vec(question(), 1..10),
    ) {
        let (mut changed, mut naive) = (zone(APEX), Naive::default());
        for change in &changes {
            apply(change, &mut changed, &mut naive);
        }
        check_all(&changed, &naive, &questions);

        let mut builder = ZoneBuilder::new(changed.id(), &name(APEX), &authority(), SEED);
        for (owner, stands) in &naive.0 {
            for record in inputs(&stands.records) {
                assert!(builder.push(&name(owner), record));
            }
            if let Some(slot) = stands.balancer {
                assert!(builder.push_balancer(&name(owner), BalancerSlot(slot)));
            }
        }
        check_all(&builder.finish(), &naive, &questions);

        for owner in naive.0.keys() {
            changed.set_records(&name(owner), &[]);
            changed.set_balancer(&name(owner), None);
        }
        check_all(&changed, &Naive::default(), &questions);
        assert_eq!(changed.cuts, 0);
    }
}

fn address(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn a_record(rdata: &[u8]) -> RecordInput<'_> {
    RecordInput { kind: RecordType::A, ttl: 300, rdata }
}

#[test]
fn shards_split_as_a_zone_grows_and_older_versions_stay_as_they_were() {
    let mut grown = zone(APEX);
    let mut versions = Vec::new();
    for number in 0..3_000_u32 {
        if number % 500 == 0 {
            versions.push(grown.clone());
        }
        grown.set_records(&name(&format!("n{number}.{APEX}")), &[a_record(&address(number))]);
    }
    versions.push(grown);
    for (version, zone) in versions.iter().enumerate() {
        let there = version as u32 * 500;
        assert_eq!(zone.names(), there as usize + 1);
        for number in (0..3_000_u32).step_by(7) {
            let found = zone.lookup(&fold(&format!("n{number}.{APEX}")), A);
            let want = number < there;
            match found {
                Found::Records(set) if want => {
                    assert_eq!(set.rdata().next(), Some(&address(number)[..]));
                }
                found => assert_eq!((want, found), (false, Found::NoName), "{version} {number}"),
            }
        }
    }
}

#[test]
fn names_of_other_zones_are_left_alone() {
    let mut zone = zone(APEX);
    for other in ["example.net", "notexample.com", "com"] {
        assert!(!zone.set_records(&name(other), &[a_record(&address(1))]), "{other}");
        let mut builder = ZoneBuilder::new(zone.id(), &name(APEX), &authority(), SEED);
        assert!(!builder.push(&name(other), a_record(&address(1))), "{other}");
    }
    assert_eq!(zone.names(), 1);
}

/// The length byte 48 is the character 0: the bytes of one name end in those of another that it is not below.
#[test]
fn names_are_compared_label_by_label() {
    let long = "a".repeat(48);
    let mut zone = zone(&format!("{long}.com"));
    assert!(zone.set_records(&name(&format!("x.{long}.com")), &[a_record(&address(1))]));
    assert!(!zone.set_records(&name(&format!("x0{long}.com")), &[a_record(&address(1))]));
    assert_eq!(zone.names(), 2);
}

#[test]
fn rfc1035_3_3_13_the_serial_is_the_one_that_was_set() {
    let mut zone = zone(APEX);
    zone.set_serial(0xfedc_ba98);
    let Found::Records(soa) = zone.lookup(&fold(APEX), SOA) else { panic!("an apex has a SOA") };
    let rdata = soa.rdata().next().unwrap();
    assert_eq!(rdata[rdata.len() - 20..][..4], [0xfe, 0xdc, 0xba, 0x98]);
    assert_eq!(zone.apex().negative_ttl(), 60);
}
