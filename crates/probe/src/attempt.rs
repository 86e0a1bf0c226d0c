//! What one try of a probe brought, and where its time went.

use std::error::Error;
use std::time::Duration;

use trimtab_connect::Source;
use trimtab_health::{Evidence, Outcome};

use crate::{Check, FirstBytes, ProbeError, repeat};

/// The parts of a try, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Resolve,
    Connect,
    Tls,
    /// From the request to the head of the answer.
    FirstByte,
    Body,
    /// Waiting for an error that should not come: it says nothing of how far away the endpoint is.
    Silence,
}

/// How long each part took; None when it did not happen. Redirects add to the same parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    pub resolve: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub body: Option<Duration>,
    pub silence: Option<Duration>,
}

/// The try that decided: the first that passed, or the last.
#[derive(Debug)]
pub struct Attempt {
    /// The status of the answer; 0 where the protocol has none.
    pub result: Result<u16, ProbeError>,
    pub phases: Phases,
    /// This one counted.
    pub tries: u32,
    /// How the answer of a try that failed began.
    pub answer: FirstBytes,
}

// === impl Attempt ===

impl Attempt {
    /// The failure with every cause, outermost first; None for a pass.
    pub fn why(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        let (mut text, mut next) = (error.to_string(), error.source());
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        Some(text)
    }

    /// What a failure can be found out by, and where it was seen from; None for a pass.
    pub fn evidence(&self, check: &Check<'_>, source: Source) -> Option<Evidence> {
        Some(Evidence {
            error: self.why()?.into(),
            phases: self.phases.named().collect(),
            tries: self.tries,
            answer: self.answer.bytes().into(),
            repeat: repeat(check, source).into(),
        })
    }

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

// === impl Phases ===

impl Phases {
    /// From the start of the connection to the verdict: everything but finding the address and
    /// waiting in silence, which say nothing about the endpoint.
    pub fn rtt(&self) -> Duration {
        let Phases { resolve: _, connect, tls, first_byte, body, silence: _ } = *self;
        [connect, tls, first_byte, body].into_iter().flatten().sum()
    }

    /// Those that happened, in their order.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let Phases { resolve, connect, tls, first_byte, body, silence } = *self;
        let all = [
            ("resolve", resolve),
            ("connect", connect),
            ("tls", tls),
            ("first_byte", first_byte),
            ("body", body),
            ("silence", silence),
        ];
        all.into_iter().filter_map(|(name, took)| Some((name, took?)))
    }

    pub(crate) fn add(&mut self, phase: Phase, took: Duration) {
        let part = match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::FirstByte => &mut self.first_byte,
            Phase::Body => &mut self.body,
            Phase::Silence => &mut self.silence,
        };
        *part = Some(part.unwrap_or_default().saturating_add(took));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use trimtab_health::{FailureReason, Passed};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn semantics_1_a_fail_has_a_round_trip_time_only_when_something_answered() {
        let phases = Phases { connect: Some(MS), first_byte: Some(MS), ..Phases::default() };
        let check = |result, passed, reason, response_code, rtt| {
            let answer = FirstBytes::default();
            let outcome = Attempt { result, phases, tries: 1, answer }.outcome();
            assert_eq!(outcome, Outcome { passed, reason, response_code, rtt });
        };
        check(Ok(204), Passed::Pass, FailureReason::None, 204, Some(2 * MS));
        let wrong = Err(ProbeError::WrongStatus { status: 503 });
        check(wrong, Passed::Fail, FailureReason::CodeMismatch, 503, Some(2 * MS));
        let other = Err(ProbeError::Broken(io::ErrorKind::InvalidData.into()));
        check(other, Passed::Fail, FailureReason::Other, 0, None);
    }

    #[test]
    fn a_failure_is_told_with_every_cause() {
        let told = |result| {
            let (phases, answer) = (Phases::default(), FirstBytes::default());
            Attempt { result, phases, tries: 1, answer }.why()
        };
        assert_eq!(told(Ok(200)), None);
        let broken = ProbeError::Broken(io::Error::other("cable cut"));
        let want = "connection broke off during the exchange: cable cut";
        assert_eq!(told(Err(broken)).as_deref(), Some(want));
    }
}
