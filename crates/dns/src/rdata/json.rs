//! The `data` objects of the API: record fields by name.

use serde_json::{Map, Value};
use trimtab_model::RecordType;

use super::loc;
use super::shape::{Field, Shape, fields, shows_bare_names};
use super::show::Shown;
use super::token::Token;
use super::write::BadField;

/// The words that an object's fields stand for. A `priority` may also stand beside the object.
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
        let value = data.get(field.name).filter(|value| !value.is_null());
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

/// The object that shows these fields.
pub(super) fn object(
    kind: RecordType,
    rdata: &[u8],
    shown: &[(&'static Field, Shown)],
) -> Option<Value> {
    if kind == RecordType::Loc {
        return loc::to_json(rdata);
    }
    let bare = shows_bare_names(kind);
    let fields = shown.iter().map(|(field, shown)| (field.name.into(), shown.to_json(bare)));
    Some(Value::Object(fields.collect()))
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
        (_, Value::String(text)) => {
            tokens.push(Token::plain(text.split_ascii_whitespace().collect::<String>()));
        }
        (Shape::U8 | Shape::U16 | Shape::Algorithm | Shape::CertType, Value::Number(number)) => {
            tokens.push(Token::plain(number.to_string()));
        }
        (_, Value::Number(_) | Value::Bool(_) | Value::Null) => return unexpected("text"),
        (_, Value::Array(_) | Value::Object(_)) => return unexpected("text or a number"),
    }
    Ok(())
}
