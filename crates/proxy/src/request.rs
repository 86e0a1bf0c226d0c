//! One request, from its head to the last byte of its response. Every way it can go is in [`serve`].

use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use arrayvec::ArrayVec;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use tokio::time::Instant;
use trimtab_model::balancer::{FixedResponse, SameSite, Secure};
use trimtab_steer::{BalancerSlot, Failed};

use crate::access_log::{Line, Log};
use crate::choice::{Bind, Choice, Target};
use crate::exchange::{Broken, Piece, Pump, Side, Sink, Source};
use crate::fault::{FailsOver, Fault};
use crate::forward::{self, Sender};
use crate::h1::put_decimal;
use crate::head::{Body, Known, RequestHead, ResponseHead, Upgrade, Version};
use crate::refusal::Refusal;
use crate::replay::Replay;
use crate::reply::{Added, Own, Reply, ray};
use crate::settings::BODY_TIMEOUT;
use crate::signals;
use crate::tally::{Class, Method, RequestKey};
use crate::tls::Shown;
use crate::upstream::{self, Upstream};
use crate::watch::{Expired, Watch};
use crate::worker::{UnderWay, Worker};
use crate::{buffers, cookie};

/// The client's side of one request, whatever protocol it speaks.
pub(crate) trait Client: Source + Sink {
    /// Queues the head of a response; its body follows as pieces.
    fn reply(&mut self, reply: &Reply<'_>);

    /// Ready once the client is gone.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Every byte of the request's body was taken.
    fn is_read(&self) -> bool;
}

/// Who is at the other end of a client connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) is_trusted: bool,
    pub(crate) over_tls: bool,
    pub(crate) certificate: Option<Shown>,
}

/// What is left of the connection after a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The response is whole.
    Done,
    /// The response is whole, and bytes of the request are not read.
    Unread,
    /// The same, and where the request ends is anybody's guess.
    Garbled,
    /// The response was cut, or the client is gone.
    Broken,
    /// Both sides speak something else from now on.
    Tunnel(Box<Upstream>, Box<Target>),
}

/// One request while it is served.
struct Request<'a> {
    worker: &'a Worker,
    head: &'a RequestHead,
    peer: &'a Peer,
    client: IpAddr,
    id: u64,
    ray: BytesMut,
    started: Instant,
    _under_way: UnderWay<'a>,
    /// It asked for its decision to be kept, and the last one is.
    is_kept: bool,
}

/// Of a ray before its place: the number of the request's decision.
const RAY_DIGITS: usize = 16;
/// Endpoints that one request is sent to: the first, and one more.
const ENDPOINTS_TRIED_MAX: usize = 2;

pub(crate) async fn serve<C: Client>(
    worker: &Worker,
    client: &mut C,
    head: &RequestHead,
    peer: &Peer,
    watch: &mut Watch,
) -> Outcome {
    let mut request = Request::new(worker, head, peer);
    if forward::loops(head) {
        let own = Own::text(508, "loop detected: this request has been here before");
        return request.answer(client, watch, None, own).await;
    }
    let mut failed = ArrayVec::<Failed, ENDPOINTS_TRIED_MAX>::new();
    let mut body = Replay::new(head.body);
    let mut fault = Fault::NoOrigin;
    loop {
        let mut target = match request.choose(&failed) {
            Choice::Unknown => return request.misdirected(client, watch).await,
            Choice::Fixed(balancer, fixed) => {
                return request.answer(client, watch, Some(balancer), fixed_response(*fixed)).await;
            }
            // After a failure the first one is what the client hears of.
            Choice::Nowhere(balancer) => {
                return request.fail(client, watch, balancer, fault).await;
            }
            Choice::Send(target) => target,
        };
        fault = match request.send(client, &mut target, &mut body, watch).await {
            Attempt::Answered(upstream, response) => {
                return request.relay(client, target, *upstream, response, &mut body, watch).await;
            }
            Attempt::ClientGone => return request.gone(&target),
            Attempt::Refused(refusal) => {
                let own = Own::refusal(refusal);
                let answered = request.answer(client, watch, Some(target.balancer), own).await;
                return match answered {
                    Outcome::Unread => Outcome::Garbled,
                    outcome => outcome,
                };
            }
            Attempt::Failed(fault) => fault,
        };
        request.note_fault(&target, fault);
        if !failed.is_empty() {
            worker.budget.pay();
        }
        let again = failed.len() + 1 < ENDPOINTS_TRIED_MAX
            && worker.budget.allows()
            && target.may_fail_over()
            && request.may_repeat(fault, &body);
        if !again {
            return request.fail(client, watch, target.balancer, fault).await;
        }
        worker.tally().retry(target.balancer, fault);
        failed.push(target.failed());
        body.rewind();
    }
}

/// What became of sending a request to one endpoint.
enum Attempt {
    Answered(Box<Upstream>, ResponseHead),
    ClientGone,
    /// The client's body is none.
    Refused(Refusal),
    Failed(Fault),
}

// === impl Request ===

impl<'a> Request<'a> {
    fn new(worker: &'a Worker, head: &'a RequestHead, peer: &'a Peer) -> Request<'a> {
        let id = worker.next_ray();
        worker.budget.earn();
        Request {
            worker,
            head,
            peer,
            client: client_of(head, peer),
            id,
            ray: ray(id, &worker.shared.settings.place),
            started: Instant::now(),
            _under_way: worker.begin_request(),
            is_kept: false,
        }
    }

    fn choose(&mut self, failed: &[Failed]) -> Choice {
        let Request { worker, head, peer, client, id, started, .. } = *self;
        let choice;
        (choice, self.is_kept) = worker.choose(head, peer, client, failed, id, started);
        choice
    }

    /// Who this response is from, and the number of its decision for clients that asked.
    fn sign<'r>(&'r self, added: &mut Added<'r>) {
        added.push((b"cf-ray", &self.ray));
        if self.is_kept {
            let number = self.ray.get(..RAY_DIGITS).unwrap_or_default();
            added.push((b"x-trimtab-decision", number));
        }
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            client: self.client,
            peer: self.peer.address,
            is_trusted: self.peer.is_trusted,
            over_tls: self.peer.over_tls,
            certificate: self.peer.certificate.as_ref().map(Shown::text),
            ray: &self.ray,
        }
    }

    /// Sends the request and waits for the head of its response. A connection that waited and turns out to have ended is
    /// replaced once, as long as nothing can be done twice by that.
    async fn send<C: Client>(
        &self,
        client: &mut C,
        target: &mut Target,
        body: &mut Replay,
        watch: &mut Watch,
    ) -> Attempt {
        if !take_place(target).await {
            return Attempt::Failed(Fault::Busy);
        }
        let mut fresh = false;
        loop {
            let opened = upstream::open(self.worker, self.head, target, fresh).await;
            let mut upstream = match opened {
                Ok(upstream) => upstream,
                Err(fault) => return Attempt::Failed(fault),
            };
            upstream.begin(self.head, target, &self.sender());
            let limit = Duration::from_secs(target.pool.upstream.response_timeout.into());
            match self.exchange(client, &mut upstream, body, limit, watch).await {
                Ok(response) => return Attempt::Answered(Box::new(upstream), response),
                Err(Ended::Client) => return Attempt::ClientGone,
                Err(Ended::Refused(refusal)) => return Attempt::Refused(refusal),
                Err(Ended::Origin(fault)) => {
                    let stale = upstream.is_used && fault == Fault::HungUp;
                    if stale {
                        upstream.was_stale(self.worker);
                    }
                    if !stale || fresh || !self.may_repeat(fault, body) {
                        return Attempt::Failed(fault);
                    }
                    (fresh, _) = (true, body.rewind());
                }
            }
        }
    }

    /// Both directions until the head of the final response is there.
    async fn exchange<C: Client>(
        &self,
        client: &mut C,
        upstream: &mut Upstream,
        body: &mut Replay,
        limit: Duration,
        watch: &mut Watch,
    ) -> Result<ResponseHead, Ended> {
        let mut list = buffers::take_list();
        // An interim response is nothing to the client while it waits here: the origin may wait for what it asks for.
        let mut owes_interim = false;
        loop {
            let (mut moved, mut waits) = (body.moved(), self.head.body == Body::None);
            watch.set(Instant::now() + if waits { limit } else { BODY_TIMEOUT });
            let polled = poll_fn(|cx| {
                if let Poll::Ready(ended) = poll_upload(cx, client, upstream, body) {
                    return Poll::Ready(Err(ended));
                }
                if body.is_sent() && !waits {
                    waits = true;
                    watch.set(Instant::now() + limit);
                } else if body.moved() != moved {
                    moved = body.moved();
                    watch.set(Instant::now() + BODY_TIMEOUT);
                }
                if owes_interim {
                    match client.poll_flush(cx) {
                        Poll::Ready(Ok(())) => owes_interim = false,
                        Poll::Ready(Err(_)) => return Poll::Ready(Err(Ended::Client)),
                        Poll::Pending => {}
                    }
                }
                // One that is read slowly holds back what comes behind it.
                if !owes_interim
                    && let Poll::Ready(head) =
                        upstream.poll_response(cx, &mut list, self.head.is_head())
                {
                    return Poll::Ready(response_or_fault(head));
                }
                if body.is_sent() && client.poll_gone(cx).is_ready() {
                    return Poll::Ready(Err(Ended::Client));
                }
                watch.poll(cx).map(|Expired| match waits {
                    true => Err(Ended::Origin(Fault::ResponseTimeout)),
                    false => Err(Ended::Refused(Refusal::BodyTimeout)),
                })
            });
            let head = polled.await?;
            if !head.is_interim() {
                return Ok(head);
            }
            if self.head.version != Version::Http10 {
                client.reply(&Reply::of(&head, self.head));
                owes_interim = true;
            }
            buffers::give_list(head.fields.list);
            list = buffers::take_list();
        }
    }

    /// The response goes to the client as it comes.
    async fn relay<C: Client>(
        &self,
        client: &mut C,
        target: Box<Target>,
        mut upstream: Upstream,
        response: ResponseHead,
        body: &mut Replay,
        watch: &mut Watch,
    ) -> Outcome {
        let now = self.note_answer(&target, response.status);
        if response.switches() != (self.head.upgrade == Upgrade::WebSocket && response.switches()) {
            return self.fail(client, watch, target.balancer, Fault::Unknown).await;
        }
        self.reply(client, &target, &response);
        if response.switches() {
            watch.set(Instant::now() + BODY_TIMEOUT);
            return match watch.within(|cx| client.poll_flush(cx)).await {
                Ok(Ok(())) => {
                    self.count(target.balancer, Some(&target), response.status, 0);
                    Outcome::Tunnel(Box::new(upstream), target)
                }
                Ok(Err(_)) | Err(Expired) => self.gone(&target),
            };
        }
        let (mut download, mut moved) = (Pump::Moving, 0);
        watch.set(now + BODY_TIMEOUT);
        let ended = poll_fn(|cx| {
            // An origin that answers before it has read all may read no more: its answer counts all the same.
            let upload = poll_upload(cx, client, &mut upstream, body);
            if let Poll::Ready(Ended::Client | Ended::Refused(_)) = upload {
                return Poll::Ready(false);
            }
            let before = moved;
            let polled = download.poll(cx, &mut upstream, client, &mut moved);
            if let Poll::Ready(ended) = polled {
                return Poll::Ready(ended.is_ok());
            }
            if moved != before {
                watch.set(Instant::now() + BODY_TIMEOUT);
            }
            watch.poll(cx).map(|Expired| false)
        });
        let whole = ended.await;
        self.count(target.balancer, Some(&target), response.status, moved);
        if !whole {
            return Outcome::Broken;
        }
        if response.keeps && body.is_sent() {
            let limit = Duration::from_secs(target.pool.upstream.idle_timeout.into());
            upstream.finish(self.worker, now, limit);
        }
        buffers::give_list(response.fields.list);
        if client.is_read() { Outcome::Done } else { Outcome::Unread }
    }

    fn reply<C: Client>(&self, client: &mut C, target: &Target, response: &ResponseHead) {
        let cookie = match &target.bind {
            Some(Bind::Cookie { value, max_age, same_site, secure }) => {
                Some(set_cookie(value, *max_age, *same_site, *secure, self.peer.over_tls))
            }
            Some(Bind::Header { key, held, idle_seconds }) => {
                let now = crate::worker::wall_seconds();
                self.worker.shared.sessions.keep(*key, *held, now, *idle_seconds);
                None
            }
            None => None,
        };
        let told = self.worker.shared.settings.expose.then(|| Told::of(target, self.started));
        let mut reply = Reply::of(response, self.head);
        self.sign(&mut reply.added);
        if let Some(cookie) = &cookie {
            reply.added.push((b"set-cookie", cookie));
        }
        reply.added.extend(told.iter().flat_map(Told::fields));
        client.reply(&reply);
    }

    /// A response made here.
    async fn answer<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
        balancer: Option<BalancerSlot>,
        own: Own,
    ) -> Outcome {
        if let Some(balancer) = balancer {
            self.count(balancer, None, own.status, own.body.len() as u64);
        }
        let retry_after = own.retry_after.map(|seconds| seconds.to_string()).unwrap_or_default();
        let mut added: Added<'_> = own.added(&retry_after);
        self.sign(&mut added);
        let body = match own.body.len() as u64 {
            0 => Body::None,
            length => Body::Length(length),
        };
        let to_head = self.head.is_head();
        client.reply(&Reply { status: own.status, of_origin: None, added, body, to_head });
        if send_own(client, if to_head { Bytes::new() } else { own.body }, watch).await {
            if client.is_read() { Outcome::Done } else { Outcome::Unread }
        } else {
            Outcome::Broken
        }
    }

    /// RFC 9110 section 15.5.20: nobody here answers for that host.
    async fn misdirected<C: Client>(&self, client: &mut C, watch: &mut Watch) -> Outcome {
        self.worker.tally().unknown_hosts += 1;
        let own = Own::text(421, "no load balancer of this node has that host");
        self.answer(client, watch, None, own).await
    }

    async fn fail<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
        balancer: BalancerSlot,
        fault: Fault,
    ) -> Outcome {
        let mut accepts = self.head.fields.values(Known::Accept);
        let wants_json =
            accepts.any(|value| memchr::memmem::find(value, b"application/json").is_some());
        let ray = String::from_utf8_lossy(&self.ray);
        let own = Own::fault(fault, &ray, wants_json);
        self.answer(client, watch, Some(balancer), own).await
    }

    fn gone(&self, target: &Target) -> Outcome {
        /// Nobody is sent it: the number by which logs know a client that left first.
        const CLIENT_CLOSED_REQUEST: u16 = 499;
        self.count(target.balancer, Some(target), CLIENT_CLOSED_REQUEST, 0);
        Outcome::Broken
    }

    /// Another connection or endpoint may be sent the same.
    fn may_repeat(&self, fault: Fault, body: &Replay) -> bool {
        let harmless = match fault.fails_over() {
            FailsOver::Always => true,
            FailsOver::Idempotent => self.head.is_idempotent(),
            FailsOver::Never => false,
        };
        harmless && body.is_whole()
    }

    fn note_fault(&self, target: &Target, fault: Fault) {
        self.worker.tally().fault(target.slot, target.endpoint, fault);
        if fault.is_of_endpoint() {
            self.worker.note_failure(target);
        }
    }

    /// The moment of it.
    fn note_answer(&self, target: &Target, status: u16) -> Instant {
        let now = Instant::now();
        match &target.open {
            _ if signals::is_failure(status) => self.worker.note_failure(target),
            Some(open) => open.endpoint().answers(),
            None => {}
        }
        let mut tally = self.worker.tally();
        tally.session(target.balancer, target.session);
        let of_endpoint = tally.upstream.entry((target.slot, target.endpoint)).or_default();
        of_endpoint.record(now - self.started);
        now
    }

    /// Every request that a balancer has ends here, once.
    fn count(&self, balancer: BalancerSlot, target: Option<&Target>, status: u16, bytes: u64) {
        let key = RequestKey {
            balancer,
            pool: target.map(|target| target.slot),
            class: Class(u8::try_from(status / 100).unwrap_or(0)),
            method: Method::of(self.head.method()),
        };
        let took = self.started.elapsed();
        let mut tally = self.worker.tally();
        *tally.requests.entry(key).or_default() += 1;
        tally.durations.entry(balancer).or_default().record(took);
        drop(tally);
        if let Some(log) = self.worker.shared.log.as_ref().filter(|log| log.wants(self.id)) {
            self.log(log, target, status, bytes, took);
        }
    }

    fn log(&self, log: &Log, target: Option<&Target>, status: u16, bytes: u64, took: Duration) {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        log.write(&Line {
            time: Timestamp::now().to_string(),
            ray: text(&self.ray),
            client: self.client,
            method: text(self.head.method()),
            scheme: if self.peer.over_tls { "https" } else { "http" },
            host: text(self.head.host()),
            target: text(self.head.target()),
            version: text(self.head.version.name()),
            status,
            bytes,
            duration_ms: took.as_secs_f64() * 1000.0,
            pool: target.map(|target| &*target.pool.name),
            origin: target.and_then(Target::endpoint).map(|endpoint| &*endpoint.name),
            reason: target.map(|target| target.why.chosen.label()),
            session: target.map(|target| target.session.label()),
        });
    }
}

/// Waits for one where the pool limits them, for as long as a connection may take. False when there is none.
async fn take_place(target: &mut Target) -> bool {
    let upstream = &target.pool.upstream;
    let Some(open) = target.open.as_ref().filter(|_| upstream.max_connections > 0) else {
        return true;
    };
    let limit = Duration::from_millis(upstream.connect_timeout.into());
    let places = &open.endpoint().places;
    let taken = places.take(upstream.max_connections, upstream.max_pending);
    // Silence is as good as a refusal here.
    target.place = tokio::time::timeout(limit, taken).await.ok().flatten();
    target.place.is_some()
}

/// Why there is no response.
#[derive(Debug)]
enum Ended {
    Client,
    Refused(Refusal),
    Origin(Fault),
}

fn poll_upload<C: Client>(
    cx: &mut Context<'_>,
    client: &mut C,
    upstream: &mut Upstream,
    body: &mut Replay,
) -> Poll<Ended> {
    match body.poll(cx, client, upstream) {
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        Poll::Ready(Err(Side::From(Broken::Refused(refusal)))) => {
            Poll::Ready(Ended::Refused(refusal))
        }
        Poll::Ready(Err(Side::From(_))) => Poll::Ready(Ended::Client),
        // It may have answered before it closed: whoever reads the answer finds out.
        Poll::Ready(Err(Side::To)) => Poll::Pending,
    }
}

fn response_or_fault(read: Result<Option<ResponseHead>, Broken>) -> Result<ResponseHead, Ended> {
    match read {
        Ok(Some(head)) => Ok(head),
        Ok(None) => Err(Ended::Origin(Fault::HungUp)),
        Err(broken) => Err(Ended::Origin(Fault::from(&broken))),
    }
}

async fn send_own<C: Client>(client: &mut C, body: Bytes, watch: &mut Watch) -> bool {
    let pieces = [Piece::Data(body), Piece::End(None)];
    watch.set(Instant::now() + BODY_TIMEOUT);
    for piece in pieces {
        let room = watch.within(|cx| client.poll_room(cx)).await;
        if !matches!(room, Ok(Ok(()))) || client.push(piece).is_err() {
            return false;
        }
    }
    matches!(watch.within(|cx| client.poll_flush(cx)).await, Ok(Ok(())))
}

fn fixed_response(fixed: FixedResponse) -> Own {
    let status = fixed.status();
    // Whatever the rule says, these have no content (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
    let has_content = !matches!(status, 204 | 205 | 304);
    Own {
        status,
        content_type: fixed.content_type.unwrap_or_else(|| "text/plain".into()).into(),
        location: fixed.location.map(Bytes::from),
        body: fixed.message_body.filter(|_| has_content).unwrap_or_default().into(),
        retry_after: None,
    }
}

/// The other end, or whom a trusted one names.
fn client_of(head: &RequestHead, peer: &Peer) -> IpAddr {
    if !peer.is_trusted {
        return peer.address;
    }
    let named = head.fields.first(Known::CfConnectingIp).and_then(address);
    let first = || head.fields.members(Known::XForwardedFor).next().and_then(address);
    named.or_else(first).unwrap_or(peer.address)
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// RFC 6265 section 4.1. Auto is Lax without TLS, and None with Secure over it: without Secure no browser takes None.
fn set_cookie(
    value: &str,
    max_age: u32,
    same_site: SameSite,
    secure: Secure,
    over_tls: bool,
) -> BytesMut {
    let secure = match secure {
        Secure::Always => true,
        Secure::Auto => over_tls,
        Secure::Never => false,
    };
    let same_site = match same_site {
        SameSite::Auto if over_tls && secure => "None",
        SameSite::Auto | SameSite::Lax => "Lax",
        SameSite::None => "None",
        SameSite::Strict => "Strict",
    };
    let mut cookie = BytesMut::with_capacity(COOKIE_BYTES);
    cookie.extend_from_slice(cookie::NAME);
    cookie.extend_from_slice(b"=");
    cookie.extend_from_slice(value.as_bytes());
    cookie.extend_from_slice(b"; Path=/; Max-Age=");
    put_decimal(&mut cookie, max_age.into());
    cookie.extend_from_slice(b"; HttpOnly; SameSite=");
    cookie.extend_from_slice(same_site.as_bytes());
    if secure {
        cookie.extend_from_slice(b"; Secure");
    }
    cookie
}

/// The longest there is: a value, a number, and every attribute.
const COOKIE_BYTES: usize = 160;

/// What a response says of its decision, for operators who want clients to see it.
struct Told<'a> {
    pool: &'a str,
    origin: &'a str,
    why: &'static str,
    timing: String,
}

// === impl Told ===

impl<'a> Told<'a> {
    fn of(target: &'a Target, started: Instant) -> Told<'a> {
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        Told {
            pool: &target.pool.name,
            origin: target.endpoint().map_or("", |endpoint| &endpoint.name),
            why: target.why.chosen.label(),
            timing: format!("origin;dur={millis:.1}"),
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&'static [u8], &[u8])> {
        let fields: [(&'static [u8], &[u8]); 4] = [
            (b"x-trimtab-pool", self.pool.as_bytes()),
            (b"x-trimtab-origin", self.origin.as_bytes()),
            (b"x-trimtab-why", self.why.as_bytes()),
            (b"server-timing", self.timing.as_bytes()),
        ];
        fields.into_iter()
    }
}
