//! How `trimtab demo kill …` finds the running demo: a file that only its user can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Method;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::cli::{Exit, Failure, Server};
use crate::client::Client;

/// Where the demo is and how to be let in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) api: SocketAddr,
    pub(crate) dns: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) token: String,
}

/// Removes the file when the demo ends, if it is still the one that it wrote.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    written: Vec<u8>,
}

/// A demo that runs on this machine says at once that it does.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);

// === impl State ===

impl State {
    /// None where another demo runs, whose file it is.
    pub(crate) async fn write(&self) -> Result<Option<StateFile>, Failure> {
        let path = path().map_err(|why| Failure::from_error(Exit::Failed, &why))?;
        self.write_to(path).await
    }

    async fn write_to(&self, path: PathBuf) -> Result<Option<StateFile>, Failure> {
        // What cannot be read, such as half a file, is nobody's.
        if let Ok(other) = State::read_from(&path)
            && other.is_alive().await
        {
            return Ok(None);
        }
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::Failed, format!("{}: {why}", path.display()))
        };
        let written = serde_json::to_vec(self).map_err(|why| failed(&why))?;
        create(&path).and_then(|mut file| file.write_all(&written)).map_err(|why| failed(&why))?;
        Ok(Some(StateFile { path, written }))
    }

    pub(crate) fn read() -> Result<State, Failure> {
        State::read_from(&path().map_err(|why| Failure::from_error(Exit::Failed, &why))?)
    }

    fn read_from(path: &Path) -> Result<State, Failure> {
        let bytes = fs::read(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => Failure::new(Exit::Unreachable, "no demo is running"),
            _ => Failure::new(Exit::Failed, format!("{}: {why}", path.display())),
        })?;
        serde_json::from_slice(&bytes).map_err(|why| Failure::from_error(Exit::Failed, &why))
    }

    /// Whether a node answers there that knows the token: ports go from one demo to the next, tokens do not.
    async fn is_alive(&self) -> bool {
        let Ok(client) = Client::new(&self.server()) else { return false };
        let verified = client.call(Method::GET, "/user/tokens/verify", None);
        matches!(timeout(ALIVE_WITHIN, verified).await, Ok(Ok(_)))
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
        let is_ours = |found: Vec<u8>| found == self.written;
        let removed = match fs::read(&self.path).map(is_ours) {
            Ok(true) => fs::remove_file(&self.path),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// A demo of which only the part is there that says whether it is one.
    async fn running() -> State {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let api = listener.local_addr().unwrap();
        let router = Router::new().route("/client/v4/user/tokens/verify", get(async || "{}"));
        tokio::spawn(async { axum::serve(listener, router).await });
        State { api, ..ended("running").await }
    }

    async fn ended(token: &str) -> State {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let nobody = listener.local_addr().unwrap();
        State { api: nobody, dns: nobody, http: nobody, token: token.into() }
    }

    #[tokio::test]
    async fn a_demo_keeps_its_file_while_it_runs_and_leaves_that_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let dead = ended("dead").await.write_to(path.clone()).await.unwrap().unwrap();
        let (first, second) = (running().await, ended("second").await);

        let file = first.write_to(path.clone()).await.unwrap().unwrap();
        drop(dead);
        assert_eq!(State::read_from(&path).unwrap(), first, "a later demo's file is not removed");
        assert!(second.write_to(path.clone()).await.unwrap().is_none());
        assert_eq!(
            State::read_from(&path).unwrap(),
            first,
            "a running demo's file is not replaced"
        );
        drop(file);
        assert!(!path.exists());
        fs::write(&path, "{").unwrap();
        assert!(second.write_to(path.clone()).await.unwrap().is_some());
    }
}
