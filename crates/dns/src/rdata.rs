//! Record data between its forms: the API's content and `data` object, the text of zone files, the wire.

mod json;
mod loc;
mod params;
mod shape;
mod show;
pub(crate) mod token;
mod write;

use serde_json::Value;
use trimtab_model::{Name, RecordType};

use shape::{Shape, fields, has_data, priority_is_apart, shows_bare_names};
use token::Token;
use write::{BadField, Relative};

/// One record's data in all its forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Wire form, names uncompressed and in lower case.
    pub rdata: Vec<u8>,
    /// As the API shows it: names without their last dot, no priority.
    pub content: String,
    /// The object of those types that have one; as it was given, if it was.
    pub data: Option<Value>,
    /// Of MX, SRV and URI.
    pub priority: Option<u16>,
}

/// Why a record cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRdata {
    /// The API's number.
    pub code: u16,
    pub message: String,
}

const CODE_A: u16 = 9005;
const CODE_AAAA: u16 = 9006;
const CODE_CNAME: u16 = 9007;
/// Of the types whose number in the hosted API is not known.
const CODE_OTHER: u16 = 9009;
const CODE_MISSING_FIELD: u16 = 9101;
/// Bytes. With header, question and OPT record it must fit a TCP message, whose length has 16 bits.
const RDATA_BYTES_MAX: usize = 64_000;
/// Bytes: each byte of data may be written as an escape of four.
const CONTENT_BYTES_MAX: usize = 4 * RDATA_BYTES_MAX;
/// RFC 3597 section 5: any type's data as `\# length hexadecimal`.
const GENERIC: &str = "\\#";

/// Reads what the API takes. `data` outranks `content`; `zone` is what a lone `@` stands for, and all other
/// names are whole without a last dot.
///
/// # Errors
/// When the data does not fit the type; the message says which part of it.
pub fn parse(
    kind: RecordType,
    content: &str,
    priority: Option<u16>,
    data: Option<&Value>,
    zone: &Name,
) -> Result<Parsed, BadRdata> {
    let bad = |reason: BadField| refuse(kind, &reason);
    if content.len() > CONTENT_BYTES_MAX {
        return Err(too_long(kind));
    }
    let given = match data {
        Some(Value::Object(data)) if has_data(kind) => Some(data),
        Some(_) | None => None,
    };
    let text = content.trim();
    let tokens = match given {
        Some(data) => json::tokens(kind, data, priority).map_err(bad)?,
        None if text.is_empty() => return Err(refuse(kind, &BadField::Missing("content"))),
        None if kind == RecordType::Txt && !text.starts_with('"') => {
            return unquoted(content);
        }
        None => content_tokens(kind, text, priority).map_err(bad)?,
    };
    let rdata = write::write(kind, &tokens, Relative::ToNothing(zone)).map_err(bad)?;
    let mut parsed = of_rdata(kind, rdata)?;
    parsed.keep_spelling(kind, &tokens);
    match (given, kind) {
        (Some(data), _) => parsed.data = Some(json::kept(kind, data)),
        (_, RecordType::Txt) => parsed.content = text.to_owned(),
        (_, _) => {}
    }
    Ok(parsed)
}

/// Reads the words of a zone file; names without a last dot are relative to `origin`, empty for the root.
pub(crate) fn parse_file(
    kind: RecordType,
    tokens: &[Token],
    origin: &str,
) -> Result<Parsed, BadRdata> {
    let rdata = match tokens {
        [first, length, hex @ ..] if first.text == GENERIC => generic(length, hex),
        _ => write::write(kind, tokens, Relative::To(origin)),
    };
    of_rdata(kind, rdata.map_err(|reason| refuse(kind, &reason))?)
}

/// As the API shows it: names without their last dot, no priority. None when the bytes are not of that type.
pub fn display(kind: RecordType, rdata: &[u8]) -> Option<String> {
    let shown = show::show(kind, rdata)?;
    let bare = shows_bare_names(kind);
    let apart = usize::from(priority_is_apart(kind));
    let texts = shown
        .iter()
        .skip(apart)
        .map(|(_, shown)| if bare { shown.to_bare_text() } else { shown.to_text() });
    Some(join(texts))
}

/// As a zone file has it: all of it, and names with their last dot.
pub fn display_file(kind: RecordType, rdata: &[u8]) -> Option<String> {
    let shown = show::show(kind, rdata)?;
    Some(join(shown.iter().map(|(_, shown)| shown.to_text())))
}

/// All forms of data that is there in wire form.
fn of_rdata(kind: RecordType, rdata: Vec<u8>) -> Result<Parsed, BadRdata> {
    if rdata.len() > RDATA_BYTES_MAX {
        return Err(too_long(kind));
    }
    let unsound = || invalid(kind, "the bytes are not of that type");
    let shown = show::show(kind, &rdata).ok_or_else(unsound)?;
    let content = display(kind, &rdata).ok_or_else(unsound)?;
    let data = if has_data(kind) { json::object(kind, &rdata, &shown) } else { None };
    let priority = match rdata.first_chunk() {
        Some(first) if priority_is_apart(kind) => Some(u16::from_be_bytes(*first)),
        Some(_) | None => None,
    };
    Ok(Parsed { rdata, content, data, priority })
}

/// Splits content into the words of all fields, the priority among them.
fn content_tokens(
    kind: RecordType,
    content: &str,
    priority: Option<u16>,
) -> Result<Vec<Token>, BadField> {
    let mut tokens = Token::read_all(content)?;
    if priority_is_apart(kind) {
        match priority {
            // Content that is shown has none: whoever writes one means it.
            _ if tokens.len() >= fields(kind).len() => {}
            Some(priority) => tokens.insert(0, Token::plain(priority.to_string())),
            None => return Err(BadField::Missing("priority")),
        }
    }
    Ok(tokens)
}

/// The whole content is one text, shown as it was written.
fn unquoted(content: &str) -> Result<Parsed, BadRdata> {
    let mut rdata = Vec::new();
    write::write_text(content.as_bytes(), &mut rdata);
    let parsed = of_rdata(RecordType::Txt, rdata)?;
    Ok(Parsed { content: content.to_owned(), ..parsed })
}

fn generic(length: &Token, hex: &[Token]) -> Result<Vec<u8>, BadField> {
    let unexpected = |text: &str, expected| BadField::Unexpected {
        field: "generic data",
        text: text.into(),
        expected,
    };
    let text: String = hex.iter().map(|token| token.text.as_str()).collect();
    let bytes = domain::utils::base16::decode::<Vec<u8>>(&text);
    let bytes = bytes.map_err(|_no_hex| unexpected(&text, "hexadecimal"))?;
    if length.text.parse() == Ok(bytes.len()) {
        Ok(bytes)
    } else {
        Err(unexpected(&length.text, "the number of bytes that follow"))
    }
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

fn refuse(kind: RecordType, reason: &BadField) -> BadRdata {
    match reason {
        BadField::Missing(field) => {
            let message = format!("{field} is a required data field.");
            BadRdata { code: CODE_MISSING_FIELD, message }
        }
        BadField::Unexpected { .. } | BadField::TooMany(_) | BadField::Word(_) => {
            invalid(kind, &reason.to_string())
        }
    }
}

fn too_long(kind: RecordType) -> BadRdata {
    invalid(kind, &format!("it is longer than {RDATA_BYTES_MAX} bytes"))
}

fn invalid(kind: RecordType, reason: &str) -> BadRdata {
    let (code, message) = match kind {
        RecordType::A => (CODE_A, "Content for A record must be a valid IPv4 address.".into()),
        RecordType::Aaaa => {
            (CODE_AAAA, "Content for AAAA record must be a valid IPv6 address.".into())
        }
        RecordType::Cname => {
            (CODE_CNAME, format!("Content for CNAME record is invalid: {reason}."))
        }
        _ => (CODE_OTHER, format!("Content for {kind} record is invalid: {reason}.")),
    };
    BadRdata { code, message }
}

// === impl Parsed ===

impl Parsed {
    /// Digests keep the letter case they were given in, so that tools that compare find no difference.
    fn keep_spelling(&mut self, kind: RecordType, tokens: &[Token]) {
        let Some(at) = fields(kind).iter().position(|field| field.shape == Shape::RestHex) else {
            return;
        };
        let given: String = tokens.iter().skip(at).map(|token| token.text.as_str()).collect();
        let shown = given.to_ascii_lowercase();
        if let Some(front) = self.content.strip_suffix(&shown) {
            self.content = format!("{front}{given}");
            if let Some(Value::Object(data)) = &mut self.data
                && let Some(last) = fields(kind).last()
            {
                data.insert(last.name.into(), given.into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
