//! How many requests one endpoint has at a time, and how many wait for their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// The places of one endpoint.
#[derive(Debug, Default)]
pub struct Places {
    taken: AtomicU32,
    waiting: AtomicU32,
    freed: Notify,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct Place(Arc<Places>);

/// One of those that wait.
struct Waiting<'a>(&'a Places);

// === impl Places ===

impl Places {
    /// Waits for a place among `most`. None when `waiting_most` wait already; how long one waits is the caller's affair.
    pub async fn take(self: &Arc<Places>, most: u32, waiting_most: u32) -> Option<Place> {
        if let Some(place) = self.try_take(most) {
            return Some(place);
        }
        let _waiting = Waiting::new(self, waiting_most)?;
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.try_take(most) {
                return Some(place);
            }
            freed.await;
        }
    }

    fn try_take(self: &Arc<Places>, most: u32) -> Option<Place> {
        add_below(&self.taken, most).then(|| Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        if self.0.waiting.load(Ordering::Acquire) > 0 {
            self.0.freed.notify_one();
        }
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(places: &'a Places, most: u32) -> Option<Waiting<'a>> {
        add_below(&places.waiting, most).then(|| Waiting(places))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
        // It may have been told of a place and left without taking it.
        self.0.freed.notify_one();
    }
}

fn add_below(count: &AtomicU32, most: u32) -> bool {
    let more = |count: u32| (count < most).then_some(count + 1);
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn places_are_given_one_by_one_and_so_are_those_in_the_queue() {
        let cx = &mut Context::from_waker(Waker::noop());
        let places = Arc::<Places>::default();
        let taken = |polled: Poll<Option<Place>>| match polled {
            Poll::Ready(Some(place)) => Some(place),
            Poll::Ready(None) => panic!("refused"),
            Poll::Pending => None,
        };
        let first = taken(pin!(places.take(1, 2)).poll(cx)).unwrap();
        let (mut second, mut third) = (pin!(places.take(1, 2)), pin!(places.take(1, 2)));
        assert!(taken(second.as_mut().poll(cx)).is_none());
        assert!(taken(third.as_mut().poll(cx)).is_none());
        assert!(matches!(pin!(places.take(1, 2)).poll(cx), Poll::Ready(None)), "the queue is full");
        drop(first);
        let place = taken(second.as_mut().poll(cx)).unwrap();
        assert!(taken(third.as_mut().poll(cx)).is_none());
        drop(place);
        drop(taken(third.as_mut().poll(cx)).unwrap());
        let counts = [&places.taken, &places.waiting].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 0]);
    }

    #[test]
    fn who_leaves_the_queue_lets_the_next_one_know() {
        let cx = &mut Context::from_waker(Waker::noop());
        let places = Arc::<Places>::default();
        let Poll::Ready(Some(first)) = pin!(places.take(1, 2)).poll(cx) else { panic!("taken") };
        let mut second = Box::pin(places.take(1, 2));
        let mut third = pin!(places.take(1, 2));
        assert!(second.as_mut().poll(cx).is_pending());
        assert!(third.as_mut().poll(cx).is_pending());
        drop(first);
        drop(second);
        assert!(third.as_mut().poll(cx).is_ready());
    }
}
