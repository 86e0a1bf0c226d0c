//! Zone files in and out.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_api_types::v1::record::{Form, Parsed, RecordDraft, Written};
use trimtab_dns::zonefile::{self, TooLarge};
use trimtab_dns::{Authority, Soa};
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{Name, Problems, Record, RecordType, Zone};

use super::sheet::Sheet;
use super::{prefix, refused};
use crate::config::Config;
use crate::errors::{Error, Service, code};
use crate::extract::AtZone;
use crate::form::Upload;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Imported {
    pub(crate) recs_added: u64,
    pub(crate) recs_added_by_type: BTreeMap<RecordType, u64>,
    pub(crate) total_records_parsed: u64,
}

/// Records of one import; each is two writes of the one transaction that an import is.
const IMPORT_RECORDS_MAX: usize = 5_000;

// === impl Config ===

impl Config {
    pub(crate) async fn export(
        &self,
        zone: &Zone,
        nameservers: &[Name],
        hostmaster: Option<&Name>,
    ) -> Result<String, Error> {
        let mut listed = self.list::<Record>(prefix(zone.id)).await?;
        listed.items.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        // Serials wrap as RFC 1982 allows.
        let serial = (listed.rev.value() & u64::from(u32::MAX)) as u32;
        let usual = || format!("hostmaster.{}", zone.name).parse().unwrap_or(zone.name.clone());
        let mname = nameservers.first().unwrap_or(&zone.name).clone();
        let soa = Soa::new(mname, hostmaster.cloned().unwrap_or_else(usual), serial);
        let authority = Authority { nameservers: nameservers.to_vec(), soa };
        Ok(zonefile::export(&zone.name, &authority, listed.iter()))
    }

    /// All of the file or nothing of it. Records that are there already are left as they are.
    /// Beside what was done there is what was not, in words.
    pub(crate) async fn import(
        &self,
        at: &AtZone,
        upload: Upload,
    ) -> Result<(Imported, Vec<String>), Error> {
        let file = read(upload, &at.zone.name).await?;
        let imported = self.transact(&at.token, || async {
            let mut sheet = Sheet::new(self, &at.zone);
            let added = add_all(&mut sheet, &file.records).await?;
            sheet.outcome(Imported {
                recs_added: added.values().sum(),
                recs_added_by_type: added,
                total_records_parsed: file.records.len() as u64,
            })
        });
        Ok((imported.await?, notices(&file)))
    }
}

/// Reading megabytes takes long enough to be done beside the server's own threads.
async fn read(upload: Upload, apex: &Name) -> Result<zonefile::Import, Error> {
    let Upload { file, proxied } = upload;
    let name = apex.clone();
    let read = tokio::task::spawn_blocking(move || zonefile::import(&file, &name)).await;
    let import = read.map_err(|_panicked| Error::Broken("reading a zone file panicked"))?;
    let mut import = import
        .map_err(|TooLarge { .. }| Error::BodyTooLarge { limit: zonefile::TEXT_BYTES_MAX })?;
    let mut problems = Problems::default();
    for problem in &import.problems {
        problems.add("", format_args!("line {}: {}", problem.line, problem.message));
    }
    if import.records.len() > IMPORT_RECORDS_MAX {
        let found = import.records.len();
        problems.add("", format_args!("{found} records, at most {IMPORT_RECORDS_MAX} at a time"));
    }
    for record in &mut import.records {
        record.remark.proxied |= proxied && is_proxiable(record.kind);
    }
    problems.or(import).map_err(refused)
}

fn notices(file: &zonefile::Import) -> Vec<String> {
    let skipped = (file.skipped > 0).then(|| {
        let count = file.skipped;
        format!(
            "left out: {count} SOA and NS records of the zone's own name, which are this node's own"
        )
    });
    let proxied = file.records.iter().filter(|record| record.remark.proxied).count();
    let proxied = (proxied > 0).then(|| {
        format!("{proxied} records are proxied: {}", trimtab_api_types::v1::record::NOT_PROXIED)
    });
    skipped.into_iter().chain(proxied).collect()
}

fn is_proxiable(kind: RecordType) -> bool {
    Form::of(kind).proxiable
}

/// How many of each type were new. Goes on after a clash, so that one answer names them all.
async fn add_all(
    sheet: &mut Sheet<'_>,
    records: &[zonefile::Imported],
) -> Result<BTreeMap<RecordType, u64>, Error> {
    let (mut added, mut problems) = (BTreeMap::new(), Problems::default());
    for record in records {
        match sheet.add(draft(record), parsed(record)).await {
            Ok(_record) => *added.entry(record.kind).or_default() += 1,
            Err(Error::Refused { service: Service::Plain, problems: clashes }) => {
                for clash in clashes.iter().filter(|clash| !is_there_already(clash.code)) {
                    let message = format!("line {}: {}", record.line, clash.message);
                    problems.add_coded("", clash.code.unwrap_or_default(), message);
                }
            }
            Err(why) => return Err(why),
        }
    }
    problems.or(added).map_err(|problems| Error::refused(Service::Plain, problems))
}

fn is_there_already(clash: Option<u32>) -> bool {
    matches!(clash, Some(code::RECORD_EXISTS | code::RECORD_IDENTICAL))
}

fn draft(record: &zonefile::Imported) -> RecordDraft {
    RecordDraft {
        name: record.name.clone(),
        kind: record.kind,
        written: Written::Content(record.parsed.content.clone()),
        ttl: record.ttl,
        priority: record.parsed.priority.filter(|_| Form::of(record.kind).priority),
        proxied: record.remark.proxied,
        settings: RecordSettings::default(),
        comment: record.remark.comment.clone(),
        tags: record.remark.tags.clone(),
    }
}

fn parsed(record: &zonefile::Imported) -> Parsed {
    let zonefile::Imported { parsed, .. } = record;
    Parsed {
        content: parsed.content.clone(),
        data: parsed.data.clone(),
        rdata: Rdata(parsed.rdata.clone().into()),
    }
}
