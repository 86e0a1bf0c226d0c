//! What a token may do: permissions on resources, where a deny outranks every allow.

use trimtab_model::account::{Effect, Policy, Resource};
use trimtab_model::{AccountId, Permission, Token, ZoneId};

/// A token's rights, with what it takes to know which zones belong to an account.
#[derive(Clone, Copy)]
pub(crate) struct Rights<'a, Of> {
    token: &'a Token,
    /// The account of a zone.
    account_of: Of,
}

// === impl Rights ===

impl<'a, Of: Fn(ZoneId) -> Option<AccountId>> Rights<'a, Of> {
    pub(crate) fn new(token: &'a Token, account_of: Of) -> Rights<'a, Of> {
        Rights { token, account_of }
    }

    pub(crate) fn allow(&self, wanted: Permission, target: Resource) -> bool {
        let policies = |effect| self.token.policies.iter().filter(move |p| p.effect == effect);
        let denied = policies(Effect::Deny).any(|policy| {
            policy.permissions.iter().any(|&denied| denies(denied, wanted))
                && policy.resources.iter().any(|&named| self.overlap(named, target))
        });
        let allowed = policies(Effect::Allow).any(|policy| {
            policy.permissions.iter().any(|&granted| satisfies(granted, wanted))
                && policy.resources.iter().any(|&named| self.covers(named, target))
        });
        allowed && !denied
    }

    /// Does the token hold the permission on anything at all?
    pub(crate) fn allow_somewhere(&self, wanted: Permission) -> bool {
        let allows = self.token.policies.iter().filter(|policy| policy.effect == Effect::Allow);
        allows.flat_map(|policy| &policy.resources).any(|&resource| self.allow(wanted, resource))
    }

    /// Does the token hold everything that these policies give? Otherwise it could make itself stronger
    /// by making another token.
    pub(crate) fn hold(&self, policies: &[Policy]) -> bool {
        policies.iter().filter(|policy| policy.effect == Effect::Allow).all(|policy| {
            policy.permissions.iter().all(|&permission| {
                policy.resources.iter().all(|&resource| self.allow(permission, resource))
            })
        })
    }

    fn covers(&self, named: Resource, target: Resource) -> bool {
        use Resource::{Account, All, AllZones, Zone, ZonesOf};
        match (named, target) {
            (All, _) | (AllZones, AllZones | ZonesOf(_) | Zone(_)) => true,
            (Account(named), Account(target)) | (ZonesOf(named), ZonesOf(target)) => {
                named == target
            }
            (ZonesOf(named), Zone(target)) => (self.account_of)(target) == Some(named),
            (Zone(named), Zone(target)) => named == target,
            (Account(_), All | AllZones | ZonesOf(_) | Zone(_))
            | (AllZones, All | Account(_))
            | (ZonesOf(_), All | Account(_) | AllZones)
            | (Zone(_), All | Account(_) | AllZones | ZonesOf(_)) => false,
        }
    }

    /// Resources form a tree, so two of them overlap when one covers the other.
    fn overlap(&self, one: Resource, other: Resource) -> bool {
        self.covers(one, other) || self.covers(other, one)
    }
}

/// Who may write may read.
fn satisfies(granted: Permission, wanted: Permission) -> bool {
    granted == wanted || reading(granted) == Some(wanted)
}

/// Who may not read may not write either: answers to writes show what is there.
fn denies(denied: Permission, wanted: Permission) -> bool {
    denied == wanted || reading(wanted) == Some(denied)
}

/// The reading half of a permission to write.
fn reading(permission: Permission) -> Option<Permission> {
    match permission {
        Permission::LoadBalancersWrite => Some(Permission::LoadBalancersRead),
        Permission::LoadBalancersAccountWrite => Some(Permission::LoadBalancersAccountRead),
        Permission::MonitorsAndPoolsWrite => Some(Permission::MonitorsAndPoolsRead),
        Permission::HealthChecksWrite => Some(Permission::HealthChecksRead),
        Permission::DnsWrite => Some(Permission::DnsRead),
        Permission::ZoneWrite => Some(Permission::ZoneRead),
        Permission::ZoneSettingsWrite => Some(Permission::ZoneSettingsRead),
        Permission::CertificatesWrite => Some(Permission::CertificatesRead),
        Permission::AccountSettingsWrite => Some(Permission::AccountSettingsRead),
        Permission::TokensWrite => Some(Permission::TokensRead),
        Permission::NotificationsWrite => Some(Permission::NotificationsRead),
        Permission::LoadBalancersRead
        | Permission::LoadBalancersAccountRead
        | Permission::MonitorsAndPoolsRead
        | Permission::HealthChecksRead
        | Permission::DnsRead
        | Permission::ZoneRead
        | Permission::ZoneSettingsRead
        | Permission::CertificatesRead
        | Permission::AccountSettingsRead
        | Permission::TokensRead
        | Permission::NotificationsRead
        | Permission::AnalyticsRead
        | Permission::AccountAnalyticsRead => None,
    }
}

#[cfg(test)]
mod tests;
