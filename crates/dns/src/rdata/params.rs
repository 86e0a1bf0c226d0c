//! The service parameters of SVCB and HTTPS records (RFC 9460 section 2 and appendix A).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use domain::utils::base64;

use super::token::{Token, quote};
use super::write::BadField;
use crate::wire::Cursor;

/// How a parameter's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Keys,
    Strings,
    Nothing,
    Port,
    Ipv4s,
    Ipv6s,
    Base64,
    /// Any bytes.
    Text,
}

const FIELD: &str = "value";
const MANDATORY: u16 = 0;
/// IANA registry "Service Parameter Keys"; others are written as `key` and their number.
const KNOWN: [(u16, &str, Form); 9] = [
    (MANDATORY, "mandatory", Form::Keys),
    (1, "alpn", Form::Strings),
    (2, "no-default-alpn", Form::Nothing),
    (3, "port", Form::Port),
    (4, "ipv4hint", Form::Ipv4s),
    (5, "ech", Form::Base64),
    (6, "ipv6hint", Form::Ipv6s),
    (7, "dohpath", Form::Text),
    (8, "ohttp", Form::Nothing),
];

/// The wire form: in the order of keys, each once (RFC 9460 section 2.2).
pub(super) fn write<'a>(words: impl Iterator<Item = &'a Token>) -> Result<Vec<u8>, BadField> {
    let mut params = BTreeMap::new();
    for token in words {
        let unexpected = |expected| super::write::wrong(FIELD, token, expected);
        let (word, value) = token.text.split_once('=').unwrap_or((&token.text, ""));
        let (key, form) =
            find_key(word).ok_or_else(|| unexpected("keys such as alpn or key65280"))?;
        let value = Token::plain(value).bytes()?;
        let value = encode(form, &value).ok_or_else(|| unexpected("values that fit their keys"))?;
        if params.insert(key, value).is_some() {
            return Err(unexpected("free of repeated keys"));
        }
    }
    let missing = params.get(&MANDATORY).and_then(|keys| {
        let (keys, _) = keys.as_chunks();
        keys.iter().map(|key| u16::from_be_bytes(*key)).find(|key| !params.contains_key(key))
    });
    if let Some(key) = missing {
        return Err(super::write::wrong(
            FIELD,
            &Token::plain(name_of(key)),
            "there when it is mandatory",
        ));
    }
    let mut wire = Vec::new();
    for (key, value) in params {
        wire.extend(key.to_be_bytes());
        let length = u16::try_from(value.len());
        wire.extend(length.map_err(|_too_long| BadField::Missing(FIELD))?.to_be_bytes());
        wire.extend(value);
    }
    Ok(wire)
}

/// None when keys are out of order or a length is wrong.
pub(super) fn show(wire: &[u8]) -> Option<String> {
    let mut from = Cursor::new(wire);
    let mut shown: Vec<String> = Vec::new();
    let mut last = None;
    while !from.is_empty() {
        let (key, length) = (from.u16()?, from.u16()?);
        let value = from.take(length.into())?;
        if last >= Some(key) {
            return None;
        }
        last = Some(key);
        shown.push(show_param(key, value)?);
    }
    Some(shown.join(" "))
}

fn find_key(word: &str) -> Option<(u16, Form)> {
    let known = KNOWN.iter().find(|(_, name, _)| *name == word);
    let number = || word.strip_prefix("key")?.parse().ok().map(|key| (key, Form::Text));
    let (key, form) = known.map(|&(key, _, form)| (key, form)).or_else(number)?;
    // 65535 is invalid (RFC 9460 section 14.3.2).
    (key != u16::MAX).then_some((key, form))
}

fn name_of(key: u16) -> String {
    let known = KNOWN.iter().find(|(number, ..)| *number == key);
    known.map_or_else(|| format!("key{key}"), |(_, name, _)| (*name).to_owned())
}

/// The value on the wire; None when it does not fit the form.
fn encode(form: Form, value: &[u8]) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(value).ok();
    match form {
        Form::Text => Some(value.to_vec()),
        Form::Nothing => value.is_empty().then(Vec::new),
        Form::Port => Some(text()?.parse::<u16>().ok()?.to_be_bytes().to_vec()),
        Form::Base64 => base64::decode::<Vec<u8>>(text()?).ok().filter(|bytes| !bytes.is_empty()),
        Form::Ipv4s => {
            let ips = text()?.split(',').map(|ip| ip.parse::<Ipv4Addr>().ok());
            Some(ips.collect::<Option<Vec<_>>>()?.iter().flat_map(Ipv4Addr::octets).collect())
        }
        Form::Ipv6s => {
            let ips = text()?.split(',').map(|ip| ip.parse::<Ipv6Addr>().ok());
            Some(ips.collect::<Option<Vec<_>>>()?.iter().flat_map(Ipv6Addr::octets).collect())
        }
        Form::Keys => {
            let keys = text()?.split(',').map(|word| find_key(word).map(|(key, _)| key));
            let mut keys = keys.collect::<Option<Vec<_>>>()?;
            let named = keys.len();
            keys.sort_unstable();
            keys.dedup();
            let sound = keys.len() == named && !keys.contains(&MANDATORY);
            sound.then(|| keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        Form::Strings => {
            let mut wire = Vec::new();
            for string in split_list(value)? {
                wire.push(u8::try_from(string.len()).ok().filter(|&length| length > 0)?);
                wire.extend(string);
            }
            Some(wire)
        }
    }
}

/// A list with commas; a backslash makes a comma or a backslash a part of an item (RFC 9460 appendix A.1).
fn split_list(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut items = vec![Vec::new()];
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b',' => items.push(Vec::new()),
            b'\\' => items.last_mut()?.push(*bytes.next()?),
            _ => items.last_mut()?.push(byte),
        }
    }
    Some(items)
}

/// A value that would need escapes inside a list is shown as bytes of its key's number.
fn show_param(key: u16, value: &[u8]) -> Option<String> {
    let known = KNOWN.iter().find(|(number, ..)| *number == key);
    let pretty = known.and_then(|&(_, name, form)| {
        let text = decode(form, value)?;
        // What does not read back as the same bytes is not pretty.
        let faithful = encode(form, &Token::plain(&text).bytes().ok()?)? == value;
        let shown = if form == Form::Nothing { name.to_owned() } else { format!("{name}={text}") };
        faithful.then_some(shown)
    });
    match pretty {
        Some(shown) => Some(shown),
        None if key == u16::MAX => None,
        None if value.is_empty() => Some(format!("key{key}")),
        None => Some(format!("key{key}={}", quote(value))),
    }
}

fn decode(form: Form, value: &[u8]) -> Option<String> {
    let join = |items: Vec<String>| Some(items.join(","));
    match form {
        Form::Nothing => value.is_empty().then(String::new),
        Form::Port => Some(u16::from_be_bytes(value.try_into().ok()?).to_string()),
        Form::Base64 => Some(base64::encode_string(value)),
        Form::Text => is_simple(value).then(|| String::from_utf8_lossy(value).into_owned()),
        Form::Ipv4s => {
            let (ips, []) = value.as_chunks::<4>() else { return None };
            join(ips.iter().map(|ip| Ipv4Addr::from(*ip).to_string()).collect())
        }
        Form::Ipv6s => {
            let (ips, []) = value.as_chunks::<16>() else { return None };
            join(ips.iter().map(|ip| Ipv6Addr::from(*ip).to_string()).collect())
        }
        Form::Keys => {
            let (keys, []) = value.as_chunks() else { return None };
            join(keys.iter().map(|key| name_of(u16::from_be_bytes(*key))).collect())
        }
        Form::Strings => {
            let mut from = Cursor::new(value);
            let mut items = Vec::new();
            while !from.is_empty() {
                let length = from.u8()?;
                let item = from.take(length.into()).filter(|item| is_simple(item))?;
                items.push(String::from_utf8_lossy(item).into_owned());
            }
            join(items)
        }
    }
}

/// Needs neither quotes nor escapes.
fn is_simple(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:?{}=+~".contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, BadField> {
        write(Token::read_all(text)?.iter())
    }

    #[test]
    fn rfc9460_appendix_d_test_vectors() {
        let check = |text: &str, wire: &[u8], shown: &str| {
            assert_eq!(read(text).as_deref(), Ok(wire), "{text}");
            assert_eq!(show(wire).as_deref(), Some(shown));
            assert_eq!(read(shown).as_deref(), Ok(wire), "{shown}");
        };
        check("", b"", "");
        check("port=53", b"\0\x03\0\x02\0\x35", "port=53");
        check("key667=hello", b"\x02\x9b\0\x05hello", "key667=\"hello\"");
        check(
            r#"key667="hello\210qoo""#,
            b"\x02\x9b\0\x09hello\xd2qoo",
            r#"key667="hello\210qoo""#,
        );
        let hint = b"\0\x06\0\x20\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\x53\0\x01";
        check(
            r#"ipv6hint="2001:db8::1,2001:db8::53:1""#,
            hint,
            "ipv6hint=2001:db8::1,2001:db8::53:1",
        );
        check(
            "alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
            b"\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01",
            "mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1",
        );
        // The list's own escapes stand inside those of the string.
        check(
            r#"alpn="f\\\\oo\\,bar,h2""#,
            b"\0\x01\0\x0c\x08f\\oo,bar\x02h2",
            r#"key1="\008f\\oo,bar\002h2""#,
        );
    }

    #[test]
    fn rfc9460_appendix_d_3_failures() {
        for text in [
            "key123=abc key123=def",
            "mandatory",
            "alpn",
            "port",
            "ipv4hint",
            "ipv6hint",
            "no-default-alpn=abc",
            "mandatory=key123",
            "mandatory=mandatory",
            "mandatory=key123,key123 key123=abc",
            "port=65536",
            "key65535=x",
            "key99999=x",
            "unheard=x",
            "ipv4hint=1.2.3",
            "alpn=,h2",
            "ech=?",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        for wire in
            [&b"\0\x03\0\x02\0\x35\0\x01\0\x03\x02h2"[..], b"\0\x03\0\x02\0", b"\xff\xff\0\0"]
        {
            assert_eq!(show(wire), None);
        }
    }

    proptest! {
        #[test]
        fn shown_parameters_are_read_back(
            params in prop::collection::btree_map(
                prop_oneof![1..12_u16, 1..u16::MAX],
                prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..20),
                0..4,
            ),
        ) {
            let wire: Vec<u8> = params.iter().flat_map(|(key, value)| {
                let length = u16::try_from(value.len()).unwrap();
                [&key.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
            }).collect();
            let shown = show(&wire).unwrap();
            prop_assert_eq!(read(&shown), Ok(wire), "{}", shown);
        }
    }
}
