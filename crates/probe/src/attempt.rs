//! What one try of a probe brought, and where its time went.

use std::time::Duration;

use tokio::time::Instant;
use trimtab_health::{Evidence, Outcome};

use crate::{Check, ProbeError};

/// The parts of a try, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Resolve,
    Connect,
    Tls,
    /// From the request to the head of the answer.
    FirstByte,
    Body,
}

/// How long each part took; None when it did not happen. Redirects add to the same parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    pub resolve: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub body: Option<Duration>,
}

/// The try that decided: the first that passed, or the last.
#[derive(Debug)]
pub struct Attempt {
    /// The status of the answer; 0 where the protocol has none.
    pub result: Result<u16, ProbeError>,
    pub phases: Phases,
    /// This one counted.
    pub tries: u32,
}

/// Says at any time which part is under way, so that a time limit knows what it cut off.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    phases: Phases,
    phase: Phase,
    since: Instant,
}

// === impl Attempt ===

impl Attempt {
    pub fn outcome(&self) -> Outcome {
        let rtt = self.phases.rtt();
        match &self.result {
            Ok(status) => Outcome::pass(*status, rtt),
            Err(error) => {
                let status = error.status();
                Outcome::fail(error.reason(), status.unwrap_or(0), status.map(|_| rtt))
            }
        }
    }
}

impl Attempt {
    /// What a failure can be found out by; None for a pass.
    pub fn evidence(&self, _check: &Check<'_>) -> Option<Evidence> {
        let error = self.result.as_ref().err()?;
        Some(Evidence {
            error: chain(error).into(),
            phases: self.phases.named().collect(),
            tries: self.tries,
            answer: Box::new([]),
            repeat: "".into(),
        })
    }
}

/// An error with its causes, each once.
fn chain(error: &ProbeError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

// === impl Phases ===

impl Phases {
    /// From the start of the connection to the verdict: everything but finding the address, which
    /// says nothing about the endpoint.
    pub fn rtt(&self) -> Duration {
        let Phases { resolve: _, connect, tls, first_byte, body } = *self;
        [connect, tls, first_byte, body].into_iter().flatten().sum()
    }

    /// Those that happened, in their order.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let Phases { resolve, connect, tls, first_byte, body } = *self;
        let all = [
            ("resolve", resolve),
            ("connect", connect),
            ("tls", tls),
            ("first_byte", first_byte),
            ("body", body),
        ];
        all.into_iter().filter_map(|(name, took)| Some((name, took?)))
    }

    fn add(&mut self, phase: Phase, took: Duration) {
        let part = match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::FirstByte => &mut self.first_byte,
            Phase::Body => &mut self.body,
        };
        *part = Some(part.unwrap_or_default().saturating_add(took));
    }
}

// === impl Stopwatch ===

impl Stopwatch {
    pub(crate) fn start(phase: Phase) -> Stopwatch {
        Stopwatch { phases: Phases::default(), phase, since: Instant::now() }
    }

    pub(crate) fn enter(&mut self, next: Phase) {
        let now = Instant::now();
        self.phases.add(self.phase, now.saturating_duration_since(self.since));
        (self.phase, self.since) = (next, now);
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn stop(mut self) -> Phases {
        self.phases.add(self.phase, self.since.elapsed());
        self.phases
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::time::advance;
    use trimtab_health::{FailureReason, Passed};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn phases_add_up_over_redirects_and_looking_up_is_not_round_trip_time() {
        let mut watch = Stopwatch::start(Phase::Resolve);
        for (phase, took) in [
            (Phase::Connect, 1),
            (Phase::FirstByte, 10),
            (Phase::Resolve, 100),
            (Phase::Connect, 1000),
            (Phase::FirstByte, 20),
        ] {
            advance(took * MS).await;
            watch.enter(phase);
        }
        advance(7 * MS).await;
        assert_eq!(watch.phase(), Phase::FirstByte);
        let phases = watch.stop();
        let want = Phases {
            resolve: Some(1001 * MS),
            connect: Some(30 * MS),
            tls: None,
            first_byte: Some(107 * MS),
            body: None,
        };
        assert_eq!(phases, want);
        assert_eq!(phases.rtt(), 137 * MS);
    }

    #[test]
    fn semantics_1_a_fail_has_a_round_trip_time_only_when_something_answered() {
        let phases = Phases { connect: Some(MS), first_byte: Some(MS), ..Phases::default() };
        let check = |result, passed, reason, response_code, rtt| {
            let outcome = Attempt { result, phases, tries: 1 }.outcome();
            assert_eq!(outcome, Outcome { passed, reason, response_code, rtt });
        };
        check(Ok(204), Passed::Pass, FailureReason::None, 204, Some(2 * MS));
        let wrong = Err(ProbeError::WrongStatus { status: 503 });
        check(wrong, Passed::Fail, FailureReason::CodeMismatch, 503, Some(2 * MS));
        let other = Err(ProbeError::Broken(io::ErrorKind::InvalidData.into()));
        check(other, Passed::Fail, FailureReason::Other, 0, None);
    }
}
