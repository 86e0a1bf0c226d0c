//! What values are compared with, made ready when the expression is read.

pub(crate) mod ranges;
pub(crate) mod regex;
pub(crate) mod wildcard;

use std::cmp::Ordering;
use std::net::IpAddr;

use memchr::memmem::Finder;

use crate::ast::Relation;
use ranges::{AddressRanges, Ranges};
use regex::Pattern;
use wildcard::Wildcard;

/// What a comparison says when there is nothing to compare: no operator, not even `ne`, holds.
const OF_ABSENT: bool = false;

#[derive(Clone, Debug)]
pub(crate) enum TextTest {
    Relation(Relation, Box<[u8]>),
    Contains(Box<Finder<'static>>),
    Matches(Box<Pattern>),
    Wildcard(Wildcard),
    /// Sorted.
    In(Box<[Box<[u8]>]>),
}

#[derive(Clone, Debug)]
pub(crate) enum NumberTest {
    Relation(Relation, i64),
    /// Some of the bits.
    Bits(i64),
    In(Ranges<i64>),
}

#[derive(Clone, Debug)]
pub(crate) enum AddressTest {
    Relation(Relation, IpAddr),
    In(AddressRanges),
}

/// The only way from a value to true or false.
pub(crate) fn holds<T>(value: Option<T>, test: impl FnOnce(T) -> bool) -> bool {
    value.map_or(OF_ABSENT, test)
}

// === impl TextTest ===

impl TextTest {
    pub(crate) fn list(mut items: Vec<Box<[u8]>>) -> TextTest {
        items.sort_unstable();
        items.dedup();
        TextTest::In(items.into())
    }

    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        match self {
            // Equality need not find out which is less.
            TextTest::Relation(Relation::Eq, with) => text == &**with,
            TextTest::Relation(Relation::Ne, with) => text != &**with,
            TextTest::Relation(relation, with) => relation.holds(text.cmp(with)),
            TextTest::Contains(finder) => finder.find(text).is_some(),
            TextTest::Matches(pattern) => pattern.is_in(text),
            TextTest::Wildcard(wildcard) => wildcard.matches(text),
            TextTest::In(items) => items.binary_search_by(|item| (**item).cmp(text)).is_ok(),
        }
    }
}

// === impl NumberTest ===

impl NumberTest {
    pub(crate) fn holds(&self, number: i64) -> bool {
        match self {
            NumberTest::Relation(relation, with) => relation.holds(number.cmp(with)),
            NumberTest::Bits(bits) => number & bits != 0,
            NumberTest::In(ranges) => ranges.contain(number),
        }
    }
}

// === impl AddressTest ===

impl AddressTest {
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        match self {
            AddressTest::Relation(relation, with) => match (address, with) {
                (IpAddr::V4(address), IpAddr::V4(with)) => relation.holds(address.cmp(with)),
                (IpAddr::V6(address), IpAddr::V6(with)) => relation.holds(address.cmp(with)),
                // Addresses of different families are different, and that is all.
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                    *relation == Relation::Ne
                }
            },
            AddressTest::In(ranges) => ranges.contain(address),
        }
    }
}

// === impl Relation ===

impl Relation {
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Eq => order.is_eq(),
            Relation::Ne => order.is_ne(),
            Relation::Lt => order.is_lt(),
            Relation::Le => order.is_le(),
            Relation::Gt => order.is_gt(),
            Relation::Ge => order.is_ge(),
        }
    }
}
