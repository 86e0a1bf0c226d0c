//! The access log: a line of JSON for a request, or for one of so many. Written by a thread of its own; a disk that is slow
//! or full costs lines, and no request waits for it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Where lines go, and of how many requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub to: Destination,
    /// 1 logs every request, 0.01 one of a hundred by chance.
    pub share: f64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    /// Appended to, and opened anew when it was moved away.
    File(PathBuf),
}

/// The writing end, for any thread.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: SyncSender<String>,
    /// Of all dice.
    threshold: u64,
    dropped: Arc<AtomicU64>,
}

/// One request. Names are those of metrics.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) time: String,
    pub(crate) ray: &'a str,
    pub(crate) client: std::net::IpAddr,
    pub(crate) method: &'a str,
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) target: &'a str,
    pub(crate) version: &'a str,
    pub(crate) status: u16,
    /// Of the response's body.
    pub(crate) bytes: u64,
    /// The response ended before its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
    pub(crate) duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'a str>,
}

/// Lines on their way to the disk; more are dropped and counted.
const LINES_MAX: usize = 8 * 1024;
/// A line is on the disk at most this much later.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

// === impl Log ===

impl Log {
    /// Starts the thread, which ends with the last sender.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not be started.
    pub(crate) fn start(settings: &Settings) -> io::Result<Log> {
        let (lines, received) = sync_channel(LINES_MAX);
        let dropped = Arc::<AtomicU64>::default();
        let mut writer = Writer::open(settings.to.clone(), Arc::clone(&dropped))?;
        let run = move || writer.run(&received);
        std::thread::Builder::new().name("proxy-log".into()).spawn(run)?;
        let threshold = (settings.share.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        Ok(Log { lines, threshold, dropped })
    }

    /// Whether the request with these dice is one of those that are logged.
    pub(crate) fn wants(&self, dice: u64) -> bool {
        dice <= self.threshold
    }

    pub(crate) fn write(&self, line: &Line<'_>) {
        // Only numbers and text, which always have a form.
        let written = serde_json::to_string(line).unwrap_or_default();
        if self.lines.try_send(written).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The reading end.
struct Writer {
    to: Destination,
    out: BufWriter<Box<dyn Write + Send>>,
    /// Device and number of the file that is written to.
    file: Option<(u64, u64)>,
    looked_at: Instant,
    /// Lines that are lost, here and on the way here.
    dropped: Arc<AtomicU64>,
    /// The last one was not written: said once, and not for each.
    is_failing: bool,
}

// === impl Writer ===

impl Writer {
    fn open(to: Destination, dropped: Arc<AtomicU64>) -> io::Result<Writer> {
        let (out, file): (Box<dyn Write + Send>, _) = match &to {
            Destination::Stdout => (Box::new(io::stdout()), None),
            Destination::File(path) => {
                let file = append(path)?;
                let identity = identity(&file.metadata()?);
                (Box::new(file), Some(identity))
            }
        };
        let (out, looked_at) = (BufWriter::new(out), Instant::now());
        Ok(Writer { to, out, file, looked_at, dropped, is_failing: false })
    }

    fn run(&mut self, lines: &Receiver<String>) {
        loop {
            let written = match lines.recv_timeout(FLUSH_EVERY) {
                Ok(line) => self.take(&line),
                Err(RecvTimeoutError::Timeout) => self.out.flush(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let kept = written.and_then(|()| self.keep_up());
            if let (Err(error), false) = (&kept, self.is_failing) {
                tracing::error!(%error, "the access log is not written");
            }
            self.is_failing = kept.is_err();
        }
        if let Err(error) = self.out.flush() {
            tracing::error!(%error, "the end of the access log is not written");
        }
    }

    /// What is in the buffer is tried again; a line that finds no room behind it is lost.
    fn take(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}").inspect_err(|_| {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Flushes, and opens the file anew when somebody moved it, as rotation does.
    fn keep_up(&mut self) -> io::Result<()> {
        if self.looked_at.elapsed() < FLUSH_EVERY {
            return Ok(());
        }
        self.looked_at = Instant::now();
        self.out.flush()?;
        let Destination::File(path) = &self.to else { return Ok(()) };
        // A file that cannot be looked at is one that was moved, or is opened with the same error.
        let now = std::fs::metadata(path).map(|found| identity(&found)).ok();
        if now != self.file {
            *self = Writer::open(self.to.clone(), Arc::clone(&self.dropped))?;
        }
        Ok(())
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn identity(found: &std::fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_a_full_disk_does_not_take_are_counted() {
        let (lines, received) = sync_channel(10);
        let dropped = Arc::<AtomicU64>::default();
        let full = Destination::File("/dev/full".into());
        let mut writer = Writer::open(full, Arc::clone(&dropped)).unwrap();
        // One that fits the buffer and waits there, and two that cannot.
        for length in [10, 10_000, 10_000] {
            lines.send("a".repeat(length)).unwrap();
        }
        drop(lines);
        writer.run(&received);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        assert!(writer.is_failing);
    }
}
