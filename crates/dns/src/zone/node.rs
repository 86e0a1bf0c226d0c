//! One name of a zone as bytes: its labels, what hangs below it, its balancer, its record sets.
//!
//! ```text
//! length of the name · name · flags · [children: 4] · [balancer: 4] · number of sets · sets
//! set: type: 2 · records: 2 · bytes: 4 · records as they are answered
//! ```
//! A record is stored with the owner 0xC00C, a pointer to the question's name, so that the answer to most
//! questions is one copy.

use trimtab_steer::BalancerSlot;

use super::record;
use crate::wire::Cursor;

/// What stands at a name, apart from what hangs below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) balancer: Option<BalancerSlot>,
    pub(super) sets: Sets,
}

/// The record sets of one name, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sets {
    pub(super) count: u8,
    pub(super) bytes: Vec<u8>,
}

/// One name, read in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'z> {
    pub(super) name: &'z [u8],
    flags: u8,
    pub(super) children: u32,
    balancer: Option<BalancerSlot>,
    count: u8,
    sets: &'z [u8],
}

/// All records of one type at one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rrset<'z> {
    pub(crate) rtype: u16,
    pub(crate) records: u16,
    /// Each record in wire form, its owner a pointer to the question.
    pub(crate) image: &'z [u8],
}

const HAS_CHILDREN: u8 = 1;
const BALANCED: u8 = 2;
/// The name and all below it are delegated.
const CUT: u8 = 4;
/// Type, number of records, number of bytes.
const SET_HEADER_BYTES: usize = 8;

// === impl Content ===

impl Content {
    pub(super) fn is_empty(&self) -> bool {
        self.balancer.is_none() && self.sets.count == 0
    }

    /// NS records below the apex delegate (RFC 1034 section 4.2.1).
    pub(super) fn is_cut(&self, name: &[u8]) -> bool {
        !name.is_empty() && sets(&self.sets.bytes).any(|set| set.rtype == record::NS)
    }

    /// The bytes of the name; `name` is at most 255 bytes long.
    pub(super) fn encode(&self, name: &[u8], children: u32, to: &mut Vec<u8>) {
        let mut flags = 0;
        for (flag, holds) in [
            (HAS_CHILDREN, children > 0),
            (BALANCED, self.balancer.is_some()),
            (CUT, self.is_cut(name)),
        ] {
            flags |= if holds { flag } else { 0 };
        }
        to.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        to.extend_from_slice(name);
        to.push(flags);
        if children > 0 {
            to.extend_from_slice(&children.to_be_bytes());
        }
        if let Some(BalancerSlot(slot)) = self.balancer {
            to.extend_from_slice(&slot.to_be_bytes());
        }
        to.push(self.sets.count);
        to.extend_from_slice(&self.sets.bytes);
    }
}

// === impl Node ===

impl<'z> Node<'z> {
    /// The name at the front of the bytes.
    #[inline]
    pub(super) fn read(bytes: &'z [u8]) -> Option<Node<'z>> {
        let mut from = Cursor::new(bytes);
        let length = from.u8()?;
        let name = from.take(length.into())?;
        let flags = from.u8()?;
        let children = if flags & HAS_CHILDREN != 0 { from.u32()? } else { 0 };
        let balancer = if flags & BALANCED != 0 { Some(BalancerSlot(from.u32()?)) } else { None };
        let count = from.u8()?;
        Some(Node { name, flags, children, balancer, count, sets: from.rest() })
    }

    pub(crate) fn balancer(&self) -> Option<BalancerSlot> {
        self.balancer
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.flags & CUT != 0
    }

    #[inline]
    pub(crate) fn find(&self, rtype: u16) -> Option<Rrset<'z>> {
        sets(self.sets).take(self.count.into()).find(|set| set.rtype == rtype)
    }

    pub(super) fn content(&self) -> Content {
        let sets = Sets { count: self.count, bytes: self.own_sets().to_vec() };
        Content { balancer: self.balancer, sets }
    }

    /// The bytes from the name to its last set.
    pub(super) fn len(&self) -> usize {
        let optional = |flag: u8| if self.flags & flag != 0 { 4_usize } else { 0 };
        [
            1,
            self.name.len(),
            1,
            optional(HAS_CHILDREN),
            optional(BALANCED),
            1,
            self.own_sets().len(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn own_sets(&self) -> &'z [u8] {
        let sets = sets(self.sets).take(self.count.into());
        let len = sets.fold(0_usize, |len, set| {
            len.saturating_add(SET_HEADER_BYTES).saturating_add(set.image.len())
        });
        self.sets.get(..len).unwrap_or(&[])
    }
}

// === impl Rrset ===

impl<'z> Rrset<'z> {
    /// What each record says, behind its type and TTL.
    pub(crate) fn rdata(&self) -> impl Iterator<Item = &'z [u8]> + use<'z> {
        let mut from = Cursor::new(self.image);
        std::iter::from_fn(move || {
            from.take(record::LENGTH_AT)?;
            let length = from.u16()?;
            from.take(length.into())
        })
    }

    /// Appends the set as it is stored.
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.rtype.to_be_bytes());
        to.extend_from_slice(&self.records.to_be_bytes());
        let bytes = u32::try_from(self.image.len()).unwrap_or(u32::MAX);
        to.extend_from_slice(&bytes.to_be_bytes());
        to.extend_from_slice(self.image);
    }
}

#[inline]
fn sets<'z>(bytes: &'z [u8]) -> impl Iterator<Item = Rrset<'z>> {
    let mut from = Cursor::new(bytes);
    std::iter::from_fn(move || {
        let (rtype, records, length) = (from.u16()?, from.u16()?, from.u32()?);
        let image = from.take(usize::try_from(length).ok()?)?;
        Some(Rrset { rtype, records, image })
    })
}
