//! The `data` objects of the API: record fields by name.

use serde_json::{Map, Value};
use trimtab_model::RecordType;

use super::loc;
use super::shape::{Field, Shape, fields, is_beside_data, shows_bare_names};
use super::show::Shown;
use super::token::Token;
use super::write::BadField;

/// The words that an object's fields stand for. A `priority` may also stand beside the object; where that is its place
/// it outranks one inside.
pub(super) fn tokens(
    kind: RecordType,
    data: &Map<String, Value>,
    priority: Option<u16>,
) -> Result<Vec<Token>, BadField> {
    if kind == RecordType::Loc {
        return loc::from_json(data);
    }
    let mut tokens = Vec::new();
    for field in fields(kind) {
        let is_beside = is_beside_data(kind, field) && priority.is_some();
        let value = data.get(field.name).filter(|value| !value.is_null() && !is_beside);
        match (value, priority) {
            (Some(value), _) => push(field, value, &mut tokens)?,
            (None, Some(priority)) if field.name == "priority" => {
                tokens.push(Token::plain(priority.to_string()));
            }
            (None, _) if field.shape == Shape::ServiceParams => {}
            (None, _) => return Err(BadField::Missing(field.name)),
        }
    }
    Ok(tokens)
}

/// The object that shows these fields; None where a text would not come back as it is.
pub(super) fn object(
    kind: RecordType,
    rdata: &[u8],
    shown: &[(&'static Field, Shown)],
) -> Option<Value> {
    if kind == RecordType::Loc {
        return loc::to_json(rdata);
    }
    let bare = shows_bare_names(kind);
    let inside = shown.iter().filter(|(field, _)| !is_beside_data(kind, field));
    let fields = inside.map(|(field, shown)| Some((field.name.into(), shown.to_json(bare)?)));
    fields.collect::<Option<_>>().map(Value::Object)
}

/// As it was given, without what is shown beside it.
pub(super) fn kept(kind: RecordType, data: &Map<String, Value>) -> Value {
    let beside = fields(kind).iter().find(|field| is_beside_data(kind, field));
    let mut kept = data.clone();
    kept.retain(|name, _| beside.is_none_or(|field| field.name != name));
    Value::Object(kept)
}

/// Numbers may come as text, as some tools send them; everything else is text.
fn push(field: &Field, value: &Value, tokens: &mut Vec<Token>) -> Result<(), BadField> {
    let unexpected = |expected| {
        let (field, text) = (field.name, value.to_string());
        Err(BadField::Unexpected { field, text, expected })
    };
    match (field.shape, value) {
        (Shape::Text | Shape::Texts | Shape::RestText, Value::String(text)) => {
            tokens.push(Token::of_bytes(text.as_bytes()));
        }
        (Shape::ServiceParams, Value::String(text)) => tokens.extend(Token::read_all(text)?),
        (Shape::RestHex | Shape::RestBase64, Value::String(text)) => {
            tokens.push(Token::plain(text.split_ascii_whitespace().collect::<String>()));
        }
        (_, Value::String(text)) if text.trim().contains(char::is_whitespace) => {
            return unexpected("one word");
        }
        (_, Value::String(text)) => tokens.push(Token::plain(text.trim())),
        (Shape::U8 | Shape::U16 | Shape::Algorithm | Shape::CertType, Value::Number(number)) => {
            tokens.push(Token::plain(number.to_string()));
        }
        (_, Value::Number(_) | Value::Bool(_) | Value::Null) => return unexpected("text"),
        (_, Value::Array(_) | Value::Object(_)) => return unexpected("text or a number"),
    }
    Ok(())
}
