//! Finding balancers, pools and monitors by a part of what they are called.

use trimtab_api_types::v1::reference::{Reference, ReferenceType, ResourceType};
use trimtab_api_types::v1::search::FoundResource;
use trimtab_model::{AccountId, Balancer, Monitor, Pool};

use super::neighbours::{around_balancer, around_monitor, around_pool};
use super::{Config, monitors, pools};
use crate::errors::Error;
use crate::extract::Params;

/// What `GET search` may ask for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// In small letters; empty finds everything.
    query: String,
    references: Option<ReferenceType>,
}

// === impl Wanted ===

impl Wanted {
    pub(crate) fn read(params: &Params) -> Result<Wanted, Error> {
        let query = params.find("query").unwrap_or_default().to_ascii_lowercase();
        Ok(Wanted { query, references: params.read("references")? })
    }

    fn names(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| text.to_ascii_lowercase().contains(&self.query))
    }

    fn found(
        &self,
        resource_type: ResourceType,
        id: impl ToString,
        name: String,
        neighbours: impl FnOnce() -> Vec<Reference>,
    ) -> FoundResource {
        let references = match self.references {
            Some(wanted) => neighbours()
                .into_iter()
                .filter(|reference| {
                    wanted == ReferenceType::Any || reference.reference_type == wanted
                })
                .collect(),
            None => Vec::new(),
        };
        FoundResource {
            resource_id: id.to_string(),
            resource_name: name,
            resource_type,
            reference_type: self.references.unwrap_or(ReferenceType::Any),
            references,
        }
    }
}

// === impl Config ===

impl Config {
    pub(crate) async fn search(
        &self,
        account: AccountId,
        wanted: &Wanted,
    ) -> Result<Vec<FoundResource>, Error> {
        let balancers = self.balancers_of(account).await?;
        let pools = self.list::<Pool>(pools::prefix(account)).await?.values();
        let monitors = self.list::<Monitor>(monitors::prefix(account)).await?.values();
        let (all_balancers, all_pools, all_monitors): (Vec<&Balancer>, Vec<&Pool>, Vec<&Monitor>) =
            (balancers.iter().collect(), pools.iter().collect(), monitors.iter().collect());
        let named = |balancer: &&Balancer| {
            wanted.names(&[balancer.name.as_str(), &balancer.description, &balancer.id.to_string()])
        };
        let found = balancers.iter().filter(named).map(|balancer| {
            let name = balancer.name.to_string();
            wanted.found(ResourceType::LoadBalancer, balancer.id, name, || {
                around_balancer(balancer, &all_pools)
            })
        });
        let found_pools = pools.iter().filter(|pool| names_pool(wanted, pool)).map(|pool| {
            wanted.found(ResourceType::Pool, pool.id, pool.name.clone(), || {
                around_pool(pool, &all_balancers, &all_monitors)
            })
        });
        let described = |monitor: &&Monitor| {
            wanted.names(&[&monitor.description, &monitor.probe.path, &monitor.id.to_string()])
        };
        let found_monitors = monitors.iter().filter(described).map(|monitor| {
            wanted.found(ResourceType::Monitor, monitor.id, monitor.description.clone(), || {
                around_monitor(monitor, &all_pools)
            })
        });
        Ok(found.chain(found_pools).chain(found_monitors).collect())
    }
}

/// By its own name, or by one of its endpoints.
fn names_pool(wanted: &Wanted, pool: &Pool) -> bool {
    wanted.names(&[&pool.name, &pool.description, &pool.id.to_string()])
        || pool
            .origins
            .iter()
            .any(|origin| wanted.names(&[&origin.name, &origin.address.to_string()]))
}
