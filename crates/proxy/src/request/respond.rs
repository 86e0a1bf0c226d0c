//! What a client is told: an origin's response with what this node adds, or one made here.

use bytes::Bytes;
use tokio::time::Instant;
use trimtab_model::BalancerId;
use trimtab_model::balancer::FixedResponse;

use super::evidence::Sent;
use super::{Client, Outcome, Request};
use crate::choice::{Bind, Target};
use crate::exchange::Piece;
use crate::fault::Fault;
use crate::head::{Known, ResponseHead};
use crate::refusal::Refusal;
use crate::reply::{Own, Reply, date};
use crate::settings::BODY_TIMEOUT;
use crate::watch::Watch;

/// Whose request a response made here answers.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    Nobody,
    Balancer(BalancerId),
    /// The endpoint that was to answer it.
    Target(&'a Target),
}

// === impl Request ===

impl Request<'_> {
    pub(super) fn reply<C: Client>(
        &self,
        client: &mut C,
        target: &Target,
        response: &ResponseHead,
    ) {
        let cookie = match &target.bind {
            Some(Bind::Cookie(field)) => Some(field),
            Some(Bind::Header { key, held, idle_seconds }) => {
                let now = crate::worker::wall_seconds();
                self.worker.shared.sessions.keep(*key, *held, now, *idle_seconds);
                None
            }
            None => None,
        };
        let told = self.worker.shared.settings.expose.then(|| Told::of(target, self.started));
        let dated = response.status < 200 || response.fields.first(Known::Date).is_some();
        let now = (!dated).then(date);
        let mut reply = Reply::of(response, self.head);
        if let Some(now) = &now {
            reply.added.push((b"date", now.as_bytes()));
        }
        self.sign(&mut reply.added);
        if let Some(cookie) = cookie {
            reply.added.push((b"set-cookie", cookie));
        }
        reply.added.extend(told.iter().flat_map(Told::fields));
        client.reply(&reply);
    }

    /// A response made here.
    pub(super) async fn answer<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
        of: Of<'_>,
        own: Own,
    ) -> Outcome {
        let (texts, to_head) = (own.texts(), self.head.is_head());
        let sent = Sent::whole(if to_head { 0 } else { own.body.len() as u64 });
        match of {
            Of::Nobody => self.log_alone(own.status, sent),
            Of::Balancer(balancer) => self.count(balancer, None, own.status, sent),
            Of::Target(target) => self.count(target.balancer, Some(target), own.status, sent),
        }
        let mut reply = Reply { to_head, ..own.head(&texts) };
        self.sign(&mut reply.added);
        client.reply(&reply);
        let body = if to_head { Bytes::new() } else { own.body.clone() };
        if send_own(client, body, watch).await {
            if client.is_read() { Outcome::Done } else { Outcome::Unread }
        } else {
            Outcome::Broken
        }
    }

    /// The client's body is none.
    pub(super) async fn refuse<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
        target: &Target,
        refusal: Refusal,
    ) -> Outcome {
        self.worker.tally().refuse(refusal);
        match self.answer(client, watch, Of::Target(target), Own::refusal(refusal)).await {
            Outcome::Unread => Outcome::Garbled,
            outcome => outcome,
        }
    }

    /// RFC 9110 section 15.5.20: nobody here answers for that host.
    pub(super) async fn misdirected<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
    ) -> Outcome {
        self.worker.tally().unknown_hosts += 1;
        let own = Own::text(421, "no load balancer of this node has that host");
        self.answer(client, watch, Of::Nobody, own).await
    }

    pub(super) async fn fail<C: Client>(
        &self,
        client: &mut C,
        watch: &mut Watch,
        of: Of<'_>,
        fault: Fault,
    ) -> Outcome {
        let mut accepts = self.head.fields.values(Known::Accept);
        let wants_json =
            accepts.any(|value| memchr::memmem::find(value, b"application/json").is_some());
        let ray = String::from_utf8_lossy(&self.ray);
        let own = Own::fault(fault, &ray, wants_json);
        self.answer(client, watch, of, own).await
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

pub(super) fn fixed_response(fixed: FixedResponse) -> Own {
    let status = fixed.status();
    // Whatever the rule says, these have no content (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
    let has_content = !matches!(status, 204 | 205 | 304);
    Own {
        status,
        content_type: fixed.content_type.unwrap_or_else(|| "text/plain".into()).into(),
        location: fixed.location.map(Bytes::from),
        body: fixed.message_body.filter(|_| has_content).unwrap_or_default().into(),
        retry_after: None,
        allow: None,
    }
}

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
