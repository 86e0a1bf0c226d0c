//! One request, from its head to the last byte of its response. Every way it can go is in [`serve`].

mod ended;
mod evidence;
mod respond;

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrayvec::ArrayVec;
use bytes::BytesMut;
use tokio::time::Instant;
use trimtab_steer::{Failed, Why};

use crate::buffers;
use crate::choice::{Choice, Target};
use crate::cookie;
use crate::exchange::{Pump, Sink, Source};
use crate::fault::{FailsOver, Fault};
use crate::forward::{self, Sender};
use crate::head::{Body, Known, RequestHead, ResponseHead, Upgrade, Version};
use crate::refusal::Refusal;
use crate::replay::Replay;
use crate::reply::{Added, Own, Reply, ray};
use crate::settings::BODY_TIMEOUT;
use crate::tls::Shown;
use crate::upstream::{self, Upstream};
use crate::watch::{Expired, Watch};
use crate::worker::{UnderWay, Worker};

use self::ended::{Ended, poll_upload, response_or_fault, silent};
use self::evidence::Sent;
use self::respond::{Of, fixed_response};

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
    /// Where clients find the same over HTTP/3, as `alt-svc` tells it.
    pub(crate) alternative: Option<Arc<str>>,
    pub(crate) certificate: Option<Shown>,
    pub(crate) opened: Arc<cookie::Opened>,
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
    /// Of its last decision.
    why: Option<Why>,
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
        return request.answer(client, watch, Of::Nobody, own).await;
    }
    if worker.shared.overload.is_on() {
        worker.tally().shed += 1;
        return request.answer(client, watch, Of::Nobody, Own::full()).await;
    }
    let mut failed = ArrayVec::<Failed, ENDPOINTS_TRIED_MAX>::new();
    let mut body = Replay::new(head.body);
    let mut fault = Fault::NoOrigin;
    let mut tried: Option<Box<Target>> = None;
    loop {
        let mut target = match request.choose(&failed) {
            Choice::Unknown => return request.misdirected(client, watch).await,
            Choice::Fixed(balancer, _, fixed) => {
                let own = fixed_response(*fixed);
                return request.answer(client, watch, Of::Balancer(balancer), own).await;
            }
            // After a failure the first one is what the client hears of.
            Choice::Nowhere(balancer, _) => {
                let of = tried.as_deref().map_or(Of::Balancer(balancer), Of::Target);
                return request.fail(client, watch, of, fault).await;
            }
            Choice::Send(target) => target,
        };
        fault = match request.send(client, &mut target, &mut body, watch).await {
            Attempt::Answered(upstream, response) => {
                return request.relay(client, target, *upstream, response, &mut body, watch).await;
            }
            Attempt::ClientGone => return request.gone(&target),
            Attempt::Refused(refusal) => {
                return request.refuse(client, watch, &target, refusal).await;
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
            return request.fail(client, watch, Of::Target(&target), fault).await;
        }
        worker.tally().retry(target.balancer, fault);
        failed.push(target.failed());
        (target.open, target.place) = (None, None);
        tried = Some(target);
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
            _under_way: worker.begin(),
            why: None,
            is_kept: false,
        }
    }

    fn choose(&mut self, failed: &[Failed]) -> Choice {
        let Request { worker, head, peer, client, id, started, .. } = *self;
        let choice;
        (choice, self.is_kept) = worker.choose(head, peer, client, failed, id, started);
        self.why = choice.why();
        choice
    }

    /// Who this response is from, the number of its decision for clients that asked, and where HTTP/3 is.
    fn sign<'r>(&'r self, added: &mut Added<'r>) {
        added.push((b"cf-ray", &self.ray));
        if self.is_kept {
            let number = self.ray.get(..RAY_DIGITS).unwrap_or_default();
            added.push((b"x-trimtab-decision", number));
        }
        if let Some(alternative) = &self.peer.alternative {
            added.push((b"alt-svc", alternative.as_bytes()));
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

    /// Sends the request and waits for the head of its response. A connection that waited and turns out to have ended, or
    /// that is ending, is replaced once, as long as nothing can be done twice by that.
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
                    if !upstream.may_be_stale(fault, self.worker)
                        || fresh
                        || !self.may_repeat(fault, body)
                    {
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
                    && let Poll::Ready(head) = upstream.poll_response(cx, self.head.is_head())
                {
                    return Poll::Ready(response_or_fault(head));
                }
                if body.is_sent() && client.poll_gone(cx).is_ready() {
                    return Poll::Ready(Err(Ended::Client));
                }
                watch.poll(cx).map(|Expired| Err(silent(cx, waits, upstream)))
            });
            let head = polled.await?;
            if !head.is_interim() {
                return Ok(head);
            }
            if self.head.version != Version::Http10 {
                client.reply(&Reply::of(&head, self.head));
                owes_interim = true;
            }
            buffers::give_head(head.fields);
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
        // Nobody asked for that.
        if response.switches() && self.head.upgrade == Upgrade::None {
            return self.fail(client, watch, Of::Target(&target), Fault::Unknown).await;
        }
        self.reply(client, &target, &response);
        if response.switches() {
            watch.set(Instant::now() + BODY_TIMEOUT);
            return match watch.within(|cx| client.poll_flush(cx)).await {
                Ok(Ok(())) => {
                    self.count(target.balancer, Some(&target), response.status, Sent::whole(0));
                    Outcome::Tunnel(Box::new(upstream), target)
                }
                Ok(Err(_)) | Err(Expired) => self.gone(&target),
            };
        }
        let (mut download, mut moved) = (Pump::Moving, 0);
        watch.set(now + BODY_TIMEOUT);
        let ended = poll_fn(|cx| {
            // An origin that answers before it has read all may read no more: its answer counts all the same.
            match poll_upload(cx, client, &mut upstream, body) {
                Poll::Ready(Ended::Refused(refusal)) => {
                    self.worker.tally().refuse(refusal);
                    return Poll::Ready(false);
                }
                Poll::Ready(Ended::Client) => return Poll::Ready(false),
                Poll::Ready(Ended::Origin(_)) | Poll::Pending => {}
            }
            let before = moved;
            let polled = download.poll(cx, &mut upstream, client, &mut moved);
            if let Poll::Ready(ended) = polled {
                return Poll::Ready(ended.is_ok());
            }
            if moved != before {
                watch.set(Instant::now() + BODY_TIMEOUT);
            }
            // An origin that pauses would be held for a client that is not there.
            if body.is_sent() && client.poll_gone(cx).is_ready() {
                return Poll::Ready(false);
            }
            watch.poll(cx).map(|Expired| false)
        });
        let whole = ended.await;
        let sent = Sent { bytes: moved, is_cut: !whole };
        self.count(target.balancer, Some(&target), response.status, sent);
        if !whole {
            return Outcome::Broken;
        }
        if response.keeps && body.is_sent() {
            let limit = Duration::from_secs(target.pool.upstream.idle_timeout.into());
            upstream.finish(self.worker, now, limit);
        }
        buffers::give_head(response.fields);
        if client.is_read() { Outcome::Done } else { Outcome::Unread }
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

/// The other end, or whom a trusted one names.
fn client_of(head: &RequestHead, peer: &Peer) -> IpAddr {
    if !peer.is_trusted {
        return peer.address;
    }
    let named = head.fields.first(Known::CfConnectingIp).and_then(address);
    let first = || head.fields.members(Known::XForwardedFor).next().and_then(address);
    named.or_else(first).unwrap_or(peer.address)
}

/// Some write the port behind it, and IPv6 in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    text.parse().ok().or_else(bare).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_port() {
        let check = |text: &str, want: Option<&str>| {
            let want = want.map(|want| want.parse().unwrap());
            assert_eq!(address(text.as_bytes()), want, "{text}");
        };
        check(" 192.0.2.1 ", Some("192.0.2.1"));
        check("192.0.2.1:443", Some("192.0.2.1"));
        check("2001:db8::1", Some("2001:db8::1"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        check("[2001:db8::1]:443", Some("2001:db8::1"));
        for other in ["", "unknown", "192.0.2.1:", "192.0.2.1:http", "[192.0.2.1", "_hidden"] {
            check(other, None);
        }
    }
}
