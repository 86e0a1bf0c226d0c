//! An expression as canonical text: words for operators, quotes for strings, parentheses only where they say something.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{Addresses, Argument, Case, Expr, Index, Logic, Test, Value};
use crate::lex::hashes_around;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Logic(logic, operands) => separated(f, operands, logic.word(), |f, operand| {
                // An operand of the same kind is there because of its parentheses.
                let loose = matches!(operand, Expr::Logic(inner, _) if inner <= logic);
                parenthesised(f, loose, operand)
            }),
            Expr::Not(inner) => {
                f.write_str("not ")?;
                parenthesised(f, matches!(**inner, Expr::Logic(..)), inner)
            }
            Expr::Compare(value, test) => write!(f, "{value}{test}"),
        }
    }
}

impl Logic {
    fn word(self) -> &'static str {
        match self {
            Logic::Or => " or ",
            Logic::Xor => " xor ",
            Logic::And => " and ",
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Value::Field(known) => f.write_str(known.name),
            Value::Index(value, index) => write!(f, "{value}[{index}]"),
            Value::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                separated(f, arguments, ", ", |f, argument| write!(f, "{argument}"))?;
                f.write_char(')')
            }
            Value::Quantified(quantifier, of) => write!(f, "{}({of})", quantifier.word()),
        }
    }
}

impl Display for Index {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Index::Nth(place) => write!(f, "{place}"),
            Index::Key(key) => write!(f, "{}", Quoted(key)),
            Index::Each => f.write_char('*'),
        }
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Argument::Value(value) => write!(f, "{value}"),
            Argument::Text(text) => write!(f, "{}", Quoted(text)),
            Argument::Number(number) => write!(f, "{number}"),
        }
    }
}

/// With the space before it.
impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Test::IsTrue => Ok(()),
            Test::Text(relation, text) => write!(f, " {} {}", relation.word(), Quoted(text)),
            Test::Number(relation, number) => write!(f, " {} {number}", relation.word()),
            Test::Address(relation, address) => write!(f, " {} {address}", relation.word()),
            Test::Contains(needle) => write!(f, " contains {}", Quoted(needle)),
            Test::Matches(pattern) => {
                let hashes = hashes_around(pattern);
                write!(f, " matches r{:#<hashes$}\"{pattern}\"{:#<hashes$}", "", "")
            }
            Test::Wildcard(Case::Insensitive, text) => write!(f, " wildcard {}", Quoted(text)),
            Test::Wildcard(Case::Sensitive, text) => {
                write!(f, " strict wildcard {}", Quoted(text))
            }
            Test::BitwiseAnd(bits) => write!(f, " bitwise_and {bits}"),
            Test::InTexts(items) => listed(f, items, |f, item| write!(f, "{}", Quoted(item))),
            Test::InNumbers(items) => listed(f, items, |f, (first, last)| match first == last {
                true => write!(f, "{first}"),
                false => write!(f, "{first}..{last}"),
            }),
            Test::InAddresses(items) => listed(f, items, |f, item| write!(f, "{item}")),
        }
    }
}

impl Display for Addresses {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Addresses::One(address) => write!(f, "{address}"),
            Addresses::Network(address, length) => write!(f, "{address}/{length}"),
            Addresses::Range(first, last) => write!(f, "{first}..{last}"),
        }
    }
}

/// A string literal: text as it is, other bytes and control characters as `\xHH`.
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' | '\\' => write!(f, "\\{char}")?,
                    '\0'..=' ' if char != ' ' => write!(f, "\\x{:02X}", u32::from(char))?,
                    '\x7F' => f.write_str("\\x7F")?,
                    _ => f.write_char(char)?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02X}"))?;
        }
        f.write_char('"')
    }
}

fn parenthesised(f: &mut Formatter<'_>, needed: bool, expr: &Expr) -> fmt::Result {
    match needed {
        true => write!(f, "({expr})"),
        false => write!(f, "{expr}"),
    }
}

fn listed<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    show: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(" in {")?;
    separated(f, items, " ", show)?;
    f.write_char('}')
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    show: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        show(f, item)?;
    }
    Ok(())
}
