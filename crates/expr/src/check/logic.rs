//! Conditions from values, and from conditions: of one truth, or of one for each element of the same array.

use super::{Checked, Clause, ClauseCode, Code, Each, Flag, Of, Truth};
use crate::ast::{Expr, Logic, Quantifier, Test, Value};
use crate::error::{Reason, Refused};
use crate::lex::Span;
use crate::program::{IfAbsent, Source};
use crate::scheme::{Scalar, Type};

/// A Bool value, or one for each element, that stands without an operator. Other types are refused at `behind`.
pub(crate) fn alone(checked: Checked, behind: Span) -> Result<Clause, Refused> {
    let Checked { value, code, span, over } = checked;
    let code = match code {
        Code::One(Of::Flag(flag)) => ClauseCode::One(Truth::Flag(flag)),
        Code::Each(Each { source, value: Of::Flag(flag) }) => {
            ClauseCode::Each(Each { source, value: Truth::Flag(flag) })
        }
        Code::Array(Each { source, value: Of::Flag(flag) }) => {
            ClauseCode::Array(Each { source, value: Truth::Flag(flag) })
        }
        Code::One(_) | Code::Array(_) | Code::Each(_) | Code::Map(_) | Code::EachArray(_) => {
            return Refused::at(behind, Reason::Expected("a comparison operator"));
        }
    };
    Ok(Clause { expr: Expr::Compare(value, Test::IsTrue), span, code, over })
}

/// A value behind which an operator stands: `test` reads on, knowing what the operator is to compare.
pub(crate) fn compared(
    checked: Checked,
    test: impl FnOnce(Of) -> Result<(Test, Truth, Span), Refused>,
) -> Result<Clause, Refused> {
    let Checked { value, code, span, over } = checked;
    let type_of = code.type_of();
    let (test, code, end) = match code {
        Code::One(of) => {
            let (test, truth, end) = test(of)?;
            (test, ClauseCode::One(truth), end)
        }
        Code::Each(Each { source, value }) => {
            let (test, value, end) = test(value)?;
            (test, ClauseCode::Each(Each { source, value }), end)
        }
        Code::Array(_) | Code::Map(_) | Code::EachArray(_) => {
            return Refused::at(span, Reason::Unsupported(type_of));
        }
    };
    let span = Span { start: span.start, end: end.end };
    Ok(Clause { expr: Expr::Compare(value, test), span, code, over })
}

pub(crate) fn negate(clause: Clause, span: Span) -> Clause {
    let Clause { expr, code, over, .. } = clause;
    let not = |Each { source, value }| {
        ClauseCode::Each(Each { source, value: Truth::Not(Box::new(value)) })
    };
    let code = match code {
        ClauseCode::One(truth) => ClauseCode::One(Truth::Not(Box::new(truth))),
        ClauseCode::Each(each) | ClauseCode::Array(each) => not(each),
    };
    Clause { expr: Expr::Not(Box::new(expr)), span, code, over }
}

/// Operands between which `logic` stands; all have one truth, or all have one for each element of one array.
pub(crate) fn combine(logic: Logic, first: Clause, others: Vec<Clause>) -> Result<Clause, Refused> {
    let over = first.over.clone();
    let start = first.span.start;
    let end = others.last().map_or(first.span.end, |last| last.span.end);
    let (mut exprs, mut truths, source) = match first.code {
        ClauseCode::One(truth) => (vec![first.expr], vec![truth], None),
        ClauseCode::Each(Each { source, value }) | ClauseCode::Array(Each { source, value }) => {
            (vec![first.expr], vec![value], Some(source))
        }
    };
    for clause in others {
        exprs.push(clause.expr);
        truths.push(operand(clause.code, clause.span, source.as_ref(), clause.over == over)?);
    }
    let truth = match logic {
        Logic::And => Truth::And(truths.into()),
        Logic::Or => Truth::Or(truths.into()),
        Logic::Xor => Truth::Xor(truths.into()),
    };
    let code = match source {
        Some(source) => ClauseCode::Each(Each { source, value: truth }),
        None => ClauseCode::One(truth),
    };
    Ok(Clause { expr: Expr::Logic(logic, exprs), span: Span { start, end }, code, over })
}

fn operand(
    code: ClauseCode,
    span: Span,
    source: Option<&Source>,
    same_array: bool,
) -> Result<Truth, Refused> {
    match (code, source) {
        (ClauseCode::One(truth), None) => Ok(truth),
        (ClauseCode::Each(each) | ClauseCode::Array(each), Some(_)) if same_array => Ok(each.value),
        (ClauseCode::Each(_) | ClauseCode::Array(_), Some(_)) => Refused::at(span, Reason::MapEach),
        (ClauseCode::One(_), Some(_)) => {
            Refused::at(span, Reason::Unsupported(Type::One(Scalar::Bool)))
        }
        (ClauseCode::Each(_) | ClauseCode::Array(_), None) => {
            Refused::at(span, Reason::Unsupported(Type::Array(Scalar::Bool)))
        }
    }
}

/// `any` or `all` around a condition of each element.
pub(crate) fn quantified(
    quantifier: Quantifier,
    clause: Clause,
    span: Span,
) -> Result<Checked, Refused> {
    let (if_absent, each) = match clause.code {
        ClauseCode::Each(each) => (IfAbsent::Empty, each),
        ClauseCode::Array(each) => (IfAbsent::False, each),
        ClauseCode::One(_) => return Refused::at(clause.span, Reason::ArgumentType(1)),
    };
    let flag = Flag::Quantified(quantifier, if_absent, Box::new(each));
    let value = Value::Quantified(quantifier, Box::new(clause.expr));
    Ok(Checked { value, code: Code::One(Of::Flag(flag)), span, over: None })
}

/// A clause that is a whole condition.
pub(crate) fn whole(clause: Clause) -> Result<(Expr, Truth), Refused> {
    match clause.code {
        ClauseCode::One(truth) => Ok((clause.expr, truth)),
        ClauseCode::Each(_) => Refused::at(clause.span, Reason::MapEach),
        ClauseCode::Array(_) => {
            Refused::at(clause.span, Reason::Unsupported(Type::Array(Scalar::Bool)))
        }
    }
}
