//! `cargo xtask test`: every test there is, and one line that sums them up.

mod install;
mod tally;

use std::path::Path;
use std::process::Command;

pub(crate) use install::{NotInstalled, debian};
use tally::Runner;
pub(crate) use tally::Tally;

use crate::fuzz::UNLOCK;
use crate::instructions;
use crate::shell::{self, cargo, follow, say, step};
use crate::workspace::Workspace;

/// Every runner runs, whatever the one before it found. The last line is the tally, alone.
pub(crate) fn run() -> Result<(), crate::Failure> {
    let workspace = Workspace::read()?;
    // One resolution of features for binaries and tests, so that nothing is built twice.
    let all = ["build", "--workspace", "--all-targets"];
    step("build", || shell::run(cargo().args(all).current_dir(&workspace.root)))?;
    let mut tally = step("crates", || crates(&workspace.root))?;
    tally += step("documentation", || documentation(&workspace.root))?;
    tally += step("unsafe code, address sanitizer", || sanitized(&workspace.root))?;
    tally += end_to_end(&workspace)?;
    tally += step("HTTP/3", || http3(&workspace))?;
    tally += step("AWS-LC", || aws_lc(&workspace))?;
    tally += step("instruction counts", || instructions::compare(&workspace))?;
    summed_up(tally)
}

/// Only the instruction counts.
pub(crate) fn run_instructions() -> Result<(), crate::Failure> {
    summed_up(instructions::compare(&Workspace::read()?)?)
}

/// Only the real binary under real clients.
pub(crate) fn run_end_to_end() -> Result<(), crate::Failure> {
    let workspace = Workspace::read()?;
    let binary = ["build", "--package", "trimtab"];
    step("build", || shell::run(cargo().args(binary).current_dir(&workspace.root)))?;
    summed_up(end_to_end(&workspace)?)
}

fn end_to_end(workspace: &Workspace) -> Result<Tally, crate::Failure> {
    let clients = step("clients", || install::all(workspace))?;
    let python = "real binary, Python clients and dig";
    let mut tally = step(python, || counted(Runner::Pytest, &mut clients.pytest()))?;
    let node = "real binary, Node.js client";
    tally += step(node, || counted(Runner::NodeTest, &mut clients.node_test()))?;
    Ok(tally)
}

/// What a program with the feature has more. It stays in the place of the default one, which all other tests are for.
fn http3(workspace: &Workspace) -> Result<Tally, crate::Failure> {
    let root = &workspace.root;
    let feature = ["--workspace", "--features", "trimtab/http3"];
    let binary = ["build", "--bin", "trimtab"];
    step("build", || shell::run(cargo().args(binary).args(feature).current_dir(root)))?;
    let mut units = cargo();
    let units = units.args(["test", "--lib", "--no-fail-fast"]).args(feature).arg("http3::");
    let mut tally = counted(Runner::Libtest, units.current_dir(root))?;
    let clients = install::all(workspace)?;
    tally += counted(Runner::Pytest, &mut clients.pytest_of(&["test_http3.py"]))?;
    Ok(tally)
}

/// TLS by the other provider, in the place of the default program.
fn aws_lc(workspace: &Workspace) -> Result<Tally, crate::Failure> {
    let build = ["build", "--workspace", "--bin", "trimtab", "--features", "trimtab/aws-lc-rs"];
    step("build", || shell::run(cargo().args(build).current_dir(&workspace.root)))?;
    let mut units = cargo();
    let units = units.args(["test", "--lib", "--no-fail-fast", "--package", "trimtab-connect"]);
    let units = units.args(["--features", "trimtab-connect/aws-lc-rs"]);
    let mut tally = counted(Runner::Libtest, units.current_dir(&workspace.root))?;
    let files = ["test_proxy_tls.py", "test_certificates.py", "test_client_certificates.py"];
    let clients = install::all(workspace)?;
    tally += counted(Runner::Pytest, clients.pytest_of(&files).env("TRIMTAB_AWS_LC", "1"))?;
    Ok(tally)
}

fn summed_up(tally: Tally) -> Result<(), crate::Failure> {
    say(tally);
    if tally.is_good() { Ok(()) } else { Err(crate::Failure::Tests) }
}

fn crates(root: &Path) -> Result<Tally, shell::Failure> {
    if shell::present("cargo", &["nextest", "--version"]) {
        let arguments = ["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"];
        return counted(Runner::Nextest, cargo().args(arguments).current_dir(root));
    }
    let arguments = ["test", "--workspace", "--all-targets", "--no-fail-fast"];
    counted(Runner::Libtest, cargo().args(arguments).current_dir(root))
}

fn documentation(root: &Path) -> Result<Tally, shell::Failure> {
    let arguments = ["test", "--workspace", "--doc", "--no-fail-fast"];
    counted(Runner::Libtest, cargo().args(arguments).current_dir(root))
}

/// The one crate with unsafe code. A target that is named has a folder of its own, so that nothing else is built anew.
fn sanitized(root: &Path) -> Result<Tally, shell::Failure> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut tests = cargo();
    tests.args(["test", "--package", "trimtab-net", "--no-fail-fast", "--target", &target]);
    tests.env(UNLOCK.0, UNLOCK.1).env("RUSTFLAGS", "-Zsanitizer=address").current_dir(root);
    counted(Runner::Libtest, &mut tests)
}

/// A runner that fails without naming a failed test, or ends without its closing line, counts as one failure:
/// a crash loses nothing.
fn counted(runner: Runner, command: &mut Command) -> Result<Tally, shell::Failure> {
    let mut tally = Tally::default();
    let mut closed = false;
    let status = follow(command, |line| {
        if let Some(counts) = runner.read(line) {
            closed = true;
            tally += counts;
        }
    })?;
    if tally.failed == 0 && !(status.success() && closed) {
        tally.failed = 1;
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, passed: u32, failed: u32) {
        let tally = counted(Runner::Pytest, Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(tally, Tally { passed, failed, skipped: 0 }, "{script}");
    }

    #[test]
    fn a_runner_that_dies_counts_as_a_failure() {
        check("echo 2 passed in 0.1s", 2, 0);
        check("echo 2 passed in 0.1s >&2", 2, 0);
        check("echo 2 passed in 0.1s; exit 1", 2, 1);
        check("echo 1 failed, 2 passed in 0.1s; exit 1", 2, 1);
        check("true", 0, 1);
        check("kill -9 $$", 0, 1);
    }
}
