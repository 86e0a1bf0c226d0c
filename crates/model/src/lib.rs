//! All configuration as checked types: every limit, every default, no clock and no socket.

pub mod account;
pub mod acme;
pub mod affinity;
pub mod alert;
pub mod balancer;
pub mod certificate;
pub mod code;
pub mod config;
pub mod feed;
pub mod group;
pub mod health_check;
pub mod id;
pub mod moment;
pub mod monitor;
pub mod name;
pub mod overrides;
pub mod place;
pub mod pool;
pub mod problem;
pub mod secret;
pub mod timestamp;
pub mod wanted;
pub mod zone;

pub use account::{Account, Permission, Policy, Token, TokenStatus};
pub use acme::AcmeAccount;
pub use affinity::{AffinityKey, AffinityKeys};
pub use alert::{AlertDocument, AlertKey};
pub use balancer::Balancer;
pub use certificate::Certificate;
pub use config::{Change, Document};
pub use feed::Fed;
pub use group::MonitorGroup;
pub use health_check::HealthCheck;
pub use id::{
    AccountId, AlertPolicyId, BalancerId, CertificateId, HealthCheckId, MonitorGroupId, MonitorId,
    OverrideId, PagerDutyId, PoolId, RecordId, SilenceId, TokenId, WebhookId, ZoneId,
};
pub use moment::{Moment, Wait};
pub use monitor::Monitor;
pub use name::Name;
pub use overrides::Override;
pub use place::{Coordinates, Country, Pop, Region, Subdivision};
pub use pool::{Origin, Pool, Upstream};
pub use problem::{Problem, Problems};
pub use secret::{SecretBytes, SecretPem, SecretText};
pub use timestamp::Timestamp;
pub use wanted::Wanted;
pub use zone::{Record, RecordType, Zone};
