//! One timer for a connection: deadlines move with every message, the timer only when it goes off too soon.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The current deadline, and a timer that goes off at it or before.
#[derive(Debug)]
pub(crate) struct Watch {
    until: Instant,
    armed: Pin<Box<Sleep>>,
}

/// The deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired;

// === impl Watch ===

impl Watch {
    pub(crate) fn new(limit: Duration) -> Watch {
        let until = Instant::now() + limit;
        Watch { until, armed: Box::pin(sleep_until(until)) }
    }

    /// From now on the deadline is this one.
    pub(crate) fn set(&mut self, until: Instant) {
        self.until = until;
        if until < self.armed.deadline() {
            self.armed.as_mut().reset(until);
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Expired> {
        loop {
            std::task::ready!(self.armed.as_mut().poll(cx));
            if self.armed.deadline() >= self.until {
                return Poll::Ready(Expired);
            }
            self.armed.as_mut().reset(self.until);
        }
    }

    /// What `poll` becomes, unless the deadline passes first.
    pub(crate) async fn within<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Expired> {
        poll_fn(|cx| match poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => self.poll(cx).map(Err),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moves_on_is_kept_to() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(10));
        watch.set(start + Duration::from_secs(30));
        assert_eq!(watch.within(|_| Poll::<()>::Pending).await, Err(Expired));
        assert_eq!(start.elapsed().as_secs(), 30);
        watch.set(start + Duration::from_secs(90));
        watch.set(start + Duration::from_secs(40));
        assert_eq!(watch.within(|_| Poll::<()>::Pending).await, Err(Expired));
        assert_eq!(start.elapsed().as_secs(), 40);
        assert_eq!(watch.within(|_| Poll::Ready(1)).await, Ok(1));
    }
}
