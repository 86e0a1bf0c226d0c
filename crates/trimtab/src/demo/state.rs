//! How `trimtab demo kill …` finds the running demo: a file that only its user can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cli::{Exit, Failure, Server};

/// Where the demo is and how to be let in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) api: SocketAddr,
    pub(crate) dns: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) token: String,
}

/// Removes the file when the demo ends.
#[derive(Debug)]
pub(crate) struct StateFile(PathBuf);

// === impl State ===

impl State {
    pub(crate) fn write(&self) -> Result<StateFile, Failure> {
        let path = path().map_err(|why| Failure::from_error(Exit::Failed, &why))?;
        let written = create(&path).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(self)?)?;
            Ok(StateFile(path.clone()))
        });
        written.map_err(|why| Failure::new(Exit::Failed, format!("{}: {why}", path.display())))
    }

    pub(crate) fn read() -> Result<State, Failure> {
        let path = path().map_err(|why| Failure::from_error(Exit::Failed, &why))?;
        let bytes = fs::read(&path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => Failure::new(Exit::Unreachable, "no demo is running"),
            _ => Failure::new(Exit::Failed, format!("{}: {why}", path.display())),
        })?;
        serde_json::from_slice(&bytes).map_err(|why| Failure::from_error(Exit::Failed, &why))
    }

    pub(crate) fn server(&self) -> Server {
        Server {
            server: format!("http://{}/client/v4", self.api),
            token: Some(self.token.clone()),
            json: false,
        }
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "the demo's state file is gone already");
        }
    }
}

/// In the user's runtime folder, or a name of the user's own in the temporary one.
fn path() -> io::Result<PathBuf> {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) => Ok(PathBuf::from(folder).join("trimtab-demo.json")),
        None => {
            let user = fs::metadata("/proc/self")?.uid();
            Ok(std::env::temp_dir().join(format!("trimtab-demo-{user}.json")))
        }
    }
}

/// Made anew, so that nobody else's file of this name, and no link, is ever written to.
fn create(path: &PathBuf) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
