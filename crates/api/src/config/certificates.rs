//! Custom certificates of a zone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::certificate::{self, CertificateDraft};
use trimtab_model::certificate::{CERTIFICATES_MAX, PRIORITY_MAX};
use trimtab_model::config::{Document, Key};
use trimtab_model::{Certificate, CertificateId, Problems, ZoneId};

use super::Config;
use super::change::{Change, Outcome};
use super::identity::checked;
use super::stored::Listed;
use crate::errors::{Error, Kind, Service, code};
use crate::extract::AtZone;
use crate::ids;

pub(super) fn prefix(zone: ZoneId) -> String {
    format!("certificates/{zone}/")
}

// === impl Config ===

impl Config {
    /// In the order in which they win over each other.
    pub(crate) async fn certificates(&self, zone: ZoneId) -> Result<Vec<Certificate>, Error> {
        let mut certificates = self.list::<Certificate>(prefix(zone)).await?.values();
        certificates.sort_by_key(|certificate| Reverse(certificate.rank()));
        Ok(certificates)
    }

    pub(crate) async fn certificate(
        &self,
        zone: ZoneId,
        id: CertificateId,
    ) -> Result<Certificate, Error> {
        Ok(self.require(&Key::Certificate(zone, id), Kind::Certificate, id).await?.value)
    }

    /// The new one wins over those that are there, until somebody says otherwise.
    pub(crate) async fn create_certificate(
        &self,
        at: &AtZone,
        body: &Value,
    ) -> Result<Certificate, Error> {
        let draft = certificate::read(body).map_err(refused)?;
        let facts = checked(&draft, &at.zone, self.now())?;
        let place = (CertificateId::new(ids::random()?), at.zone.id);
        self.transact(&at.token, || async {
            let others = self.list::<Certificate>(prefix(at.zone.id)).await?;
            there_is_room(&others)?;
            is_new(&others, None, &draft)?;
            let highest = others.iter().map(|other| other.priority).max();
            let priority = highest.map_or(0, |highest| (highest + 1).min(PRIORITY_MAX));
            let made = draft.clone().into_new(place, facts.clone(), priority, self.now());
            let mut change = Change::default();
            change.if_exists(&Key::Zone(at.zone.id))?;
            change.if_none_newer(prefix(at.zone.id), others.rev);
            put(&mut change, &made)?;
            Ok(Outcome::Commit(change, made))
        })
        .await
    }

    /// What was uploaded before is not looked at again: it may have expired since.
    pub(crate) async fn patch_certificate(
        &self,
        at: &AtZone,
        id: CertificateId,
        body: &Value,
    ) -> Result<Certificate, Error> {
        let key = Key::Certificate(at.zone.id, id);
        self.transact(&at.token, || async {
            let current = self.require::<Certificate>(&key, Kind::Certificate, id).await?;
            let draft = certificate::patch(&current.value, body).map_err(refused)?;
            let mut change = Change::default();
            let mut facts = current.value.facts.clone();
            if draft.uploads(&current.value) {
                facts = checked(&draft, &at.zone, self.now())?;
                let others = self.list::<Certificate>(prefix(at.zone.id)).await?;
                is_new(&others, Some(id), &draft)?;
                change.if_none_newer(prefix(at.zone.id), others.rev);
            }
            let (new, changed) = draft.onto(&current.value, facts, self.now());
            if !changed {
                return Ok(Outcome::Nothing(new));
            }
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, &new)?;
            Ok(Outcome::Commit(change, new))
        })
        .await
    }

    /// Gives all certificates of the zone, in their new order.
    pub(crate) async fn prioritize_certificates(
        &self,
        at: &AtZone,
        body: &Value,
    ) -> Result<Vec<Certificate>, Error> {
        let priorities = certificate::read_priorities(body).map_err(refused)?;
        self.transact(&at.token, || async {
            let listed = self.list::<Certificate>(prefix(at.zone.id)).await?;
            all_known(&listed, &priorities)?;
            let wanted: BTreeMap<_, _> = priorities.iter().copied().collect();
            let mut change = Change::default();
            let mut certificates = Vec::new();
            for stored in listed.items {
                let mut one = stored.value;
                if let Some(&priority) = wanted.get(&one.id).filter(|&&p| p != one.priority) {
                    one.priority = priority;
                    one.modified_on = self.now();
                    change.if_unchanged(&Key::Certificate(one.zone, one.id), stored.modified)?;
                    put(&mut change, &one)?;
                }
                certificates.push(one);
            }
            certificates.sort_by_key(|certificate| Reverse(certificate.rank()));
            Ok(match change.writes() {
                0 => Outcome::Nothing(certificates),
                _ => Outcome::Commit(change, certificates),
            })
        })
        .await
    }

    pub(crate) async fn delete_certificate(
        &self,
        at: &AtZone,
        id: CertificateId,
    ) -> Result<(), Error> {
        let key = Key::Certificate(at.zone.id, id);
        self.transact(&at.token, || async {
            let current = self.require::<Certificate>(&key, Kind::Certificate, id).await?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }
}

fn put(change: &mut Change, certificate: &Certificate) -> Result<(), Error> {
    let key = Key::Certificate(certificate.zone, certificate.id);
    change.put(&key, &Document::Certificate(Box::new(certificate.clone())))
}

fn there_is_room(others: &Listed<Certificate>) -> Result<(), Error> {
    if others.items.len() < CERTIFICATES_MAX {
        return Ok(());
    }
    let message =
        format_args!("the zone has {CERTIFICATES_MAX} certificates, more are not allowed");
    Err(Error::coded("", code::CERTIFICATES_MAX, message))
}

/// One chain twice is a slip, and which of the two is shown would be chance.
fn is_new(
    others: &Listed<Certificate>,
    own: Option<CertificateId>,
    draft: &CertificateDraft,
) -> Result<(), Error> {
    let mut others = others.iter().filter(|other| Some(other.id) != own);
    match others.find(|other| other.chain_pem == draft.chain_pem) {
        None => Ok(()),
        Some(same) => {
            let message = format_args!("certificate has been uploaded already: {}", same.id);
            Err(Error::coded("/certificate", code::CERTIFICATE_EXISTS, message))
        }
    }
}

fn all_known(
    listed: &Listed<Certificate>,
    priorities: &[(CertificateId, u32)],
) -> Result<(), Error> {
    let mut problems = Problems::default();
    for (index, (id, _)) in priorities.iter().enumerate() {
        if !listed.iter().any(|certificate| certificate.id == *id) {
            problems.add(format!("/certificates/{index}/id"), unknown("certificate", id));
        }
    }
    problems.or(()).map_err(refused)
}

fn refused(problems: Problems) -> Error {
    Error::refused(Service::Plain, problems)
}
