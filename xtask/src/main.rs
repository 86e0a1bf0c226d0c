//! Repository chores: `cargo xtask test`, `e2e`, `tidy`, `instructions`, `fuzz`, `geo`.

mod fuzz;
mod geo;
mod instructions;
mod shell;
mod test;
mod tidy;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use shell::say;

const USAGE: &str = "\
usage: cargo xtask CHORE
  test                 every test: crates, documentation, the real binary under real clients
  e2e                  of these, the real binary under real clients alone
  tidy                 the repository's rules, all violations at once
  instructions [--record]
                       instruction counts against those on record, or today's put on record
  fuzz [--seconds N]   every fuzz target for N seconds (60)
  geo CITY.mmdb [ASN.mmdb] [--out FILE]
                       the embedded table of places anew";

/// From the root of the workspace.
const GEO_TABLE: &str = "crates/geo/data/geo-default.bin.zst";

/// Why a chore did not end well; what it prints is for a person at a terminal.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{USAGE}")]
    Usage,
    #[error(transparent)]
    Workspace(#[from] workspace::Unreadable),
    #[error(transparent)]
    Shell(#[from] shell::Failure),
    #[error(transparent)]
    Install(#[from] test::NotInstalled),
    #[error(transparent)]
    Instructions(#[from] instructions::Failure),
    #[error(transparent)]
    Fuzz(#[from] fuzz::Failure),
    #[error(transparent)]
    Geo(#[from] geo::Failure),
    #[error("{0} rules broken")]
    Untidy(usize),
    #[error("not everything passed")]
    Tests,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        // The tally is already the last line, and tools read it there.
        Err(Failure::Tests) => ExitCode::FAILURE,
        Err(failure) => {
            say(format_args!("xtask: {}", with_causes(&failure)));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["test"] => test::run(),
        ["e2e"] => test::run_end_to_end(),
        ["tidy"] => tidy::run(),
        ["instructions"] => test::run_instructions(),
        ["instructions", "--record"] => Ok(instructions::record(&workspace::Workspace::read()?)?),
        ["fuzz"] => fuzz::run_all(fuzz::SECONDS_DEFAULT),
        ["fuzz", "--seconds", seconds] => {
            fuzz::run_all(seconds.parse().map_err(|_| Failure::Usage)?)
        }
        ["geo", databases @ .., "--out", out] => rebuild_geo(databases, Path::new(out)),
        ["geo", databases @ ..] => {
            rebuild_geo(databases, &workspace::Workspace::read()?.root.join(GEO_TABLE))
        }
        _ => Err(Failure::Usage),
    }
}

fn rebuild_geo(databases: &[&str], out: &Path) -> Result<(), Failure> {
    match databases {
        [city] => Ok(geo::rebuild(Path::new(city), None, out)?),
        [city, asn] => Ok(geo::rebuild(Path::new(city), Some(Path::new(asn)), out)?),
        _ => Err(Failure::Usage),
    }
}

fn with_causes(failure: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(failure.source(), |cause| cause.source());
    causes.fold(failure.to_string(), |text, cause| format!("{text}: {cause}"))
}
