//! The same promises for what watches endpoints and speaks about them.

use super::*;
use crate::v1::overrides::{self, Writing};
use crate::v1::{HealthCheck, MonitorGroup, Override, feed, health_check, monitor_group};

pub(super) const FIELDS: &[&str] = &[
    "quorum",
    "requires",
    "of",
    "members",
    "monitor_id",
    "http_config",
    "tcp_config",
    "pattern",
    "state",
    "until",
    "duration",
    "load",
];

const WRITING: Writing<'static> = Writing { author: "me", now: LATER };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn semantics_37_a_monitor_group_put_back_changes_nothing(group in samples::monitor_group()) {
        let rendered = MonitorGroup::from(&group);
        let draft = monitor_group::read(&sent_back(&rendered)).unwrap();
        let (again, changed) = draft.onto(&group, LATER);
        prop_assert_eq!((&again, changed), (&group, false));
        let draft = monitor_group::patch(&group, &json!({})).unwrap();
        prop_assert_eq!(draft.onto(&group, LATER), (group, false));
    }

    #[test]
    fn semantics_37_an_override_put_back_changes_nothing(forced in samples::forced()) {
        let rendered = sent_back(&Override::new(&forced, LATER));
        let draft = overrides::replace(&forced, &rendered, WRITING).unwrap();
        prop_assert_eq!(draft.onto(&forced, LATER), (forced.clone(), false));
        let draft = overrides::patch(&forced, &json!({}), WRITING).unwrap();
        prop_assert_eq!(draft.onto(&forced, LATER), (forced, false));
    }

    #[test]
    fn semantics_37_a_health_check_put_back_changes_nothing(check in samples::health_check()) {
        let rendered = sent_back(&HealthCheck::new(&check, Default::default()));
        let draft = health_check::read(&rendered, check.zone, &Limits::default()).unwrap();
        prop_assert_eq!(draft.onto(&check, LATER), (check.clone(), false));
        let draft = health_check::patch(&check, &json!({}), &Limits::default()).unwrap();
        prop_assert_eq!(draft.onto(&check, LATER), (check, false));
    }
}

pub(super) fn every_reader(body: &Value) {
    check(body, monitor_group::read(body));
    check(body, overrides::read(body, WRITING));
    check(body, feed::read(body, "", LATER));
    check(body, health_check::read(body, samples::zone().id, &Limits::default()));
}
