//! The form that is evaluated: every node's type is known, literals are ready to be compared with.

use crate::ast::Quantifier;
use crate::compare::{AddressTest, NumberTest, TextTest};
use crate::scheme::{ArrayField, FlagField, MapField, NumberField, TextField};
use crate::text::hmac::TimedHmac;
use crate::text::json::Key;
use crate::text::url::UrlOptions;

/// What is true or false.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    And(Box<[Truth]>),
    Or(Box<[Truth]>),
    Xor(Box<[Truth]>),
    Not(Box<Truth>),
    Flag(Flag),
    Text(Text, TextTest),
    Number(Number, NumberTest),
    Address(Address, AddressTest),
}

#[derive(Clone, Debug)]
pub(crate) enum Text {
    Field(TextField),
    Literal(Box<[u8]>),
    /// The one of the array that is gone through.
    Element,
    Nth(Box<Each<Text>>, usize),
    Lower(Box<Text>),
    Upper(Box<Text>),
    Concat(Box<[Text]>),
    Substring(Box<Substring>),
    UrlDecode(Box<Text>, UrlOptions),
    Base64(Box<Text>),
    RemoveBytes(Box<Text>, Box<Text>),
    Json(Box<Text>, Box<[Key]>),
    Join(Box<Each<Text>>, Box<[u8]>),
    OfNumber(Box<Number>),
    OfAddress(Box<Address>),
    OfFlag(Box<Flag>),
}

#[derive(Clone, Debug)]
pub(crate) struct Substring {
    pub(crate) of: Text,
    pub(crate) start: Number,
    pub(crate) end: Option<Number>,
}

#[derive(Clone, Debug)]
pub(crate) enum Number {
    Field(NumberField),
    Literal(i64),
    Nth(Box<Each<Number>>, usize),
    Length(Box<Text>),
    Count(Box<Source>),
    Json(Box<Text>, Box<[Key]>),
}

#[derive(Clone, Debug)]
pub(crate) enum Address {
    Source,
    /// Bits behind the prefix of its family are zero.
    Network {
        of: Box<Address>,
        v4_bits: u8,
        v6_bits: u8,
    },
}

/// A Bool value, which can be absent where a [`Truth`] cannot.
#[derive(Clone, Debug)]
pub(crate) enum Flag {
    Field(FlagField),
    Nth(Box<Each<Flag>>, usize),
    StartsWith(Box<Text>, Box<Text>),
    EndsWith(Box<Text>, Box<Text>),
    TimedHmac(Box<Timed>),
    Quantified(Quantifier, IfAbsent, Box<Each<Truth>>),
}

#[derive(Clone, Debug)]
pub(crate) struct Timed {
    pub(crate) hmac: TimedHmac,
    pub(crate) token: Text,
    pub(crate) now: Number,
}

/// What a quantifier says of an array that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfAbsent {
    /// As of an empty one: behind `[*]`.
    Empty,
    /// The array is an argument by itself.
    False,
}

/// An array: a value for each element of its source.
#[derive(Clone, Debug)]
pub(crate) struct Each<T> {
    pub(crate) source: Source,
    pub(crate) value: T,
}

/// Where elements come from; they are strings.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Field(ArrayField),
    /// All values of one key.
    Key(MapField, Box<[u8]>),
    /// Of each key the value at this place, or all values.
    AllKeys(MapField, Option<usize>),
    Split(Box<Split>),
    Chain(Box<[Each<Text>]>),
}

#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) of: Text,
    pub(crate) separator: Box<[u8]>,
    /// Of the parts; the last one is the rest.
    pub(crate) limit: usize,
}
