//! What the runners' closing lines say, added up.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

/// Whose closing line it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    Nextest,
    Libtest,
    Pytest,
    NodeTest,
}

// === impl Tally ===

impl Tally {
    /// A run without tests proves nothing.
    pub(crate) fn is_good(self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// Counts one "12 passed" of a closing line; words that are no verdict count nothing.
    fn count(&mut self, number: u32, verdict: &str) {
        match verdict {
            "passed" => self.passed += number,
            // An expected failure that passes is a wrong expectation. An error is a test that could not begin.
            "failed" | "error" | "errors" | "xpassed" | "timed" | "exec" => self.failed += number,
            "skipped" | "ignored" | "xfailed" => self.skipped += number,
            _ => (),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

// === impl Runner ===

impl Runner {
    /// None for every line that is no closing line of this runner.
    pub(crate) fn read(self, line: &str) -> Option<Tally> {
        let line = plain(line);
        match self {
            // `Summary [ 0.1s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped`; `2/5 tests run` when stopped.
            Runner::Nextest => {
                let counts = line.trim_start().strip_prefix("Summary [")?.split_once(" run: ")?.1;
                Some(verdicts(counts.split(", ")))
            }
            // `test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`
            Runner::Libtest => {
                let counts = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?.1;
                Some(verdicts(counts.split("; ")))
            }
            // `=== 3 passed, 1 failed, 2 skipped in 1.20s (0:00:01) ===`; runs inside of tests are shown indented.
            Runner::Pytest => {
                let (counts, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
                time.split_once('s')?.0.parse::<f64>().ok()?;
                line.starts_with(|c: char| c == '=' || c.is_ascii_digit())
                    .then(|| verdicts(counts.split(", ")))
            }
            // `# pass 3`, or with the other reporter `ℹ pass 3`, each verdict on a line of its own.
            Runner::NodeTest => {
                let (word, number) = line.strip_prefix(['#', 'ℹ'])?.trim().split_once(' ')?;
                let verdict = match word {
                    "pass" => "passed",
                    "fail" | "cancelled" => "failed",
                    "skipped" => "skipped",
                    _ => return None,
                };
                Some(verdicts([format!("{number} {verdict}").as_str()]))
            }
        }
    }
}

fn verdicts<'a>(counts: impl IntoIterator<Item = &'a str>) -> Tally {
    let mut tally = Tally::default();
    for count in counts {
        let mut words = count.split_whitespace();
        if let (Some(Ok(number)), Some(verdict)) = (words.next().map(str::parse), words.next()) {
            tally.count(number, verdict);
        }
    }
    tally
}

/// Without the colours that some runners cannot be talked out of.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        text.push_str(&part[end..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(runner: Runner, line: &str, passed: u32, failed: u32, skipped: u32) {
        assert_eq!(runner.read(line), Some(Tally { passed, failed, skipped }), "{line}");
    }

    #[test]
    fn nextest_closing_line_is_read() {
        let check = |line: &str, passed, failed, skipped| {
            check(Runner::Nextest, line, passed, failed, skipped);
        };
        check("     Summary [   0.010s] 1 test run: 1 passed, 0 skipped", 1, 0, 0);
        check(
            "     Summary [   9.1s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped",
            4,
            1,
            2,
        );
        check("     Summary [   9.1s] 3/5 tests run: 2 passed, 1 timed out, 0 skipped", 2, 1, 0);
        check(
            "     Summary [   1.0s] 2 tests run: 1 passed (1 leaky), 1 exec failed, 0 skipped",
            1,
            1,
            0,
        );
        check(
            "\x1b[32;1m     Summary\x1b[0m [   0.1s] \x1b[1m7\x1b[0m tests run: \x1b[1m7\x1b[0m \x1b[32;1mpassed\x1b[0m, \x1b[1m0\x1b[0m \x1b[33;1mskipped\x1b[0m",
            7,
            0,
            0,
        );
    }

    #[test]
    fn libtest_closing_line_is_read() {
        let check = |line: &str, passed, failed, skipped| {
            check(Runner::Libtest, line, passed, failed, skipped);
        };
        let tail = "0 measured; 0 filtered out; finished in 0.00s";
        check(&format!("test result: ok. 3 passed; 0 failed; 1 ignored; {tail}"), 3, 0, 1);
        check(&format!("test result: FAILED. 3 passed; 2 failed; 0 ignored; {tail}"), 3, 2, 0);
    }

    #[test]
    fn pytest_closing_line_is_read() {
        let check = |line: &str, passed, failed, skipped| {
            check(Runner::Pytest, line, passed, failed, skipped);
        };
        check("======= 3 passed, 1 failed, 2 skipped in 1.20s =======", 3, 1, 2);
        check("1 failed, 2 passed, 1 xfailed, 1 warning, 2 errors in 61.20s (0:01:01)", 2, 3, 1);
        check("===== 1 passed, 1 xpassed in 0.02s =====", 1, 1, 0);
    }

    #[test]
    fn node_verdicts_stand_on_lines_of_their_own() {
        let lines = ["# tests 6", "# pass 3", "# fail 1", "ℹ cancelled 1", "ℹ skipped 1"];
        let mut tally = Tally::default();
        for line in lines {
            tally += Runner::NodeTest.read(line).unwrap_or_default();
        }
        assert_eq!(tally, Tally { passed: 3, failed: 2, skipped: 1 });
    }

    #[test]
    fn other_lines_count_nothing() {
        for (runner, line) in [
            (Runner::Nextest, "        PASS [   0.003s] trimtab-net udp::reads_1_passed"),
            (Runner::Nextest, "     Running 5 tests across 2 binaries"),
            (Runner::Libtest, "running 3 tests"),
            (Runner::Pytest, "E         3 failed, 1 passed in 0.43s"),
            (Runner::Pytest, "  1 passed in 0.43s"),
            (Runner::Pytest, "collected 3 items in all"),
            (Runner::Pytest, "tests/e2e/test_demo.py::test_1 passed in the end"),
            (Runner::NodeTest, "# Subtest: pass 3 gates"),
        ] {
            assert_eq!(runner.read(line), None, "{line}");
        }
    }

    #[test]
    fn closing_line_names_skipped_tests_only_if_there_are_some() {
        let tally = Tally { passed: 3, failed: 1, skipped: 0 };
        assert_eq!(tally.to_string(), "3 passed, 1 failed");
        assert_eq!(Tally { skipped: 2, ..tally }.to_string(), "3 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_run_without_tests_is_not_good() {
        assert!(!Tally::default().is_good());
        assert!(!Tally { passed: 1, failed: 1, skipped: 0 }.is_good());
        assert!(Tally { passed: 1, failed: 0, skipped: 1 }.is_good());
    }
}
