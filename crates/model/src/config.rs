//! Where each resource stands in the store, and reading it back.

use crate::balancer::Scope;
use crate::{
    Account, AccountId, AcmeAccount, AffinityKeys, AlertDocument, AlertKey, Balancer, BalancerId,
    Certificate, CertificateId, HealthCheck, HealthCheckId, Monitor, MonitorGroup, MonitorGroupId,
    MonitorId, Name, Override, OverrideId, Pool, PoolId, Record, RecordId, Token, TokenId, Zone,
    ZoneId,
};

/// One stored resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    Account(Account),
    Token(Token),
    Zone(Zone),
    Record(Box<Record>),
    Monitor(Monitor),
    MonitorGroup(MonitorGroup),
    Override(Override),
    HealthCheck(Box<HealthCheck>),
    Pool(Box<Pool>),
    Balancer(Box<Balancer>),
    Certificate(Box<Certificate>),
    AffinityKeys(AffinityKeys),
    AcmeAccount(Box<AcmeAccount>),
    Alert(Box<AlertDocument>),
}

/// Which resource a key names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Account(AccountId),
    Token(TokenId),
    Zone(ZoneId),
    Record(ZoneId, Name, RecordId),
    /// Finds the name of a record by its id.
    RecordName(ZoneId, RecordId),
    Monitor(AccountId, MonitorId),
    MonitorGroup(AccountId, MonitorGroupId),
    Override(AccountId, OverrideId),
    HealthCheck(ZoneId, HealthCheckId),
    Pool(AccountId, PoolId),
    Balancer(Scope, BalancerId),
    Certificate(ZoneId, CertificateId),
    /// One for all nodes: a session's cookie is read by whichever node it comes to.
    AffinityKeys,
    /// One for all nodes: an authority counts what is ordered by account.
    AcmeAccount,
    Alert(AlertKey),
}

/// One resource was written (`Some`) or deleted (`None`).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub key: Key,
    pub document: Option<Document>,
}

/// Why a stored entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("key {0:?} names no kind of resource")]
    Key(String),
    #[error("value of {key}")]
    Value { key: String, source: serde_json::Error },
}

// === impl Key ===

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Account(id) => write!(f, "accounts/{id}"),
            Key::Token(id) => write!(f, "tokens/{id}"),
            Key::Zone(id) => write!(f, "zones/{id}"),
            Key::Record(zone, name, id) => write!(f, "records/{zone}/{name}/{id}"),
            Key::RecordName(zone, id) => write!(f, "record-names/{zone}/{id}"),
            Key::Monitor(account, id) => write!(f, "monitors/{account}/{id}"),
            Key::MonitorGroup(account, id) => write!(f, "monitor-groups/{account}/{id}"),
            Key::Override(account, id) => write!(f, "overrides/{account}/{id}"),
            Key::HealthCheck(zone, id) => write!(f, "health-checks/{zone}/{id}"),
            Key::Pool(account, id) => write!(f, "pools/{account}/{id}"),
            Key::Balancer(Scope::Zone(zone), id) => write!(f, "balancers/zone/{zone}/{id}"),
            Key::Balancer(Scope::Account(account), id) => {
                write!(f, "balancers/account/{account}/{id}")
            }
            Key::Certificate(zone, id) => write!(f, "certificates/{zone}/{id}"),
            Key::AffinityKeys => f.write_str("secrets/affinity"),
            Key::AcmeAccount => f.write_str("secrets/acme"),
            Key::Alert(key) => key.fmt(f),
        }
    }
}

impl Key {
    /// None for keys that hold no resource of this version, so that an older node skips what it does not know.
    pub fn read(text: &str) -> Option<Key> {
        let mut parts = text.split('/');
        let key = match (parts.next()?, parts.next()?, parts.next(), parts.next()) {
            ("accounts", id, None, None) => Key::Account(id.parse().ok()?),
            ("tokens", id, None, None) => Key::Token(id.parse().ok()?),
            ("zones", id, None, None) => Key::Zone(id.parse().ok()?),
            ("records", zone, Some(name), Some(id)) => {
                Key::Record(zone.parse().ok()?, name.parse().ok()?, id.parse().ok()?)
            }
            ("record-names", zone, Some(id), None) => {
                Key::RecordName(zone.parse().ok()?, id.parse().ok()?)
            }
            ("monitors", account, Some(id), None) => {
                Key::Monitor(account.parse().ok()?, id.parse().ok()?)
            }
            ("monitor-groups", account, Some(id), None) => {
                Key::MonitorGroup(account.parse().ok()?, id.parse().ok()?)
            }
            ("overrides", account, Some(id), None) => {
                Key::Override(account.parse().ok()?, id.parse().ok()?)
            }
            ("health-checks", zone, Some(id), None) => {
                Key::HealthCheck(zone.parse().ok()?, id.parse().ok()?)
            }
            ("pools", account, Some(id), None) => {
                Key::Pool(account.parse().ok()?, id.parse().ok()?)
            }
            ("balancers", "zone", Some(zone), Some(id)) => {
                Key::Balancer(Scope::Zone(zone.parse().ok()?), id.parse().ok()?)
            }
            ("balancers", "account", Some(account), Some(id)) => {
                Key::Balancer(Scope::Account(account.parse().ok()?), id.parse().ok()?)
            }
            ("certificates", zone, Some(id), None) => {
                Key::Certificate(zone.parse().ok()?, id.parse().ok()?)
            }
            ("alerts", folder, Some(account), Some(id)) => {
                Key::Alert(AlertKey::read(folder, account, id)?)
            }
            ("secrets", "affinity", None, None) => Key::AffinityKeys,
            ("secrets", "acme", None, None) => Key::AcmeAccount,
            _ => return None,
        };
        parts.next().is_none().then_some(key)
    }
}

// === impl Document ===

impl Document {
    /// What the store keeps.
    ///
    /// # Errors
    /// Only when the serialiser fails, which no value of these types causes.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Document::Account(account) => serde_json::to_vec(account),
            Document::Token(token) => serde_json::to_vec(token),
            Document::Zone(zone) => serde_json::to_vec(zone),
            Document::Record(record) => serde_json::to_vec(record),
            Document::Monitor(monitor) => serde_json::to_vec(monitor),
            Document::MonitorGroup(group) => serde_json::to_vec(group),
            Document::Override(forced) => serde_json::to_vec(forced),
            Document::HealthCheck(check) => serde_json::to_vec(check),
            Document::Pool(pool) => serde_json::to_vec(pool),
            Document::Balancer(balancer) => serde_json::to_vec(balancer),
            Document::Certificate(certificate) => serde_json::to_vec(certificate),
            Document::AffinityKeys(keys) => serde_json::to_vec(keys),
            Document::AcmeAccount(account) => serde_json::to_vec(account),
            Document::Alert(document) => serde_json::to_vec(document),
        }
    }

    /// `Ok(None)` for index entries, which hold no resource.
    ///
    /// # Errors
    /// When the value is not a resource of the key's kind.
    pub fn decode(key: &Key, value: &[u8]) -> Result<Option<Document>, Unreadable> {
        let document = match key {
            Key::Account(_) => serde_json::from_slice(value).map(Document::Account),
            Key::Token(_) => serde_json::from_slice(value).map(Document::Token),
            Key::Zone(_) => serde_json::from_slice(value).map(Document::Zone),
            Key::Record(..) => serde_json::from_slice(value).map(|r| Document::Record(Box::new(r))),
            Key::RecordName(..) => return Ok(None),
            Key::Monitor(..) => serde_json::from_slice(value).map(Document::Monitor),
            Key::MonitorGroup(..) => serde_json::from_slice(value).map(Document::MonitorGroup),
            Key::Override(..) => serde_json::from_slice(value).map(Document::Override),
            Key::HealthCheck(..) => {
                serde_json::from_slice(value).map(|c| Document::HealthCheck(Box::new(c)))
            }
            Key::Pool(..) => serde_json::from_slice(value).map(|p| Document::Pool(Box::new(p))),
            Key::Balancer(..) => {
                serde_json::from_slice(value).map(|b| Document::Balancer(Box::new(b)))
            }
            Key::Certificate(..) => {
                serde_json::from_slice(value).map(|c| Document::Certificate(Box::new(c)))
            }
            Key::AffinityKeys => serde_json::from_slice(value).map(Document::AffinityKeys),
            Key::AcmeAccount => {
                serde_json::from_slice(value).map(|a| Document::AcmeAccount(Box::new(a)))
            }
            Key::Alert(key) => {
                AlertDocument::decode(key, value).map(|a| Document::Alert(Box::new(a)))
            }
        };
        document.map(Some).map_err(|source| Unreadable::Value { key: key.to_string(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlertPolicyId, PagerDutyId, SilenceId, WebhookId};

    #[test]
    fn keys_read_back_as_written() {
        let (a, b) = ([1; 16], [2; 16]);
        let name: Name = "*.example.com".parse().unwrap();
        for key in [
            Key::Account(AccountId::new(a)),
            Key::Token(TokenId::new(a)),
            Key::Zone(ZoneId::new(a)),
            Key::Record(ZoneId::new(a), name, RecordId::new(b)),
            Key::RecordName(ZoneId::new(a), RecordId::new(b)),
            Key::Monitor(AccountId::new(a), MonitorId::new(b)),
            Key::MonitorGroup(AccountId::new(a), MonitorGroupId::new(b)),
            Key::Override(AccountId::new(a), OverrideId::new(b)),
            Key::HealthCheck(ZoneId::new(a), HealthCheckId::new(b)),
            Key::Pool(AccountId::new(a), PoolId::new(b)),
            Key::Balancer(Scope::Zone(ZoneId::new(a)), BalancerId::new(b)),
            Key::Balancer(Scope::Account(AccountId::new(a)), BalancerId::new(b)),
            Key::Certificate(ZoneId::new(a), CertificateId::new(b)),
            Key::AffinityKeys,
            Key::AcmeAccount,
            Key::Alert(AlertKey::Policy(AccountId::new(a), AlertPolicyId::new(b))),
            Key::Alert(AlertKey::Webhook(AccountId::new(a), WebhookId::new(b))),
            Key::Alert(AlertKey::Standing(AccountId::new(a), WebhookId::new(b))),
            Key::Alert(AlertKey::PagerDuty(AccountId::new(a), PagerDutyId::new(b))),
            Key::Alert(AlertKey::Silence(AccountId::new(a), SilenceId::new(b))),
            Key::Alert(AlertKey::History(AccountId::new(a), "01-02".into())),
        ] {
            assert_eq!(Key::read(&key.to_string()), Some(key));
        }
    }

    #[test]
    fn unknown_kinds_are_skipped() {
        for text in
            ["", "future/1", "pools/x/y", "zones/1/2/3/4/5", "secrets/other", "alerts/outbox/1"]
        {
            assert_eq!(Key::read(text), None, "{text}");
        }
    }
}
