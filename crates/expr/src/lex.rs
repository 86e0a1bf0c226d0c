//! Reading words, symbols and literals off the front of the text. What comes next depends on the type of what was
//! before, so there is no list of tokens: `10.20` begins an address or a string of bytes.

mod literal;

use crate::error::{Reason, Refused};

pub(crate) use literal::{HASHES_MAX, hashes_around};

/// Bytes of the source, from the first to behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

#[derive(Debug)]
pub(crate) struct Cursor<'s> {
    source: &'s str,
    at: usize,
}

// === impl Cursor ===

impl<'s> Cursor<'s> {
    pub(crate) fn new(source: &'s str) -> Cursor<'s> {
        Cursor { source, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or("")
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    /// From `start` to here.
    pub(crate) fn since(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    /// What stands here, up to the next space.
    pub(crate) fn here(&self) -> Span {
        let length = self.rest().find(is_space).unwrap_or(self.rest().len());
        Span { start: self.at, end: self.at.saturating_add(length) }
    }

    pub(crate) fn all_that_is_left(&self) -> Span {
        let length = self.rest().trim_end_matches(is_space).len();
        Span { start: self.at, end: self.at.saturating_add(length) }
    }

    /// Tabs are not among them.
    pub(crate) fn skip_space(&mut self) {
        let behind = self.rest().trim_start_matches(is_space);
        self.at = self.source.len().saturating_sub(behind.len());
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    pub(crate) fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.skip(literal.len());
        }
        found
    }

    /// A word that does not go on behind `word`.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let behind = self.rest().strip_prefix(word);
        let found = behind.is_some_and(|behind| !behind.starts_with(is_in_name));
        if found {
            self.skip(word.len());
        }
        found
    }

    /// Two words with space between them.
    pub(crate) fn eat_words(&mut self, first: &str, second: &str) -> bool {
        let start = self.at;
        let found = self.eat_word(first) && {
            self.skip_space();
            self.eat_word(second)
        };
        if !found {
            self.at = start;
        }
        found
    }

    pub(crate) fn expect(&mut self, literal: &'static str) -> Result<(), Refused> {
        self.skip_space();
        match self.eat(literal) {
            true => Ok(()),
            false => Refused::at(self.here(), Reason::ExpectedLiteral(literal)),
        }
    }

    /// Letters, digits, underscores and, between them, dots.
    pub(crate) fn name(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        if !rest.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_') {
            return None;
        }
        let length = rest.find(|char| !is_in_name(char) && char != '.').unwrap_or(rest.len());
        let name = rest.get(..length)?.trim_end_matches('.');
        self.skip(name.len());
        Some(name)
    }

    /// The longest run of bytes that `wanted` takes; they must be ASCII.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'s str {
        let length = self.rest().bytes().take_while(|byte| byte.is_ascii() && wanted(*byte));
        let run = self.rest().get(..length.count()).unwrap_or("");
        self.skip(run.len());
        run
    }
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\r' | '\n')
}

fn is_in_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}
