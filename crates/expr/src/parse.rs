//! The grammar: one function for each of its rules, from loose to tight.

mod literal;

use crate::ast::{Index, Logic, Quantifier};
use crate::check::{self, Checked, Clause, Given};
use crate::error::{Reason, Refused};
use crate::function::{Function, NOT_AVAILABLE};
use crate::lex::{Cursor, Span};
use crate::scheme::Known;

pub(crate) use literal::LIST_ITEMS_MAX;

/// Parentheses, `not` and calls inside of each other; reading and evaluating both recurse as deep.
pub const NESTING_MAX: usize = 128;
/// Each may keep a cache for every thread.
pub(crate) const REGEXES_MAX: usize = 32;

/// What is between the operators; also what was seen on the way.
pub(crate) struct Parser<'s> {
    cursor: Cursor<'s>,
    depth: usize,
    regexes: usize,
    /// Fields in the order they stand.
    pub(crate) fields: Vec<(&'static Known, Span)>,
}

// === impl Parser ===

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s str) -> Parser<'s> {
        let cursor = Cursor::new(source);
        Parser { cursor, depth: 0, regexes: 0, fields: Vec::new() }
    }

    /// Everything; None when there is nothing.
    pub(crate) fn condition(&mut self) -> Result<Option<Clause>, Refused> {
        self.cursor.skip_space();
        if self.cursor.peek().is_none() {
            return Ok(None);
        }
        let clause = self.logic(Logic::Or)?;
        self.cursor.skip_space();
        match self.cursor.peek() {
            None => Ok(Some(clause)),
            Some(_) => Refused::at(self.cursor.all_that_is_left(), Reason::Unrecognised),
        }
    }

    /// Operands and the operators between them, down to the `loosest` one.
    fn logic(&mut self, loosest: Logic) -> Result<Clause, Refused> {
        let mut left = self.unary()?;
        while let Some(logic) = self.eat_logic_from(loosest) {
            let mut others = vec![self.operand(logic)?];
            while self.eat_logic(logic) {
                others.push(self.operand(logic)?);
            }
            left = check::combine(logic, left, others)?;
        }
        Ok(left)
    }

    fn operand(&mut self, logic: Logic) -> Result<Clause, Refused> {
        match logic {
            Logic::Or => self.logic(Logic::Xor),
            Logic::Xor => self.logic(Logic::And),
            Logic::And => self.unary(),
        }
    }

    fn eat_logic_from(&mut self, loosest: Logic) -> Option<Logic> {
        let tightest_first = [Logic::And, Logic::Xor, Logic::Or];
        tightest_first.into_iter().find(|logic| *logic >= loosest && self.eat_logic(*logic))
    }

    fn eat_logic(&mut self, logic: Logic) -> bool {
        self.cursor.skip_space();
        let (word, sign) = match logic {
            Logic::Or => ("or", "||"),
            Logic::Xor => ("xor", "^^"),
            Logic::And => ("and", "&&"),
        };
        self.cursor.eat_word(word) || self.cursor.eat(sign)
    }

    fn unary(&mut self) -> Result<Clause, Refused> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        if self.cursor.eat_word("not") || self.cursor.eat("!") {
            self.enter(start)?;
            let clause = self.unary()?;
            self.leave();
            return Ok(check::negate(clause, self.cursor.since(start)));
        }
        if self.cursor.eat("(") {
            self.enter(start)?;
            let clause = self.logic(Logic::Or)?;
            self.leave();
            self.cursor.expect(")")?;
            return Ok(clause.within(self.cursor.since(start)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Clause, Refused> {
        let value = self.value()?;
        self.cursor.skip_space();
        let start = self.cursor.at();
        match self.operator() {
            None => check::alone(value, self.cursor.here()),
            Some(operator) => {
                let span = self.cursor.since(start);
                check::compared(value, |of| {
                    let (test, truth) = self.test(of, operator, span)?;
                    Ok((test, truth, self.cursor.since(start)))
                })
            }
        }
    }

    fn value(&mut self) -> Result<Checked, Refused> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let expected =
            Refused { reason: Reason::Expected("a field or a function"), span: self.cursor.here() };
        let name = self.cursor.name().ok_or(expected)?;
        let mut value = self.named(name, self.cursor.since(start))?;
        while self.cursor.peek() == Some(b'[') {
            let at = self.cursor.at();
            let index = self.index()?;
            value = value.indexed(index, self.cursor.since(at), self.cursor.since(start))?;
        }
        Ok(value)
    }

    fn named(&mut self, name: &str, span: Span) -> Result<Checked, Refused> {
        if let Some(known) = Known::find(name) {
            self.fields.push((known, span));
            return Ok(Checked::field(known, span));
        }
        if let Some(quantifier) = Quantifier::find(name) {
            return self.quantifier(quantifier, span);
        }
        if let Some(function) = Function::find(name) {
            return self.call(function, span);
        }
        if let Some(known) = NOT_AVAILABLE.into_iter().find(|known| *known == name) {
            return Refused::at(span, Reason::NotAvailable(known));
        }
        match Known::is_elsewhere(name) {
            true => Refused::at(span, Reason::UnknownField),
            false => Refused::at(span, Reason::UnknownIdentifier),
        }
    }

    fn index(&mut self) -> Result<Index, Refused> {
        self.cursor.expect("[")?;
        self.cursor.skip_space();
        let index = if self.cursor.eat("*") {
            Index::Each
        } else if self.cursor.begins_string() {
            Index::Key(self.cursor.string()?)
        } else {
            Index::Nth(self.place()?)
        };
        self.cursor.expect("]")?;
        Ok(index)
    }

    /// A place in an array.
    fn place(&mut self) -> Result<u32, Refused> {
        let expected =
            Refused { reason: Reason::Expected("a key, a place or *"), span: self.cursor.here() };
        if !self.cursor.begins_integer() {
            return Err(expected);
        }
        u32::try_from(self.cursor.integer()?).map_err(|_| expected)
    }

    fn quantifier(&mut self, quantifier: Quantifier, name: Span) -> Result<Checked, Refused> {
        self.cursor.expect("(")?;
        self.enter(name.start)?;
        let clause = self.logic(Logic::Or)?;
        self.leave();
        self.cursor.expect(")")?;
        check::quantified(quantifier, clause, self.cursor.since(name.start))
    }

    fn call(&mut self, function: Function, name: Span) -> Result<Checked, Refused> {
        self.cursor.expect("(")?;
        self.enter(name.start)?;
        let arguments = self.arguments()?;
        self.leave();
        check::call(function, arguments, self.cursor.since(name.start))
    }

    /// With the parenthesis behind them.
    fn arguments(&mut self) -> Result<Vec<Given>, Refused> {
        let mut arguments = Vec::new();
        self.cursor.skip_space();
        if self.cursor.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            self.cursor.skip_space();
            if !self.cursor.eat(",") {
                self.cursor.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn argument(&mut self) -> Result<Given, Refused> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        if self.cursor.begins_string() {
            let text = self.cursor.string()?;
            return Ok(Given::Text(text, self.cursor.since(start)));
        }
        if self.cursor.begins_integer() {
            let number = self.cursor.integer()?;
            return Ok(Given::Number(number, self.cursor.since(start)));
        }
        Ok(Given::Value(self.value()?))
    }

    /// One level further in; `start` is where what opens it stands. A refusal ends the reading, so it need not leave.
    fn enter(&mut self, start: usize) -> Result<(), Refused> {
        if self.depth >= NESTING_MAX {
            return Refused::at(self.cursor.since(start), Reason::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
