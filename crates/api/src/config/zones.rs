//! Zones. Deleting one deletes what is in it.

use std::cmp::Ordering;

use serde_json::Value;
use trimtab_api_types::v1::zone::{self, ZoneDraft};
use trimtab_model::account::Resource;
use trimtab_model::balancer::Scope;
use trimtab_model::config::{Document, Key};
use trimtab_model::{
    AccountId, Balancer, Certificate, HealthCheck, Permission, Record, Token, Zone, ZoneId,
};

use super::change::{Change, Outcome};
use super::stored::{Listed, Stored};
use super::{Config, balancers, certificates, health_checks, records};
use crate::auth::admit::forbidden;
use crate::auth::rights::Rights;
use crate::errors::{Error, Kind, Service, code};
use crate::extract::Params;
use crate::ids;
use crate::order::{Direction, Joined, Text, TextTest, in_order};

pub(super) const PREFIX: &str = "zones/";

/// Records, and balancers, deleted in one transaction when a zone goes; a record takes two writes.
const PER_CHANGE: usize = 2_000;

/// What `GET /zones` may ask for.
#[derive(Debug)]
pub(crate) struct ZoneFilter {
    tests: Vec<ZoneTest>,
    joined: Joined,
    order: Option<ZoneOrder>,
    direction: Direction,
}

#[derive(Debug)]
enum ZoneTest {
    Name(TextTest),
    Account(String),
    AccountName(TextTest),
    Status(String),
    Type(String),
}

trimtab_model::words! {
    ZoneOrder {
        Name = "name",
        Status = "status",
        AccountId = "account.id",
        AccountName = "account.name",
        PlanName = "plan.name",
        PlanId = "plan.id",
    }
}

/// A zone and its account's name, which belongs to what clients see of it.
#[derive(Clone, Debug)]
pub(crate) struct NamedZone {
    pub(crate) zone: Zone,
    pub(crate) account_name: String,
}

// === impl Config ===

impl Config {
    pub(crate) async fn zone(&self, id: ZoneId) -> Result<Zone, Error> {
        Ok(self.require(&Key::Zone(id), Kind::Zone, id).await?.value)
    }

    pub(crate) async fn named(&self, zone: Zone) -> Result<NamedZone, Error> {
        let account = self.find::<trimtab_model::Account>(&Key::Account(zone.account)).await?;
        let account_name = account.map(|account| account.value.name).unwrap_or_default();
        Ok(NamedZone { zone, account_name })
    }

    /// The zones that the token may read and the filter keeps.
    pub(crate) async fn zones(
        &self,
        by: &Token,
        filter: &ZoneFilter,
    ) -> Result<Vec<NamedZone>, Error> {
        let accounts = self.accounts().await?;
        let zones = self.list::<Zone>(PREFIX).await?.values();
        let named = zones.into_iter().map(|zone| {
            let account = accounts.iter().find(|account| account.id == zone.account);
            let account_name = account.map(|account| account.name.clone()).unwrap_or_default();
            NamedZone { zone, account_name }
        });
        let readable = named.filter(|named| {
            let rights = Rights::new(by, |_| Some(named.zone.account));
            rights.allow(Permission::ZoneRead, Resource::Zone(named.zone.id))
        });
        Ok(filter.apply(readable.collect()))
    }

    pub(crate) async fn create_zone(&self, by: &Token, body: &Value) -> Result<NamedZone, Error> {
        let draft = zone::read(body).map_err(|p| Error::refused(Service::Plain, p))?;
        let account = self.account_for_zone(by, &draft).await?;
        let id = ZoneId::new(ids::random()?);
        let zone = self
            .transact(by, || async {
                let zones = self.list::<Zone>(PREFIX).await?;
                if zones.iter().any(|zone| zone.name == draft.name) {
                    let message = format!("{} already exists", draft.name);
                    return Err(Error::coded("/name", code::ZONE_EXISTS, message));
                }
                let zone = draft.clone().into_new(id, account, self.now());
                let mut change = Change::default();
                change.if_none_newer(PREFIX, zones.rev);
                change.if_exists(&Key::Account(account))?;
                change.put(&Key::Zone(id), &Document::Zone(zone.clone()))?;
                Ok(Outcome::Commit(change, zone))
            })
            .await?;
        self.named(zone).await
    }

    async fn account_for_zone(&self, by: &Token, draft: &ZoneDraft) -> Result<AccountId, Error> {
        let rights = Rights::new(by, |_| None);
        let may_use = |account| rights.allow(Permission::ZoneWrite, Resource::ZonesOf(account));
        let account = match draft.account {
            Some(account) => Some(account).filter(|account| may_use(*account)),
            None => self.only_account(may_use).await?,
        };
        let account =
            account.ok_or_else(|| forbidden(Permission::ZoneWrite, "the zones of the account"))?;
        match self.account(account).await {
            Ok(account) => Ok(account.id),
            Err(Error::Missing { .. }) => Err(Error::coded(
                "/account/id",
                code::MISSING,
                format!("unknown account: {account}"),
            )),
            Err(why) => Err(why),
        }
    }

    pub(crate) async fn patch_zone(
        &self,
        by: &Token,
        id: ZoneId,
        body: &Value,
    ) -> Result<NamedZone, Error> {
        let key = Key::Zone(id);
        let zone = self
            .transact(by, || async {
                let current = self.require::<Zone>(&key, Kind::Zone, id).await?;
                let (zone, changed) = zone::patch(&current.value, body, self.now())
                    .map_err(|problems| Error::refused(Service::Plain, problems))?;
                if !changed {
                    return Ok(Outcome::Nothing(zone));
                }
                let mut change = Change::default();
                change.if_unchanged(&key, current.modified)?;
                change.put(&key, &Document::Zone(zone.clone()))?;
                Ok(Outcome::Commit(change, zone))
            })
            .await?;
        self.named(zone).await
    }

    /// Refused while a pool requires one of its health checks. A zone with more records than one transaction holds goes in several, its own entry last, so that
    /// what is left after a failure can be deleted again.
    pub(crate) async fn delete_zone(&self, by: &Token, id: ZoneId) -> Result<(), Error> {
        loop {
            match self.transact(by, || self.delete_some(id)).await? {
                Left::Something => {}
                Left::Nothing => return Ok(()),
            }
        }
    }

    async fn delete_some(&self, id: ZoneId) -> Result<Outcome<Left>, Error> {
        let current = self.require::<Zone>(&Key::Zone(id), Kind::Zone, id).await?;
        let inside = Contents {
            records: self.list(records::prefix(id)).await?,
            balancers: self.list(balancers::prefix(Scope::Zone(id))).await?,
            certificates: self.list(certificates::prefix(id)).await?,
            health_checks: self.list(health_checks::prefix(id)).await?,
        };
        let checks: Vec<_> = inside.health_checks.iter().map(|check| check.id).collect();
        let referrers = self.referrers_of_checks(current.value.account, &checks).await?;
        let unreferenced = referrers.unless_any(Kind::Zone, id)?;
        if inside.records.items.len() <= PER_CHANGE && inside.balancers.items.len() <= PER_CHANGE {
            let change = delete_all(unreferenced, &current, &inside)?;
            return Ok(Outcome::Commit(change, Left::Nothing));
        }
        let mut change = Change::default();
        delete_records(&mut change, inside.records.iter().take(PER_CHANGE))?;
        delete_balancers(&mut change, inside.balancers.iter().take(PER_CHANGE))?;
        Ok(Outcome::Commit(change, Left::Something))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Something,
    Nothing,
}

/// What a zone takes with it. Its certificates and health checks always fit into one transaction.
struct Contents {
    records: Listed<Record>,
    balancers: Listed<Balancer>,
    certificates: Listed<Certificate>,
    health_checks: Listed<HealthCheck>,
}

fn delete_all(mut change: Change, zone: &Stored<Zone>, inside: &Contents) -> Result<Change, Error> {
    let id = zone.value.id;
    let Contents { records, balancers, certificates, health_checks } = inside;
    change.if_unchanged(&Key::Zone(id), zone.modified)?;
    change.if_none_newer(records::prefix(id), records.rev);
    change.if_none_newer(balancers::prefix(Scope::Zone(id)), balancers.rev);
    change.if_none_newer(certificates::prefix(id), certificates.rev);
    change.if_none_newer(health_checks::prefix(id), health_checks.rev);
    delete_records(&mut change, records.iter())?;
    delete_balancers(&mut change, balancers.iter())?;
    for certificate in certificates.iter() {
        change.delete(&Key::Certificate(id, certificate.id))?;
    }
    for check in health_checks.iter() {
        change.delete(&Key::HealthCheck(id, check.id))?;
    }
    change.delete(&Key::Zone(id))?;
    Ok(change)
}

fn delete_records<'a>(
    change: &mut Change,
    mut records: impl Iterator<Item = &'a Record>,
) -> Result<(), Error> {
    records.try_for_each(|record| {
        change.delete(&Key::Record(record.zone, record.name.clone(), record.id))?;
        change.delete(&Key::RecordName(record.zone, record.id))
    })
}

fn delete_balancers<'a>(
    change: &mut Change,
    mut balancers: impl Iterator<Item = &'a Balancer>,
) -> Result<(), Error> {
    balancers.try_for_each(|balancer| change.delete(&Key::Balancer(balancer.scope, balancer.id)))
}

// === impl ZoneFilter ===

impl ZoneFilter {
    pub(crate) fn read(params: &Params) -> Result<ZoneFilter, Error> {
        let text = |key: &str| params.find(key).map(str::to_owned);
        let mut tests = Vec::new();
        // A name may be written with its last dot, here as in all bodies.
        let name = params.find("name").map(|text| text.strip_suffix('.').unwrap_or(text));
        tests.extend(name.map(|text| ZoneTest::Name(TextTest::prefixed(text))));
        tests.extend(text("account.id").map(ZoneTest::Account));
        let name = params.find("account.name").map(TextTest::prefixed);
        tests.extend(name.map(ZoneTest::AccountName));
        tests.extend(text("status").map(ZoneTest::Status));
        tests.extend(text("type").map(ZoneTest::Type));
        Ok(ZoneFilter {
            tests,
            joined: params.read("match")?.unwrap_or_default(),
            order: params.read("order")?,
            direction: params.read("direction")?.unwrap_or_default(),
        })
    }

    fn apply(&self, zones: Vec<NamedZone>) -> Vec<NamedZone> {
        let keep = |zone: &NamedZone| self.joined.keep(&self.tests, |test| test.passes(zone));
        let kept = zones.into_iter().filter(keep).collect();
        match self.order {
            Some(order) => in_order(kept, self.direction, |a, b| order.compare(a, b)),
            None => kept,
        }
    }
}

impl ZoneTest {
    fn passes(&self, NamedZone { zone, account_name }: &NamedZone) -> bool {
        match self {
            ZoneTest::Name(test) => test.passes(zone.name.as_str()),
            ZoneTest::Account(id) => zone.account.to_string() == *id,
            ZoneTest::AccountName(test) => test.passes(account_name),
            // Every zone here is of this status and type.
            ZoneTest::Status(status) => status == "active",
            ZoneTest::Type(kind) => kind == "full",
        }
    }
}

impl ZoneOrder {
    fn compare(self, a: &NamedZone, b: &NamedZone) -> Ordering {
        match self {
            ZoneOrder::Name => Text(a.zone.name.as_str()).cmp(&Text(b.zone.name.as_str())),
            ZoneOrder::AccountId => a.zone.account.cmp(&b.zone.account),
            ZoneOrder::AccountName => Text(&a.account_name).cmp(&Text(&b.account_name)),
            ZoneOrder::Status | ZoneOrder::PlanName | ZoneOrder::PlanId => Ordering::Equal,
        }
    }
}
