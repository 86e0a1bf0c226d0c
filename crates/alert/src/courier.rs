//! Sends one message to one destination, once; says what came back, or why nothing did.

use std::time::Duration;

use tokio::time::Instant;
use trimtab_connect::{Connector, Egress};
use trimtab_model::alert::{HttpUrl, PagerDuty, Webhook};
use trimtab_model::{SecretText, Timestamp};

use crate::http::{self, Answer, PostError};
use crate::mail::{MailError, MailSetUpError, Postman};
use crate::message::Message;
use crate::render;
use crate::settings::Settings;

/// Where PagerDuty takes events.
const PAGERDUTY_URL: &str = "https://events.pagerduty.com";
const PAGERDUTY_PATH: &str = "/v2/enqueue";
/// RFC draft `idempotency-key-header`: by it a receiver knows what it has seen already.
const KEY_HEADER: &str = "idempotency-key";

/// Whatever can be sent to, with its secrets.
#[derive(Clone, Debug)]
pub enum Target {
    Email(String),
    Webhook(Webhook),
    PagerDuty(PagerDuty),
}

/// It was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of HTTP or SMTP.
    pub status: u16,
    /// The beginning of what came back.
    pub answer: String,
    pub took: Duration,
}

/// It was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// No further try changes it.
    pub for_good: bool,
    pub status: Option<u16>,
    pub answer: String,
    pub why: String,
    pub took: Duration,
}

/// Knows every way out. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    connector: Connector,
    /// To what the operator named, where no policy for what users name is asked.
    own: Connector,
    postman: Option<Postman>,
    pagerduty: String,
    node: String,
}

/// Why alerts could not be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    #[error("mail")]
    Mail(#[from] MailSetUpError),
}

// === impl Courier ===

impl Courier {
    /// # Errors
    /// When the settings of mail cannot be used.
    pub fn new(settings: &Settings, connector: Connector) -> Result<Courier, SetUpError> {
        let postman = settings.smtp.as_ref().map(Postman::new).transpose()?;
        let pagerduty = settings.pagerduty_url.clone();
        let egress = Egress { own: connector.egress().own.clone(), ..Egress::default() };
        Ok(Courier {
            own: connector.clone().with_egress(egress),
            connector,
            postman,
            pagerduty: pagerduty.unwrap_or_else(|| PAGERDUTY_URL.into()),
            node: settings.node.clone(),
        })
    }

    /// `id` is the same at every try.
    pub async fn send(
        &self,
        to: &Target,
        message: &Message,
        id: &str,
        now: Timestamp,
    ) -> Result<Sent, Failure> {
        let began = Instant::now();
        let done = match to {
            Target::Email(address) => self.mail(address, message, id).await,
            Target::Webhook(hook) => self.webhook(hook, message, id, now).await,
            Target::PagerDuty(service) => self.pagerduty(service, message, id).await,
        };
        let took = began.elapsed();
        match done {
            Ok((status, answer)) => Ok(Sent { status, answer, took }),
            Err(failure) => Err(Failure { took, ..failure }),
        }
    }

    async fn webhook(
        &self,
        hook: &Webhook,
        message: &Message,
        id: &str,
        now: Timestamp,
    ) -> Result<(u16, String), Failure> {
        let url = HttpUrl::read(&hook.url).ok_or_else(|| from_http(&PostError::Address))?;
        let rendered = render::webhook(message, hook, url.path, now);
        let path = rendered.path.as_deref().unwrap_or(url.path);
        let mut headers = rendered.headers;
        headers.push((KEY_HEADER, id.to_owned()));
        let body = rendered.body.to_string().into_bytes();
        let answer = http::post(&self.connector, &url, path, &headers, body).await;
        judge(answer.map_err(|error| from_http(&error))?)
    }

    async fn pagerduty(
        &self,
        service: &PagerDuty,
        message: &Message,
        id: &str,
    ) -> Result<(u16, String), Failure> {
        let Some(key) = service.integration_key.as_ref().map(SecretText::reveal) else {
            return Err(Failure::for_good("the service was connected without an integration key"));
        };
        let url = format!("{}{PAGERDUTY_PATH}", self.pagerduty.trim_end_matches('/'));
        let url = HttpUrl::read(&url).ok_or_else(|| from_http(&PostError::Address))?;
        let body = render::pagerduty(message, key, &self.node).to_string().into_bytes();
        let headers = [(KEY_HEADER, id.to_owned())];
        let answer = http::post(&self.own, &url, url.path, &headers, body).await;
        judge(answer.map_err(|error| from_http(&error))?)
    }

    async fn mail(&self, to: &str, message: &Message, id: &str) -> Result<(u16, String), Failure> {
        let Some(postman) = &self.postman else {
            let why = "this node has no mail server: [smtp] in server.toml names one";
            return Err(Failure { for_good: false, ..Failure::for_good(why) });
        };
        postman.send(message, id, to).await.map_err(|error| from_mail(&error))
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn for_good(why: &str) -> Failure {
        Failure {
            for_good: true,
            status: None,
            answer: String::new(),
            why: why.into(),
            took: Duration::ZERO,
        }
    }
}

/// RFC 9110 section 15.5: what is wrong with the request itself stays wrong; everything else may be mended at the
/// other end, such as a key, an address or a route.
fn judge(Answer { status, text }: Answer) -> Result<(u16, String), Failure> {
    match status {
        200..=299 => Ok((status, text)),
        _ => Err(Failure {
            for_good: matches!(status, 400 | 410 | 413 | 415 | 422),
            status: Some(status),
            answer: text,
            why: format!("it answered with status {status}"),
            took: Duration::ZERO,
        }),
    }
}

fn from_http(error: &PostError) -> Failure {
    Failure { for_good: error.is_for_good(), ..Failure::for_good(&chain(error)) }
}

fn from_mail(error: &MailError) -> Failure {
    let for_good = error.is_for_good();
    Failure { for_good, status: error.status(), ..Failure::for_good(&chain(error)) }
}

/// With every cause.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(why) = cause {
        text = format!("{text}: {why}");
        cause = why.source();
    }
    text
}
