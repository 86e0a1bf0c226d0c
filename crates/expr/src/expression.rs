//! A condition that was read: ready to be evaluated, and printed.

use std::fmt;

use crate::ast::Expr;
use crate::check;
use crate::error::{Error, Reason, Refused};
use crate::evaluate;
use crate::facts::Facts;
use crate::lex::Span;
use crate::parse::Parser;
use crate::program::Truth;
use crate::scheme::Phase;

/// As long as an expression may be.
pub const CHARACTERS_MAX: usize = 4096;

/// A condition. `Display` prints canonical text, which can be longer than what was read.
#[derive(Clone, Debug)]
pub struct Expression {
    /// None: nothing was written, and that is always true.
    condition: Option<Condition>,
    /// Each field once, where it stands first.
    uses: Box<[Use]>,
}

#[derive(Clone, Debug)]
struct Condition {
    /// To be printed; apart, so that what is evaluated is near each other.
    expr: Box<Expr>,
    truth: Truth,
}

/// A field that an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub field: &'static str,
    /// None: every kind of traffic has it.
    pub phase: Option<Phase>,
    /// Where it stands first.
    pub span: Span,
}

/// Reads and checks a condition; an empty one is always true.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse(source: &str) -> Result<Expression, Error> {
    read(source).map_err(|refused| Error::new(source, refused))
}

fn read(source: &str) -> Result<Expression, Refused> {
    if let Some((start, _)) = source.char_indices().nth(CHARACTERS_MAX) {
        return Refused::at(Span { start, end: source.len() }, Reason::TooLong);
    }
    let mut parser = Parser::new(source);
    let condition = match parser.condition()? {
        Some(clause) => {
            let (expr, truth) = check::whole(clause)?;
            Some(Condition { expr: Box::new(expr), truth })
        }
        None => None,
    };
    let mut uses: Vec<Use> = Vec::new();
    for (known, span) in parser.fields {
        if uses.iter().all(|seen| seen.field != known.name) {
            uses.push(Use { field: known.name, phase: known.phase, span });
        }
    }
    Ok(Expression { condition, uses: uses.into() })
}

// === impl Expression ===

impl Expression {
    /// Whether the condition holds. It cannot fail, and allocates nothing.
    #[inline]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        match &self.condition {
            None => true,
            Some(Condition { truth, .. }) => evaluate::holds(truth, facts),
        }
    }

    /// Fields that it reads, in the order they stand.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Fields that `phase` does not have: to it they are absent.
    pub fn foreign(&self, phase: Phase) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |used| used.phase.is_some_and(|own| own != phase))
    }

    #[cfg(test)]
    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.condition.as_ref().map(|condition| &*condition.expr)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            None => Ok(()),
            Some(Condition { expr, .. }) => write!(f, "{expr}"),
        }
    }
}

#[cfg(test)]
mod tests;
