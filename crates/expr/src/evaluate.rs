//! Evaluation: true or false for any facts. What is not there is `None` all the way up to a comparison.

mod meter;
mod source;
mod text;

use std::cell::Cell;
use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::ast::Quantifier;
use crate::compare::{holds as compared, ranges};
use crate::facts::{Facts, Lent};
use crate::program::{Address, Each, Flag, IfAbsent, Number, Source, Text, Truth};
use crate::scheme::{FlagField, MapField, NumberField};
use crate::scratch::{Free, SCRATCH_BYTES, Scratch};
use crate::text::json;
use meter::Meter;

/// What a node is evaluated with.
#[derive(Clone, Copy)]
struct Eval<'s, 'e> {
    facts: &'e Facts<'e>,
    scratch: &'s Scratch<'e>,
    meter: &'e Meter,
    /// Of the array that is gone through.
    element: &'e [u8],
}

/// Most conditions compare a field, or ask for a header that is not there: these need no more than the facts.
#[inline]
pub(crate) fn holds(truth: &Truth, facts: &Facts<'_>) -> bool {
    match truth {
        Truth::Address(Address::Source, test) => test.holds(facts.source),
        Truth::Text(Text::Field(field), test) => match facts.lend(*field) {
            Lent::Absent => compared(None, |text| test.holds(text)),
            Lent::Text(text) => compared(Some(text), |text| test.holds(text)),
            Lent::Address(_) | Lent::Cookies(_) => holds_making(truth, facts),
        },
        Truth::Flag(Flag::Quantified(quantifier, if_absent, each))
            if lacks(facts, &each.source) =>
        {
            holds_of_absent(*quantifier, *if_absent)
        }
        Truth::And(_)
        | Truth::Or(_)
        | Truth::Xor(_)
        | Truth::Not(_)
        | Truth::Flag(_)
        | Truth::Text(..)
        | Truth::Number(..)
        | Truth::Address(..) => holds_making(truth, facts),
    }
}

/// It is an array of a header's lines, and there are none.
fn lacks(facts: &Facts<'_>, source: &Source) -> bool {
    match source {
        Source::Key(MapField::Headers, name) => {
            facts.request.http().is_none_or(|request| request.first_line(name).is_none())
        }
        Source::Key(MapField::Args, _)
        | Source::Field(_)
        | Source::AllKeys(..)
        | Source::Split(_)
        | Source::Chain(_) => false,
    }
}

/// What a quantifier says of an array that is not there.
fn holds_of_absent(quantifier: Quantifier, if_absent: IfAbsent) -> bool {
    match (quantifier, if_absent) {
        (Quantifier::All, IfAbsent::Empty) => true,
        (Quantifier::Any, IfAbsent::Empty) | (_, IfAbsent::False) => false,
    }
}

/// Evaluates with a small area for strings, and again with the large one if that was not enough.
#[inline(never)]
fn holds_making(truth: &Truth, facts: &Facts<'_>) -> bool {
    match holds_in(Free::Whole(&mut None), truth, facts) {
        (outcome, false) => outcome,
        (_, true) => holds_in_large(truth, facts),
    }
}

/// Apart, so that nobody else pays for so large a frame.
#[cold]
#[inline(never)]
fn holds_in_large(truth: &Truth, facts: &Facts<'_>) -> bool {
    holds_in(Free::Part(&mut [0; SCRATCH_BYTES]), truth, facts).0
}

/// The outcome, and whether something did not fit.
fn holds_in(free: Free<'_>, truth: &Truth, facts: &Facts<'_>) -> (bool, bool) {
    let (full, meter) = (Cell::new(false), Meter::new());
    let scratch = Scratch::with(free, &full);
    let eval = Eval { facts, scratch: &scratch, meter: &meter, element: &[] };
    let outcome = eval.truth(truth);
    (outcome, full.get())
}

// === impl Eval ===

impl<'e> Eval<'_, 'e> {
    fn truth(&self, truth: &'e Truth) -> bool {
        match truth {
            Truth::And(operands) => operands.iter().all(|operand| self.truth(operand)),
            Truth::Or(operands) => operands.iter().any(|operand| self.truth(operand)),
            Truth::Xor(operands) => {
                operands.iter().fold(false, |odd, operand| odd ^ self.truth(operand))
            }
            Truth::Not(operand) => !self.truth(operand),
            Truth::Flag(flag) => compared(self.flag(flag), |flag| flag),
            Truth::Text(text, test) => compared(self.text(text), |text| test.holds(text)),
            Truth::Number(number, test) => {
                compared(self.number(number), |number| test.holds(number))
            }
            Truth::Address(address, test) => test.holds(self.address(address)),
        }
    }

    fn number(&self, number: &'e Number) -> Option<i64> {
        match number {
            Number::Field(NumberField::Asn) => (self.facts.asn)().map(i64::from),
            Number::Field(NumberField::Timestamp) => {
                self.facts.request.http().map(|request| request.timestamp_seconds)
            }
            Number::Field(NumberField::QueryNameLength) => {
                self.facts.request.dns().map(|question| length(question.name))
            }
            Number::Field(NumberField::QueryType) => {
                self.facts.request.dns().map(|question| question.qtype.into())
            }
            Number::Literal(number) => Some(*number),
            Number::Nth(each, place) => self.at_nth(&each.source, *place)?.number(&each.value),
            Number::Length(text) => self.text(text).map(length),
            Number::Count(source) => self.count(source),
            Number::Json(text, path) => json::integer(self.text(text)?, path),
        }
    }

    fn address(&self, address: &Address) -> IpAddr {
        match address {
            Address::Source => self.facts.source,
            Address::Network { of, v4_bits, v6_bits } => {
                ranges::network(self.address(of), *v4_bits, *v6_bits)
            }
        }
    }

    fn flag(&self, flag: &'e Flag) -> Option<bool> {
        match flag {
            Flag::Field(FlagField::Question) => {
                self.facts.request.dns().map(|question| question.is_question)
            }
            Flag::Field(FlagField::HasClientSubnet) => {
                self.facts.request.dns().map(|question| question.client_subnet.is_some())
            }
            Flag::Nth(each, place) => self.at_nth(&each.source, *place)?.flag(&each.value),
            Flag::StartsWith(text, start) => Some(self.text(text)?.starts_with(self.text(start)?)),
            Flag::EndsWith(text, end) => Some(self.text(text)?.ends_with(self.text(end)?)),
            Flag::TimedHmac(timed) => {
                let token = self.text(&timed.token)?;
                Some(timed.hmac.is_valid(token, self.number(&timed.now)?))
            }
            Flag::Quantified(quantifier, if_absent, each) => {
                let outcome = self.quantified(*quantifier, *if_absent, each);
                // Not all elements were seen.
                if self.meter.is_spent() { None } else { Some(outcome) }
            }
        }
    }

    fn quantified(
        &self,
        quantifier: Quantifier,
        if_absent: IfAbsent,
        each: &'e Each<Truth>,
    ) -> bool {
        // The first element that says this decides; without one it is the opposite.
        let decisive = match quantifier {
            Quantifier::Any => true,
            Quantifier::All => false,
        };
        let mut outcome = !decisive;
        let visited = self.visit(&each.source, &mut |element| {
            if self.element_holds(&each.value, element) == decisive {
                outcome = decisive;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        match visited {
            Some(()) => outcome,
            None => holds_of_absent(quantifier, if_absent),
        }
    }

    /// Strings that are made for one element are gone before the next.
    fn element_holds(&self, truth: &'e Truth, element: &'e [u8]) -> bool {
        self.scratch.lend(|free| {
            let scratch = self.scratch.over(free);
            Eval { facts: self.facts, scratch: &scratch, meter: self.meter, element }.truth(truth)
        })
    }
}

fn length(text: &[u8]) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
