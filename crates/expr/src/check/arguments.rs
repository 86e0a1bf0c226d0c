//! The arguments of a call, taken from the left; whatever is not as it must be is refused where it stands.

use super::{Argument, Checked, Code, Of};
use crate::error::{Reason, Refused};
use crate::lex::Span;
use crate::program::{Each, Number, Source, Text};
use crate::scheme::{Scalar, Type};

/// One argument as it was read.
#[derive(Debug)]
pub(crate) enum Given {
    Value(Checked),
    Text(Vec<u8>, Span),
    Number(i64, Span),
}

/// Those not taken yet.
pub(super) struct Arguments {
    left: std::vec::IntoIter<Given>,
    /// Counted from 1: the one taken last.
    place: usize,
    call: Span,
}

/// The first argument of a function that takes one value: it is applied to each element behind a `[*]`.
pub(super) struct First<T> {
    pub(super) value: T,
    pub(super) source: Option<Source>,
}

// === impl Given ===

impl Given {
    pub(super) fn written(&self) -> Argument {
        match self {
            Given::Value(checked) => Argument::Value(checked.value.clone()),
            Given::Text(text, _) => Argument::Text(text.clone()),
            Given::Number(number, _) => Argument::Number(*number),
        }
    }
}

// === impl First ===

impl<T> First<T> {
    /// What the function makes of it.
    pub(super) fn map(self, call: impl FnOnce(T) -> Of) -> Code {
        let First { value, source } = self;
        match source {
            Some(source) => Code::Array(Each { source, value: call(value) }),
            None => Code::One(call(value)),
        }
    }
}

// === impl Arguments ===

impl Arguments {
    pub(super) fn new(given: Vec<Given>, call: Span) -> Arguments {
        Arguments { left: given.into_iter(), place: 0, call }
    }

    pub(super) fn are_left(&self) -> bool {
        self.left.len() > 0
    }

    pub(super) fn end(&self) -> Result<(), Refused> {
        match self.are_left() {
            true => Refused::at(self.call, Reason::ArgumentCount),
            false => Ok(()),
        }
    }

    pub(super) fn next(&mut self) -> Result<Given, Refused> {
        self.place = self.place.saturating_add(1);
        self.left.next().ok_or(Refused { reason: Reason::ArgumentCount, span: self.call })
    }

    /// A value, and where it stands.
    pub(super) fn value(&mut self) -> Result<(Code, Span), Refused> {
        match self.next()? {
            Given::Value(checked) => Ok((checked.code, checked.span)),
            Given::Text(_, span) | Given::Number(_, span) => self.wrong_kind(span),
        }
    }

    /// A value, or each element of one, of any type.
    pub(super) fn first(&mut self) -> Result<(First<Of>, Span), Refused> {
        match self.value()? {
            (Code::One(value), span) => Ok((First { value, source: None }, span)),
            (Code::Each(Each { source, value }), span) => {
                Ok((First { value, source: Some(source) }, span))
            }
            (Code::Array(_) | Code::Map(_) | Code::EachArray(_), span) => self.wrong_type(span),
        }
    }

    pub(super) fn first_text(&mut self) -> Result<First<Text>, Refused> {
        match self.first()? {
            (First { value: Of::Text(value), source }, _) => Ok(First { value, source }),
            (First { value: Of::Number(_) | Of::Address(_) | Of::Flag(_), .. }, span) => {
                self.wrong_type(span)
            }
        }
    }

    /// A String, literal or not, but not one for each element.
    pub(super) fn text(&mut self) -> Result<Text, Refused> {
        match self.next()? {
            Given::Text(literal, _) => Ok(Text::Literal(literal.into())),
            given @ (Given::Value(_) | Given::Number(..)) => match self.single(given)? {
                (Of::Text(text), _) => Ok(text),
                (Of::Number(_) | Of::Address(_) | Of::Flag(_), span) => self.wrong_type(span),
            },
        }
    }

    /// An Int, literal or not.
    pub(super) fn number(&mut self) -> Result<Number, Refused> {
        let given = self.next()?;
        match self.single(given)? {
            (Of::Number(number), _) => Ok(number),
            (Of::Text(_) | Of::Address(_) | Of::Flag(_), span) => self.wrong_type(span),
        }
    }

    pub(super) fn literal_text(&mut self) -> Result<(Vec<u8>, Span), Refused> {
        match self.next()? {
            Given::Text(text, span) => Ok((text, span)),
            Given::Number(_, span) => self.wrong_type(span),
            Given::Value(checked) => self.wrong_kind(checked.span),
        }
    }

    pub(super) fn literal_number(
        &mut self,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, Refused> {
        match self.next()? {
            Given::Number(number, _) if range.contains(&number) => Ok(number),
            Given::Number(_, span) => self.wrong_value(span),
            Given::Text(_, span) => self.wrong_type(span),
            Given::Value(checked) => self.wrong_kind(checked.span),
        }
    }

    /// `[*]` belongs into the first argument.
    fn single(&self, given: Given) -> Result<(Of, Span), Refused> {
        match given {
            Given::Number(number, span) => Ok((Of::Number(Number::Literal(number)), span)),
            Given::Text(text, span) => Ok((Of::Text(Text::Literal(text.into())), span)),
            Given::Value(Checked { code, span, .. }) => match code {
                Code::One(of) => Ok((of, span)),
                Code::Each(_) | Code::EachArray(_) => Refused::at(span, Reason::MapEach),
                Code::Array(_) | Code::Map(_) => self.wrong_type(span),
            },
        }
    }

    pub(super) fn texts(&mut self) -> Result<Each<Text>, Refused> {
        let (code, span) = self.value()?;
        match code.type_of() {
            Type::Array(Scalar::String) => {}
            Type::Each(_) | Type::EachArray => return Refused::at(span, Reason::MapEach),
            Type::Array(_) | Type::One(_) | Type::Map => return self.wrong_type(span),
        }
        match code {
            Code::Array(Each { source, value: Of::Text(value) }) => Ok(Each { source, value }),
            Code::Array(_) | Code::One(_) | Code::Each(_) | Code::Map(_) | Code::EachArray(_) => {
                self.wrong_type(span)
            }
        }
    }

    pub(super) fn too_many_parts<T>(&self) -> Result<T, Refused> {
        Refused::at(self.call, Reason::TooManyParts)
    }

    pub(super) fn wrong_kind<T>(&self, span: Span) -> Result<T, Refused> {
        Refused::at(span, Reason::ArgumentKind(self.place))
    }

    pub(super) fn wrong_type<T>(&self, span: Span) -> Result<T, Refused> {
        Refused::at(span, Reason::ArgumentType(self.place))
    }

    pub(super) fn wrong_value<T>(&self, span: Span) -> Result<T, Refused> {
        Refused::at(span, Reason::ArgumentValue(self.place))
    }
}
