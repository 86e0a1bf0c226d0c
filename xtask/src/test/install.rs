//! What the end-to-end tests need on a fresh machine: programs from Debian, clients from PyPI and npm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::shell::{self, present, run, say, step};
use crate::workspace::Workspace;

/// A program, how to see that it is there, and the Debian package that brings it.
type Program = (&'static str, &'static [&'static str], &'static str);

const PROGRAMS: [Program; 19] = [
    ("dig", &["-v"], "bind9-dnsutils"),
    ("kdig", &["--version"], "knot-dnsutils"),
    ("python3", &["-c", "import ensurepip, venv"], "python3-venv"),
    ("python3", &["--version"], "python3"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("/usr/sbin/nginx", &["-v"], "nginx-light"),
    ("openssl", &["version"], "openssl"),
    ("curl", &["--version"], "curl"),
    ("h2load", &["--version"], "nghttp2-client"),
    ("sh", &["-c", "command -v wrk"], "wrk"),
    ("pebble", &["-help"], "pebble"),
    ("sh", &["-c", "command -v postfix || test -x /usr/sbin/postfix"], "postfix"),
    ("/usr/sbin/slapd", &["-VV"], "slapd"),
    ("/usr/sbin/nsd", &["-v"], "nsd"),
    ("/usr/sbin/ip", &["-V"], "iproute2"),
    ("/usr/sbin/nft", &["--version"], "nftables"),
    ("/usr/sbin/sysctl", &["--version"], "procps"),
    ("/usr/bin/setpriv", &["--version"], "util-linux"),
];

/// The official SDK, what runs our own tests, clients of what the proxy carries, and a mail server.
const SDK: [&str; 11] = [
    "cloudflare==5.9.0",
    "pytest==9.2.0",
    "websockets==17.4",
    "hpack==4.2.0",
    "h2==4.4.1",
    "grpcio==1.85.1",
    "grpcio-health-checking==1.85.1",
    "sslyze==6.3.1",
    "aioquic==1.7.2",
    "curl_cffi==0.16.3",
    "aiosmtpd==1.4.6",
];
/// The last release before the official SDK. It has the same name on PyPI, hence a second environment.
const OLD_SDK: [&str; 3] = ["cloudflare==2.20.0", "pytest==9.2.0", "pytz"];

#[derive(Debug, thiserror::Error)]
pub(crate) enum NotInstalled {
    #[error("these programs are missing and this machine has no apt-get: {0}")]
    NoApt(String),
    #[error(
        "installing {packages} needs root or a sudo that asks nothing: apt-get install {packages}"
    )]
    Debian { packages: String, source: shell::Failure },
    #[error("{what}")]
    Client { what: String, source: shell::Failure },
    #[error("{path}")]
    File { path: PathBuf, source: io::Error },
}

/// Everything is in place under these folders.
#[derive(Debug)]
pub(crate) struct Clients {
    root: PathBuf,
    folder: PathBuf,
    binary: PathBuf,
}

/// Installs what is missing; a second run finds everything and asks no registry.
pub(crate) fn all(workspace: &Workspace) -> Result<Clients, NotInstalled> {
    let folder = workspace.e2e();
    let tests = workspace.root.join("tests/e2e");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    debian(&PROGRAMS)?;
    environment(&folder.join("venv"), &SDK)?;
    environment(&folder.join("venv220"), &OLD_SDK)?;
    old_sdk_source(&folder)?;
    node_client(&tests.join("node"), &folder.join("node"))?;
    let binary = workspace.target.join("debug/trimtab");
    Ok(Clients { root: workspace.root.clone(), folder, binary })
}

// === impl Clients ===

impl Clients {
    pub(crate) fn pytest(&self) -> Command {
        self.pytest_of(&["."])
    }

    /// Only these files, for a program with a feature that the default one has not.
    pub(crate) fn pytest_of(&self, files: &[&str]) -> Command {
        let mut command = self.python();
        command.args(["-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider"]);
        command.args(files.iter().map(|file| Path::new("tests/e2e").join(file)));
        command
    }

    /// `node.py` runs a node of ours around the program that it is given.
    pub(crate) fn node_test(&self) -> Command {
        let mut command = self.python();
        command.args(["tests/e2e/node.py", "node", "--test", "--test-reporter=tap"]);
        command.arg("tests/e2e/node/sdk.test.cjs");
        command.env("NODE_PATH", self.folder.join("node/node_modules"));
        command
    }

    fn python(&self) -> Command {
        let mut command = Command::new(self.folder.join("venv/bin/python"));
        command.current_dir(&self.root).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("TRIMTAB_E2E", &self.folder).env("TRIMTAB_BIN", &self.binary);
        command
    }
}

/// Installs the packages of those programs that are missing.
pub(crate) fn debian(programs: &[Program]) -> Result<(), NotInstalled> {
    let absent = programs.iter().filter(|(program, arguments, _)| !present(program, arguments));
    let packages: Vec<&str> = absent.map(|(_, _, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    if !present("apt-get", &["--version"]) {
        return Err(NotInstalled::NoApt(wanted));
    }
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    step(&format!("apt-get install {wanted}"), || {
        run(apt_get().args(["update", "--quiet"]))?;
        run(apt_get().args(install).args(&packages))
    })
    .map_err(|source| NotInstalled::Debian { packages: wanted, source })
}

fn apt_get() -> Command {
    let mut command = match is_root() {
        true => Command::new("apt-get"),
        false => {
            let mut sudo = Command::new("sudo");
            sudo.args(["--non-interactive", "apt-get"]);
            sudo
        }
    };
    // Packages of servers start nothing at what they take for a run level in which nothing starts.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn environment(folder: &Path, requirements: &[&str]) -> Result<(), NotInstalled> {
    let what = format!("pip install {} ({})", requirements.join(" "), folder.display());
    once(folder, &requirements.join("\n"), &what, || {
        let venv = ["-m", "venv", "--clear"];
        run(Command::new("python3").args(venv).arg(folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(folder.join("bin/python")).args(pip).args(requirements))
    })
}

/// The source archive carries that release's own tests; they are never part of this repository.
fn old_sdk_source(folder: &Path) -> Result<(), NotInstalled> {
    let [release, ..] = OLD_SDK;
    let to = folder.join("sdist");
    once(&to, release, &format!("pip download {release}"), || {
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"];
        let python = folder.join("venv220/bin/python");
        run(Command::new(python).args(pip).arg(release).arg("--dest").arg(&to))?;
        run(Command::new("tar").args(["xzf", "cloudflare-2.20.0.tar.gz"]).current_dir(&to))
    })
}

fn node_client(from: &Path, to: &Path) -> Result<(), NotInstalled> {
    let lock = from.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).map_err(at(&lock))?;
    fs::create_dir_all(to).map_err(at(to))?;
    for file in ["package.json", "package-lock.json"] {
        let file = from.join(file);
        fs::copy(&file, to.join(file.file_name().unwrap_or_default())).map_err(at(&file))?;
    }
    once(to, &wanted, "npm ci", || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(to))
    })
}

/// Does the work unless the folder's stamp says that exactly this is there already.
fn once(
    folder: &Path,
    wanted: &str,
    what: &str,
    work: impl FnOnce() -> Result<(), shell::Failure>,
) -> Result<(), NotInstalled> {
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        say(format_args!("{what}: there already"));
        return Ok(());
    }
    step(what, work).map_err(|source| NotInstalled::Client { what: what.into(), source })?;
    fs::create_dir_all(folder).map_err(at(folder))?;
    fs::write(&stamp, wanted).map_err(at(&stamp))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> NotInstalled {
    move |source| NotInstalled::File { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed_again_until_something_else_is_wanted() {
        let folder = std::env::temp_dir().join(format!("xtask-once-{}", std::process::id()));
        let mut works = 0;
        for wanted in ["a==1", "a==1", "a==2"] {
            once(&folder, wanted, "a", || {
                works += 1;
                Ok(())
            })
            .unwrap();
        }
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(works, 2);
    }
}
