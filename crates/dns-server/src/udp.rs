//! One UDP thread: a batch in, the current snapshot, every answer, a batch out.

use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trimtab_dns::{Outcome, Scratch, Transport, answer};
use trimtab_live::{Reader, Sampling, clock};
use trimtab_net::udp::{Batch, Received, Served};

use crate::counters::Shared;
use crate::dice::Seeded;
use crate::sample::{Sample, Sampler};
use crate::tally::Tally;

/// Everything one thread owns.
pub(crate) struct Thread {
    pub(crate) socket: UdpSocket,
    pub(crate) snapshots: Reader,
    pub(crate) counters: Arc<Shared>,
    pub(crate) sampling: Option<Sampling<Sample>>,
    pub(crate) stop: Arc<AtomicBool>,
}

// === impl Thread ===

impl Thread {
    /// Until told to stop. A panic drops its batch, is counted, and the thread goes on.
    pub(crate) fn run(mut self) {
        let mut batch = Batch::new();
        let mut scratch = Scratch::new();
        let mut dice = Seeded::new();
        let mut tally = Tally::new(Arc::clone(&self.counters));
        let mut sampler = Sampler::new(self.sampling.take());
        while !self.stop.load(Ordering::Relaxed) {
            let received = match batch.receive(&self.socket) {
                Ok(received) => received,
                Err(error) => {
                    tally.receive_failed(&error);
                    continue;
                }
            };
            if received.is_empty() {
                tally.flush();
                continue;
            }
            let serving = AssertUnwindSafe(|| {
                let chance = (&mut dice, &mut sampler);
                serve(received, &mut self.snapshots, &mut scratch, chance, &mut tally)
            });
            match catch_unwind(serving) {
                Ok(served) => tally.served(&served),
                Err(_shown_by_the_panic_hook) => tally.panicked(),
            }
        }
        tally.flush();
    }
}

/// One clock reading and one snapshot for the whole batch: a batch takes less than a millisecond.
fn serve(
    received: Received<'_>,
    snapshots: &mut Reader,
    scratch: &mut Scratch,
    (dice, sampler): (&mut Seeded, &mut Sampler),
    tally: &mut Tally,
) -> Served {
    let now = clock::now();
    let snapshot = snapshots.load();
    let view = snapshot.view();
    tally.tick(now);
    received.serve(|query, from, out| {
        let drawn = dice.draw();
        let outcome = answer(query, from, Transport::Udp, &view, now, drawn, scratch, out);
        tally.answered(Transport::Udp, &outcome);
        if sampler.wants(&outcome, drawn) {
            let sample = Sample {
                snapshot: Arc::clone(snapshot),
                now,
                dice: drawn,
                from,
                via: Transport::Udp,
                query: query.into(),
                reply: out.get(..outcome.reply_len()).unwrap_or(&[]).into(),
            };
            sampler.take(sample, &outcome);
        }
        match outcome {
            Outcome::Reply { len, .. } => Some(len),
            Outcome::Drop(_) => None,
        }
    })
}
