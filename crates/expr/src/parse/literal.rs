//! Operators and what stands behind them, which the type of what is before them decides.

use std::net::IpAddr;

use memchr::memmem::Finder;

use super::{Parser, REGEXES_MAX};
use crate::ast::{Addresses, Case, Relation, Test};
use crate::check::Of;
use crate::compare::ranges::{AddressRanges, Ranges, network};
use crate::compare::regex::Pattern;
use crate::compare::wildcard::Wildcard;
use crate::compare::{AddressTest, NumberTest, TextTest};
use crate::error::{Reason, Refused};
use crate::lex::{HASHES_MAX, Span, hashes_around};
use crate::program::Truth;
use crate::scheme::Type;

/// More belongs into several rules; one lookup takes ten steps.
pub(crate) const LIST_ITEMS_MAX: usize = 1024;

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Relation(Relation),
    Contains,
    Matches,
    Wildcard(Case),
    In,
    BitwiseAnd,
}

/// Signs before the shorter ones that they begin with.
const SIGNS: [(&str, Operator); 7] = [
    ("==", Operator::Relation(Relation::Eq)),
    ("!=", Operator::Relation(Relation::Ne)),
    ("<=", Operator::Relation(Relation::Le)),
    (">=", Operator::Relation(Relation::Ge)),
    ("<", Operator::Relation(Relation::Lt)),
    (">", Operator::Relation(Relation::Gt)),
    ("~", Operator::Matches),
];
const WORDS: [(&str, Operator); 11] = [
    ("eq", Operator::Relation(Relation::Eq)),
    ("ne", Operator::Relation(Relation::Ne)),
    ("lt", Operator::Relation(Relation::Lt)),
    ("le", Operator::Relation(Relation::Le)),
    ("gt", Operator::Relation(Relation::Gt)),
    ("ge", Operator::Relation(Relation::Ge)),
    ("contains", Operator::Contains),
    ("matches", Operator::Matches),
    ("wildcard", Operator::Wildcard(Case::Insensitive)),
    ("in", Operator::In),
    ("bitwise_and", Operator::BitwiseAnd),
];

// === impl Parser ===

impl Parser<'_> {
    pub(super) fn operator(&mut self) -> Option<Operator> {
        if self.cursor.rest().starts_with('&') && !self.cursor.rest().starts_with("&&") {
            self.cursor.skip(1);
            return Some(Operator::BitwiseAnd);
        }
        if self.cursor.eat_words("strict", "wildcard") {
            return Some(Operator::Wildcard(Case::Sensitive));
        }
        let sign = SIGNS.into_iter().find(|(sign, _)| self.cursor.eat(sign));
        let word = || WORDS.into_iter().find(|(word, _)| self.cursor.eat_word(word));
        sign.or_else(word).map(|(_, operator)| operator)
    }

    /// `at` is where the operator stands.
    pub(super) fn test(
        &mut self,
        of: Of,
        operator: Operator,
        at: Span,
    ) -> Result<(Test, Truth), Refused> {
        let unsupported = Refused { reason: Reason::Unsupported(Type::One(of.scalar())), span: at };
        self.cursor.skip_space();
        match of {
            Of::Text(text) => {
                let (test, ready) = self.text_test(operator, unsupported)?;
                Ok((test, Truth::Text(text, ready)))
            }
            Of::Number(number) => {
                let (test, ready) = self.number_test(operator, unsupported)?;
                Ok((test, Truth::Number(number, ready)))
            }
            Of::Address(address) => {
                let (test, ready) = self.address_test(operator, unsupported)?;
                Ok((test, Truth::Address(address, ready)))
            }
            Of::Flag(_) => Err(unsupported),
        }
    }

    fn text_test(
        &mut self,
        operator: Operator,
        unsupported: Refused,
    ) -> Result<(Test, TextTest), Refused> {
        Ok(match operator {
            Operator::Relation(relation) => {
                let text = self.cursor.string()?;
                let ready = TextTest::Relation(relation, text.clone().into());
                (Test::Text(relation, text), ready)
            }
            Operator::Contains => {
                let needle = self.cursor.string()?;
                let ready = TextTest::Contains(Box::new(Finder::new(&needle).into_owned()));
                (Test::Contains(needle), ready)
            }
            Operator::Matches => self.matches()?,
            Operator::Wildcard(case) => {
                let start = self.cursor.at();
                let pattern = self.cursor.string()?;
                let span = self.cursor.since(start);
                let ready =
                    Wildcard::parse(&pattern, case).map_err(|reason| Refused { reason, span })?;
                (Test::Wildcard(case, pattern), TextTest::Wildcard(ready))
            }
            Operator::In => {
                let items = self.list(|parser| parser.cursor.string())?;
                let ready = items.iter().map(|item| item.clone().into()).collect();
                (Test::InTexts(items), TextTest::list(ready))
            }
            Operator::BitwiseAnd => return Err(unsupported),
        })
    }

    fn matches(&mut self) -> Result<(Test, TextTest), Refused> {
        let start = self.cursor.at();
        let pattern = self.cursor.pattern()?;
        let span = self.cursor.since(start);
        self.regexes = self.regexes.saturating_add(1);
        if self.regexes > REGEXES_MAX {
            return Refused::at(span, Reason::TooManyRegexes);
        }
        // Canonical text has patterns in raw strings.
        if hashes_around(&pattern) > HASHES_MAX {
            return Refused::at(span, Reason::Hashes);
        }
        let ready = Pattern::new(&pattern).map_err(|reason| Refused { reason, span })?;
        Ok((Test::Matches(pattern), TextTest::Matches(Box::new(ready))))
    }

    fn number_test(
        &mut self,
        operator: Operator,
        unsupported: Refused,
    ) -> Result<(Test, NumberTest), Refused> {
        Ok(match operator {
            Operator::Relation(relation) => {
                let number = self.cursor.integer()?;
                (Test::Number(relation, number), NumberTest::Relation(relation, number))
            }
            Operator::BitwiseAnd => {
                let bits = self.cursor.integer()?;
                (Test::BitwiseAnd(bits), NumberTest::Bits(bits))
            }
            Operator::In => {
                let items = self.list(Parser::numbers)?;
                let ready = NumberTest::In(Ranges::new(items.clone()));
                (Test::InNumbers(items), ready)
            }
            Operator::Contains | Operator::Matches | Operator::Wildcard(_) => {
                return Err(unsupported);
            }
        })
    }

    fn address_test(
        &mut self,
        operator: Operator,
        unsupported: Refused,
    ) -> Result<(Test, AddressTest), Refused> {
        Ok(match operator {
            Operator::Relation(relation) => {
                let address = self.cursor.address()?;
                (Test::Address(relation, address), AddressTest::Relation(relation, address))
            }
            Operator::In => {
                let items = self.list(Parser::addresses)?;
                let ready = AddressTest::In(AddressRanges::new(&items));
                (Test::InAddresses(items), ready)
            }
            Operator::Contains
            | Operator::Matches
            | Operator::Wildcard(_)
            | Operator::BitwiseAnd => return Err(unsupported),
        })
    }

    /// Items between braces; those that need no space between them may do without.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Refused>,
    ) -> Result<Vec<T>, Refused> {
        let start = self.cursor.at();
        if self.cursor.eat("$") {
            let name = self.cursor.name().unwrap_or("").into();
            return Refused::at(self.cursor.since(start), Reason::ListName(name));
        }
        self.cursor.expect("{")?;
        let mut items = Vec::new();
        loop {
            self.cursor.skip_space();
            if self.cursor.eat("}") {
                return Ok(items);
            }
            if self.cursor.peek().is_none() {
                return Refused::at(self.cursor.here(), Reason::ExpectedLiteral("}"));
            }
            if items.len() == LIST_ITEMS_MAX {
                return Refused::at(self.cursor.since(start), Reason::TooManyItems);
            }
            items.push(item(self)?);
        }
    }

    fn numbers(&mut self) -> Result<(i64, i64), Refused> {
        let start = self.cursor.at();
        let first = self.cursor.integer()?;
        let last = if self.cursor.eat("..") { self.cursor.integer()? } else { first };
        match first <= last {
            true => Ok((first, last)),
            false => Refused::at(self.cursor.since(start), Reason::RangeBounds),
        }
    }

    fn addresses(&mut self) -> Result<Addresses, Refused> {
        let start = self.cursor.at();
        let first = self.cursor.address()?;
        if self.cursor.eat("/") {
            let longest = if first.is_ipv4() { 32 } else { 128 };
            let bits = u8::try_from(self.cursor.integer()?).ok().filter(|bits| *bits <= longest);
            let whole = |bits: &u8| network(first, *bits, *bits) == first;
            return match bits.filter(whole) {
                Some(bits) => Ok(Addresses::Network(first, bits)),
                None => Refused::at(self.cursor.since(start), Reason::Network { longest }),
            };
        }
        if !self.cursor.eat("..") {
            return Ok(Addresses::One(first));
        }
        let last = self.cursor.address()?;
        match (first, last) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) if first <= last => {
                Ok(Addresses::Range(first, last))
            }
            _ => Refused::at(self.cursor.since(start), Reason::RangeBounds),
        }
    }
}
