//! `cargo xtask fuzz`: every target for a while, findings kept in the target folder.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::shell::{self, cargo, present, run, say, step};
use crate::tidy::fuzzing::targets;
use crate::workspace::Workspace;

pub(crate) const SECONDS_DEFAULT: u32 = 60;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{path}")]
    File { path: String, source: io::Error },
    #[error("crash found in: {0}")]
    Crashes(String),
}

/// libFuzzer needs the sanitizer flags of a nightly compiler; `RUSTC_BOOTSTRAP` lets the stable one have them.
const UNLOCK: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");

pub(crate) fn run_all(seconds: u32) -> Result<(), crate::Failure> {
    let workspace = Workspace::read()?;
    let folder = workspace.root.join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).map_err(at("fuzz/Cargo.toml"))?;
    let targets = targets(&manifest);
    if !present("cargo", &["fuzz", "--version"]) {
        say(
            "cargo-fuzz is not installed (cargo install cargo-fuzz): the targets are built, not run",
        );
        return Ok(step("build targets", || build(&folder))?);
    }
    let mut crashed = Vec::new();
    for target in targets {
        let found = workspace.target.join("fuzz-corpus").join(target);
        fs::create_dir_all(&found).map_err(at(target))?;
        if let Err(failure) = step(target, || fuzz(&workspace.root, target, &found, seconds)) {
            say(failure);
            crashed.push(target);
        }
    }
    match crashed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Crashes(crashed.join(", ")).into()),
    }
}

/// What is found goes to `found`; the committed seeds are read and stay as they are.
fn fuzz(root: &Path, target: &str, found: &Path, seconds: u32) -> Result<(), shell::Failure> {
    let seeds = root.join("fuzz/seeds").join(target);
    let mut command = cargo();
    command.args(["fuzz", "run", target]).arg(found).arg(seeds);
    command.arg("--").arg(format!("-max_total_time={seconds}")).arg("-max_len=65536");
    run(command.env(UNLOCK.0, UNLOCK.1).current_dir(root))
}

fn build(folder: &Path) -> Result<(), shell::Failure> {
    let mut command: Command = cargo();
    run(command.args(["build", "--bins"]).env(UNLOCK.0, UNLOCK.1).current_dir(folder))
}

fn at(path: &str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::File { path: path.into(), source }
}
