//! Words into wire form, field by field.

use std::iter::Peekable;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use domain::utils::{base16, base64};
use trimtab_model::{Name, RecordType};

use super::shape::{Field, Shape, fields};
use super::show::is_tag;
use super::token::{BadToken, Token};
use super::{loc, params};

/// What names without a dot at their end mean.
#[derive(Clone, Copy, Debug)]
pub(super) enum Relative<'a> {
    /// As in the API: names are whole, `@` is the zone.
    ToNothing(&'a Name),
    /// As in a zone file: the origin follows, which is empty for the root; `@` is the origin.
    To(&'a str),
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadField {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{field} is {text:?}; it must be {expected}")]
    Unexpected { field: &'static str, text: String, expected: &'static str },
    #[error("unexpected {0:?} at the end")]
    TooMany(String),
    #[error("{0}")]
    Word(#[from] BadToken),
}

/// Words still to be read.
pub(super) type Words<'a> = Peekable<std::slice::Iter<'a, Token>>;

/// RFC 1035 section 3.3: length bytes count up to this.
const STRING_BYTES_MAX: usize = 255;
/// IANA registry "DNS Security Algorithm Numbers", those in use.
const ALGORITHMS: [(&str, u16); 8] = [
    ("RSASHA1", 5),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
];
/// RFC 4398 section 2.1.
const CERT_TYPES: [(&str, u16); 10] = [
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];

/// The wire form of a record whose fields are these words.
pub(super) fn write(
    kind: RecordType,
    tokens: &[Token],
    relative: Relative<'_>,
) -> Result<Vec<u8>, BadField> {
    let mut words = tokens.iter().peekable();
    let mut rdata = Vec::new();
    for field in fields(kind) {
        write_field(field, &mut words, relative, &mut rdata)?;
    }
    match words.next() {
        None => Ok(rdata),
        Some(token) => Err(BadField::TooMany(token.text.clone())),
    }
}

fn write_field(
    field: &Field,
    words: &mut Words<'_>,
    relative: Relative<'_>,
    to: &mut Vec<u8>,
) -> Result<(), BadField> {
    let name = field.name;
    match field.shape {
        Shape::Ipv4 => {
            let ip: Ipv4Addr = parse(name, next(name, words)?, "an IPv4 address")?;
            to.extend(ip.octets());
        }
        Shape::Ipv6 => {
            let ip: Ipv6Addr = parse(name, next(name, words)?, "an IPv6 address")?;
            to.extend(ip.octets());
        }
        Shape::U8 => to.push(parse(name, next(name, words)?, "a number from 0 to 255")?),
        Shape::U16 => {
            let number: u16 = parse(name, next(name, words)?, "a number from 0 to 65535")?;
            to.extend(number.to_be_bytes());
        }
        Shape::Algorithm => {
            let [_, low] = mnemonic(name, next(name, words)?, &ALGORITHMS, 255)?.to_be_bytes();
            to.push(low);
        }
        Shape::CertType => {
            let number = mnemonic(name, next(name, words)?, &CERT_TYPES, u16::MAX)?;
            to.extend(number.to_be_bytes());
        }
        Shape::Name => to.extend(wire_name(name, next(name, words)?, relative)?),
        Shape::Tag => to.extend(tag(name, next(name, words)?)?),
        Shape::Text => {
            let text = next(name, words)?;
            let bytes = text.bytes()?;
            let length = u8::try_from(bytes.len());
            to.push(length.map_err(|_too_long| wrong(name, text, "at most 255 bytes long"))?);
            to.extend(bytes);
        }
        Shape::Texts => write_texts(name, words, to)?,
        Shape::RestText => to.extend(next(name, words)?.bytes()?),
        Shape::RestHex => {
            let text = rest(name, words)?;
            let bytes = base16::decode::<Vec<u8>>(&text.text);
            to.extend(bytes.map_err(|_no_hex| wrong(name, &text, "hexadecimal"))?);
        }
        Shape::RestBase64 => {
            let text = rest(name, words)?;
            let bytes = base64::decode::<Vec<u8>>(&text.text);
            to.extend(bytes.map_err(|_no_base64| wrong(name, &text, "base64"))?);
        }
        Shape::ServiceParams => to.extend(params::write(words)?),
        Shape::Location => loc::write(words, to)?,
    }
    Ok(())
}

pub(super) fn next<'a>(field: &'static str, words: &mut Words<'a>) -> Result<&'a Token, BadField> {
    words.next().ok_or(BadField::Missing(field))
}

pub(super) fn wrong(field: &'static str, token: &Token, expected: &'static str) -> BadField {
    BadField::Unexpected { field, text: token.text.clone(), expected }
}

fn parse<T: FromStr>(
    field: &'static str,
    token: &Token,
    expected: &'static str,
) -> Result<T, BadField> {
    token.text.parse().map_err(|_unreadable| wrong(field, token, expected))
}

fn mnemonic(
    field: &'static str,
    token: &Token,
    known: &[(&str, u16)],
    most: u16,
) -> Result<u16, BadField> {
    let named = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(&token.text));
    match (named, token.text.parse()) {
        (Some((_, number)), _) => Ok(*number),
        (None, Ok(number)) if number <= most => Ok(number),
        (None, _) => Err(wrong(field, token, "a number or a mnemonic in use")),
    }
}

/// Long keys and digests may be spread over several words.
fn rest(field: &'static str, words: &mut Words<'_>) -> Result<Token, BadField> {
    let text: String = words.by_ref().map(|token| token.text.as_str()).collect();
    if text.is_empty() { Err(BadField::Missing(field)) } else { Ok(Token::plain(text)) }
}

/// The name in lower case. An address or a URL where a name belongs is a slip that no resolver could forgive.
fn wire_name(
    field: &'static str,
    token: &Token,
    relative: Relative<'_>,
) -> Result<Vec<u8>, BadField> {
    let text = &token.text;
    let bad = || wrong(field, token, "a domain name");
    // With or without the last dot: what is shown without it must be taken back.
    if text.strip_suffix('.').unwrap_or(text).parse::<IpAddr>().is_ok() {
        return Err(wrong(field, token, "a domain name and not an address"));
    }
    if text.contains("://") {
        return Err(wrong(field, token, "a domain name and not a URL"));
    }
    let whole = match relative {
        Relative::ToNothing(zone) if text == "@" => zone.to_string(),
        Relative::To(origin) if text == "@" => format!("{origin}."),
        Relative::To(origin) if !is_absolute(text) => format!("{text}.{origin}"),
        Relative::ToNothing(_) | Relative::To(_) => text.clone(),
    };
    if whole.is_empty() || !whole.is_ascii() || whole.contains(char::is_whitespace) {
        return Err(bad());
    }
    let name = domain::base::Name::<Vec<u8>>::from_str(&whole).map_err(|_bad_name| bad())?;
    Ok(name.as_slice().to_ascii_lowercase())
}

/// Ends in a dot that no backslash makes a part of a label.
pub(super) fn is_absolute(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|text| {
        let backslashes = text.bytes().rev().take_while(|&byte| byte == b'\\').count();
        backslashes.is_multiple_of(2)
    })
}

fn tag(field: &'static str, token: &Token) -> Result<Vec<u8>, BadField> {
    let tag = token.text.as_bytes();
    match u8::try_from(tag.len()) {
        Ok(length) if is_tag(tag) => Ok([&[length], tag.to_ascii_lowercase().as_slice()].concat()),
        Ok(_) | Err(_) => Err(wrong(field, token, "1 to 15 letters and digits")),
    }
}

/// Strings that are too long for their length byte go on in the next one.
fn write_texts(
    field: &'static str,
    words: &mut Words<'_>,
    to: &mut Vec<u8>,
) -> Result<(), BadField> {
    if words.peek().is_none() {
        return Err(BadField::Missing(field));
    }
    for token in words {
        write_text(&token.bytes()?, to);
    }
    Ok(())
}

/// One text as as many strings as it needs.
pub(super) fn write_text(text: &[u8], to: &mut Vec<u8>) {
    if text.is_empty() {
        to.push(0);
    }
    for string in text.chunks(STRING_BYTES_MAX) {
        // A chunk is at most 255 bytes long.
        to.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
        to.extend_from_slice(string);
    }
}
