//! A zone from all its names at once: at the start of a node, in any order, with little memory beside the result.

use trimtab_model::{Name, RecordType, ZoneId};
use trimtab_steer::BalancerSlot;

use super::Zone;
use super::directory::Directory;
use super::node::Content;
use super::record::RecordInput;
use super::soa::{Apex, Authority};
use crate::name::{parent, to_wire};
use crate::wire::Cursor;
use crate::zones::Seed;

/// Collects names, then builds the zone.
///
/// Everything pushed is a note in one long run of bytes. Sorted by name with the labels turned around, the
/// notes of a name follow those of its parent, so that one pass finds what hangs below what.
#[derive(Clone, Debug)]
pub struct ZoneBuilder {
    id: ZoneId,
    apex: Apex,
    seed: Seed,
    notes: Vec<u8>,
    /// Where each note begins.
    starts: Vec<u32>,
}

/// One note: the name with its labels from the right, and what stands there.
#[derive(Clone, Copy, Debug)]
struct Note<'a> {
    name: &'a [u8],
    what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Record(RecordInput<'a>),
    Balancer(BalancerSlot),
}

/// A name whose children are still to come.
#[derive(Debug, Default)]
struct Open {
    /// Bytes of the turned name.
    len: usize,
    children: u32,
    content: Content,
}

const BALANCER: u8 = u8::MAX;

// === impl ZoneBuilder ===

impl ZoneBuilder {
    pub fn new(id: ZoneId, apex: &Name, authority: &Authority, seed: Seed) -> ZoneBuilder {
        let apex = Apex::new(apex, authority);
        ZoneBuilder { id, apex, seed, notes: Vec::new(), starts: Vec::new() }
    }

    /// One more record; records of one name may come apart. False when the name is not in the zone.
    pub fn push(&mut self, name: &Name, record: RecordInput<'_>) -> bool {
        let Some(kind) = RecordType::ALL.iter().position(|&kind| kind == record.kind) else {
            return false;
        };
        self.note(name, |notes| {
            notes.push(u8::try_from(kind).unwrap_or(BALANCER));
            notes.extend_from_slice(&record.ttl.to_be_bytes());
            notes.extend_from_slice(&u32::try_from(record.rdata.len()).unwrap_or(0).to_be_bytes());
            notes.extend_from_slice(record.rdata);
        })
    }

    /// A balancer at a name. False when the name is not in the zone.
    pub fn push_balancer(&mut self, name: &Name, BalancerSlot(slot): BalancerSlot) -> bool {
        self.note(name, |notes| {
            notes.push(BALANCER);
            notes.extend_from_slice(&slot.to_be_bytes());
        })
    }

    pub fn finish(mut self) -> Zone {
        let mut starts = std::mem::take(&mut self.starts);
        starts.sort_by_key(|&start| self.note_at(start).map(|note| note.name));
        let mut names = Names::new(&self.apex);
        let notes = starts.iter().filter_map(|&start| self.note_at(start));
        for of_name in notes.collect::<Vec<_>>().chunk_by(|a, b| a.name == b.name) {
            names.add(of_name);
        }
        let Names { encoded, names, cuts, deepest, .. } = names.finish();
        let directory = Directory::build(self.seed, &encoded, names);
        Zone { id: self.id, apex: self.apex, directory, names, cuts, deepest }
    }

    fn note(&mut self, name: &Name, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let wire = to_wire(name);
        // Four gigabytes of notes are no zone.
        let (Some(relative), Ok(start)) =
            (self.apex.relative(&wire), u32::try_from(self.notes.len()))
        else {
            return false;
        };
        let turned = turn(relative);
        self.starts.push(start);
        self.notes.push(u8::try_from(turned.len()).unwrap_or(u8::MAX));
        self.notes.extend_from_slice(&turned);
        write(&mut self.notes);
        true
    }

    fn note_at(&self, start: u32) -> Option<Note<'_>> {
        let mut from = Cursor::new(self.notes.get(usize::try_from(start).ok()?..)?);
        let length = from.u8()?;
        let name = from.take(length.into())?;
        let what = match from.u8()? {
            BALANCER => What::Balancer(BalancerSlot(from.u32()?)),
            kind => {
                let kind = *RecordType::ALL.get(usize::from(kind))?;
                let (ttl, length) = (from.u32()?, from.u32()?);
                let rdata = from.take(usize::try_from(length).ok()?)?;
                What::Record(RecordInput { kind, ttl, rdata })
            }
        };
        Some(Note { name, what })
    }
}

/// The names of a zone while they are encoded: each when all below it has been counted.
struct Names<'a> {
    apex: &'a Apex,
    /// The turned name of the last one in `open`.
    name: Vec<u8>,
    /// From the apex to the name added last.
    open: Vec<Open>,
    encoded: Vec<u8>,
    names: usize,
    cuts: usize,
    deepest: usize,
}

// === impl Names ===

impl<'a> Names<'a> {
    fn new(apex: &'a Apex) -> Names<'a> {
        let sets = apex.sets(&[], Vec::new());
        let own = Open { content: Content { sets, balancer: None }, ..Open::default() };
        Names {
            apex,
            name: Vec::new(),
            open: vec![own],
            encoded: Vec::new(),
            names: 0,
            cuts: 0,
            deepest: 0,
        }
    }

    fn add(&mut self, notes: &[Note<'_>]) {
        let Some(name) = notes.first().map(|note| note.name) else { return };
        while self.open.len() > 1 && !name.starts_with(&self.name) {
            self.close();
        }
        let mut rest = name.get(self.name.len()..).unwrap_or(&[]);
        while let Some(behind) = parent(rest) {
            self.name = name.get(..name.len().saturating_sub(behind.len())).unwrap_or(&[]).to_vec();
            self.descend();
            rest = behind;
        }
        let content = self.content(name, notes);
        if let Some(open) = self.open.last_mut() {
            open.content = content;
        }
    }

    fn finish(mut self) -> Names<'a> {
        while !self.open.is_empty() {
            self.close();
        }
        self
    }

    /// A child of the last open name: empty until something is found to stand there.
    fn descend(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.children = open.children.saturating_add(1);
        }
        self.open.push(Open { len: self.name.len(), ..Open::default() });
        self.deepest = self.deepest.max(self.open.len().saturating_sub(1));
    }

    fn content(&self, name: &[u8], notes: &[Note<'_>]) -> Content {
        let balancer = notes.iter().rev().find_map(|note| match note.what {
            What::Balancer(slot) => Some(slot),
            What::Record(_) => None,
        });
        let records = notes.iter().filter_map(|note| match note.what {
            What::Record(record) => Some(record),
            What::Balancer(_) => None,
        });
        Content { balancer, sets: self.apex.sets(name, records.collect()) }
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let name = turn(&self.name);
        self.cuts = self.cuts.saturating_add(open.content.is_cut(&name).into());
        self.names = self.names.saturating_add(1);
        open.content.encode(&name, open.children, &mut self.encoded);
        self.name.truncate(self.open.last().map_or(0, |above| above.len));
    }
}

/// The labels in the opposite order.
fn turn(name: &[u8]) -> Vec<u8> {
    let mut turned = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(behind) = parent(rest) {
        let label = rest.get(..rest.len().saturating_sub(behind.len())).unwrap_or(&[]);
        turned.splice(0..0, label.iter().copied());
        rest = behind;
    }
    turned
}
