//! What requests say of endpoints: answers that are none, counted in a row, and told to whoever judges.

use tokio::sync::mpsc::Sender;
use trimtab_live::{EndpointLoad, Event, Passive};
use trimtab_model::Moment;
use trimtab_steer::Pool;

/// What became of one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Told {
    /// Not enough in a row, or the pool ejects nobody.
    Nothing,
    Failing,
    /// Nobody had room for it; the next failures in a row tell it again.
    Dropped,
}

/// Its gateway's answers, made where it could not reach what it stands for.
pub(crate) const fn is_failure(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// Counts one failure of an endpoint of that pool.
pub(crate) fn fails(load: &EndpointLoad, pool: &Pool, to: &Sender<Event>, at: Moment) -> Told {
    if !load.fails() || !pool.upstream.ejection {
        return Told::Nothing;
    }
    let passive = Passive { pool: pool.id, endpoint: load.key, at };
    match to.try_send(Event::Passive(passive)) {
        Ok(()) => Told::Failing,
        Err(_) => Told::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use trimtab_health::PoolHealth;
    use trimtab_model::pool::Upstream;

    use super::*;

    fn pool(ejection: bool) -> Pool {
        let upstream = Some(Box::new(Upstream { ejection, ..Upstream::default() }));
        let config = trimtab_model::Pool { upstream, ..trimtab_testkit::pool() };
        let endpoints = config.origins.len();
        Pool::build(&config, PoolHealth::unmonitored(endpoints))
    }

    #[test]
    fn semantics_40_five_failures_in_a_row_are_one_signal_and_a_full_channel_is_counted() {
        use Told::{Dropped, Failing, Nothing};
        let (sender, mut receiver) = mpsc::channel(1);
        let (load, at) = (EndpointLoad::new(7), Moment::from_nanos(9));
        let five = |pool: &Pool| [0; 5].map(|_| fails(&load, pool, &sender, at));
        let pools = [true, false].map(pool);
        assert_eq!(five(&pools[0]), [Nothing, Nothing, Nothing, Nothing, Failing]);
        assert_eq!(five(&pools[0]), [Nothing, Nothing, Nothing, Nothing, Dropped]);
        let Ok(Event::Passive(passive)) = receiver.try_recv() else { panic!("no signal") };
        assert_eq!(passive, Passive { pool: pools[0].id, endpoint: 7, at });
        assert_eq!(five(&pools[1]), [Nothing; 5], "a pool that ejects nobody");
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn gateway_errors_are_failures_and_others_are_answers() {
        let statuses = [101, 200, 404, 500, 501, 502, 503, 504, 505, 520];
        let failures: Vec<u16> =
            statuses.into_iter().filter(|&status| is_failure(status)).collect();
        assert_eq!(failures, [502, 503, 504]);
    }
}
