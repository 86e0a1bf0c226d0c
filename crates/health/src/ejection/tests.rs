use super::*;

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn out(since: u64, times: u32) -> Ejection {
    Ejection::Out { since: at(since), times }
}

fn back(since: u64, times: u32) -> Ejection {
    Ejection::Back { since: at(since), times }
}

#[test]
fn semantics_40_every_ejection_and_signal() {
    use Ejection::In;
    use Signal::{Elapsed, Failing, Passed};
    for (state, signal, now, want) in [
        (In, Failing, 100, out(100, 1)),
        (In, Passed, 100, In),
        (In, Elapsed, 100, In),
        (out(100, 1), Failing, 101, out(100, 1)),
        // A pass of the same moment may be of before.
        (out(100, 1), Passed, 99, out(100, 1)),
        (out(100, 1), Passed, 100, out(100, 1)),
        (out(100, 1), Passed, 101, back(101, 1)),
        (out(100, 1), Elapsed, 129, out(100, 1)),
        (out(100, 1), Elapsed, 130, back(130, 1)),
        (out(100, 2), Elapsed, 159, out(100, 2)),
        (out(100, 2), Elapsed, 160, back(160, 2)),
        (back(130, 1), Failing, 131, out(131, 2)),
        (back(130, 3), Failing, 429, out(429, 4)),
        (back(130, 3), Failing, 430, out(430, 1)),
        (back(130, 3), Passed, 131, back(130, 3)),
        (back(130, 3), Elapsed, 999, back(130, 3)),
    ] {
        assert_eq!(state.after(signal, at(now)), want, "{state:?} after {signal:?} at {now}");
    }
}

#[test]
fn semantics_40_each_ejection_in_a_row_lasts_twice_as_long_up_to_five_minutes() {
    let mut state = Ejection::In;
    let mut now = at(0);
    let mut lasted = Vec::new();
    for _ in 0..6 {
        state = state.after(Signal::Failing, now);
        let end = state.ends().unwrap();
        lasted.push((end - now).as_secs());
        state = state.after(Signal::Elapsed, end);
        now = end + Duration::from_secs(1);
    }
    assert_eq!(lasted, [30, 60, 120, 240, 300, 300]);
    assert_eq!(lasting(u32::MAX), EJECTED_MAX);
}

/// `u`p, `d`own, `n`ot monitored; upper case is ejected as well, `x` is up, ejected and disabled. Which are out then.
fn applied(endpoints: &str) -> String {
    let verdict = |letter: char| match letter.to_ascii_lowercase() {
        'd' => Verdict::Down,
        'n' => Verdict::Unmonitored,
        _ => Verdict::Up,
    };
    let mut health: Vec<EndpointHealth> = endpoints
        .chars()
        .map(|letter| EndpointHealth { verdict: verdict(letter), ..EndpointHealth::unmonitored() })
        .collect();
    let enabled: Vec<bool> = endpoints.chars().map(|letter| letter != 'x').collect();
    let is_out = |letter: char| letter.is_ascii_uppercase() || letter == 'x';
    let ejections: Vec<Ejection> = endpoints
        .chars()
        .map(|letter| if is_out(letter) { out(100, 1) } else { Ejection::In })
        .collect();
    apply(&mut health, &enabled, &ejections);
    let told = endpoints.chars().zip(&health).map(|(letter, health)| match health.verdict {
        Verdict::Ejected { until } => {
            assert_eq!((until, health.since), (at(130), Some(at(100))));
            '!'
        }
        Verdict::Up | Verdict::Down | Verdict::Unknown | Verdict::Unmonitored => letter,
    });
    told.collect()
}

#[test]
fn semantics_40_at_most_half_are_out_and_never_the_last_that_serves() {
    for (endpoints, want) in [
        ("Uu", "!u"),
        ("uUu", "u!u"),
        ("UUu", "!Uu"),
        ("UUUu", "!!Uu"),
        ("U", "U"),
        ("UU", "!U"),
        ("Ud", "Ud"),
        ("UUdd", "!Udd"),
        ("Nn", "!n"),
        ("N", "N"),
        // Probes have the better word.
        ("Du", "Du"),
        ("DUuu", "D!uu"),
        // Who is disabled counts for nothing and stays out.
        ("xUu", "!!u"),
        ("xU", "!U"),
    ] {
        assert_eq!(applied(endpoints), want, "{endpoints}");
    }
}

#[test]
fn who_comes_back_is_up_since_then() {
    let check = |verdict, since: Option<u64>, ejection, want: Option<u64>| {
        let one = EndpointHealth { verdict, since: since.map(at), ..EndpointHealth::unmonitored() };
        let mut two = [one, EndpointHealth::unmonitored()];
        apply(&mut two, &[true, true], &[ejection, Ejection::In]);
        assert_eq!(two[0].since, want.map(at), "{verdict:?} {ejection:?}");
    };
    check(Verdict::Up, Some(5), back(130, 1), Some(130));
    check(Verdict::Up, Some(200), back(130, 1), Some(200));
    check(Verdict::Unmonitored, None, back(130, 1), Some(130));
    check(Verdict::Down, Some(5), back(130, 1), Some(5));
    check(Verdict::Up, Some(5), Ejection::In, Some(5));
}
