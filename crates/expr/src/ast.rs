//! An expression as it was written, without places and spelling: what `Display` prints and reads back as the same.

use std::net::IpAddr;

use crate::function::Function;
use crate::scheme::Known;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Two operands or more.
    Logic(Logic, Vec<Expr>),
    Not(Box<Expr>),
    Compare(Value, Test),
}

/// From loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Logic {
    Or,
    Xor,
    And,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Field(&'static Known),
    Index(Box<Value>, Index),
    Call(Function, Vec<Argument>),
    Quantified(Quantifier, Box<Expr>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    Nth(u32),
    Key(Vec<u8>),
    /// `[*]`
    Each,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Value(Value),
    Text(Vec<u8>),
    Number(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// A Bool value that stands alone.
    IsTrue,
    Text(Relation, Vec<u8>),
    Number(Relation, i64),
    Address(Relation, IpAddr),
    Contains(Vec<u8>),
    Matches(String),
    Wildcard(Case, Vec<u8>),
    BitwiseAnd(i64),
    InTexts(Vec<Vec<u8>>),
    /// First and last.
    InNumbers(Vec<(i64, i64)>),
    InAddresses(Vec<Addresses>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// One item of a list of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    One(IpAddr),
    Network(IpAddr, u8),
    /// Both of one family, first to last.
    Range(IpAddr, IpAddr),
}

// === impl Relation ===

impl Relation {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Relation::Eq => "eq",
            Relation::Ne => "ne",
            Relation::Lt => "lt",
            Relation::Le => "le",
            Relation::Gt => "gt",
            Relation::Ge => "ge",
        }
    }
}

// === impl Quantifier ===

impl Quantifier {
    pub(crate) fn find(name: &str) -> Option<Quantifier> {
        match name {
            "any" => Some(Quantifier::Any),
            "all" => Some(Quantifier::All),
            _ => None,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Quantifier::Any => "any",
            Quantifier::All => "all",
        }
    }
}
