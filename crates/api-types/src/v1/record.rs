//! DNS records on the wire. What a record's data means is for the `dns` crate; here it is text or an object.

mod batch;
mod form;

use serde::Serialize;
use serde_json::{Map, Value};
use trimtab_model::zone::{
    COMMENT_CHARS_MAX, DATA_FIELDS_MAX, RDATA_BYTES_MAX, Rdata, RecordSettings, TAG_CHARS_MAX,
    TAGS_MAX, TTL_AUTOMATIC, TTL_SECONDS,
};
use trimtab_model::{self as model, Name, Problems, RecordId, RecordType, Timestamp, Zone};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, flag, line, shown, text, whole, word};
use crate::draft;

pub use batch::{BATCH_CHANGES_MAX, Batch, Batched};
pub use form::{Form, code};

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DnsRecord)]
pub struct Record {
    #[schema(value_type = String)]
    pub id: RecordId,
    #[schema(value_type = String)]
    pub name: Name,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: RecordType,
    pub content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    pub proxiable: bool,
    pub proxied: bool,
    pub ttl: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    pub settings: Settings,
    pub meta: Meta,
    pub comment: Option<String>,
    pub tags: Vec<String>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub comment_modified_on: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tags_modified_on: Option<Timestamp>,
}

/// As sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DnsRecordSettings)]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flatten_cname: Option<bool>,
}

/// Always empty; clients want the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DnsRecordMeta)]
pub struct Meta {}

/// A checked body whose data nobody has parsed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordDraft {
    pub name: Name,
    pub kind: RecordType,
    pub written: Written,
    /// Seconds; 1 is automatic.
    pub ttl: u32,
    pub priority: Option<u16>,
    pub proxied: bool,
    pub settings: RecordSettings,
    pub comment: Option<String>,
    pub tags: Vec<String>,
}

/// How the data of a record was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// Presentation format; host names with or without the last dot, TXT with or without quotes.
    Content(String),
    /// The `data` object of the types that have one; it outranks a `content` beside it.
    Data(Value),
}

/// What parsing the data gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// As answers show it.
    pub content: String,
    pub data: Option<Value>,
    pub rdata: Rdata,
}

const RESET_BY_NULL: &[&str] = &["comment"];
/// What `proxied` of a record comes to.
pub const NOT_PROXIED: &str =
    "this node proxies load balancers; records are answered with their own data";

/// Reads the body of a POST or PUT.
///
/// # Errors
/// Every problem of the body, with the DNS service's codes.
pub fn read(body: &Value, zone: &Zone) -> Result<RecordDraft, Problems> {
    body::read(body, |body| record(body, zone))
}

/// Reads the body of a PATCH.
///
/// # Errors
/// Every problem of what the record would become.
pub fn patch(current: &model::Record, body: &Value, zone: &Zone) -> Result<RecordDraft, Problems> {
    let mut fields = draft::merged(&Record::from(current), body, RESET_BY_NULL)?;
    // `data` and `content` say the same thing, so a change of one alone, or of the type, outdates `data`.
    let outdated =
        changes(body, "content", &current.content) || changes(body, "type", current.kind.word());
    if outdated && body.get("data").is_none_or(Value::is_null) {
        fields.remove("data");
    }
    move_priority(current.kind, body, &mut fields);
    read(&Value::Object(fields), zone)
}

/// The `data` of SRV has the priority as well, and would outrank a change of it alone.
fn move_priority(kind: RecordType, body: &Value, fields: &mut Map<String, Value>) {
    let priority = body.get("priority").filter(|priority| !priority.is_null());
    let is_alone = body.get("data").is_none_or(Value::is_null);
    if let Some(priority) = priority
        && is_alone
        && kind == RecordType::Srv
        && let Some(Value::Object(data)) = fields.get_mut("data")
    {
        data.insert("priority".into(), priority.clone());
    }
}

/// What is stored and does not act, for the `messages` of an answer.
pub fn notices(record: &model::Record) -> Vec<String> {
    let RecordSettings { ipv4_only, ipv6_only, flatten_cname } = record.settings;
    let is_family_chosen = ipv4_only == Some(true) || ipv6_only == Some(true);
    let notices = [
        record.proxied.then(|| format!("proxied: {NOT_PROXIED}")),
        is_family_chosen
            .then(|| format!("settings: a family is chosen for proxied records; {NOT_PROXIED}")),
        (flatten_cname == Some(true)).then(|| {
            "settings.flatten_cname: the CNAME is answered as it is; a load balancer flattens"
                .into()
        }),
    ];
    notices.into_iter().flatten().collect()
}

fn changes(body: &Value, key: &str, before: &str) -> bool {
    body.get(key).is_some_and(|new| !new.is_null() && *new != *before)
}

// === impl Record ===

impl From<&model::Record> for Record {
    fn from(record: &model::Record) -> Record {
        Record {
            id: record.id,
            name: record.name.clone(),
            kind: record.kind,
            content: record.content.clone(),
            priority: record.priority,
            proxiable: Form::of(record.kind).proxiable,
            proxied: record.proxied,
            ttl: record.ttl,
            data: record.data.clone(),
            settings: Settings::from(record.settings),
            meta: Meta {},
            comment: record.comment.clone(),
            tags: record.tags.clone(),
            created_on: record.created_on,
            modified_on: record.modified_on,
            comment_modified_on: record.comment_modified_on,
            tags_modified_on: record.tags_modified_on,
        }
    }
}

impl From<RecordSettings> for Settings {
    fn from(settings: RecordSettings) -> Settings {
        let RecordSettings { ipv4_only, ipv6_only, flatten_cname } = settings;
        Settings { ipv4_only, ipv6_only, flatten_cname }
    }
}

// === impl RecordDraft ===

impl RecordDraft {
    pub fn into_new(
        self,
        id: RecordId,
        zone: &Zone,
        parsed: Parsed,
        now: Timestamp,
    ) -> model::Record {
        let commented = self.comment.is_some().then_some(now);
        let tagged = (!self.tags.is_empty()).then_some(now);
        model::Record {
            id,
            zone: zone.id,
            name: self.name,
            kind: self.kind,
            content: parsed.content,
            data: parsed.data,
            rdata: parsed.rdata,
            ttl: self.ttl,
            priority: self.priority,
            proxied: self.proxied,
            settings: self.settings,
            comment: self.comment,
            tags: self.tags,
            created_on: now,
            modified_on: now,
            comment_modified_on: commented,
            tags_modified_on: tagged,
        }
    }

    /// The record in place of `current`, and whether anything changed. If nothing did, no time moves.
    pub fn onto(
        self,
        current: &model::Record,
        zone: &Zone,
        parsed: Parsed,
        now: Timestamp,
    ) -> (model::Record, bool) {
        let mut new = self.into_new(current.id, zone, parsed, now);
        new.created_on = current.created_on;
        new.modified_on = current.modified_on;
        if new.comment == current.comment {
            new.comment_modified_on = current.comment_modified_on;
        }
        if new.tags == current.tags {
            new.tags_modified_on = current.tags_modified_on;
        }
        let changed = new != *current;
        if changed {
            new.modified_on = now;
        }
        (new, changed)
    }
}

fn record(body: &mut Object<'_>, zone: &Zone) -> Option<RecordDraft> {
    let name = body.required("name", |node| name(node, zone));
    let kind = body.required("type", word::<RecordType>);
    let ttl = body.or("ttl", TTL_AUTOMATIC, ttl);
    let proxied = body.or("proxied", false, proxied);
    let priority = body.optional("priority", whole(0..=u16::MAX));
    let settings = body.or("settings", RecordSettings::default(), settings);
    let comment = body.or("comment", String::new(), line(COMMENT_CHARS_MAX));
    let tags = body.or("tags", Vec::new(), |node| node.list("tags", 0..=TAGS_MAX, tag));
    let kind = kind?;
    let written = written(body, kind)?;
    let form = Form::of(kind);
    if proxied == Some(true) && !form.proxiable {
        body.refuse_coded("proxied", code::NOT_PROXIABLE, "This record type cannot be proxied.");
    }
    let priority = usual_priority(kind, priority?, &written);
    Some(RecordDraft {
        name: name?,
        kind,
        written,
        ttl: ttl?,
        priority,
        proxied: proxied?,
        settings: settings?,
        comment: comment.map(|text| Some(text).filter(|text| !text.is_empty()))?,
        tags: tags?,
    })
}

/// 0 where the type shows a priority and nothing says one.
fn usual_priority(kind: RecordType, said: Option<u16>, written: &Written) -> Option<u16> {
    let is_inside = matches!(written, Written::Data(data) if data.get("priority").is_some());
    match kind {
        // It may stand beside content or `data` that has none, and has to stand somewhere.
        RecordType::Srv => said,
        _ if !Form::of(kind).priority || is_inside => said.filter(|_| Form::of(kind).priority),
        _ => said.or(Some(0)),
    }
}

/// `@`, relative, absolute, with or without the last dot. A name outside the zone is taken as relative,
/// as the hosted API does, unless the last dot makes it absolute: then two dots meet, and it is no name.
fn name(node: &mut Node<'_>, zone: &Zone) -> Option<Name> {
    let text = node.text()?;
    let read = |text: &str| text.parse().ok().filter(|name: &Name| name.is_in(&zone.name));
    let name = match text {
        "@" => Some(zone.name.clone()),
        _ => read(text).or_else(|| read(&format!("{text}.{}", zone.name))),
    };
    if name.is_none() {
        node.refuse_coded(code::NAME, format_args!("DNS name is invalid: {}", shown(text)));
    }
    name
}

fn ttl(node: &mut Node<'_>) -> Option<u32> {
    let ttl = whole(0..=u32::MAX)(node)?;
    if ttl != TTL_AUTOMATIC && !TTL_SECONDS.contains(&ttl) {
        let (least, most) = TTL_SECONDS.into_inner();
        node.refuse_coded(
            code::TTL,
            format_args!(
                "Invalid TTL. Must be between {least} and {most} seconds, or 1 for Automatic"
            ),
        );
        return None;
    }
    Some(ttl)
}

fn proxied(node: &mut Node<'_>) -> Option<bool> {
    let proxied = node.value().as_bool();
    if proxied.is_none() {
        node.refuse_coded(code::PROXIED, "Invalid 'proxied' value, must be a boolean");
    }
    proxied
}

fn settings(node: &mut Node<'_>) -> Option<RecordSettings> {
    let mut fields = node.object()?;
    let ipv4_only = fields.optional("ipv4_only", flag);
    let ipv6_only = fields.optional("ipv6_only", flag);
    let flatten_cname = fields.optional("flatten_cname", flag);
    Some(RecordSettings {
        ipv4_only: ipv4_only?,
        ipv6_only: ipv6_only?,
        flatten_cname: flatten_cname?,
    })
}

fn tag(node: &mut Node<'_>) -> Option<String> {
    let tag = line(TAG_CHARS_MAX)(node)?;
    if tag.is_empty() || tag.starts_with(':') {
        node.refuse(format_args!("invalid tag: {tag:?}"));
        return None;
    }
    Some(tag)
}

fn written(body: &mut Object<'_>, kind: RecordType) -> Option<Written> {
    if Form::of(kind).data && body.has("data") {
        return body.required("data", data).map(Written::Data);
    }
    let content = body.required("content", text(RDATA_BYTES_MAX));
    content.map(Written::Content)
}

/// Flat: each field a number, a text or a truth value. What the fields mean is for the type's parser.
fn data(node: &mut Node<'_>) -> Option<Value> {
    let fields = node.map::<String, ()>(DATA_FIELDS_MAX, |field| match field.value() {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(()),
        Value::String(_) => text(RDATA_BYTES_MAX)(field).map(|_| ()),
        Value::Array(_) | Value::Object(_) => {
            field.refuse_named("is not a number or a string");
            None
        }
    });
    fields.map(|_| node.value().clone())
}

#[cfg(test)]
mod tests;
