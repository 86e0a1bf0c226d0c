//! Version 1: the Load Balancing API v4 as the official clients speak it.

pub mod account;
pub mod acme;
pub mod affinity;
pub mod alerting;
pub mod balancer;
pub mod certificate;
pub mod envelope;
pub mod event;
pub mod explain;
pub mod feed;
pub mod health;
pub mod health_check;
pub mod matrix;
pub mod monitor;
pub mod monitor_group;
pub mod overrides;
pub mod paging;
pub mod pool;
pub mod pool_set;
pub mod preview;
pub mod probe;
pub mod record;
pub mod reference;
pub mod region;
pub mod rule;
pub mod search;
pub mod split;
pub mod token;
pub mod usage;
pub mod zone;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub use account::Account;
pub use acme::Acme;
pub use affinity::AffinityKeys;
pub use balancer::Balancer;
pub use certificate::Certificate;
pub use envelope::{Envelope, Failure};
pub use health_check::HealthCheck;
pub use monitor::Monitor;
pub use monitor_group::MonitorGroup;
pub use overrides::Override;
pub use paging::{Paging, ResultInfo};
pub use pool::Pool;
pub use record::Record;
pub use token::Token;
pub use zone::Zone;

/// What an operator's settings allow; everything else is a constant of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Seconds; `[limits] min_monitor_interval`.
    pub monitor_interval_min: u32,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Limits {
        Limits { monitor_interval_min: trimtab_model::monitor::INTERVAL_SECONDS_HOSTED_MIN }
    }
}

/// Every shape with its name, for the `components` of an OpenAPI document.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    add::<Account>(&mut all);
    add::<account::User>(&mut all);
    add::<Acme>(&mut all);
    add::<AffinityKeys>(&mut all);
    add::<alerting::AlertPolicy>(&mut all);
    add::<alerting::AvailableAlert>(&mut all);
    add::<alerting::Eligible>(&mut all);
    add::<alerting::History>(&mut all);
    add::<alerting::PagerDuty>(&mut all);
    add::<alerting::Silence>(&mut all);
    add::<alerting::Tested>(&mut all);
    add::<alerting::Webhook>(&mut all);
    add::<alerting::Written>(&mut all);
    add::<Balancer>(&mut all);
    add::<Certificate>(&mut all);
    add::<envelope::Deleted>(&mut all);
    add::<Failure>(&mut all);
    add::<event::Event>(&mut all);
    add::<health::PoolHealth>(&mut all);
    add::<matrix::BalancerHealth>(&mut all);
    add::<matrix::MatrixPool>(&mut all);
    add::<feed::Fed>(&mut all);
    add::<HealthCheck>(&mut all);
    add::<Monitor>(&mut all);
    add::<MonitorGroup>(&mut all);
    add::<Override>(&mut all);
    add::<ResultInfo>(&mut all);
    add::<Pool>(&mut all);
    add::<preview::Preview>(&mut all);
    add::<probe::Order>(&mut all);
    add::<probe::ProbeLine>(&mut all);
    add::<Record>(&mut all);
    add::<record::Batched>(&mut all);
    add::<reference::Reference>(&mut all);
    add::<region::Regions>(&mut all);
    add::<search::Found>(&mut all);
    add::<token::PermissionGroup>(&mut all);
    add::<Token>(&mut all);
    add::<token::Verified>(&mut all);
    add::<usage::Usage>(&mut all);
    add::<explain::Explanation>(&mut all);
    add::<explain::KeptDecision>(&mut all);
    add::<explain::Question>(&mut all);
    add::<split::Split>(&mut all);
    add::<Zone>(&mut all);
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup_by(|(a, _), (b, _)| a == b);
    all
}

fn add<T: ToSchema + PartialSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}
