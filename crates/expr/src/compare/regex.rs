//! Regular expressions with limits: time is linear in the value, memory is bounded when a rule is saved.

use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, meta};

use crate::error::Reason;

/// A pattern that takes more has counted repetitions of large classes; the language's own limit of 10 MB is for
/// one service that checks what it runs, not for a name server.
const NFA_BYTES_MAX: usize = 256 * 1024;
/// Of a table for every state, which the usual pattern of a rule stays far below.
const TABLE_BYTES_MAX: usize = 64 * 1024;
/// While the table is made.
const TABLE_WORK_BYTES_MAX: usize = 256 * 1024;
/// Each thread's memory of states for patterns without a table; when it is full it is emptied.
const CACHE_BYTES: usize = 512 * 1024;
/// Parentheses in parentheses.
const NEST_MAX: u32 = 100;

#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Searched without any memory besides.
    Table(Box<dense::DFA<Vec<u32>>>),
    /// Large, or needs to know about words of Unicode: states are found as they are needed.
    Lazy(Box<meta::Regex>),
}

// === impl Pattern ===

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Result<Pattern, Reason> {
        if let Some(table) = table(pattern) {
            return Ok(Pattern::Table(Box::new(table)));
        }
        let limits = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(NFA_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES)
            .dfa(false);
        let regex = meta::Regex::builder().syntax(syntax()).configure(limits).build(pattern);
        regex.map(|regex| Pattern::Lazy(Box::new(regex))).map_err(|refused| reason(&refused))
    }

    /// A search: the pattern may match any part.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let input = Input::new(text).earliest(true);
        match self {
            // An error would be a byte that the table gives up on; it is made without such bytes.
            Pattern::Table(table) => table.try_search_fwd(&input).is_ok_and(|end| end.is_some()),
            Pattern::Lazy(regex) => regex.is_match(input),
        }
    }
}

/// None when the pattern takes too much of one.
fn table(pattern: &str) -> Option<dense::DFA<Vec<u32>>> {
    let limits = dense::Config::new()
        .dfa_size_limit(Some(TABLE_BYTES_MAX))
        .determinize_size_limit(Some(TABLE_WORK_BYTES_MAX));
    let nfa = thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES_MAX));
    let mut builder = dense::Builder::new();
    // What is refused here is searched in the other way.
    builder.configure(limits).syntax(syntax()).thompson(nfa).build(pattern).ok()
}

/// Bytes, not characters, until the pattern says `(?u)`.
fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).nest_limit(NEST_MAX)
}

fn reason(refused: &meta::BuildError) -> Reason {
    if refused.size_limit().is_some() {
        return Reason::RegexSize;
    }
    // Its own text draws the pattern again, over several lines.
    let text = refused.syntax_error().map_or_else(|| refused.to_string(), ToString::to_string);
    Reason::Regex(last_line(&text))
}

fn last_line(text: &str) -> Box<str> {
    let line = text.trim_end().lines().next_back().unwrap_or("");
    line.strip_prefix("error: ").unwrap_or(line).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &[u8], expected: bool) {
        let pattern = Pattern::new(pattern).unwrap();
        assert_eq!(pattern.is_in(text), expected, "{pattern:?} {text:?}");
    }

    #[test]
    fn a_pattern_is_searched_in_bytes() {
        check("b+", b"abbc", true);
        check("^b+$", b"abbc", false);
        check("", b"", true);
        check("^.$", b"\xff", true);
        check("^.$", "é".as_bytes(), false);
        check("(?u)^.$", "é".as_bytes(), true);
        check(r"^\w+$", "é".as_bytes(), false);
        check(r"(?u)^\w+$", "é".as_bytes(), true);
        check(r"(?u)\p{Hangul}+", "한".as_bytes(), true);
        check(r"\xff", b"\xff", true);
        check("(?i)ABC", b"xabcx", true);
        check(r"\bab\b", b"x ab y", true);
        check(r"(?u)\bé\b", "x é y".as_bytes(), true);
        check("a{500}", &[b'a'; 499], false);
        check("a{500}", &[b'a'; 500], true);
    }

    #[test]
    fn usual_patterns_need_no_memory_when_they_are_searched() {
        let usual =
            [r"^(www|api)\.example\.com$", r"^/api/v\d+/", "(?i)curl|wget", r"\.(jpe?g|png)$"];
        for pattern in usual {
            assert!(matches!(Pattern::new(pattern), Ok(Pattern::Table(_))), "{pattern}");
        }
        assert!(matches!(Pattern::new(r"(?u)\bé\b"), Ok(Pattern::Lazy(_))));
    }

    #[test]
    fn semantics_23_patterns_have_a_size() {
        let refused = |pattern: &str| Pattern::new(pattern).unwrap_err();
        assert_eq!(refused("(a{100}){100}"), Reason::RegexSize);
        assert_eq!(refused(r"(?u)\w{100}"), Reason::RegexSize);
        assert_eq!(refused("(a"), Reason::Regex("unclosed group".into()));
        assert_eq!(refused(r"(a)\1"), Reason::Regex("backreferences are not supported".into()));
        let deep = format!("{}a{}", "(".repeat(101), ")".repeat(101));
        assert!(matches!(refused(&deep), Reason::Regex(_)));
    }
}
