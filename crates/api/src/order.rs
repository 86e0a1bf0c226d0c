//! How lists are filtered and ordered, whatever they hold.

use std::cmp::Ordering;

use trimtab_model::words;

words! {
    /// How several tests go together.
    Joined { All = "all", Any = "any" }
}
words! { Direction { Asc = "asc", Desc = "desc" } }

/// One test of a text; letters count the same in both cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Equals(String),
    Differs(String),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

/// A text ordered without regard to case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

// === impl Joined ===

impl Joined {
    /// No test keeps everything.
    pub(crate) fn keep<Test>(self, tests: &[Test], passes: impl Fn(&Test) -> bool) -> bool {
        match self {
            Joined::All => tests.iter().all(passes),
            Joined::Any => tests.is_empty() || tests.iter().any(passes),
        }
    }
}

// === impl TextTest ===

impl TextTest {
    /// `contains:x`, `starts_with:x`, `ends_with:x`, `not_equal:x`, `equal:x` or just `x`.
    pub(crate) fn prefixed(text: &str) -> TextTest {
        let lower = text.to_ascii_lowercase();
        match lower.split_once(':') {
            Some(("contains", rest)) => TextTest::Contains(rest.into()),
            Some(("starts_with", rest)) => TextTest::StartsWith(rest.into()),
            Some(("ends_with", rest)) => TextTest::EndsWith(rest.into()),
            Some(("not_equal", rest)) => TextTest::Differs(rest.into()),
            Some(("equal", rest)) => TextTest::Equals(rest.into()),
            _ => TextTest::Equals(lower),
        }
    }

    pub(crate) fn passes(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        match self {
            TextTest::Equals(wanted) => text == *wanted,
            TextTest::Differs(unwanted) => text != *unwanted,
            TextTest::Contains(part) => text.contains(part.as_str()),
            TextTest::StartsWith(start) => text.starts_with(start.as_str()),
            TextTest::EndsWith(end) => text.ends_with(end.as_str()),
        }
    }
}

// === impl Text ===

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.0.bytes().map(lower).cmp(other.0.bytes().map(lower))
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Text<'_> {}

/// Equal items keep their order in both directions, so that pages do not overlap.
pub(crate) fn in_order<T>(
    mut items: Vec<T>,
    direction: Direction,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    items.sort_by(|a, b| match direction {
        Direction::Asc => compare(a, b),
        Direction::Desc => compare(b, a),
    });
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_say_how_it_is_compared() {
        let check = |test: &str, text: &str, want: bool| {
            assert_eq!(TextTest::prefixed(test).passes(text), want, "{test} on {text}");
        };
        check("Example.com", "example.COM", true);
        check("example.com", "www.example.com", false);
        check("equal:example.com", "example.com", true);
        check("not_equal:example.com", "example.com", false);
        check("contains:AMP", "example.com", true);
        check("starts_with:exa", "example.com", true);
        check("starts_with:com", "example.com", false);
        check("ends_with:.com", "example.com", true);
        check("a:b", "a:b", true);
    }

    #[test]
    fn tests_are_joined_by_all_or_any() {
        let keep = |joined: Joined, tests: &[bool]| joined.keep(tests, |test| *test);
        assert!(keep(Joined::All, &[true, true]) && !keep(Joined::All, &[true, false]));
        assert!(keep(Joined::Any, &[true, false]) && !keep(Joined::Any, &[false]));
        assert!(keep(Joined::All, &[]) && keep(Joined::Any, &[]));
    }

    #[test]
    fn equal_items_keep_their_order_both_ways() {
        let items = vec![("b", 1), ("A", 2), ("a", 3), ("B", 4)];
        let sorted = |direction| -> Vec<i32> {
            let compare = |x: &(&str, i32), y: &(&str, i32)| Text(x.0).cmp(&Text(y.0));
            in_order(items.clone(), direction, compare).into_iter().map(|item| item.1).collect()
        };
        assert_eq!(sorted(Direction::Asc), [2, 3, 1, 4]);
        assert_eq!(sorted(Direction::Desc), [1, 4, 2, 3]);
    }
}
