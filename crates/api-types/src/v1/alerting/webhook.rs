//! Webhooks on the wire. The secret comes in and never goes out.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::alert::destination::{SECRET_CHARS_MAX, URL_CHARS_MAX};
use trimtab_model::alert::policy::NAME_CHARS_MAX;
use trimtab_model::alert::{HttpUrl, Standing, Webhook as Stored, WebhookType};
use trimtab_model::{Problems, SecretText, Timestamp, WebhookId};
use utoipa::ToSchema;

use crate::body::{self, Node, line, word};

/// An HTTP address that takes messages.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Webhook {
    #[schema(value_type = String)]
    pub id: WebhookId,
    pub name: String,
    pub url: String,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: WebhookType,
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>)]
    pub last_success: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    pub last_failure: Option<Timestamp>,
}

/// A checked body.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookDraft {
    name: String,
    url: String,
    kind: WebhookType,
    /// None: it was not sent, and stays.
    secret: Option<SecretText>,
}

/// Reads the body of a POST or PUT.
///
/// # Errors
/// Every problem of the body. No message repeats the secret.
pub fn read(body: &Value) -> Result<WebhookDraft, Problems> {
    body::read(body, |body| {
        let name = body.required("name", line(NAME_CHARS_MAX));
        let url = body.required("url", url);
        let kind = body.optional("type", word);
        let secret = body.optional("secret", secret);
        if name.as_ref().is_some_and(String::is_empty) {
            body.refuse("name", "name is empty");
        }
        let (url, known) = url?;
        let kind = kind?.unwrap_or(known);
        Some(WebhookDraft { name: name?, url, kind, secret: secret? })
    })
}

// === impl WebhookDraft ===

impl WebhookDraft {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty secret takes the stored one away.
    pub fn into_webhook(self, id: WebhookId, before: Option<&Stored>, now: Timestamp) -> Stored {
        let WebhookDraft { name, url, kind, secret } = self;
        let secret = match secret {
            Some(secret) => Some(secret).filter(|secret| !secret.reveal().is_empty()),
            None => before.and_then(|before| before.secret.clone()),
        };
        let created_on = before.map_or(now, |before| before.created_on);
        Stored { id, name, url, kind, secret, created_on }
    }
}

// === impl Webhook ===

impl Webhook {
    pub fn new(webhook: &Stored, standing: Standing) -> Webhook {
        Webhook {
            id: webhook.id,
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            kind: webhook.kind,
            created_at: webhook.created_on,
            last_success: standing.last_success,
            last_failure: standing.last_failure,
        }
    }
}

/// For some services the address is the secret, so a refusal does not repeat it.
fn url(node: &mut Node<'_>) -> Option<(String, WebhookType)> {
    let text = line(URL_CHARS_MAX)(node)?;
    let Some(url) = HttpUrl::read(&text) else {
        let shape = "is not an http or https address without user information and fragment";
        node.refuse_named(shape);
        return None;
    };
    let kind = WebhookType::of(&url.host.to_string(), url.path);
    Some((text, kind))
}

/// It goes into a header: visible ASCII (RFC 9110 section 5.5).
pub(super) fn secret(node: &mut Node<'_>) -> Option<SecretText> {
    let text = node.text()?;
    let sound = text.len() <= SECRET_CHARS_MAX && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !sound {
        node.refuse_named(format_args!(
            "is not a text of up to {SECRET_CHARS_MAX} visible ASCII characters"
        ));
        return None;
    }
    Some(SecretText::new(text))
}
