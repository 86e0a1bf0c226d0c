//! `cargo xtask instructions`: how many instructions each bench takes, next to the number that is on record.
//!
//! Counts under valgrind do not depend on what else the machine does, so a change of a few percent is a
//! change of the code. More is a regression; less has to go on record too, or the next regression hides in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::shell::{self, cargo, follow, present, run, say, step};
use crate::test::{NotInstalled, Tally, debian};
use crate::workspace::Workspace;

/// The crates whose benches count, and the bench of each.
const BENCHES: [(&str, &str); 2] = [("trimtab-steer", "decide"), ("trimtab-dns", "answer")];
/// The program that runs the benches; its version must be that of the library.
const RUNNER: (&str, &str) = ("gungraun-runner", "0.20.0");
/// The numbers on record: the name of a bench, a tab, its count.
const RECORD: &str = "bench/instructions.tsv";
/// Two builds of one source by one compiler differ by less, in percent.
const TOLERANCE_PERCENT: u64 = 2;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Install(#[from] NotInstalled),
    #[error(transparent)]
    Shell(#[from] shell::Failure),
    #[error("{path}")]
    Record { path: PathBuf, source: io::Error },
    #[error("{RECORD} line {line}: not a name, a tab and a number")]
    Shape { line: usize },
}

/// Counts by the name of the bench.
type Counts = BTreeMap<String, u64>;

/// One verdict for each bench.
pub(crate) fn compare(workspace: &Workspace) -> Result<Tally, Failure> {
    let path = workspace.root.join(RECORD);
    let on_record = fs::read_to_string(&path).map_err(at(&path))?;
    let on_record = parse(&on_record)?;
    let counted = count(workspace)?;
    let mut tally = Tally::default();
    for name in on_record.keys().chain(counted.keys().filter(|name| !on_record.contains_key(*name)))
    {
        match verdict(on_record.get(name).copied(), counted.get(name).copied()) {
            Ok(()) => tally.passed += 1,
            Err(problem) => {
                say(format_args!("{name}: {problem}"));
                tally.failed += 1;
            }
        }
    }
    if tally.failed > 0 {
        say(format_args!(
            "if that is meant: cargo xtask instructions --record, and commit {RECORD}"
        ));
    }
    Ok(tally)
}

/// Puts today's counts on record.
pub(crate) fn record(workspace: &Workspace) -> Result<(), Failure> {
    let path = workspace.root.join(RECORD);
    let lines = count(workspace)?.into_iter().map(|(name, count)| format!("{name}\t{count}\n"));
    fs::write(&path, lines.collect::<String>()).map_err(at(&path))
}

fn verdict(on_record: Option<u64>, counted: Option<u64>) -> Result<(), String> {
    match (on_record, counted) {
        (Some(before), Some(now)) if now.abs_diff(before) * 100 <= before * TOLERANCE_PERCENT => {
            Ok(())
        }
        (Some(before), Some(now)) => Err(format!(
            "{now} instructions, {before} on record: more than {TOLERANCE_PERCENT} % apart"
        )),
        (Some(_), None) => Err("on record, but there is no such bench".into()),
        (None, _) => Err("not on record".into()),
    }
}

fn count(workspace: &Workspace) -> Result<Counts, Failure> {
    let runner = install_runner(workspace)?;
    let mut counts = Counts::new();
    for (package, bench) in BENCHES {
        let mut command = cargo();
        command.args(["bench", "--package", package, "--bench", bench]);
        command.current_dir(&workspace.root).env("GUNGRAUN_RUNNER", &runner);
        let mut name = None;
        let status = step(&format!("{package} {bench}"), || {
            follow(&mut command, |line| read(line, &mut name, &mut counts))
        })?;
        if !status.success() {
            let program = format!("cargo bench --package {package} --bench {bench}");
            return Err(shell::Failure::Status { program, status }.into());
        }
    }
    Ok(counts)
}

/// A line with the name of a bench, or the line with its count behind it.
fn read(line: &str, name: &mut Option<String>, counts: &mut Counts) {
    if let Some(count) = line.trim_start().strip_prefix("Instructions:") {
        let count = count.trim_start().split(|c: char| !c.is_ascii_digit()).next();
        if let (Some(name), Some(Ok(count))) = (name.take(), count.map(str::parse)) {
            counts.insert(name, count);
        }
    } else if line.contains("::") && !line.starts_with(' ') {
        // `answer::answers::answer steered:(stage("www", 1, false))`
        *name = line.split_once(":(").map(|(name, _arguments)| name.replace(' ', "::"));
    }
}

fn parse(text: &str) -> Result<Counts, Failure> {
    let line = |(number, line): (usize, &str)| {
        let shape = Failure::Shape { line: number + 1 };
        let Some((name, count)) = line.split_once('\t') else { return Err(shape) };
        Ok((name.to_owned(), count.parse().map_err(|_no_number| shape)?))
    };
    text.lines().enumerate().map(line).collect()
}

/// Valgrind from Debian, the runner from crates.io into a folder of ours; both only when missing.
fn install_runner(workspace: &Workspace) -> Result<PathBuf, Failure> {
    debian(&[("valgrind", &["--version"], "valgrind")])?;
    let (name, version) = RUNNER;
    let folder = workspace.target.join("tools");
    let runner = folder.join(format!("{name}-{version}")).join("bin").join(name);
    if !present(&runner.to_string_lossy(), &["--version"]) {
        let root = folder.join(format!("{name}-{version}"));
        let mut install = cargo();
        install.args(["install", name, "--version", version, "--locked", "--root"]).arg(root);
        step(&format!("cargo install {name} {version}"), || run(&mut install))?;
    }
    Ok(runner)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::Record { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_runner_is_read() {
        let (mut name, mut counts) = (None, Counts::new());
        for line in [
            "     Running benches/answer.rs (target/release/deps/answer-78a0)",
            "answer::answers::answer steered:(stage(\"www\", 1, false))",
            "  Instructions:                  1744|1985      (-12.1411%) [-1.13819x]",
            "  Estimated Cycles:              4514|4603      (-1.93352%) [-1.01972x]",
            "answer::answers::answer no_name:(stage(\"none\", 1, false))",
            "  Instructions:                  1387|N/A       (*********)",
        ] {
            read(line, &mut name, &mut counts);
        }
        let wanted = [
            ("answer::answers::answer::no_name", 1387),
            ("answer::answers::answer::steered", 1744),
        ];
        assert_eq!(counts, wanted.map(|(name, count)| (name.to_owned(), count)).into());
    }

    #[test]
    fn two_percent_either_way_is_the_limit() {
        let check = |before, now, good| {
            assert_eq!(verdict(before, now).is_ok(), good, "{before:?} {now:?}");
        };
        check(Some(1000), Some(1020), true);
        check(Some(1000), Some(1021), false);
        check(Some(1000), Some(980), true);
        check(Some(1000), Some(979), false);
        check(Some(1000), None, false);
        check(None, Some(1), false);
    }

    #[test]
    fn the_record_is_lines_of_a_name_and_a_number() {
        assert_eq!(parse("a::b\t7\n").unwrap(), Counts::from([("a::b".into(), 7)]));
        assert!(matches!(parse("a\t1\nb 2\n"), Err(Failure::Shape { line: 2 })));
        assert!(matches!(parse("a\tmany\n"), Err(Failure::Shape { line: 1 })));
    }
}
