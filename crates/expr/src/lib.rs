//! The rules language: a condition is read and checked once, and evaluated for each request without allocating.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod ast;
mod check;
mod compare;
mod error;
mod evaluate;
mod expression;
mod facts;
mod function;
mod lex;
mod parse;
mod print;
mod program;
mod scheme;
mod scratch;
mod text;

pub use error::{Error, Reason};
pub use expression::{CHARACTERS_MAX, Expression, Use, parse};
pub use facts::{DnsQuestion, Facts, Headers, HttpRequest, Request};
pub use lex::Span;
pub use parse::NESTING_MAX;
pub use scheme::{Phase, Scalar, Type};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
mod differential;
