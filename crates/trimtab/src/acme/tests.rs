use trimtab_model::certificate::CertificateFacts;
use trimtab_model::{AccountId, SecretPem, Zone};
use trimtab_store::Sqlite;

use super::*;

const ZONE: ZoneId = ZoneId::new([1; 16]);

/// A store with one zone.
async fn kept() -> Kept {
    let kept = Kept(AnyStore::from(Sqlite::in_memory().unwrap()));
    let zone = Zone {
        id: ZONE,
        account: AccountId::new([1; 16]),
        name: "example.com".parse().unwrap(),
        paused: false,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        activated_on: Timestamp::default(),
    };
    put(&kept, &Key::Zone(ZONE), Document::Zone(zone)).await;
    kept
}

async fn put(kept: &Kept, key: &Key, document: Document) {
    let write = async || {
        let mut draft = Draft::default();
        draft.put(key, &document)?;
        Ok(draft)
    };
    kept.transact(write).await.unwrap();
}

async fn documents(kept: &Kept, prefix: &str) -> Vec<Document> {
    let (_, entries) = kept.all(prefix).await.unwrap();
    entries.iter().filter_map(|entry| document(entry).unwrap()).collect()
}

fn issued(host: &str, serial: &str) -> Issued {
    let facts = CertificateFacts {
        hosts: vec![host.into()],
        issuer: "An authority".into(),
        signature: "ECDSAWithSHA256".into(),
        starts_on: Timestamp::default(),
        expires_on: Timestamp::from_micros(1),
    };
    let key_pem = SecretPem::new(serial);
    Issued { zone: ZONE, chain_pem: serial.into(), key_pem, facts }
}

#[tokio::test]
async fn a_proof_takes_the_place_of_the_last_one_and_never_of_a_users_record() {
    let (kept, name) = (kept().await, "_acme-challenge.example.com".parse().unwrap());
    let users = Record { comment: None, ..proof(ZONE, &name, "users").unwrap() };
    let key = Key::Record(ZONE, name.clone(), users.id);
    put(&kept, &key, Document::Record(Box::new(users))).await;
    let check = async |value: Option<&str>, want: &[&str]| {
        kept.put_proof(ZONE, &name, value).await.unwrap();
        let mut contents = Vec::new();
        for found in documents(&kept, "records/").await {
            if let Document::Record(record) = found {
                contents.push((record.content, record.comment));
            }
        }
        contents.sort();
        let want: Vec<_> = want
            .iter()
            .map(|value| {
                let comment = (*value != "users").then(|| RECORD_COMMENT.to_owned());
                (format!("\"{value}\""), comment)
            })
            .collect();
        assert_eq!(contents, want, "{value:?}");
        // One index entry for each record that was put here.
        let (_, indexed) = kept.all("record-names/").await.unwrap();
        assert_eq!(indexed.len(), want.len() - 1);
    };
    check(Some("first"), &["first", "users"]).await;
    check(Some("second"), &["second", "users"]).await;
    check(None, &["users"]).await;
    check(None, &["users"]).await;
}

#[tokio::test]
async fn nothing_is_written_for_a_zone_that_is_gone() {
    let kept = kept().await;
    let delete = async || {
        let mut draft = Draft::default();
        draft.delete(&Key::Zone(ZONE))?;
        Ok(draft)
    };
    kept.transact(delete).await.unwrap();
    let name = "_acme-challenge.example.com".parse().unwrap();
    kept.put_proof(ZONE, &name, Some("proof")).await.unwrap_err();
    kept.keep(issued("www.example.com", "a")).await.unwrap_err();
    assert_eq!(kept.all("").await.unwrap().1, []);
}

#[tokio::test]
async fn a_successor_takes_the_place_of_what_was_ordered_and_keeps_what_was_set_on_it() {
    let kept = kept().await;
    kept.keep(issued("www.example.com", "first")).await.unwrap();
    kept.keep(issued("api.example.com", "other")).await.unwrap();
    let first = issued("www.example.com", "first");
    let mut uploaded = certificate(&first, None, Timestamp::default()).unwrap();
    uploaded.source = CertificateSource::Upload;
    let key = Key::Certificate(ZONE, uploaded.id);
    put(&kept, &key, Document::Certificate(Box::new(uploaded))).await;

    let certificates = async || {
        let mut found = Vec::new();
        for document in documents(&kept, "certificates/").await {
            if let Document::Certificate(one) = document {
                found.push(*one);
            }
        }
        found.sort_by_key(|one| (one.source, one.chain_pem.clone()));
        found
    };
    let mut before = certificates().await;
    assert_eq!(before.len(), 3);
    before[1].priority = 7;
    let key = Key::Certificate(ZONE, before[1].id);
    put(&kept, &key, Document::Certificate(Box::new(before[1].clone()))).await;
    kept.keep(issued("www.example.com", "second")).await.unwrap();

    let after = certificates().await;
    let told = |one: &Certificate| (one.source, one.id, one.chain_pem.clone(), one.priority);
    let mut want: Vec<_> = before.iter().map(told).collect();
    want[1].2 = "second".into();
    want.swap(1, 2);
    assert_eq!(after.iter().map(told).collect::<Vec<_>>(), want);
}

#[tokio::test]
async fn the_account_is_kept_for_the_next_start() {
    let kept = kept().await;
    assert_eq!(kept.account().await.unwrap(), None);
    let account = AcmeAccount {
        directory: "https://authority.test/dir".into(),
        url: "https://authority.test/1".into(),
        contacts: vec!["mailto:ops@example.com".into()],
        key_pem: SecretPem::new("key"),
    };
    kept.keep_account(account.clone()).await.unwrap();
    assert_eq!(kept.account().await.unwrap(), Some(account));
}
