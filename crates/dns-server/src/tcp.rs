//! DNS over TCP (RFC 7766): pipelined queries in, their answers out in one write.
//!
//! One task accepts; each connection is a task of its own, owned by the accepting one. A client that
//! sends nothing is dropped after a while, and the one idle for longest makes room when all places are taken.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use trimtab_dns::{Outcome, Scratch, Transport, answer};
use trimtab_live::{Cell, Sampling, clock};

use crate::counters::Shared;
use crate::dice::Seeded;
use crate::sample::{Sample, Sampler};
use crate::tally::Tally;

/// Connections at a time; each holds a few kilobytes while it is idle.
const CLIENTS_MAX: usize = 500;
/// A connection without a query is closed after this (RFC 7766 section 6.2.3 asks for seconds).
const IDLE_MAX: Duration = Duration::from_secs(10);
/// A query must be whole so long after its first byte, and answers must be taken within it.
const MESSAGE_MAX: Duration = Duration::from_secs(5);
/// Bytes of queries read before they are answered: several hundred pipelined ones, or one of the largest.
const INPUT_BYTES_MAX: usize = 2 + MESSAGE_BYTES_MAX;
/// RFC 1035 section 4.2.2: a length of 16 bits.
const MESSAGE_BYTES_MAX: usize = 65_535;
/// Answers collected before they are written.
const OUTPUT_BYTES_MAX: usize = 128 * 1024;
/// After a failed accept (no descriptors left) the next try waits, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The accepting side.
pub(crate) struct Listener {
    listener: std::net::TcpListener,
    cell: Cell,
    counters: Arc<Shared>,
    sampling: Option<Sampling<Sample>>,
    stopped: watch::Receiver<bool>,
}

/// What the accepting task knows of one connection.
#[derive(Debug)]
struct Client {
    /// When it came or sent its last whole query, in milliseconds after the listener's start.
    active_at: AtomicU64,
    leave: Notify,
}

/// One connection.
struct Connection<S> {
    stream: S,
    from: SocketAddr,
    cell: Cell,
    client: Arc<Client>,
    started: Instant,
    tally: Tally,
    sampling: Option<Sampling<Sample>>,
    stopped: watch::Receiver<bool>,
}

/// What turns queries of one connection into bytes to write.
struct Answers {
    scratch: Scratch,
    dice: Seeded,
    sampler: Sampler,
    reply: Box<[u8]>,
    output: Vec<u8>,
}

// === impl Listener ===

impl Listener {
    pub(crate) fn new(
        listener: std::net::TcpListener,
        cell: &Cell,
        counters: Arc<Shared>,
        sampling: Option<Sampling<Sample>>,
        stopped: watch::Receiver<bool>,
    ) -> Listener {
        Listener { listener, cell: cell.clone(), counters, sampling, stopped }
    }

    pub(crate) async fn run(self) {
        let listener = match self.listener.try_clone().and_then(tokio::net::TcpListener::from_std) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "DNS over TCP does not start"),
        };
        let started = Instant::now();
        let mut stopped = self.stopped.clone();
        let mut tasks = JoinSet::new();
        let mut clients: HashMap<tokio::task::Id, Arc<Client>> = HashMap::new();
        loop {
            tokio::select! {
                biased;
                () = told(&mut stopped) => break,
                Some(ended) = tasks.join_next_with_id() => match ended {
                    Ok((id, ())) => { clients.remove(&id); }
                    Err(error) => { clients.remove(&error.id()); self.counters.panicked(); }
                },
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        make_room(&clients);
                        let client = Arc::new(Client::new(started));
                        let connection = self.connection(stream, from, &client, started);
                        let handle = tasks.spawn(connection.run());
                        clients.insert(handle.id(), client);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "accept failed");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    fn connection(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        client: &Arc<Client>,
        started: Instant,
    ) -> Connection<TcpStream> {
        Connection {
            stream,
            from,
            cell: self.cell.clone(),
            client: Arc::clone(client),
            started,
            tally: Tally::new(Arc::clone(&self.counters)),
            sampling: self.sampling.clone(),
            stopped: self.stopped.clone(),
        }
    }
}

/// Until everything stops; a sender that is gone means the same.
async fn told(stopped: &mut watch::Receiver<bool>) {
    if let Err(gone) = stopped.wait_for(|stopped| *stopped).await {
        tracing::trace!(%gone, "stopped with its owner");
    }
}

/// Tells the client that was silent for longest to leave when there are too many.
fn make_room(clients: &HashMap<tokio::task::Id, Arc<Client>>) {
    if clients.len() >= CLIENTS_MAX {
        let oldest = clients.values().min_by_key(|c| c.active_at.load(Ordering::Relaxed));
        if let Some(client) = oldest {
            // Chosen once: the next one is somebody else.
            client.active_at.store(u64::MAX, Ordering::Relaxed);
            client.leave.notify_one();
        }
    }
}

// === impl Client ===

impl Client {
    fn new(started: Instant) -> Client {
        let client = Client { active_at: AtomicU64::new(0), leave: Notify::new() };
        client.active(started);
        client
    }

    fn active(&self, started: Instant) {
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.active_at.store(millis, Ordering::Relaxed);
    }
}

// === impl Connection ===

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(mut self) {
        let client = Arc::clone(&self.client);
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = client.leave.notified() => {}
            () = told(&mut stopped) => {}
            ended = self.serve() => if let Err(error) = ended {
                tracing::trace!(%error, from = %self.from, "a DNS connection ended early");
            },
        }
        self.tally.flush();
    }

    /// Until the client closes, is silent or slow for too long, or sends what is no DNS message. A byte now and then
    /// earns no more time, and counts for nothing where the most idle makes room.
    async fn serve(&mut self) -> std::io::Result<()> {
        let mut answers = Answers::new(self.sampling.take());
        let mut input: Vec<u8> = Vec::new();
        let mut until = within(IDLE_MAX);
        loop {
            let begun = !input.is_empty();
            let room = INPUT_BYTES_MAX.saturating_sub(input.len()).max(1);
            let mut limited = (&mut self.stream).take(room as u64);
            if tokio::time::timeout_at(until, limited.read_buf(&mut input)).await?? == 0 {
                return Ok(());
            }
            let taken = self.answer_all(&mut answers, &input).await?;
            input.drain(..taken);
            until = match (input.is_empty(), begun && taken == 0) {
                (true, _) => within(IDLE_MAX),
                (false, false) => within(MESSAGE_MAX),
                (false, true) => until,
            };
        }
    }

    /// Writes the answers to the whole queries that the input begins with, and says how many bytes those were. What
    /// was asked before something that is no query is answered too.
    async fn answer_all(&mut self, answers: &mut Answers, input: &[u8]) -> std::io::Result<usize> {
        let (mut taken, mut added) = (0_usize, Ok(()));
        while added.is_ok()
            && let Some(query) = first_message(input.get(taken..).unwrap_or(&[]))
        {
            added = answers.add(query, self.from, &self.cell, &mut self.tally);
            taken = taken.saturating_add(2).saturating_add(query.len());
            if answers.output.len() > OUTPUT_BYTES_MAX {
                self.write(&mut answers.output).await?;
            }
        }
        if taken > 0 {
            self.client.active(self.started);
        }
        self.write(&mut answers.output).await?;
        added.map(|()| taken)
    }

    async fn write(&mut self, output: &mut Vec<u8>) -> std::io::Result<()> {
        tokio::time::timeout(MESSAGE_MAX, self.stream.write_all(output)).await??;
        output.clear();
        Ok(())
    }
}

// === impl Answers ===

impl Answers {
    fn new(sampling: Option<Sampling<Sample>>) -> Answers {
        Answers {
            scratch: Scratch::new(),
            dice: Seeded::new(),
            sampler: Sampler::new(sampling),
            // Untouched pages of it cost nothing; a large answer is rare.
            reply: vec![0; MESSAGE_BYTES_MAX].into(),
            output: Vec::new(),
        }
    }

    fn add(
        &mut self,
        query: &[u8],
        from: SocketAddr,
        cell: &Cell,
        tally: &mut Tally,
    ) -> std::io::Result<()> {
        let snapshot = cell.load();
        let (view, now, dice) = (snapshot.view(), clock::now(), self.dice.draw());
        let Answers { scratch, reply, output, sampler, .. } = self;
        let outcome = answer(query, from, Transport::Tcp, &view, now, dice, scratch, reply);
        tally.answered(Transport::Tcp, &outcome);
        if sampler.wants(&outcome, dice) {
            let sample = Sample {
                snapshot: Arc::clone(&snapshot),
                now,
                dice,
                from,
                via: Transport::Tcp,
                query: query.into(),
                reply: reply.get(..outcome.reply_len()).unwrap_or(&[]).into(),
            };
            sampler.take(sample, &outcome);
        }
        match outcome {
            Outcome::Reply { len, .. } => {
                let length = u16::try_from(len).map_err(std::io::Error::other)?;
                output.extend_from_slice(&length.to_be_bytes());
                output.extend_from_slice(reply.get(..len).unwrap_or(&[]));
                Ok(())
            }
            // What is not a query on a stream means that we lost our place in it.
            Outcome::Drop(_) => Err(std::io::ErrorKind::InvalidData.into()),
        }
    }
}

fn within(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
}

/// The message at the start of the stream, once it is whole (RFC 1035 section 4.2.2: two bytes of length first).
fn first_message(stream: &[u8]) -> Option<&[u8]> {
    let (length, rest) = stream.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests;
