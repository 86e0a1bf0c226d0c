//! Types: every value that is read gets its evaluated form, or is refused where it stands.

mod arguments;
mod call;
mod logic;

use crate::ast::{Argument, Expr, Index, Value};
use crate::error::{Reason, Refused};
use crate::lex::Span;
use crate::program::{Address, Each, Flag, Number, Source, Text, Truth};
use crate::scheme::{Field, Known, MapField, Scalar, Type};

pub(crate) use arguments::Given;
pub(crate) use call::{CONCAT_PARTS_MAX, call};
pub(crate) use logic::{alone, combine, compared, negate, quantified, whole};

/// A value as written, and as evaluated.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) value: Value,
    pub(crate) code: Code,
    pub(crate) span: Span,
    /// The array with its `[*]` that this value has one element for each of.
    over: Option<Value>,
}

#[derive(Debug)]
pub(crate) enum Code {
    One(Of),
    Array(Each<Of>),
    /// An array behind `[*]`.
    Each(Each<Of>),
    Map(MapField),
    EachArray(MapField),
}

/// A single value by its type.
#[derive(Debug)]
pub(crate) enum Of {
    Text(Text),
    Number(Number),
    Address(Address),
    Flag(Flag),
}

/// A condition, or part of one.
#[derive(Debug)]
pub(crate) struct Clause {
    pub(crate) expr: Expr,
    pub(crate) span: Span,
    code: ClauseCode,
    over: Option<Value>,
}

#[derive(Debug)]
enum ClauseCode {
    One(Truth),
    /// One for each element: only a quantifier can take it.
    Each(Each<Truth>),
    /// The same, of an array that has no `[*]` behind it.
    Array(Each<Truth>),
}

// === impl Of ===

impl Of {
    pub(crate) fn scalar(&self) -> Scalar {
        match self {
            Of::Text(_) => Scalar::String,
            Of::Number(_) => Scalar::Int,
            Of::Address(_) => Scalar::Ip,
            Of::Flag(_) => Scalar::Bool,
        }
    }

    fn nth(source: Source, of: Of, place: usize) -> Of {
        match of {
            Of::Text(value) => Of::Text(Text::Nth(Box::new(Each { source, value }), place)),
            Of::Number(value) => Of::Number(Number::Nth(Box::new(Each { source, value }), place)),
            Of::Flag(value) => Of::Flag(Flag::Nth(Box::new(Each { source, value }), place)),
            // Elements are strings, and nothing makes an address of a string.
            Of::Address(address) => Of::Address(address),
        }
    }
}

// === impl Code ===

impl Code {
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Code::One(of) => Type::One(of.scalar()),
            Code::Array(each) => Type::Array(each.value.scalar()),
            Code::Each(each) => Type::Each(each.value.scalar()),
            Code::Map(_) => Type::Map,
            Code::EachArray(_) => Type::EachArray,
        }
    }

    fn of_field(field: Field) -> Code {
        match field {
            Field::Text(text) => Code::One(Of::Text(Text::Field(text))),
            Field::Number(number) => Code::One(Of::Number(Number::Field(number))),
            Field::Flag(flag) => Code::One(Of::Flag(Flag::Field(flag))),
            Field::Source => Code::One(Of::Address(Address::Source)),
            Field::Array(array) => Code::Array(elements(Source::Field(array))),
            Field::Map(map) => Code::Map(map),
        }
    }
}

// === impl Clause ===

impl Clause {
    /// In parentheses.
    pub(crate) fn within(self, span: Span) -> Clause {
        Clause { span, ..self }
    }
}

// === impl Checked ===

impl Checked {
    pub(crate) fn field(known: &'static Known, span: Span) -> Checked {
        let code = Code::of_field(known.field);
        Checked { value: Value::Field(known), code, span, over: None }
    }

    /// `span` is that of the value with its index, `at` that of the index.
    pub(crate) fn indexed(self, index: Index, at: Span, span: Span) -> Result<Checked, Refused> {
        let type_before = self.code.type_of();
        let value = Value::Index(Box::new(self.value), index.clone());
        let (code, over) = match (self.code, index) {
            (Code::Map(map), Index::Key(key)) => {
                (Code::Array(elements(Source::Key(map, key.into()))), None)
            }
            (Code::Map(map), Index::Each) => (Code::EachArray(map), Some(value.clone())),
            (Code::EachArray(map), Index::Each) => {
                (Code::Each(elements(Source::AllKeys(map, None))), Some(value.clone()))
            }
            (Code::EachArray(map), Index::Nth(place)) => {
                let source = Source::AllKeys(map, Some(to_usize(place)));
                (Code::Each(elements(source)), Some(value.clone()))
            }
            (Code::Array(each), Index::Each) => {
                (Code::Each(each), self.over.or_else(|| Some(value.clone())))
            }
            (Code::Array(Each { source, value: of }), Index::Nth(place)) => {
                (Code::One(Of::nth(source, of, to_usize(place))), None)
            }
            (Code::One(_) | Code::Each(_), _)
            | (Code::Array(_) | Code::EachArray(_), Index::Key(_))
            | (Code::Map(_), Index::Nth(_)) => {
                return Refused::at(at, Reason::Unsupported(type_before));
            }
        };
        Ok(Checked { value, code, span, over })
    }
}

fn elements(source: Source) -> Each<Of> {
    Each { source, value: Of::Text(Text::Element) }
}

/// No array has more elements than fit.
fn to_usize(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
