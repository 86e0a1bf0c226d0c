//! The lines of a zone file: comments, and parentheses that make one line of several.

use crate::rdata::token::{BadToken, Token};

/// Everything up to the end of a line that is outside of parentheses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// Begins with white space: the owner is that of the record before.
    pub(super) indented: bool,
    pub(super) tokens: Vec<Token>,
    /// All its comments.
    pub(super) comment: String,
}

/// Why a line is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadEntry {
    #[error(transparent)]
    Word(#[from] BadToken),
    #[error("a parenthesis is not closed")]
    OpenParenthesis,
    #[error("a parenthesis is closed that was not opened")]
    ClosedParenthesis,
    #[error("longer than {ENTRY_BYTES_MAX} bytes")]
    TooLong,
}

/// Data of the largest record with every byte an escape of four, and the words before it.
const ENTRY_BYTES_MAX: usize = 300_000;

/// The entries that are not empty, in order; a bad one is told with its line, and reading goes on behind it.
pub(super) fn entries(text: &str) -> impl Iterator<Item = Result<Entry, (usize, BadEntry)>> {
    let mut lines = (1_usize..).zip(text.lines());
    std::iter::from_fn(move || {
        loop {
            let (line, text) = lines.next()?;
            let mut reading = Reading::new(line, text);
            let mut read = reading.line(text);
            while read.is_ok() && reading.depth > 0 {
                read = match lines.next() {
                    Some((_, text)) => reading.line(text),
                    None => Err(BadEntry::OpenParenthesis),
                };
            }
            match read {
                Err(bad) => return Some(Err((line, bad))),
                Ok(()) if reading.entry.tokens.is_empty() => {}
                Ok(()) => return Some(Ok(reading.entry)),
            }
        }
    })
}

struct Reading {
    entry: Entry,
    /// Parentheses that are open.
    depth: usize,
    bytes: usize,
}

// === impl Reading ===

impl Reading {
    fn new(line: usize, text: &str) -> Reading {
        let indented = text.starts_with(|char: char| char.is_ascii_whitespace());
        Reading { entry: Entry { line, indented, ..Entry::default() }, depth: 0, bytes: 0 }
    }

    fn line(&mut self, line: &str) -> Result<(), BadEntry> {
        self.bytes = self.bytes.saturating_add(line.len());
        if self.bytes > ENTRY_BYTES_MAX {
            return Err(BadEntry::TooLong);
        }
        let mut rest = line.trim_ascii_start();
        while let Some(first) = rest.chars().next() {
            rest = match first {
                ';' => {
                    self.entry.comment.push_str(rest);
                    return Ok(());
                }
                '(' => {
                    self.depth = self.depth.saturating_add(1);
                    rest.get(1..).unwrap_or("")
                }
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or(BadEntry::ClosedParenthesis)?;
                    rest.get(1..).unwrap_or("")
                }
                _ => {
                    let (token, behind) = Token::read(rest)?;
                    self.entry.tokens.push(token);
                    behind
                }
            }
            .trim_ascii_start();
        }
        Ok(())
    }
}
