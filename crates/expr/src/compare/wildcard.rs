//! Wildcards: the whole value, `*` for any run of bytes.

use memchr::memmem;

use crate::ast::Case;
use crate::error::Reason;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard {
    case: Case,
    /// Before the first star.
    first: Box<[u8]>,
    /// None without a star.
    behind: Option<Behind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Behind {
    /// Each between two stars.
    middle: Box<[Box<[u8]>]>,
    last: Box<[u8]>,
}

// === impl Wildcard ===

impl Wildcard {
    /// `\*` and `\\` stand for the star and the backslash.
    pub(crate) fn parse(pattern: &[u8], case: Case) -> Result<Wildcard, Reason> {
        let mut parts: Vec<Box<[u8]>> = Vec::new();
        let mut part = Vec::new();
        let mut after_star = false;
        let mut bytes = pattern.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'*' if after_star => return Err(Reason::DoubleStar),
                b'*' => parts.push(std::mem::take(&mut part).into()),
                b'\\' => match bytes.next() {
                    Some(&escaped @ (b'*' | b'\\')) => part.push(escaped),
                    Some(_) | None => return Err(Reason::WildcardEscape),
                },
                _ => part.push(byte),
            }
            after_star = byte == b'*';
        }
        let mut parts = parts.into_iter();
        let last = part.into_boxed_slice();
        Ok(match parts.next() {
            None => Wildcard { case, first: last, behind: None },
            Some(first) => {
                Wildcard { case, first, behind: Some(Behind { middle: parts.collect(), last }) }
            }
        })
    }

    /// Each part at the first place it fits: what is left for the parts behind it is then the most there can be.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        let Some((begin, rest)) = value.split_at_checked(self.first.len()) else {
            return false;
        };
        if !self.same(begin, &self.first) {
            return false;
        }
        let Some(Behind { middle, last }) = &self.behind else { return rest.is_empty() };
        let end = rest.len().checked_sub(last.len()).and_then(|at| rest.split_at_checked(at));
        let Some((mut rest, _)) = end.filter(|(_, end)| self.same(end, last)) else {
            return false;
        };
        middle.iter().all(|part| match self.behind_first(part, rest) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        })
    }

    fn same(&self, a: &[u8], b: &[u8]) -> bool {
        match self.case {
            Case::Sensitive => a == b,
            Case::Insensitive => a.eq_ignore_ascii_case(b),
        }
    }

    fn behind_first<'v>(&self, part: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
        let found = match self.case {
            Case::Sensitive => memmem::find(value, part),
            Case::Insensitive => value
                .windows(part.len().max(1))
                .position(|window| window.eq_ignore_ascii_case(part)),
        };
        value.get(found?.checked_add(part.len())?..)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, value: &str, sensitive: bool, insensitive: bool) {
        let matches =
            |case| Wildcard::parse(pattern.as_bytes(), case).unwrap().matches(value.as_bytes());
        assert_eq!(
            (matches(Case::Sensitive), matches(Case::Insensitive)),
            (sensitive, insensitive),
            "{pattern} {value}"
        );
    }

    #[test]
    fn a_star_is_any_run_and_the_whole_value_counts() {
        check("", "", true, true);
        check("", "a", false, false);
        check("*", "", true, true);
        check("*", "anything", true, true);
        check("a", "A", false, true);
        check("a", "aa", false, false);
        check("a*", "Abc", false, true);
        check("*c", "abC", false, true);
        check("/Images/*.jpg", "/images/a/b.JPG", false, true);
        check("a*b*c", "a--B--b--c", true, true);
        check("a*b*c", "ac", false, false);
        check("ab*ba", "aba", false, false);
        check("*ab*b", "aab", false, false);
        check("*a*a*", "aa", true, true);
        check("*a*a*", "a", false, false);
        check(r"\*\\", r"*\", true, true);
        check(r"\**", "*x", true, true);
        check(r"\**", "x", false, false);
    }

    #[test]
    fn patterns_that_are_none_are_refused() {
        let refused = |pattern: &str| Wildcard::parse(pattern.as_bytes(), Case::Sensitive);
        assert_eq!(refused("a**b"), Err(Reason::DoubleStar));
        assert_eq!(refused(r"a\b"), Err(Reason::WildcardEscape));
        assert_eq!(refused(r"a\"), Err(Reason::WildcardEscape));
    }

    fn naive(pattern: &[u8], value: &[u8]) -> bool {
        match pattern {
            [] => value.is_empty(),
            [b'*', rest @ ..] => (0..=value.len()).any(|at| naive(rest, &value[at..])),
            [byte, rest @ ..] => value.first() == Some(byte) && naive(rest, &value[1..]),
        }
    }

    proptest! {
        #[test]
        fn like_trying_every_run(pattern in "\\*?([ab]{1,2}\\*){0,3}[ab]{0,2}", value in "[ab]{0,10}") {
            let wildcard = Wildcard::parse(pattern.as_bytes(), Case::Sensitive).unwrap();
            prop_assert_eq!(
                wildcard.matches(value.as_bytes()),
                naive(pattern.as_bytes(), value.as_bytes())
            );
        }
    }
}
