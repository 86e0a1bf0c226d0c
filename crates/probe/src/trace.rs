//! A try as it goes: which part is under way, what was seen, and who wants to hear of it at once.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;
use trimtab_model::words;

use crate::{FirstBytes, Phase, Phases};

words! {
    /// What happened.
    StepKind {
        Try = "try",
        Resolved = "resolved",
        Connected = "connected",
        Secured = "secured",
        Sent = "sent",
        Answered = "answered",
        Redirected = "redirected",
        Judged = "judged",
    }
}

/// One thing that a probe did or saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the probe began.
    pub at: Duration,
    pub kind: StepKind,
    pub text: String,
}

/// Who is told of each step.
pub type Listener<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Says at any time which part is under way, so that a time limit knows what it cut off.
pub(crate) struct Trace<'a> {
    phases: Phases,
    phase: Phase,
    since: Instant,
    answer: FirstBytes,
    /// When the probe began, and who listens.
    told: Option<(Instant, Listener<'a>)>,
}

// === impl Trace ===

impl<'a> Trace<'a> {
    pub(crate) fn start(phase: Phase, told: Option<(Instant, Listener<'a>)>) -> Trace<'a> {
        let (phases, answer) = (Phases::default(), FirstBytes::default());
        Trace { phases, phase, since: Instant::now(), answer, told }
    }

    pub(crate) fn enter(&mut self, next: Phase) {
        let now = Instant::now();
        self.phases.add(self.phase, now.saturating_duration_since(self.since));
        (self.phase, self.since) = (next, now);
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Costs nothing while nobody listens.
    pub(crate) fn step(&mut self, kind: StepKind, text: impl Display) {
        if let Some((began, listener)) = &mut self.told {
            listener(Step { at: began.elapsed(), kind, text: text.to_string() });
        }
    }

    /// Remembers how an answer begins, in place of what was remembered before.
    pub(crate) fn answer(&mut self, bytes: &[u8]) {
        self.answer = FirstBytes::of(bytes);
    }

    pub(crate) fn stop(mut self) -> (Phases, FirstBytes) {
        self.phases.add(self.phase, self.since.elapsed());
        (self.phases, self.answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn phases_add_up_over_redirects_and_looking_up_is_not_round_trip_time() {
        let mut watch = Trace::start(Phase::Resolve, None);
        for (phase, took) in [
            (Phase::Connect, 1),
            (Phase::FirstByte, 10),
            (Phase::Resolve, 100),
            (Phase::Connect, 1000),
            (Phase::FirstByte, 20),
            (Phase::Silence, 7),
        ] {
            advance(took * MS).await;
            watch.enter(phase);
        }
        advance(500 * MS).await;
        assert_eq!(watch.phase(), Phase::Silence);
        let (phases, _) = watch.stop();
        let want = Phases {
            resolve: Some(1001 * MS),
            connect: Some(30 * MS),
            tls: None,
            first_byte: Some(107 * MS),
            body: None,
            silence: Some(500 * MS),
        };
        assert_eq!(phases, want);
        assert_eq!(phases.rtt(), 137 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn who_listens_hears_each_step_with_its_time() {
        let mut heard = Vec::new();
        let mut listener = |step| heard.push(step);
        let mut trace = Trace::start(Phase::Resolve, Some((Instant::now(), &mut listener)));
        trace.step(StepKind::Resolved, "192.0.2.1");
        advance(3 * MS).await;
        trace.step(StepKind::Connected, format_args!("to {}", 1));
        let step = |at, kind, text: &str| Step { at, kind, text: text.to_owned() };
        let want = [
            step(Duration::ZERO, StepKind::Resolved, "192.0.2.1"),
            step(3 * MS, StepKind::Connected, "to 1"),
        ];
        assert_eq!(heard, want);
    }
}
