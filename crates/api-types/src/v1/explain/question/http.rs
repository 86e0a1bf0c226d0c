//! The request that a question is about.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use crate::body::{Node, Object, line, shown, text, word};

/// A request as a proxy would see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// Path and query.
    pub path: String,
    pub scheme: Scheme,
    /// Lines by their names, which are in lower case.
    pub headers: Vec<(String, String)>,
    /// Where its session is; None has none but what its headers begin.
    pub session: Option<SessionAt>,
}

trimtab_model::words! {
    /// What the client speaks to the node.
    Scheme {
        Http = "http",
        Https = "https",
    }
}

/// The endpoint that a session is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAt {
    /// A name or an id.
    pub pool: String,
    /// A name or an address.
    pub origin: String,
}

/// The name of a header line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FieldName(String);

/// Why a line cannot be part of the question.
#[derive(Debug, thiserror::Error)]
enum NoLine {
    #[error("cannot have {0}, which is not the name of a header")]
    Name(String),
    #[error("cannot have a host: it is the name that is asked about")]
    Host,
}

/// Each of them makes a question one about a request.
pub(super) const FIELDS: [&str; 4] = ["method", "path", "scheme", "headers"];

/// Of the methods that are registered the longest has 17.
const METHOD_CHARS_MAX: usize = 32;
/// What the proxy takes of a target.
const PATH_CHARS_MAX: usize = 8 * 1024;
/// Lines that the proxy takes.
const LINES_MAX: usize = 100;
/// Of all names and values together; an explanation is of what rules read, and they read little.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Longer than a name of a pool, an endpoint or a host.
const NAME_CHARS_MAX: usize = 255;

/// The fields of [`FIELDS`], each of which may be missing.
pub(super) fn read(fields: &mut Object<'_>, session: Option<SessionAt>) -> Option<Request> {
    let method = fields.or("method", "GET".into(), method);
    let path = fields.or("path", "/".into(), path);
    let scheme = fields.or("scheme", Scheme::default(), word);
    let headers = fields.or("headers", Vec::new(), headers);
    Some(Request { method: method?, path: path?, scheme: scheme?, headers: headers?, session })
}

pub(super) fn session_at(node: &mut Node<'_>) -> Option<SessionAt> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["pool", "origin"]);
    let pool = fields.required("pool", line(NAME_CHARS_MAX));
    let origin = fields.required("origin", line(NAME_CHARS_MAX));
    Some(SessionAt { pool: pool?, origin: origin? })
}

/// RFC 9110 section 9.1. In any letter case, as people write it.
fn method(node: &mut Node<'_>) -> Option<String> {
    let written = text(METHOD_CHARS_MAX)(node)?;
    if !is_token(&written) {
        node.refuse(format_args!("{} is not a method", shown(&written)));
        return None;
    }
    Some(written.to_ascii_uppercase())
}

/// RFC 9112 section 3.2.1, and `*` for OPTIONS.
fn path(node: &mut Node<'_>) -> Option<String> {
    let written = text(PATH_CHARS_MAX)(node)?;
    let visible = written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !visible || !(written.starts_with('/') || written == "*") {
        node.refuse(format_args!("{} is not a path such as /blog?page=2", shown(&written)));
        return None;
    }
    Some(written)
}

fn headers(node: &mut Node<'_>) -> Option<Vec<(String, String)>> {
    let named: BTreeMap<FieldName, Vec<String>> = node.map(LINES_MAX, values)?;
    let lines: Vec<(String, String)> = named
        .into_iter()
        .flat_map(|(FieldName(name), values)| values.into_iter().map(move |v| (name.clone(), v)))
        .collect();
    let bytes: usize =
        lines.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if lines.len() > LINES_MAX || bytes > HEADER_BYTES_MAX {
        node.refuse_named(format_args!("are over {LINES_MAX} lines or {HEADER_BYTES_MAX} bytes"));
        return None;
    }
    Some(lines)
}

/// One value, or one for each line of the name.
fn values(node: &mut Node<'_>) -> Option<Vec<String>> {
    let value = |node: &mut Node<'_>| line(HEADER_BYTES_MAX)(node).map(|v| v.trim().to_owned());
    match node.value() {
        Value::Array(_) => node.list("values", 0..=LINES_MAX, value),
        _ => value(node).map(|one| vec![one]),
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

// === impl FieldName ===

impl FromStr for FieldName {
    type Err = NoLine;

    fn from_str(text: &str) -> Result<FieldName, NoLine> {
        match text.to_ascii_lowercase() {
            _ if !is_token(text) => Err(NoLine::Name(text.into())),
            name if name == "host" => Err(NoLine::Host),
            name => Ok(FieldName(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::v1::explain::{Question, read};

    fn with(more: &Value) -> Value {
        let mut body = json!({ "name": "www.example.com" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    fn plain() -> Request {
        Request {
            method: "GET".into(),
            path: "/".into(),
            scheme: Scheme::Http,
            headers: Vec::new(),
            session: None,
        }
    }

    #[test]
    fn any_field_of_a_request_makes_the_question_one_about_a_request() {
        let check = |more: Value, want: Option<Request>| {
            let question: Question = read(&with(&more)).unwrap();
            assert_eq!(question.request, want, "{more}");
        };
        check(json!({}), None);
        check(json!({ "session": true }), None);
        check(json!({ "method": null, "path": null }), None);
        check(json!({ "method": "post" }), Some(Request { method: "POST".into(), ..plain() }));
        check(json!({ "path": "/a?b=c" }), Some(Request { path: "/a?b=c".into(), ..plain() }));
        check(json!({ "path": "*" }), Some(Request { path: "*".into(), ..plain() }));
        check(json!({ "scheme": "https" }), Some(Request { scheme: Scheme::Https, ..plain() }));
        let lines = [("cookie", "a=1"), ("x-tag", "one"), ("x-tag", "two")];
        let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let written = json!({ "headers": { "X-Tag": ["one", " two "], "cookie": "a=1" } });
        check(written, Some(Request { headers, ..plain() }));
        let at = SessionAt { pool: "east".into(), origin: "east-1".into() };
        let written = json!({ "session": { "pool": "east", "origin": "east-1" } });
        check(written, Some(Request { session: Some(at), ..plain() }));
    }

    #[test]
    fn what_no_request_has_is_refused() {
        let check = |more: Value, want: &[&str]| {
            let problems = read(&with(&more)).unwrap_err();
            let told: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert_eq!(told, want, "{more}");
        };
        check(json!({ "method": "GET /" }), &["/method"]);
        check(json!({ "path": "blog", "scheme": "ftp" }), &["/path", "/scheme"]);
        check(json!({ "path": "/a b" }), &["/path"]);
        check(json!({ "path": "/a", "type": "A", "ecs": "192.0.2.0/24" }), &["/type", "/ecs"]);
        check(json!({ "headers": { "a b": "c" } }), &["/headers/a b"]);
        check(json!({ "headers": { "Host": "other.example.com" } }), &["/headers/Host"]);
        check(json!({ "headers": { "a": "b\r\nc: d" } }), &["/headers/a"]);
        check(json!({ "headers": { "a": 1 } }), &["/headers/a"]);
        check(json!({ "headers": { "a": "b", "A": "c" } }), &["/headers/a"]);
        check(json!({ "headers": { "a": "b".repeat(HEADER_BYTES_MAX) } }), &["/headers"]);
        check(json!({ "headers": { "a": vec!["b"; LINES_MAX], "c": "d" } }), &["/headers"]);
        check(json!({ "session": 1 }), &["/session"]);
        check(
            json!({ "session": { "pool": "a", "endpoint": "b" } }),
            &["/session/endpoint", "/session/origin"],
        );
    }
}
