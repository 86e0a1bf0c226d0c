use super::*;
use std::sync::Arc;
use trimtab_health::Thresholds;

fn observers(clocks: Clocks) -> Observers {
    Observers::new(Vec::new(), clocks.monotonic)
}

fn seen(clocks: Clocks) -> Observation {
    let limits = Thresholds::new(2, 2);
    let fail = Outcome::fail(FailureReason::CodeMismatch, 503, None);
    Observation::unknown(clocks.monotonic)
        .after(Outcome::pass(200, Duration::from_millis(12)), limits, clocks.monotonic)
        .after(fail, limits, clocks.monotonic)
}

#[test]
fn what_was_known_survives_a_restart_by_the_wall_clock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.bin");
    let before = Clocks::now();
    let mut observers = observers(before);
    let (pool, pop) = (PoolId::new([7; 16]), "FRA".parse().unwrap());
    observers.restore((pool, 5), (MonitorId::new([3; 16]), pop), seen(before));
    let hosts = Hosts::from([
        ("a.example".parse().unwrap(), Arc::from([IpAddr::from([192, 0, 2, 1])])),
        ("never.example".parse().unwrap(), Arc::default()),
    ]);
    Saved::of(&observers, &hosts, &Rulings::default(), before).write(&path).unwrap();

    let hour = Duration::from_secs(3600);
    let after = Clocks { monotonic: before.monotonic + hour, wall: before.wall + hour };
    let mut restored = self::observers(after);
    let read = Saved::read(&path).unwrap().unwrap();
    read.restore(&mut restored, after);
    assert_eq!(read.hosts().into_iter().collect::<Vec<_>>(), [hosts.into_iter().next().unwrap()]);
    let (_, _, found) = restored.all().next().unwrap();
    assert_eq!(found.state, State::Up { fails: 1, passes: 0 });
    assert_eq!(
        found.last.map(|last| (last.reason, last.response_code)),
        Some((FailureReason::CodeMismatch, 503))
    );
    assert_eq!(found.rtt.map(|rtt| rtt.value().as_millis()), Some(12));
    let ago = after.monotonic.saturating_duration_since(found.since);
    assert!(ago.abs_diff(hour) < Duration::from_millis(1), "{ago:?}");
}

#[test]
fn a_file_from_before_host_names_were_resolved_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.bin");
    let body = r#"{"endpoints":[]}"#;
    std::fs::write(&path, format!("{FORMAT} {:016x}\n{body}", checksum(body.as_bytes()))).unwrap();
    assert_eq!(Saved::read(&path).unwrap(), Some(Saved::default()));
}

#[test]
fn a_file_that_is_not_whole_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.bin");
    assert_eq!(Saved::read(&path).unwrap(), None, "no file is no error");
    Saved::default().write(&path).unwrap();
    assert_eq!(Saved::read(&path).unwrap(), Some(Saved::default()));
    let whole = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8], want: &str| {
        std::fs::write(&path, bytes).unwrap();
        let refused = Saved::read(&path).unwrap_err().to_string();
        assert!(refused.contains(want), "{refused}");
    };
    check(&whole[..whole.len() - 1], "is damaged");
    check(&[&whole[..whole.len() - 1], b" "].concat(), "is damaged");
    check(b"", "is not of format");
    check(b"trimtab-snapshot-2 00\n{}", "is not of format");
}
