//! The account with an authority: the stored one, or a new one that is stored at once.

use instant_acme::{Account, NewAccount};
use rcgen::KeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use trimtab_model::{AcmeAccount, SecretPem};

use crate::client::Https;
use crate::error::OrderError;
use crate::settings::Settings;
use crate::storage::Storage;

/// An account of another authority is left behind: the certificates that it ordered stay good.
pub(crate) async fn open(
    settings: &Settings,
    storage: &impl Storage,
    http: Https,
) -> Result<Account, OrderError> {
    let stored =
        storage.account().await.map_err(|why| OrderError::Keep("read the account", why))?;
    let stored = stored.filter(|account| account.directory == settings.directory.as_str());
    let Some(stored) = stored else {
        return register(settings, storage, http).await;
    };
    let key = KeyPair::from_pem(stored.key_pem.reveal()).map_err(OrderError::AccountKey)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let builder = Account::builder_with_http(Box::new(http));
    let opened = builder.from_parts(stored.url.clone(), key, stored.directory.clone()).await;
    let account = opened.map_err(OrderError::Account)?;
    if stored.contacts != settings.contacts {
        account.update_contacts(&contacts(settings)).await.map_err(OrderError::Account)?;
        keep(storage, AcmeAccount { contacts: settings.contacts.clone(), ..stored }).await?;
    }
    Ok(account)
}

pub(crate) async fn register(
    settings: &Settings,
    storage: &impl Storage,
    http: Https,
) -> Result<Account, OrderError> {
    let directory = settings.directory.to_string();
    let asked = NewAccount {
        contact: &contacts(settings),
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let builder = Account::builder_with_http(Box::new(http));
    let made = builder.create(&asked, directory.clone(), None).await;
    let (account, credentials) = made.map_err(OrderError::Account)?;
    let key = KeyPair::try_from(credentials.private_key()).map_err(OrderError::AccountKey)?;
    let stored = AcmeAccount {
        directory,
        url: account.id().to_owned(),
        contacts: settings.contacts.clone(),
        key_pem: SecretPem::new(key.serialize_pem()),
    };
    keep(storage, stored).await?;
    tracing::info!(directory = %settings.directory, account = account.id(), "an ACME account was opened");
    Ok(account)
}

fn contacts(settings: &Settings) -> Vec<&str> {
    settings.contacts.iter().map(String::as_str).collect()
}

async fn keep(storage: &impl Storage, account: AcmeAccount) -> Result<(), OrderError> {
    storage.keep_account(account).await.map_err(|why| OrderError::Keep("keep the account", why))
}
