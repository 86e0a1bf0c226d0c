//! Finding balancers, pools, monitors and their groups by a part of what they are called.

use trimtab_api_types::v1::reference::{Reference, ReferenceType, ResourceType};
use trimtab_api_types::v1::search::FoundResource;
use trimtab_model::{AccountId, Balancer, Monitor, MonitorGroup, Pool};

use super::Config;
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
        let all = self.neighbourhood(account).await?;
        let named = |balancer: &&Balancer| {
            wanted.names(&[balancer.name.as_str(), &balancer.description, &balancer.id.to_string()])
        };
        let balancers = all.balancers.iter().filter(named).map(|one| {
            let name = one.name.to_string();
            wanted.found(ResourceType::LoadBalancer, one.id, name, || all.of_balancer(one))
        });
        let pools = all.pools.iter().filter(|pool| names_pool(wanted, pool)).map(|one| {
            wanted.found(ResourceType::Pool, one.id, one.name.clone(), || all.of_pool(one))
        });
        let described = |monitor: &&Monitor| {
            wanted.names(&[&monitor.description, &monitor.probe.path, &monitor.id.to_string()])
        };
        let monitors = all.monitors.iter().filter(described).map(|one| {
            let name = one.description.clone();
            wanted.found(ResourceType::Monitor, one.id, name, || all.of_monitor(one))
        });
        let grouped =
            |group: &&MonitorGroup| wanted.names(&[&group.description, &group.id.to_string()]);
        let groups = all.groups.iter().filter(grouped).map(|one| {
            let name = one.description.clone();
            wanted.found(ResourceType::MonitorGroup, one.id, name, || all.of_group(one))
        });
        Ok(balancers.chain(pools).chain(monitors).chain(groups).collect())
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
