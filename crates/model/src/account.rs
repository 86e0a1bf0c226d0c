//! Accounts, and the tokens that may act on them.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Timestamp, TokenId, ZoneId, words};

pub const NAME_CHARS_MAX: usize = 120;
/// A token's rights are checked on every request.
pub const POLICIES_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub enforce_twofactor: bool,
    pub created_on: Timestamp,
}

/// A token without its secret: only the SHA-256 of the value is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub status: TokenStatus,
    /// SHA-256 of the token's value, hexadecimal.
    pub digest: String,
    pub policies: Vec<Policy>,
    pub not_before: Option<Timestamp>,
    pub expires_on: Option<Timestamp>,
    pub issued_on: Timestamp,
    pub modified_on: Timestamp,
}

words! { TokenStatus { Active = "active", Disabled = "disabled", Expired = "expired" } }
words! { Effect { Allow = "allow", Deny = "deny" } }

/// Rights on some resources. A deny outranks every allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub effect: Effect,
    pub permissions: Vec<Permission>,
    pub resources: Vec<Resource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// Everything on this node.
    All,
    Account(AccountId),
    /// Every zone of any account.
    AllZones,
    /// Every zone of this account.
    ZonesOf(AccountId),
    Zone(ZoneId),
}

words! {
    /// The permission groups of tokens, with the names that the hosted API uses.
    Permission {
        LoadBalancersRead = "Load Balancers Read",
        LoadBalancersWrite = "Load Balancers Write",
        LoadBalancersAccountRead = "Load Balancers Account Read",
        LoadBalancersAccountWrite = "Load Balancers Account Write",
        MonitorsAndPoolsRead = "Load Balancing: Monitors and Pools Read",
        MonitorsAndPoolsWrite = "Load Balancing: Monitors and Pools Write",
        HealthChecksRead = "Health Checks Read",
        HealthChecksWrite = "Health Checks Write",
        DnsRead = "DNS Read",
        DnsWrite = "DNS Write",
        ZoneRead = "Zone Read",
        ZoneWrite = "Zone Write",
        ZoneSettingsRead = "Zone Settings Read",
        ZoneSettingsWrite = "Zone Settings Write",
        CertificatesRead = "SSL and Certificates Read",
        CertificatesWrite = "SSL and Certificates Write",
        AccountSettingsRead = "Account Settings Read",
        AccountSettingsWrite = "Account Settings Write",
        TokensRead = "API Tokens Read",
        TokensWrite = "API Tokens Write",
        NotificationsRead = "Notifications Read",
        NotificationsWrite = "Notifications Write",
        AnalyticsRead = "Analytics Read",
        AccountAnalyticsRead = "Account Analytics Read",
    }
}
