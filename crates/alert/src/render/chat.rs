//! Chat rooms: the text, in the envelope that each service reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use trimtab_model::Timestamp;

use crate::message::Message;
use crate::render::{cut, seconds};
use crate::text;

/// What Discord takes.
const DISCORD_CHARS_MAX: usize = 2000;
/// What Google Chat and Feishu take is more; a screen is less.
const CHARS_MAX: usize = 4000;

/// Only these three have a meaning in Slack's text.
pub(super) fn slack(message: &Message) -> Value {
    let text = text(message, CHARS_MAX).replace('&', "&amp;").replace('<', "&lt;");
    json!({"text": text.replace('>', "&gt;")})
}

/// Nobody is called by a name that happens to stand in the text.
pub(super) fn discord(message: &Message) -> Value {
    json!({"content": text(message, DISCORD_CHARS_MAX), "allowed_mentions": {"parse": []}})
}

pub(super) fn gchat(message: &Message) -> Value {
    json!({"text": text(message, CHARS_MAX)})
}

/// With a secret the time is signed: the key is `time\nsecret`, and nothing is signed with it.
pub(super) fn feishu(message: &Message, secret: Option<&str>, now: Timestamp) -> Value {
    let mut body = json!({"msg_type": "text", "content": {"text": text(message, CHARS_MAX)}});
    if let Some(secret) = secret {
        let time = seconds(now).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{time}\n{secret}").as_bytes());
        body["sign"] = STANDARD.encode(hmac::sign(&key, b"")).into();
        body["timestamp"] = time.into();
    }
    body
}

fn text(message: &Message, chars_max: usize) -> String {
    cut(&format!("{}\n{}", text::subject(message), text::body(message)), chars_max)
}
