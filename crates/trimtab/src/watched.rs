//! Probes that the API tells step by step, in its words.

use std::time::Duration;

use futures_util::StreamExt;
use trimtab_api::{ProbePort, Watched};
use trimtab_api_types::v1::health::Rtt;
use trimtab_api_types::v1::probe::{ProbeLine, ProbePhases, ProbeVerdict, VERDICT};
use trimtab_health::Passed;
use trimtab_live::Target;
use trimtab_model::Pop;
use trimtab_probe::{Attempt, News, Phases, Simulate, Told, Trial, Uplinks};

pub(crate) fn port(uplinks: Uplinks, simulate: Option<Simulate>) -> ProbePort {
    std::sync::Arc::new(move |watched: Watched| {
        let Watched { monitor, pool, targets, pop } = watched;
        let way =
            |target: &Target| simulate.as_ref().map_or(Duration::ZERO, |way| way(pop, target));
        let delayed = targets.iter().map(|target| (target.clone(), way(target))).collect();
        let trial = Trial { monitor, pool, targets: delayed };
        let told = trimtab_probe::watch(uplinks.of(pop).clone(), trial);
        Box::pin(told.filter_map(move |told| {
            // A target that is not there is told nothing of.
            let line = targets.get(told.target).map(|target| line(target, pop, told));
            std::future::ready(line)
        }))
    })
}

fn line(target: &Target, pop: Pop, told: Told) -> ProbeLine {
    let (at, step, text, verdict) = match told.news {
        News::Step(step) => (step.at, step.kind.word(), step.text, None),
        News::Verdict { attempt, took, repeat } => {
            let verdict = verdict(&attempt, repeat);
            let text = attempt.why().unwrap_or_else(|| verdict.failure_reason.clone());
            (took, VERDICT, text, Some(verdict))
        }
    };
    ProbeLine {
        origin: target.name.to_string(),
        address: target.address.to_string(),
        pop,
        at_ms: millis(at),
        step,
        text,
        verdict,
    }
}

fn verdict(attempt: &Attempt, repeat: String) -> ProbeVerdict {
    let outcome = attempt.outcome();
    let answer = &attempt.answer;
    ProbeVerdict {
        healthy: outcome.passed == Passed::Pass,
        failure_reason: outcome.reason.word().into(),
        response_code: outcome.response_code,
        rtt: Rtt(outcome.rtt.unwrap_or_default()),
        tries: attempt.tries,
        phases: phases(attempt.phases),
        answer: (!answer.is_empty()).then(|| answer.to_string()),
        repeat,
    }
}

fn phases(phases: Phases) -> ProbePhases {
    let Phases { resolve, connect, tls, first_byte, body, silence } = phases;
    ProbePhases {
        resolve: resolve.map(millis),
        connect: connect.map(millis),
        tls: tls.map(millis),
        first_byte: first_byte.map(millis),
        body: body.map(millis),
        silence: silence.map(millis),
    }
}

/// To the microsecond: what is finer is noise.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
