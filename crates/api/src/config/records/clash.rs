//! Which records may not stand beside each other at one name.

use trimtab_model::{Name, Record, RecordType};

use crate::errors::code;

/// A number that clients know, and its words.
pub(super) type Clash = (u32, &'static str);

/// Of a message over TCP, without its header, the question and what EDNS adds (RFC 1035 section 4.2.2).
const SET_BYTES_MAX: usize = 65_535 - 12 - 259 - 512;
/// Owner as a pointer, type, class, TTL and length (RFC 1035 section 4.1.3).
const RECORD_BYTES: usize = 12;

/// Why a record cannot stand beside these others of its name. A CNAME excludes addresses, other CNAMEs
/// and delegations (RFC 1034 section 3.6.2); other types are taken beside it, as by the hosted API.
pub(super) fn clash<'a>(
    record: &Record,
    others: impl Iterator<Item = &'a Record>,
) -> Option<Clash> {
    others.filter(|other| other.id != record.id).find_map(|other| beside(record, other))
}

/// The zone's own name has SOA and NS records, whoever wrote none (RFC 1034 section 4.2.1).
pub(super) fn clash_with_apex(record: &Record, apex: &Name) -> Option<Clash> {
    (record.kind == RecordType::Cname && record.name == *apex).then_some((
        code::NS_EXISTS,
        "NS records with that host already exist: the zone's own name can have no CNAME. A load balancer there, \
         with an endpoint that is a host name, answers with its addresses.",
    ))
}

/// A set that fits no message of TCP could never be read: there is nothing to fall back to from there.
pub(super) fn crowd<'a>(
    record: &Record,
    others: impl Iterator<Item = &'a Record>,
) -> Option<Clash> {
    let same = others.filter(|other| other.kind == record.kind && other.id != record.id);
    let size = |one: &Record| one.rdata.0.len().saturating_add(RECORD_BYTES);
    let bytes = same.map(size).fold(size(record), usize::saturating_add);
    (bytes > SET_BYTES_MAX).then_some((
        code::SET_TOO_LARGE,
        "The records of one type at one name must fit a message of 65,535 bytes.",
    ))
}

fn beside(new: &Record, old: &Record) -> Option<Clash> {
    use RecordType::{A, Aaaa, Cname, Ns};
    let clash = match (new.kind, old.kind) {
        (new_kind, old_kind) if new_kind == old_kind && new.rdata == old.rdata => same(new, old),
        (Cname, A | Aaaa | Cname) => (
            code::ADDRESS_OR_CNAME_EXISTS,
            "An A, AAAA, or CNAME record with that host already exists.",
        ),
        (A | Aaaa | Ns, Cname) => {
            (code::CNAME_EXISTS, "A CNAME record with that host already exists.")
        }
        (Cname, Ns) => (code::NS_EXISTS, "NS records with that host already exist."),
        _ => return None,
    };
    Some(clash)
}

/// Two records with the same data answer the same, whatever else is written on them.
fn same(new: &Record, old: &Record) -> Clash {
    let rest = |record: &Record| (record.ttl, record.proxied, record.comment.clone());
    if rest(new) == rest(old) {
        (code::RECORD_IDENTICAL, "An identical record already exists.")
    } else {
        (code::RECORD_EXISTS, "The record already exists.")
    }
}

#[cfg(test)]
mod tests {
    use trimtab_model::zone::{Rdata, RecordSettings};
    use trimtab_model::{RecordId, Timestamp, ZoneId};

    use super::*;

    fn record(id: u8, kind: RecordType, data: &str, ttl: u32) -> Record {
        Record {
            id: RecordId::new([id; 16]),
            zone: ZoneId::new([0; 16]),
            name: "www.example.com".parse().unwrap(),
            kind,
            content: data.into(),
            data: None,
            rdata: Rdata(data.as_bytes().into()),
            ttl,
            priority: None,
            proxied: false,
            settings: RecordSettings::default(),
            comment: None,
            tags: Vec::new(),
            created_on: Timestamp::default(),
            modified_on: Timestamp::default(),
            comment_modified_on: None,
            tags_modified_on: None,
        }
    }

    #[test]
    fn what_may_stand_beside_what() {
        use RecordType::{A, Aaaa, Cname, Mx, Ns, Txt};
        let check = |new, old, want: Option<u32>| {
            let (new, old) = (record(1, new, "new", 1), record(2, old, "old", 1));
            let found = clash(&new, [&new, &old].into_iter()).map(|(code, _)| code);
            assert_eq!(found, want, "{} beside {}", new.kind, old.kind);
        };
        for address in [A, Aaaa] {
            check(address, A, None);
            check(address, Aaaa, None);
            check(address, Cname, Some(81054));
            check(Cname, address, Some(81053));
        }
        check(Cname, Cname, Some(81053));
        check(Cname, Ns, Some(81056));
        check(Ns, Cname, Some(81054));
        for other in [Mx, Txt] {
            check(other, Cname, None);
            check(Cname, other, None);
        }
    }

    #[test]
    fn rfc1034_3_6_2_the_zones_own_name_has_no_alias() {
        let check = |kind, apex: &str, want: Option<u32>| {
            let found = clash_with_apex(&record(1, kind, "x", 1), &apex.parse().unwrap());
            assert_eq!(found.map(|(code, _)| code), want, "{kind} {apex}");
        };
        check(RecordType::Cname, "www.example.com", Some(81056));
        check(RecordType::Cname, "example.com", None);
        check(RecordType::A, "www.example.com", None);
    }

    #[test]
    fn a_set_that_no_message_could_hold_is_refused_at_the_record_that_is_too_much() {
        let check = |new: &str, old: &str, kind, want: Option<u32>| {
            let (new, old) = (record(1, kind, new, 1), record(2, RecordType::Txt, old, 1));
            let found = crowd(&new, [&new, &old].into_iter()).map(|(code, _)| code);
            assert_eq!(found, want);
        };
        let (half, rest) = ("x".repeat(32_000), "x".repeat(32_728));
        check(&half, &rest, RecordType::Txt, None);
        check(&format!("{half}x"), &rest, RecordType::Txt, Some(9009));
        check(&half, &format!("{rest}x"), RecordType::A, None);
    }

    #[test]
    fn the_same_data_twice_is_refused_whatever_else_differs() {
        let old = record(1, RecordType::A, "192.0.2.1", 300);
        let check = |new: Record, want: Option<u32>| {
            assert_eq!(clash(&new, [&old].into_iter()).map(|(code, _)| code), want);
        };
        check(record(2, RecordType::A, "192.0.2.1", 300), Some(81058));
        check(record(2, RecordType::A, "192.0.2.1", 60), Some(81057));
        check(record(2, RecordType::A, "192.0.2.2", 300), None);
        check(record(2, RecordType::Txt, "192.0.2.1", 300), None);
        check(record(1, RecordType::A, "192.0.2.1", 60), None);
    }
}
