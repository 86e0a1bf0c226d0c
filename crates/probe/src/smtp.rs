//! SMTP probes: the greeting, HELO and QUIT, and before these STARTTLS where the monitor asks for it.

mod reply;

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use trimtab_connect::{Connector, ServerName, Spoken};
use trimtab_model::monitor::MonitorType;

pub use self::reply::Reply;
use crate::first_bytes::Tap;
use crate::trace::{StepKind, Trace};
use crate::{Check, Phase, ProbeError, secure, tcp};

/// What a reply is read with at a time.
const CHUNK_BYTES: usize = 4096;
/// Characters of a reply that an error repeats.
const TEXT_CHARS_MAX: usize = 200;
/// The reply to the HELO is the one that the monitor is about.
const DONE: u16 = 250;

/// A conversation: what is said, and what came that was not read yet.
struct Talk<'a, S> {
    stream: &'a mut Tap<S>,
    unread: Vec<u8>,
}

/// Passes when every step is answered with its code.
pub(crate) async fn probe(
    connector: &Connector,
    check: &Check<'_>,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let port = check.port()?;
    let server = starttls(check)?;
    let stream = tcp::connect(connector, check, &check.target.address, port, trace).await?;
    let me = literal(stream.local_addr().map_err(ProbeError::of_talk)?);
    trace.enter(Phase::FirstByte);
    let Some(server) = server else {
        let mut tap = Tap::new(stream);
        let result = greeted(&mut tap, &me, trace).await;
        return told(&tap, result, trace);
    };
    let stream = upgraded(stream, &me, trace).await?;
    let secured = secure::handshake(connector, check, stream, server, Spoken::Other, trace).await?;
    trace.enter(Phase::FirstByte);
    let mut tap = Tap::new(secured);
    let result = Talk::over(&mut tap).end(&me, trace).await;
    told(&tap, result, trace)
}

async fn greeted<S: AsyncRead + AsyncWrite + Unpin>(
    tap: &mut Tap<S>,
    me: &str,
    trace: &mut Trace<'_>,
) -> Result<u16, ProbeError> {
    let mut talk = Talk::over(tap);
    talk.expect("greeting", 220, trace).await?;
    talk.end(me, trace).await
}

/// The connection, ready for a handshake.
async fn upgraded(
    stream: TcpStream,
    me: &str,
    trace: &mut Trace<'_>,
) -> Result<TcpStream, ProbeError> {
    let mut tap = Tap::new(stream);
    let result = ask_for_tls(&mut tap, me, trace).await;
    told(&tap, result, trace)?;
    Ok(tap.into_inner())
}

async fn ask_for_tls(
    tap: &mut Tap<TcpStream>,
    me: &str,
    trace: &mut Trace<'_>,
) -> Result<(), ProbeError> {
    let mut talk = Talk::over(tap);
    talk.expect("greeting", 220, trace).await?;
    let offered = talk.ask(&format!("EHLO {me}"), "EHLO", DONE, trace).await?;
    if !offered.offers("STARTTLS") {
        return Err(ProbeError::NoStartTls);
    }
    talk.ask("STARTTLS", "STARTTLS", 220, trace).await?;
    // RFC 3207 section 4.2: nothing that came before the handshake counts after it.
    match talk.unread.is_empty() {
        true => Ok(()),
        false => Err(not_smtp("something follows the reply to STARTTLS")),
    }
}

fn told<S, T>(
    tap: &Tap<S>,
    result: Result<T, ProbeError>,
    trace: &mut Trace<'_>,
) -> Result<T, ProbeError> {
    if result.is_err() {
        trace.answer(tap.answer());
    }
    result
}

/// Whom the certificate must be for; None where no TLS is asked for.
fn starttls(check: &Check<'_>) -> Result<Option<ServerName<'static>>, ProbeError> {
    let asked = check.own().and_then(|own| own.smtp).is_some_and(|smtp| smtp.starttls);
    if !asked {
        return Ok(None);
    }
    let address = check.target.address.to_string();
    match check.named_host() {
        Some(host) => secure::server_name(host).map(Some),
        // A bare IPv6 address ends in what looks like a port.
        None => ServerName::try_from(address)
            .map(Some)
            .map_err(|_| ProbeError::BadRequest("address is neither a name nor an address")),
    }
}

/// RFC 5321 section 4.1.3: what a client without a name calls itself.
fn literal(me: SocketAddr) -> String {
    match me.ip() {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

fn not_smtp(why: &'static str) -> ProbeError {
    ProbeError::NotSpoken { protocol: MonitorType::Smtp, why }
}

// === impl Talk ===

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    fn over(stream: &'a mut Tap<S>) -> Talk<'a, S> {
        Talk { stream, unread: Vec::new() }
    }

    /// The steps that decide.
    async fn end(mut self, me: &str, trace: &mut Trace<'_>) -> Result<u16, ProbeError> {
        self.ask(&format!("HELO {me}"), "HELO", DONE, trace).await?;
        self.ask("QUIT", "QUIT", 221, trace).await?;
        Ok(DONE)
    }

    async fn ask(
        &mut self,
        command: &str,
        step: &'static str,
        wanted: u16,
        trace: &mut Trace<'_>,
    ) -> Result<Reply, ProbeError> {
        trace.step(StepKind::Sent, command);
        let line = format!("{command}\r\n");
        self.stream.write_all(line.as_bytes()).await.map_err(ProbeError::of_talk)?;
        self.stream.flush().await.map_err(ProbeError::of_talk)?;
        self.expect(step, wanted, trace).await
    }

    async fn expect(
        &mut self,
        step: &'static str,
        wanted: u16,
        trace: &mut Trace<'_>,
    ) -> Result<Reply, ProbeError> {
        let reply = self.reply().await?;
        let text: String = reply.lines.join(" ").chars().take(TEXT_CHARS_MAX).collect();
        let code = reply.code;
        trace.step(StepKind::Answered, format_args!("{code} {text:?}"));
        match code == wanted {
            true => Ok(reply),
            false => Err(ProbeError::SmtpReply { step, code, wanted, text }),
        }
    }

    async fn reply(&mut self) -> Result<Reply, ProbeError> {
        loop {
            if let Some((reply, length)) = Reply::read(&self.unread).map_err(not_smtp)? {
                self.unread.drain(..length);
                return Ok(reply);
            }
            let mut chunk = [0; CHUNK_BYTES];
            match self.stream.read(&mut chunk).await.map_err(ProbeError::of_talk)? {
                0 => return Err(not_smtp("the connection ended before a reply did")),
                read => self.unread.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        }
    }
}
