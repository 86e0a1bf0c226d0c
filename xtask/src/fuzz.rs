//! `cargo xtask fuzz`: every target for a while; what is found stays in the target folder.

use std::path::{Path, PathBuf};
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

/// Sanitizers are flags of a nightly compiler; `RUSTC_BOOTSTRAP` lets the stable one have them.
pub(crate) const UNLOCK: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");

/// What one target leaves behind.
struct Kept {
    /// Inputs that reached something new; the next run begins with them.
    corpus: PathBuf,
    crashes: PathBuf,
}

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
        let kept = Kept::of(&workspace, target)?;
        if let Err(failure) = step(target, || fuzz(&workspace.root, target, &kept, seconds)) {
            say(failure);
            crashed.push(target);
        }
    }
    match crashed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Crashes(crashed.join(", ")).into()),
    }
}

impl Kept {
    fn of(workspace: &Workspace, target: &str) -> Result<Kept, Failure> {
        let folder = workspace.target.join("fuzz-kept").join(target);
        let kept = Kept { corpus: folder.join("corpus"), crashes: folder.join("crashes") };
        for folder in [&kept.corpus, &kept.crashes] {
            fs::create_dir_all(folder).map_err(at(target))?;
        }
        Ok(kept)
    }
}

/// The committed seeds are read and stay as they are.
fn fuzz(root: &Path, target: &str, kept: &Kept, seconds: u32) -> Result<(), shell::Failure> {
    let mut command = cargo();
    command.args(["fuzz", "run", target]).arg(&kept.corpus);
    command.arg(root.join("fuzz/seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg("-max_len=65536");
    command.arg(format!("-artifact_prefix={}/", kept.crashes.display()));
    run(command.env(UNLOCK.0, UNLOCK.1).current_dir(root))
}

fn build(folder: &Path) -> Result<(), shell::Failure> {
    let mut command: Command = cargo();
    run(command.args(["build", "--bins"]).env(UNLOCK.0, UNLOCK.1).current_dir(folder))
}

fn at(path: &str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure::File { path: path.into(), source }
}
