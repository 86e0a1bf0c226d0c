use std::time::Duration;

use super::*;

#[test]
fn semantics_27_ttl_never_outlives_the_decision_and_is_never_zero() {
    let check = |configured, flip_in_millis: Option<u64>, want| {
        let flip = flip_in_millis.map(Duration::from_millis).map_or(Wait::FOREVER, Wait::from);
        assert_eq!(bounded_ttl(configured, flip), want, "{configured} {flip_in_millis:?}");
    };
    check(30, None, 30);
    check(30, Some(60_000), 30);
    check(30, Some(30_000), 30);
    check(30, Some(29_999), 29);
    check(30, Some(1_500), 1);
    check(30, Some(999), 1);
    check(30, Some(0), 1);
    check(0, None, 1);
}
