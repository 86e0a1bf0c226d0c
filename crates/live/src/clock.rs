//! Where moments come from: this process's reading of the monotonic clock.

use std::sync::LazyLock;
use std::time::Instant;

use trimtab_model::Moment;

/// The first reading of this process.
static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
/// The moment of the first reading, far enough from zero that what was seen before a restart has its moments too.
const AT_FIRST: Moment = Moment::from_nanos(1 << 62);

/// The moment it is.
pub fn now() -> Moment {
    moment(Instant::now())
}

pub fn moment(at: Instant) -> Moment {
    let first = *FIRST;
    match at.checked_duration_since(first) {
        Some(later) => AT_FIRST + later,
        None => AT_FIRST.saturating_sub(first.saturating_duration_since(at)),
    }
}

/// For timers. A moment that this machine's clock cannot tell was long ago.
pub fn instant(at: Moment) -> Instant {
    let first = *FIRST;
    let found = match at >= AT_FIRST {
        true => first.checked_add(at - AT_FIRST),
        false => first.checked_sub(AT_FIRST - at),
    };
    found.unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_and_instants_lead_to_each_other() {
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        for at in [now, now + hour] {
            assert_eq!(instant(moment(at)), at);
        }
        assert_eq!(moment(now + hour) - moment(now), hour);
    }

    #[test]
    fn what_was_before_the_process_has_its_moment_too() {
        let earlier = now().saturating_sub(Duration::from_secs(10 * 365 * 24 * 3600));
        assert!(earlier > Moment::default());
        assert!(instant(earlier) <= Instant::now());
    }
}
