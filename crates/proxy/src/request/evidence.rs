//! What is left of a request when it is over: counts, a line of the log, and what it says of its endpoint.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use trimtab_model::BalancerId;
use trimtab_model::balancer::SteeringPolicy;
use trimtab_steer::why::PoolChoice;

use super::{Outcome, Request};
use crate::access_log::{Line, Log};
use crate::choice::Target;
use crate::fault::Fault;
use crate::signals;
use crate::tally::{Class, Method, RequestKey};

/// How much of a response's body went to the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) bytes: u64,
    /// It was more.
    pub(super) is_cut: bool,
}

// === impl Sent ===

impl Sent {
    pub(super) fn whole(bytes: u64) -> Sent {
        Sent { bytes, is_cut: false }
    }
}

// === impl Request ===

impl Request<'_> {
    pub(super) fn gone(&self, target: &Target) -> Outcome {
        /// Nobody is sent it: the number by which logs know a client that left first.
        const CLIENT_CLOSED_REQUEST: u16 = 499;
        self.count(target.balancer, Some(target), CLIENT_CLOSED_REQUEST, Sent::whole(0));
        Outcome::Broken
    }

    pub(super) fn note_fault(&self, target: &Target, fault: Fault) {
        self.worker.tally().fault(target.key(), fault);
        if fault.is_of_endpoint() {
            self.worker.note_failure(target);
        }
    }

    /// The moment of it.
    pub(super) fn note_answer(&self, target: &Target, status: u16) -> Instant {
        let now = Instant::now();
        match &target.open {
            _ if signals::is_failure(status) => self.worker.note_failure(target),
            Some(open) => open.endpoint().answers(),
            None => {}
        }
        let mut tally = self.worker.tally();
        tally.session(target.balancer, target.session);
        let of_endpoint = tally.upstream.entry(target.key()).or_default();
        of_endpoint.record(now - self.started);
        now
    }

    /// Every request that a balancer has ends here, once.
    pub(super) fn count(
        &self,
        balancer: BalancerId,
        target: Option<&Target>,
        status: u16,
        sent: Sent,
    ) {
        // After a failure the last decision may be that there is nowhere else to go.
        let why = target.map(|target| target.why).or(self.why);
        let key = RequestKey {
            balancer,
            pool: target.map(|target| target.pool.hash),
            class: Class(u8::try_from(status / 100).unwrap_or(0)),
            method: Method::of(self.head.method()),
            policy: why.map_or(SteeringPolicy::Unset, |why| why.policy),
            chosen: why.map_or(PoolChoice::Nothing, |why| why.chosen),
        };
        let took = self.started.elapsed();
        let mut tally = self.worker.tally();
        *tally.requests.entry(key).or_default() += 1;
        tally.durations.entry(balancer).or_default().record(took);
        drop(tally);
        self.log(target, status, sent, took);
    }

    /// A line for one that no balancer has.
    pub(super) fn log_alone(&self, status: u16, sent: Sent) {
        self.log(None, status, sent, self.started.elapsed());
    }

    fn log(&self, target: Option<&Target>, status: u16, sent: Sent, took: Duration) {
        if let Some(log) = self.worker.shared.log.as_ref().filter(|log| log.wants(self.id)) {
            self.write(log, target, status, sent, took);
        }
    }

    fn write(&self, log: &Log, target: Option<&Target>, status: u16, sent: Sent, took: Duration) {
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
            bytes: sent.bytes,
            cut: sent.is_cut,
            duration_ms: took.as_secs_f64() * 1000.0,
            pool: target.map(|target| &*target.pool.name),
            origin: target.and_then(Target::endpoint).map(|endpoint| &*endpoint.name),
            reason: target.map(|target| target.why.chosen.label()),
            session: target.map(|target| target.session.label()),
        });
    }
}
