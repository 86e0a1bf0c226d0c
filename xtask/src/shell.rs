//! Running other programs: shown, timed, and read line by line.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{program} does not start")]
    Start { program: String, source: std::io::Error },
    #[error("{program}: no end seen")]
    Wait { program: String, source: std::io::Error },
    #[error("{program}: {status}")]
    Status { program: String, status: ExitStatus },
}

/// Lines that wait to be printed; a program that prints faster is slowed down.
const LINES_WAITING_MAX: usize = 256;

/// One line to whoever started the chore.
#[expect(clippy::print_stdout, reason = "a chore talks to a person; a test captures what it says")]
pub(crate) fn say(line: impl Display) {
    println!("{line}");
}

/// Says what is done and, afterwards, how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    say(format_args!("==> {what}"));
    let begin = Instant::now();
    let done = work();
    say(format_args!("<== {what}: {:.1} s", begin.elapsed().as_secs_f64()));
    done
}

/// Runs to the end and refuses any other status than success.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = name_of(command);
    match follow(command, |_| ())? {
        status if status.success() => Ok(()),
        status => Err(Failure::Status { program, status }),
    }
}

/// Runs to the end; every line of both outputs is printed and shown to `read`.
pub(crate) fn follow(
    command: &mut Command,
    mut read: impl FnMut(&str),
) -> Result<ExitStatus, Failure> {
    let program = name_of(command);
    let started =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(source) => return Err(Failure::Start { program, source }),
    };
    let (lines, printed) = sync_channel(LINES_WAITING_MAX);
    let readers = [
        child.stdout.take().map(|pipe| lines_of(pipe, lines.clone())),
        child.stderr.take().map(|pipe| lines_of(pipe, lines.clone())),
    ];
    drop(lines);
    for line in printed {
        say(&line);
        read(&line);
    }
    for reader in readers.into_iter().flatten() {
        drop(reader.join());
    }
    child.wait().map_err(|source| Failure::Wait { program, source })
}

/// True when the program exists and says its version.
pub(crate) fn present(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn lines_of(pipe: impl Read + Send + 'static, to: SyncSender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if to.send(line).is_err() {
                return;
            }
        }
    })
}

fn name_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args().take(3));
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
