//! Why an expression is refused, and where: the text that an operator reads, with carets.

use std::fmt;

use crate::check::CONCAT_PARTS_MAX;
use crate::expression::CHARACTERS_MAX;
use crate::lex::{HASHES_MAX, Span};
use crate::parse::{LIST_ITEMS_MAX, NESTING_MAX, REGEXES_MAX};
use crate::scheme::Type;

/// An expression that is not taken. `Display` shows the line it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub reason: Reason,
    /// Bytes of the source.
    pub span: Span,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// The line where the span begins, or of a long one what is around that.
    shown: Box<str>,
    /// Characters of it before the span.
    indent: usize,
    /// Characters of it that the span covers; at least 1.
    width: usize,
}

/// What is wrong; the texts are those that users of the hosted product know, where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("expected literal {0:?}")]
    ExpectedLiteral(&'static str),
    #[error("unknown identifier")]
    UnknownIdentifier,
    /// The language has the field, a load balancer does not.
    #[error("unknown field")]
    UnknownField,
    #[error("cannot perform this operation on type {0}")]
    Unsupported(Type),
    #[error("incompatible range bounds")]
    RangeBounds,
    #[error("unrecognised input")]
    Unrecognised,
    #[error("could not find an ending quote")]
    EndingQuote,
    #[error(r#"expected ", xHH or OOO after \"#)]
    Escape,
    #[error("invalid number of arguments")]
    ArgumentCount,
    /// A literal where a field must be, or the other way round.
    #[error("invalid kind of argument #{0}")]
    ArgumentKind(usize),
    #[error("invalid type of argument #{0}")]
    ArgumentType(usize),
    /// The type is right, the value is out of what the function takes.
    #[error("invalid value of argument #{0}")]
    ArgumentValue(usize),
    #[error("invalid use of map each access operator")]
    MapEach,
    #[error("invalid list name {0}")]
    ListName(Box<str>),
    #[error("maximum nesting depth exceeded (limit: {NESTING_MAX})")]
    TooDeep,
    #[error("wildcard contains a double star")]
    DoubleStar,
    #[error(r"expected * or \ after \ in a wildcard")]
    WildcardEscape,
    #[error("not a 64-bit integer of base {radix}")]
    Integer { radix: u32 },
    #[error("not an address")]
    Address,
    #[error("not a network: its length is 0 to {longest}, and the bits behind it are zero")]
    Network { longest: u8 },
    #[error("more than {HASHES_MAX} # in a raw string")]
    Hashes,
    #[error("invalid regular expression: {0}")]
    Regex(Box<str>),
    #[error("regular expression is too large when compiled")]
    RegexSize,
    #[error("more than {REGEXES_MAX} regular expressions")]
    TooManyRegexes,
    #[error("{0} is not available in a load balancer condition")]
    NotAvailable(&'static str),
    #[error("more than {LIST_ITEMS_MAX} items in a list")]
    TooManyItems,
    #[error("more than {CONCAT_PARTS_MAX} arguments of concat")]
    TooManyParts,
    #[error("longer than {CHARACTERS_MAX} characters")]
    TooLong,
}

/// Characters of a line that a message repeats.
const SHOWN_CHARACTERS_MAX: usize = 120;

/// A refusal while reading, before its line is known.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) span: Span,
}

// === impl Error ===

impl Error {
    pub(crate) fn new(source: &str, refused: Refused) -> Error {
        let Refused { reason, span } = refused;
        let before = source.get(..span.start).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let rest = source.get(line_start..).unwrap_or("");
        let whole = rest.lines().next().unwrap_or("");
        let line_end = line_start.saturating_add(whole.len());
        let column = characters(source, line_start, span.start).saturating_add(1);
        let width = characters(source, span.start, span.end.min(line_end)).max(1);
        let line = before.matches('\n').count().saturating_add(1);
        let (shown, cut) = window(whole, column.saturating_sub(1));
        let indent = column.saturating_sub(1).saturating_sub(cut);
        let left = shown.chars().count().saturating_sub(indent).max(1);
        Error { reason, span, line, column, shown, indent, width: width.min(left) }
    }
}

/// A line as it is shown, and how many of its characters are left out in front: people look at the caret, and a
/// message must not be as long as an expression.
fn window(line: &str, at: usize) -> (Box<str>, usize) {
    if line.chars().count() <= SHOWN_CHARACTERS_MAX {
        return (line.into(), 0);
    }
    let cut = at.saturating_sub(SHOWN_CHARACTERS_MAX / 2);
    let shown = line.chars().skip(cut).take(SHOWN_CHARACTERS_MAX);
    (shown.collect::<String>().into(), cut)
}

fn characters(source: &str, start: usize, end: usize) -> usize {
    source.get(start..end).map_or(0, |part| part.chars().count())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { reason, line, column, shown, indent, width, .. } = self;
        writeln!(f, "Filter parsing error ({line}:{column}):\n{shown}")?;
        write!(f, "{:indent$}{:^<width$} {reason}", "", "")
    }
}

impl std::error::Error for Error {}

// === impl Refused ===

impl Refused {
    pub(crate) fn at<T>(span: Span, reason: Reason) -> Result<T, Refused> {
        Err(Refused { reason, span })
    }
}
