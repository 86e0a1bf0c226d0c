//! Random groups, overrides, health checks, quorums and requirements.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use trimtab_model::group::Member;
use trimtab_model::health_check::{CheckMethod, CheckPace, CheckProbe, HttpCheck};
use trimtab_model::monitor::ExpectedCodes;
use trimtab_model::overrides::{Forced, Pattern};
use trimtab_model::pool::{Address, CheckRegions, Quorum, Requires, Subject};
use trimtab_model::{
    HealthCheck, HealthCheckId, MonitorGroup, MonitorGroupId, MonitorId, Override, OverrideId,
    PoolId, Region,
};

use super::{time, words, zone};

pub(in crate::v1) fn quorum() -> impl Strategy<Value = Quorum> {
    prop_oneof![
        Just(Quorum::Majority),
        Just(Quorum::AllAgreeDown),
        (0..=99_u8).prop_map(Quorum::MoreThan),
    ]
}

pub(in crate::v1) fn requires() -> impl Strategy<Value = Requires> {
    let subject =
        (any::<[u8; 16]>(), "[a-z0-9]{1,9}", 0..3_u8).prop_map(|(id, name, which)| match which {
            0 => Subject::Pool(PoolId::new(id)),
            1 => Subject::Origin(PoolId::new(id), name),
            _ => Subject::HealthCheck(HealthCheckId::new(id)),
        });
    (vec(subject, 1..9), any::<prop::sample::Index>())
        .prop_map(|(of, at)| Requires { at_least: at.index(of.len()) as u32 + 1, of })
}

pub(in crate::v1) fn monitor_group() -> impl Strategy<Value = MonitorGroup> {
    let member = (any::<[bool; 3]>(), time(), time());
    (any::<[u8; 16]>(), words(), vec(member, 1..=20), time(), time()).prop_map(
        |(id, description, members, created_on, modified_on)| {
            let numbered = (0_u8..).zip(members);
            let members = numbered.map(|(index, (flags, created_at, updated_at))| Member {
                monitor: MonitorId::new([index; 16]),
                enabled: flags[0],
                monitoring_only: flags[1],
                must_be_healthy: flags[2],
                created_at,
                updated_at,
            });
            MonitorGroup {
                id: MonitorGroupId::new(id),
                description,
                members: members.collect(),
                created_on,
                modified_on,
            }
        },
    )
}

pub(in crate::v1) fn forced() -> impl Strategy<Value = Override> {
    let pattern = "[a-z*?-]{1,9}(/[a-z0-9*?./]{1,9})?";
    let said = (pattern, select(Forced::ALL), "[!-~][ -~]{0,20}", "[ -~]{1,20}");
    (any::<[u8; 16]>(), said, option::of(time()), time(), time()).prop_map(
        |(id, (pattern, state, reason, author), until, created_on, modified_on)| Override {
            id: OverrideId::new(id),
            pattern: Pattern::read(&pattern).unwrap(),
            state,
            reason,
            author,
            until,
            created_on,
            modified_on,
        },
    )
}

pub(in crate::v1) fn health_check() -> impl Strategy<Value = HealthCheck> {
    let names = ("[-_a-zA-Z0-9]{1,12}", words(), select(vec!["192.0.2.1", "a.example", "::1"]));
    let regions = subsequence(&Region::ALL[..], 0..=13).prop_shuffle();
    let regions = regions.prop_map(|regions| match regions.len() {
        0 => CheckRegions::Default,
        13 => CheckRegions::All,
        _ => CheckRegions::Named(regions),
    });
    let rest = (any::<bool>(), pace(), probe(), time(), time());
    (any::<[u8; 16]>(), names, regions, rest).prop_map(
        |(id, (name, description, address), check_regions, rest)| {
            let (suspended, pace, probe, created_on, modified_on) = rest;
            HealthCheck {
                id: HealthCheckId::new(id),
                zone: zone().id,
                name,
                description,
                address: Address::read(address).unwrap(),
                check_regions,
                suspended,
                pace,
                probe,
                created_on,
                modified_on,
            }
        },
    )
}

fn pace() -> impl Strategy<Value = CheckPace> {
    (10..=3600_u32, 0..=5_u32, 1..=10_u32, 1..=10_u32, 1..=10_u32).prop_map(
        |(interval, retries, timeout, consecutive_fails, consecutive_successes)| CheckPace {
            interval,
            retries,
            timeout,
            consecutive_fails,
            consecutive_successes,
        },
    )
}

fn probe() -> impl Strategy<Value = CheckProbe> {
    let header = option::of(btree_map("[A-Z][a-z-]{1,8}", vec("[ -~]{0,12}", 1..3), 0..3));
    let codes = vec(select(vec!["200", "2xx", "200,302", "200-299"]), 1..4);
    let kind = (0..3_u8, 1..=u16::MAX, select(CheckMethod::ALL), any::<[bool; 2]>());
    (kind, header, codes, words()).prop_map(
        |((which, port, method, flags), header, codes, expected_body)| {
            let [follow_redirects, allow_insecure] = flags;
            let read = |code: &str| ExpectedCodes::try_from(code.to_owned()).unwrap();
            let http = HttpCheck {
                method,
                port,
                path: "/up?x=1".into(),
                expected_codes: codes.into_iter().map(read).collect(),
                expected_body,
                follow_redirects,
                allow_insecure,
                header,
            };
            match which {
                0 => CheckProbe::Http(http),
                1 => CheckProbe::Https(http),
                _ => CheckProbe::Tcp { port },
            }
        },
    )
}
