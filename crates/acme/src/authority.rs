//! One order, from the first word to the stored certificate.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use tokio::time::timeout;
use trimtab_connect::challenges::Placed;
use trimtab_connect::{Chain, Challenges, Connector, Profile, ProfileError, Ready, Trust};
use trimtab_live::Cell;
use trimtab_model::{Name, SecretPem, ZoneId};

use crate::account;
use crate::client::{Asked, Https};
use crate::error::{Failure, OrderError, Refusal};
use crate::proof;
use crate::settings::{Challenge, Settings};
use crate::storage::{Issued, Storage};

/// An authority that looks from many places takes half a minute; one that is busy, longer.
const ORDER_TIMEOUT: Duration = Duration::from_secs(300);
/// First after half a second, then less and less often.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));

/// Who gives certificates.
pub(crate) trait Authority: Send {
    /// Gets a certificate for the name and has it kept.
    fn order(
        &mut self,
        name: &Name,
        zone: ZoneId,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Takes back what an order left in the world, finished or not.
    fn tidy(&mut self) -> impl Future<Output = ()> + Send;
}

/// An authority that speaks ACME.
pub struct Acme<S> {
    settings: Settings,
    storage: S,
    cell: Cell,
    challenges: Arc<Challenges>,
    connector: Connector,
    tls: Ready,
    asked: Asked,
    account: Option<Account>,
    proof: Option<Proof>,
}

/// What proves a name just now.
enum Proof {
    Record {
        zone: ZoneId,
        name: Name,
    },
    /// Shown while it lives.
    Certificate {
        _placed: Placed,
    },
}

/// The settings cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[error("set up TLS towards the certificate authority")]
pub struct SetUpError(#[from] ProfileError);

// === impl Acme ===

impl<S: Storage> Acme<S> {
    /// # Errors
    /// When the certificates to believe are none.
    pub fn new(
        settings: Settings,
        storage: S,
        cell: Cell,
        challenges: Arc<Challenges>,
        connector: Connector,
    ) -> Result<Acme<S>, SetUpError> {
        let ca = settings.ca.as_deref();
        let tls = Profile { trust: Trust::Certified, http2: false, ca, client: None };
        let tls = connector.profile(&tls)?;
        let asked = Asked::default();
        let (account, proof) = (None, None);
        Ok(Acme { settings, storage, cell, challenges, connector, tls, asked, account, proof })
    }

    /// An authority may have forgotten the account, as those for tests do.
    async fn ordered_by_some_account(
        &mut self,
        name: &Name,
        zone: ZoneId,
    ) -> Result<(), OrderError> {
        match self.ordered(name, zone).await {
            Err(why) if why.is_of_unknown_account() => {
                let opened = account::register(&self.settings, &self.storage, self.http()).await?;
                self.account = Some(opened);
                self.ordered(name, zone).await
            }
            ordered => ordered,
        }
    }

    async fn ordered(&mut self, name: &Name, zone: ZoneId) -> Result<(), OrderError> {
        let account = self.account().await?;
        let identifiers = [Identifier::Dns(name.to_string())];
        let order = account.new_order(&NewOrder::new(&identifiers)).await;
        let mut order = order.map_err(OrderError::Order)?;
        self.prove(&mut order, name, zone).await?;
        match order.poll_ready(&POLLS).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) => return Err(refusal(&mut order, None).await),
            Err(instant_acme::Error::Api(problem)) => {
                return Err(refusal(&mut order, Some(problem.to_string())).await);
            }
            Err(why) => return Err(OrderError::Waiting(why)),
        }
        let key_pem = order.finalize().await.map_err(OrderError::Fetch)?;
        let chain_pem = order.poll_certificate(&POLLS).await.map_err(OrderError::Fetch)?;
        let chain = Chain::read(&chain_pem).map_err(OrderError::Chain)?;
        chain.with_key(&key_pem).map_err(OrderError::Key)?;
        let facts = chain.facts().clone();
        let issued = Issued { zone, chain_pem, key_pem: SecretPem::new(key_pem), facts };
        let kept = self.storage.keep(issued).await;
        kept.map_err(|why| OrderError::Keep("keep the certificate", why))
    }

    async fn account(&mut self) -> Result<Account, OrderError> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let opened = account::open(&self.settings, &self.storage, self.http()).await?;
        self.account = Some(opened.clone());
        Ok(opened)
    }

    fn http(&self) -> Https {
        let (connector, tls, asked) =
            (self.connector.clone(), self.tls.clone(), self.asked.clone());
        Https { connector, tls, asked }
    }

    /// An authority may remember an earlier proof, and asks for none then.
    async fn prove(
        &mut self,
        order: &mut Order,
        name: &Name,
        zone: ZoneId,
    ) -> Result<(), OrderError> {
        let (kind, by) = match self.settings.challenge {
            Challenge::Dns01 => (ChallengeType::Dns01, Challenge::Dns01),
            Challenge::TlsAlpn01 => (ChallengeType::TlsAlpn01, Challenge::TlsAlpn01),
        };
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(OrderError::Order)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(kind.clone());
            let mut challenge = challenge.ok_or(OrderError::NoChallenge(by))?;
            let proof = challenge.key_authorization();
            match by {
                Challenge::Dns01 => self.publish(name, zone, &proof.dns_value()).await?,
                Challenge::TlsAlpn01 => {
                    let placed = proof::place(&self.challenges, name, &proof)?;
                    self.proof = Some(Proof::Certificate { _placed: placed });
                }
            }
            challenge.set_ready().await.map_err(OrderError::Order)?;
        }
        Ok(())
    }

    async fn publish(&mut self, name: &Name, zone: ZoneId, value: &str) -> Result<(), OrderError> {
        let record =
            proof::record_name(name).ok_or_else(|| OrderError::NotAnswered(name.clone()))?;
        // Before it is written, so that it is taken back whatever becomes of the write.
        self.proof = Some(Proof::Record { zone, name: record.clone() });
        let put = self.storage.put_proof(zone, &record, Some(value)).await;
        put.map_err(|why| OrderError::Keep("write the record of the challenge", why))?;
        proof::until_answered(&self.cell, &record, value).await
    }
}

impl<S: Storage> Authority for Acme<S> {
    async fn order(&mut self, name: &Name, zone: ZoneId) -> Result<(), Failure> {
        self.asked.take();
        let ordered = timeout(ORDER_TIMEOUT, self.ordered_by_some_account(name, zone)).await;
        let ordered = ordered.unwrap_or(Err(OrderError::Late(ORDER_TIMEOUT)));
        ordered.map_err(|why| Failure { why, retry_after: self.asked.take() })
    }

    async fn tidy(&mut self) {
        if let Some(Proof::Record { zone, name }) = self.proof.take()
            && let Err(error) = self.storage.put_proof(zone, &name, None).await
        {
            tracing::warn!(error, %name, "the record of an ACME challenge stays");
        }
    }
}

/// The order itself says less than its authorizations do.
async fn refusal(order: &mut Order, said: Option<String>) -> OrderError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        // Read anew: what is known of it is from before the proof.
        let Ok(state) = authorization.refresh().await else { break };
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return OrderError::Refused(Refusal { said: Some(problem.to_string()) });
        }
    }
    OrderError::Refused(Refusal { said })
}
