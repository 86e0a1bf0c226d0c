//! Zone files: any text is read or refused line by line; what was read and written is the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_dns::zonefile::{Imported, export, import};
use trimtab_dns::{Authority, Soa};
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{Name, Record, RecordId, Timestamp, ZoneId};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fuzz_target!(|text: &str| {
    let apex = name("example.com");
    let Ok(first) = import(text, &apex) else { return };
    let records: Vec<Record> = first.records.iter().map(stored).collect();
    let written = export(&apex, &authority(), &records);
    let second = import(&written, &apex).expect("what is written is no longer than what was read");
    assert!(second.problems.is_empty(), "{:?}\n{written}", second.problems);
    let essence = |records: &[Imported]| -> Vec<_> {
        records
            .iter()
            .map(|r| (r.name.clone(), r.kind, r.ttl, r.parsed.rdata.clone(), r.remark.clone()))
            .collect()
    };
    assert_eq!(essence(&first.records), essence(&second.records), "{written}");
});

fn stored(line: &Imported) -> Record {
    Record {
        id: RecordId::new([1; 16]),
        zone: ZoneId::new([2; 16]),
        name: line.name.clone(),
        kind: line.kind,
        content: line.parsed.content.clone(),
        data: line.parsed.data.clone(),
        rdata: Rdata(line.parsed.rdata.clone().into()),
        ttl: line.ttl,
        priority: line.parsed.priority,
        proxied: line.remark.proxied,
        settings: RecordSettings::default(),
        comment: line.remark.comment.clone(),
        tags: line.remark.tags.clone(),
        created_on: NOW,
        modified_on: NOW,
        comment_modified_on: None,
        tags_modified_on: None,
    }
}

fn authority() -> Authority {
    let soa = Soa::new(name("ns1.example.net"), name("hostmaster.example.com"), 1);
    Authority { nameservers: vec![name("ns1.example.net")], soa }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}
