//! Evaluation: true or false for any facts. What is not there is `None` all the way up to a comparison.

mod meter;
mod source;
mod text;

use std::cell::Cell;
use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::ast::Quantifier;
use crate::compare::{holds as compared, ranges};
use crate::facts::Facts;
use crate::program::{Address, Each, Flag, IfAbsent, Number, Truth};
use crate::scheme::{FlagField, NumberField};
use crate::scratch::{SCRATCH_BYTES, SCRATCH_BYTES_FIRST, Scratch};
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

/// Evaluates where no string has to be made.
pub(crate) fn holds(truth: &Truth, facts: &Facts<'_>) -> bool {
    holds_in(&mut [], truth, facts).0
}

/// Evaluates with an area for strings: a small one, and again with the large one if that was not enough.
pub(crate) fn holds_writing(truth: &Truth, facts: &Facts<'_>) -> bool {
    match holds_in(&mut [0; SCRATCH_BYTES_FIRST], truth, facts) {
        (outcome, false) => outcome,
        (_, true) => holds_in(&mut [0; SCRATCH_BYTES], truth, facts).0,
    }
}

/// The outcome, and whether something did not fit.
fn holds_in(area: &mut [u8], truth: &Truth, facts: &Facts<'_>) -> (bool, bool) {
    let (full, meter) = (Cell::new(false), Meter::new());
    let scratch = Scratch::new(area, &full);
    let eval = Eval { facts, scratch: &scratch, meter: &meter, element: &[] };
    let outcome = eval.truth(truth);
    (outcome, full.get())
}

// === impl Eval ===

impl<'e> Eval<'_, 'e> {
    fn truth(self, truth: &'e Truth) -> bool {
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

    fn number(self, number: &'e Number) -> Option<i64> {
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

    fn address(self, address: &Address) -> IpAddr {
        match address {
            Address::Source => self.facts.source,
            Address::Network { of, v4_bits, v6_bits } => {
                ranges::network(self.address(of), *v4_bits, *v6_bits)
            }
        }
    }

    fn flag(self, flag: &'e Flag) -> Option<bool> {
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
        self,
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
        match (visited, if_absent) {
            (Some(()), _) | (None, IfAbsent::Empty) => outcome,
            (None, IfAbsent::False) => false,
        }
    }

    /// Strings that are made for one element are gone before the next.
    fn element_holds(self, truth: &'e Truth, element: &'e [u8]) -> bool {
        self.scratch.lend(|area| {
            let scratch = self.scratch.over(area);
            Eval { facts: self.facts, scratch: &scratch, meter: self.meter, element }.truth(truth)
        })
    }
}

fn length(text: &[u8]) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
