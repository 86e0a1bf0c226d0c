//! Where things are, as `cargo metadata` tells it.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

/// The parts of `cargo metadata` that chores read.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for an ordinary dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("cargo metadata does not start")]
    Start(#[source] std::io::Error),
    #[error("cargo metadata: {0}")]
    Refused(String),
    #[error("cargo metadata says something else than expected")]
    Shape(#[source] serde_json::Error),
}

// === impl Workspace ===

impl Workspace {
    pub(crate) fn read() -> Result<Workspace, Unreadable> {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifest])
            .output()
            .map_err(Unreadable::Start)?;
        if !output.status.success() {
            return Err(Unreadable::Refused(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(Unreadable::Shape)
    }

    /// What the end-to-end tests install and build, kept from run to run.
    pub(crate) fn e2e(&self) -> PathBuf {
        self.target.join("e2e")
    }
}
