//! Every behaviour that `docs/semantics.md` states as kept is named by a test.
//!
//! A Rust test names statement 12 by being called `semantics_12_…`, a scenario by the line `semantics 12: …`;
//! tests with other names are listed in `tests/semantics.txt`.

use std::collections::BTreeSet;

use super::tree::Tree;

const STATED: &str = "docs/semantics.md";
/// Lines of `NUMBER TEST`.
const NAMED: &str = "tests/semantics.txt";
const LAST: u32 = 42;
/// After its number: the statement is what will be, not what is.
const NOT_YET: &str = "*(not yet)*";

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let (Some(stated), Some(named)) = (tree.text(STATED), tree.text(NAMED)) else {
        return vec![format!("{STATED}, {NAMED}: one is missing")];
    };
    let tests = tests(tree);
    let mut problems = Vec::new();
    let mut covered: BTreeSet<u32> = tests.iter().filter_map(|test| number_in(test)).collect();
    covered.extend(tree.texts(&[".scn"]).flat_map(|(_, text)| scenarios(text)));
    for line in named.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match entry(line) {
            Some((number, test)) if tests.contains(test) => drop(covered.insert(number)),
            Some((_, test)) => problems.push(format!("{NAMED}: no test is called {test}")),
            None => problems.push(format!("{NAMED}: not NUMBER TEST: {line}")),
        }
    }
    problems.extend((1..=LAST).filter_map(|number| match statement(stated, number) {
        None => Some(format!("{STATED}: does not state {number}")),
        Some(text) if text.starts_with(NOT_YET) || covered.contains(&number) => None,
        Some(_) => Some(format!("{STATED}: {number} is claimed and no test names it")),
    }));
    problems
}

fn entry(line: &str) -> Option<(u32, &str)> {
    let (number, test) = line.split_once(' ')?;
    let number = number.parse().ok().filter(|number| (1..=LAST).contains(number))?;
    Some((number, test.trim()))
}

fn statement(stated: &str, number: u32) -> Option<&str> {
    let begin = format!("**{number}.** ");
    stated.lines().find_map(|line| line.strip_prefix(&begin))
}

fn number_in(test: &str) -> Option<u32> {
    test.strip_prefix("semantics_")?.split('_').next()?.parse().ok()
}

fn scenarios(text: &str) -> impl Iterator<Item = u32> {
    let claims = text.lines().filter_map(|line| line.strip_prefix("semantics ")?.split_once(':'));
    claims.filter_map(|(number, _)| number.parse().ok())
}

/// Names of everything that a runner runs.
fn tests(tree: &Tree) -> BTreeSet<&str> {
    let rust = tree.texts(&[".rs"]).flat_map(|(_, text)| rust_tests(text));
    let python = tree.texts(&[".py"]).flat_map(|(_, text)| text.lines().filter_map(python_test));
    rust.chain(python).collect()
}

/// Functions under an attribute such as `#[test]` or `#[tokio::test(start_paused = true)]`.
fn rust_tests(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut tested = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") || line.starts_with("//") {
            tested |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some((name, _)) = function.and_then(|rest| rest.split_once(['(', '<'])) {
            names.extend(tested.then_some(name));
        }
        tested = false;
    }
    names
}

fn python_test(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start().strip_prefix("def ")?.split_once('(')?;
    name.starts_with("test_").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::tree::sample;
    use super::*;

    const CODE: &str = "#[test]\n// Why.\nfn ties_are_unhealthy() {}\nfn semantics_3_leaf() {}\n\
                        #[tokio::test]\nasync fn semantics_1_drains() {}";

    /// Every statement but the first three is still to come.
    fn check(first_three: &str, named: &str, expected: &[&str]) {
        let rest: String = (4..=LAST).map(|n| format!("**{n}.** {NOT_YET} x\n")).collect();
        let stated = format!("{first_three}\n{rest}");
        let files = [
            (STATED, &*stated),
            (NAMED, named),
            ("src/a.rs", CODE),
            ("tests/e2e/test_a.py", "    def test_failover(self):\n    def leaf(self):"),
            ("tests/scenarios/pools.scn", "semantics 2: a tie\n  pool a\nsemantics of 3:\n"),
        ];
        assert_eq!(problems(&sample(&files)), expected, "{first_three} / {named}");
    }

    #[test]
    fn a_claimed_statement_is_named_by_a_test_that_exists() {
        let claimed = "**1.** a\n**2.** b\n**3.** c";
        check(claimed, "# all\n\n3 test_failover", &[]);
        check(claimed, "3 ties_are_unhealthy\n1 test_failover", &[]);
        check(claimed, "", &["docs/semantics.md: 3 is claimed and no test names it"]);
        check(
            claimed,
            "3 semantics_3_leaf",
            &[
                "tests/semantics.txt: no test is called semantics_3_leaf",
                "docs/semantics.md: 3 is claimed and no test names it",
            ],
        );
    }

    #[test]
    fn no_statement_goes_missing() {
        check(
            "**1.** *(not yet)* a\n**3.** c",
            "3 test_failover\n43 test_failover",
            &[
                "tests/semantics.txt: not NUMBER TEST: 43 test_failover",
                "docs/semantics.md: does not state 2",
            ],
        );
    }
}
