use Permission::{DnsRead, DnsWrite, MonitorsAndPoolsRead, MonitorsAndPoolsWrite, ZoneRead};
use trimtab_model::{Timestamp, TokenId, TokenStatus};

use super::*;

const A: AccountId = AccountId::new([1; 16]);
const B: AccountId = AccountId::new([2; 16]);
const ZONE_OF_A: ZoneId = ZoneId::new([3; 16]);
const ZONE_OF_B: ZoneId = ZoneId::new([4; 16]);

fn account_of(zone: ZoneId) -> Option<AccountId> {
    [(ZONE_OF_A, A), (ZONE_OF_B, B)].into_iter().find(|(id, _)| *id == zone).map(|(_, of)| of)
}

fn policy(effect: Effect, permissions: &[Permission], resources: &[Resource]) -> Policy {
    Policy { effect, permissions: permissions.into(), resources: resources.into() }
}

fn token(policies: Vec<Policy>) -> Token {
    Token {
        id: TokenId::new([9; 16]),
        name: "test".into(),
        status: TokenStatus::Active,
        digest: String::new(),
        policies,
        not_before: None,
        expires_on: None,
        issued_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    }
}

#[test]
fn a_resource_covers_what_is_inside_it() {
    use Resource::{Account, All, AllZones, Zone, ZonesOf};
    let targets =
        [All, Account(A), Account(B), AllZones, ZonesOf(A), Zone(ZONE_OF_A), Zone(ZONE_OF_B)];
    let check = |named: Resource, want: &[Resource]| {
        let token = token(vec![policy(Effect::Allow, &[DnsRead], &[named])]);
        let rights = Rights::new(&token, account_of);
        let covered: Vec<_> =
            targets.into_iter().filter(|&target| rights.allow(DnsRead, target)).collect();
        assert_eq!(covered, want, "{named:?}");
    };
    check(All, &targets);
    check(Account(A), &[Account(A)]);
    check(AllZones, &[AllZones, ZonesOf(A), Zone(ZONE_OF_A), Zone(ZONE_OF_B)]);
    check(ZonesOf(A), &[ZonesOf(A), Zone(ZONE_OF_A)]);
    check(ZonesOf(B), &[Zone(ZONE_OF_B)]);
    check(Zone(ZONE_OF_A), &[Zone(ZONE_OF_A)]);
}

#[test]
fn writing_includes_reading_and_nothing_else() {
    let check = |granted, wanted, want: bool| {
        let token = token(vec![policy(Effect::Allow, &[granted], &[Resource::All])]);
        let allowed = Rights::new(&token, account_of).allow(wanted, Resource::Zone(ZONE_OF_A));
        assert_eq!(allowed, want, "{granted} for {wanted}");
    };
    for &granted in Permission::ALL {
        for &wanted in Permission::ALL {
            let read = granted.word().replace(" Write", " Read");
            check(granted, wanted, granted == wanted || read == wanted.word());
        }
    }
}

#[test]
fn a_deny_outranks_every_allow() {
    let check = |denied: &[Permission], on: Resource, wanted, target, want: bool| {
        let token = token(vec![
            policy(Effect::Allow, &[DnsWrite, MonitorsAndPoolsWrite], &[Resource::All]),
            policy(Effect::Deny, denied, &[on]),
            policy(Effect::Allow, &[DnsWrite], &[Resource::AllZones]),
        ]);
        let allowed = Rights::new(&token, account_of).allow(wanted, target);
        assert_eq!(allowed, want, "{denied:?} on {on:?} for {wanted} on {target:?}");
    };
    let (here, there) = (Resource::Zone(ZONE_OF_A), Resource::Zone(ZONE_OF_B));
    check(&[DnsWrite], here, DnsWrite, here, false);
    check(&[DnsWrite], here, DnsRead, here, true);
    check(&[DnsRead], here, DnsWrite, here, false);
    check(&[DnsWrite], here, DnsWrite, there, true);
    check(&[DnsWrite], Resource::ZonesOf(A), DnsWrite, here, false);
    check(&[DnsWrite], Resource::All, DnsWrite, there, false);
    // Making something in all zones of an account touches the zone that is denied.
    check(&[DnsWrite], here, DnsWrite, Resource::ZonesOf(A), false);
    check(&[ZoneRead], Resource::All, MonitorsAndPoolsRead, Resource::Account(A), true);
}

#[test]
fn somewhere_is_anywhere_that_no_deny_takes_away() {
    let check = |policies: Vec<Policy>, want: bool| {
        let token = token(policies);
        assert_eq!(Rights::new(&token, account_of).allow_somewhere(ZoneRead), want);
    };
    let allow = policy(Effect::Allow, &[ZoneRead], &[Resource::Zone(ZONE_OF_A)]);
    check(vec![], false);
    check(vec![allow.clone()], true);
    check(vec![allow.clone(), policy(Effect::Deny, &[ZoneRead], &[Resource::All])], false);
    check(vec![allow, policy(Effect::Deny, &[ZoneRead], &[Resource::Zone(ZONE_OF_B)])], true);
}

#[test]
fn a_token_cannot_give_what_it_does_not_hold() {
    let token = token(vec![
        policy(Effect::Allow, &[DnsWrite], &[Resource::ZonesOf(A)]),
        policy(Effect::Deny, &[DnsWrite], &[Resource::Zone(ZONE_OF_B)]),
    ]);
    let check = |effect, permission, resource, want: bool| {
        let given = [policy(effect, &[permission], &[resource])];
        assert_eq!(Rights::new(&token, account_of).hold(&given), want, "{given:?}");
    };
    check(Effect::Allow, DnsWrite, Resource::Zone(ZONE_OF_A), true);
    check(Effect::Allow, DnsRead, Resource::ZonesOf(A), true);
    check(Effect::Allow, DnsWrite, Resource::Zone(ZONE_OF_B), false);
    check(Effect::Allow, DnsWrite, Resource::All, false);
    check(Effect::Allow, ZoneRead, Resource::Zone(ZONE_OF_A), false);
    check(Effect::Deny, ZoneRead, Resource::All, true);
}
