//! What the files of an operator have in common: limits, rows of CSV, and every problem with its line.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::csv;
use crate::native::V4_ALIASES;

/// Which file a problem is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    Geofeed,
    Latencies,
    Operators,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedProblem {
    /// Counted from 1; 0 is the feed as a whole.
    pub line: usize,
    pub text: String,
}

/// Everything that is wrong with a feed, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedProblems {
    pub feed: Feed,
    pub first: Vec<FeedProblem>,
    /// How many more there are.
    pub more: usize,
}

/// More problems than this help nobody; the rest is counted.
pub const FEED_PROBLEMS_MAX: usize = 100;
/// Several times the largest public feeds, which have some 300,000 lines of 40 bytes.
const FEED_BYTES_MAX: usize = 64 << 20;
pub(crate) const FEED_LINES_MAX: usize = 1_000_000;
/// A line holds a prefix and a few names.
const LINE_BYTES_MAX: usize = 1024;

/// Hands over the number and the fields of every row. Lines that begin with `#` and empty ones are none.
/// A feed that is too large is refused unread.
pub(crate) fn rows<'a>(
    feed: Feed,
    text: &'a str,
    mut row: impl FnMut(usize, &[&'a str], &mut FeedProblems),
) -> FeedProblems {
    let mut problems = FeedProblems { feed, first: Vec::new(), more: 0 };
    if text.len() > FEED_BYTES_MAX || text.lines().count() > FEED_LINES_MAX {
        problems.add(0, format!("more than {FEED_BYTES_MAX} bytes or {FEED_LINES_MAX} lines"));
        return problems;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(fields) = problems.note(number, fields(line)) {
            row(number, &fields, &mut problems);
        }
    }
    problems
}

/// [`rows`] of a feed whose first row names its columns, each with as many fields.
pub(crate) fn rows_under<'a, const COLUMNS: usize>(
    feed: Feed,
    header: [&str; COLUMNS],
    text: &'a str,
    mut row: impl FnMut(usize, [&'a str; COLUMNS], &mut FeedProblems),
) -> FeedProblems {
    let mut headed = false;
    let mut problems = rows(feed, text, |number, fields, problems| {
        if !headed {
            headed = true;
            if fields != header {
                problems.add(number, format!("the first row is not {}", header.join(",")));
            }
            return;
        }
        match fields.try_into() {
            Ok(fields) => row(number, fields, problems),
            Err(_other_length) => {
                let found = fields.len();
                problems.add(number, format!("{found} fields where {} are due", header.join(",")));
            }
        }
    });
    if !headed && problems.first.is_empty() {
        problems.add(0, format!("there is no row {}", header.join(",")));
    }
    problems
}

fn fields(line: &str) -> Result<Vec<&str>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
    }
    csv::fields(line).map_err(|error| error.to_string())
}

/// RFC 8805 section 2.1.1.1: one address, or a prefix without bits behind its length.
pub(crate) fn prefix(text: &str) -> Result<IpNet, String> {
    let prefix = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_not_an_address) => {
            text.parse::<IpNet>().map_err(|_| format!("{text:?} is not an address or prefix"))?
        }
    };
    if prefix.trunc() != prefix {
        return Err(format!("{text} has bits set behind its length: write {}", prefix.trunc()));
    }
    if is_v4_alias(&prefix) {
        return Err(format!("{text} holds IPv4 addresses: write the prefix of those"));
    }
    Ok(prefix)
}

fn is_v4_alias(prefix: &IpNet) -> bool {
    let IpAddr::V6(address) = prefix.network() else {
        return false;
    };
    V4_ALIASES.iter().any(|&(bits, length)| {
        let beyond = 128_u32.saturating_sub(u32::from(length));
        prefix.prefix_len() >= length && address.to_bits() >> beyond == bits >> beyond
    })
}

// === impl Feed ===

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Feed::Geofeed => "geofeed",
            Feed::Latencies => "table of latencies",
            Feed::Operators => "table of resolver operators",
        })
    }
}

// === impl FeedProblems ===

impl FeedProblems {
    pub(crate) fn add(&mut self, line: usize, text: String) {
        if self.first.len() < FEED_PROBLEMS_MAX {
            self.first.push(FeedProblem { line, text });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// A second row about the same thing is a problem.
    pub(crate) fn note_repeat(
        &mut self,
        line: usize,
        what: impl fmt::Display,
        earlier: Option<usize>,
    ) {
        if let Some(earlier) = earlier {
            self.add(line, format!("{what} is on line {earlier} too"));
        }
    }

    /// The value, or None and a problem.
    pub(crate) fn note<T>(&mut self, line: usize, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(text) => {
                self.add(line, text);
                None
            }
        }
    }

    pub(crate) fn or<T>(self, value: T) -> Result<T, FeedProblems> {
        if self.first.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for FeedProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is refused", self.feed)?;
        for (index, problem) in self.first.iter().enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            write!(f, "{before}line {}: {}", problem.line, problem.text)?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for FeedProblems {}
