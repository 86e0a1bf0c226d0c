//! Certificates that this node orders: where the issuer meets the store, and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use trimtab_acme::board::Orders;
use trimtab_acme::storage::RECORD_COMMENT;
use trimtab_acme::{Acme, Board, Issued, Issuer, SetUpError, Settings, Storage, StorageError};
use trimtab_api::AcmePort;
use trimtab_api_types::v1;
use trimtab_connect::{Challenges, Connector};
use trimtab_live::Cell;
use trimtab_model::certificate::{
    BundleMethod, CERTIFICATES_MAX, CertificateSource, CertificateType,
};
use trimtab_model::config::{Document, Key};
use trimtab_model::zone::{Rdata, RecordSettings, TTL_SECONDS};
use trimtab_model::{
    AcmeAccount, Certificate, CertificateId, Name, Record, RecordId, RecordType, Timestamp, ZoneId,
};
use trimtab_store::{
    AnyStore, Clock, CommitError, Entry, Guard, Prefix, Range, Rev, Store, SystemClock, Txn, Write,
};

use crate::config;

/// The store, as the issuer writes it.
struct Kept(AnyStore);

/// Guards and writes of one try.
#[derive(Default)]
struct Draft {
    guards: Vec<Guard>,
    writes: Vec<Write>,
}

/// What the history says who it was.
const ACTOR: &str = "acme";
/// Others write the same zone at the same moment now and then, hardly ever three times in a row.
const ATTEMPTS_MAX: u32 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the other parts of a node see of its certificates that are ordered; a node that orders none has it as well.
pub(crate) struct Ordering {
    pub(crate) challenges: Arc<Challenges>,
    settings: Option<Settings>,
    board: Arc<Board>,
}

// === impl Ordering ===

impl Ordering {
    pub(crate) fn new(config: Option<&config::Acme>) -> Ordering {
        let (challenges, board) = Default::default();
        Ordering { challenges, settings: config.map(settings), board }
    }

    /// The task that orders; it only waits for its end where nothing is to be ordered.
    pub(crate) fn issuer(
        &self,
        store: &AnyStore,
        cell: &Cell,
        connector: Connector,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<BoxFuture<'static, ()>, SetUpError> {
        let Some(settings) = self.settings.clone() else {
            return Ok(Box::pin(async move {
                // The sender lives as long as the node; were it gone, ending is right as well.
                let _told = stopped.wait_for(|stopped| *stopped).await;
            }));
        };
        let challenges = Arc::clone(&self.challenges);
        let (kept, of) = (Kept(store.clone()), cell.clone());
        let acme = Acme::new(settings.clone(), kept, of, challenges, connector)?;
        let issuer = Issuer::new(settings, cell.clone(), Arc::clone(&self.board), now);
        Ok(Box::pin(issuer.run(acme, stopped)))
    }

    /// What the API tells.
    pub(crate) fn port(&self) -> AcmePort {
        let (settings, board) = (self.settings.clone(), Arc::clone(&self.board));
        Arc::new(move |now| {
            settings.as_ref().map_or_else(v1::Acme::default, |s| tell(s, &board, now))
        })
    }

    /// What the metrics tell.
    pub(crate) fn counters(&self) -> Option<Box<dyn Fn() -> Orders + Send + Sync>> {
        let board = Arc::clone(&self.board);
        self.settings.as_ref()?;
        Some(Box::new(move || board.orders()))
    }
}

fn settings(acme: &config::Acme) -> Settings {
    Settings {
        directory: acme.directory.clone(),
        contacts: acme.contact.clone(),
        challenge: acme.challenge,
        ca: acme.ca.as_ref().map(|file| file.pem().to_owned()),
        renew_before: DAY.saturating_mul(acme.renew_before_days),
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(SystemClock::start().unix_micros())
}

fn tell(settings: &Settings, board: &Board, now: Timestamp) -> v1::Acme {
    let names = board.shown(now).into_iter().map(|shown| v1::acme::AcmeName {
        name: shown.name,
        zone_id: shown.zone,
        state: shown.state,
        expires_on: shown.expires_on,
        failures: shown.failures,
        last_error: shown.last_error,
        next_try: shown.next_try,
    });
    v1::Acme {
        enabled: true,
        directory: Some(settings.directory.to_string()),
        challenge: Some(settings.challenge.word()),
        names: names.collect(),
    }
}

// === impl Kept ===

impl Kept {
    /// Runs `attempt` until nobody writes in between.
    async fn transact<Attempt: Future<Output = Result<Draft, StorageError>>>(
        &self,
        attempt: impl Fn() -> Attempt,
    ) -> Result<(), StorageError> {
        let mut tries = 1;
        loop {
            let Draft { guards, writes } = attempt().await?;
            if writes.is_empty() {
                return Ok(());
            }
            let txn = Txn { guards, writes, actor: ACTOR.into(), comment: None };
            match self.0.commit(txn).await {
                Ok(_rev) => return Ok(()),
                Err(CommitError::Conflict(_)) if tries < ATTEMPTS_MAX => tries += 1,
                Err(why) => return Err(why.into()),
            }
        }
    }

    async fn all(&self, prefix: &str) -> Result<(Rev, Vec<Entry>), StorageError> {
        let mut range = Range::of(Prefix::new(prefix));
        let mut page = self.0.read(range.clone(), None).await?;
        let rev = page.rev;
        let mut all = std::mem::take(&mut page.entries);
        while page.more {
            range.after = all.last().map(|entry| entry.key.clone());
            page = self.0.read(range.clone(), Some(rev)).await?;
            all.append(&mut page.entries);
        }
        Ok((rev, all))
    }

    /// The issuer's own records at the name go, and the new one comes.
    async fn draft_proof(
        &self,
        zone: ZoneId,
        name: &Name,
        value: Option<&str>,
    ) -> Result<Draft, StorageError> {
        let prefix = format!("records/{zone}/{name}/");
        let (rev, entries) = self.all(&prefix).await?;
        let mut draft = Draft::default();
        for entry in &entries {
            if let Some(Document::Record(record)) = document(entry)?
                && record.kind == RecordType::Txt
                && record.comment.as_deref() == Some(RECORD_COMMENT)
            {
                draft.delete(&Key::Record(zone, name.clone(), record.id))?;
                draft.delete(&Key::RecordName(zone, record.id))?;
            }
        }
        if let Some(value) = value {
            let record = proof(zone, name, value)?;
            let index = store_key(&Key::RecordName(zone, record.id))?;
            draft.writes.push(Write::Put(index, name.as_str().as_bytes().into()));
            let key = Key::Record(zone, name.clone(), record.id);
            draft.put(&key, &Document::Record(Box::new(record)))?;
            draft.guards.push(Guard::Exists(store_key(&Key::Zone(zone))?));
        }
        draft.guards.push(Guard::NoneNewer { prefix: Prefix::new(prefix), at: rev });
        Ok(draft)
    }

    async fn draft_certificate(&self, issued: &Issued) -> Result<Draft, StorageError> {
        let prefix = format!("certificates/{}/", issued.zone);
        let (rev, entries) = self.all(&prefix).await?;
        let mut before = None;
        for entry in &entries {
            if let Some(Document::Certificate(one)) = document(entry)?
                && one.source == CertificateSource::Acme
                && one.facts.hosts == issued.facts.hosts
            {
                before = Some(one);
            }
        }
        if before.is_none() && entries.len() >= CERTIFICATES_MAX {
            return Err(format!("the zone has {CERTIFICATES_MAX} certificates already").into());
        }
        let certificate = certificate(issued, before.as_deref(), now())?;
        let mut draft = Draft::default();
        draft.guards.push(Guard::Exists(store_key(&Key::Zone(issued.zone))?));
        draft.guards.push(Guard::NoneNewer { prefix: Prefix::new(prefix), at: rev });
        let key = Key::Certificate(issued.zone, certificate.id);
        draft.put(&key, &Document::Certificate(Box::new(certificate)))?;
        Ok(draft)
    }
}

impl Storage for Kept {
    async fn account(&self) -> Result<Option<AcmeAccount>, StorageError> {
        let entry = self.0.entry(store_key(&Key::AcmeAccount)?, None).await?;
        let found = entry.as_ref().map(document).transpose()?.flatten();
        Ok(found.and_then(|found| match found {
            Document::AcmeAccount(account) => Some(*account),
            _ => None,
        }))
    }

    async fn keep_account(&self, account: AcmeAccount) -> Result<(), StorageError> {
        let document = Document::AcmeAccount(Box::new(account));
        self.transact(async || {
            let mut draft = Draft::default();
            draft.put(&Key::AcmeAccount, &document)?;
            Ok(draft)
        })
        .await
    }

    async fn put_proof(
        &self,
        zone: ZoneId,
        name: &Name,
        value: Option<&str>,
    ) -> Result<(), StorageError> {
        self.transact(|| self.draft_proof(zone, name, value)).await
    }

    async fn keep(&self, issued: Issued) -> Result<(), StorageError> {
        self.transact(|| self.draft_certificate(&issued)).await
    }
}

// === impl Draft ===

impl Draft {
    fn put(&mut self, key: &Key, document: &Document) -> Result<(), StorageError> {
        self.writes.push(Write::Put(store_key(key)?, document.encode()?.into()));
        Ok(())
    }

    fn delete(&mut self, key: &Key) -> Result<(), StorageError> {
        self.writes.push(Write::Delete(store_key(key)?));
        Ok(())
    }
}

/// What was changed by hand on the one before stays.
fn certificate(
    issued: &Issued,
    before: Option<&Certificate>,
    now: Timestamp,
) -> Result<Certificate, StorageError> {
    let new = Certificate {
        id: CertificateId::new(random()?),
        zone: issued.zone,
        source: CertificateSource::Acme,
        chain_pem: issued.chain_pem.clone(),
        key_pem: issued.key_pem.clone(),
        facts: issued.facts.clone(),
        kind: CertificateType::SniCustom,
        bundle_method: BundleMethod::Ubiquitous,
        geo_restriction: None,
        policy: None,
        priority: 0,
        uploaded_on: now,
        modified_on: now,
    };
    Ok(match before {
        None => new,
        Some(before) => Certificate {
            chain_pem: new.chain_pem,
            key_pem: new.key_pem,
            facts: new.facts,
            uploaded_on: now,
            modified_on: now,
            ..before.clone()
        },
    })
}

/// As short-lived as a record can be.
fn proof(zone: ZoneId, name: &Name, value: &str) -> Result<Record, StorageError> {
    let content = format!("\"{value}\"");
    let parsed = trimtab_dns::rdata::parse(RecordType::Txt, &content, None, None, name)?;
    let now = now();
    Ok(Record {
        id: RecordId::new(random()?),
        zone,
        name: name.clone(),
        kind: RecordType::Txt,
        content: parsed.content,
        data: parsed.data,
        rdata: Rdata(parsed.rdata.into()),
        ttl: *TTL_SECONDS.start(),
        priority: None,
        proxied: false,
        settings: RecordSettings::default(),
        comment: Some(RECORD_COMMENT.into()),
        tags: Vec::new(),
        created_on: now,
        modified_on: now,
        comment_modified_on: Some(now),
        tags_modified_on: None,
    })
}

fn random() -> Result<[u8; 16], StorageError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// None for entries of a kind that this version does not know.
fn document(entry: &Entry) -> Result<Option<Document>, StorageError> {
    let Some(key) = Key::read(entry.key.as_str()) else { return Ok(None) };
    Ok(Document::decode(&key, &entry.value)?)
}

fn store_key(key: &Key) -> Result<trimtab_store::Key, StorageError> {
    Ok(trimtab_store::Key::new(key.to_string())?)
}

#[cfg(test)]
mod tests;
