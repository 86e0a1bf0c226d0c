//! The functions again, on owned values.

use std::net::IpAddr;

use super::reference::{Got, Items, One};
use crate::function::Function;

/// A function of one value; absent when something that it needs is.
pub(super) fn apply(function: Function, first: Option<One>, others: &[Got]) -> Option<One> {
    if function == Function::Concat {
        let mut parts: Vec<Vec<u8>> = first.map(text_of).into_iter().collect();
        parts.extend(others.iter().filter_map(text));
        return if parts.is_empty() { None } else { Some(One::Text(parts.concat())) };
    }
    let first = first?;
    Some(match function {
        Function::Len => One::Number(text_of(first).len() as i64),
        Function::Lower => One::Text(text_of(first).to_ascii_lowercase()),
        Function::Upper => One::Text(text_of(first).to_ascii_uppercase()),
        Function::StartsWith => One::Flag(text_of(first).starts_with(&text(&others[0])?)),
        Function::EndsWith => One::Flag(text_of(first).ends_with(&text(&others[0])?)),
        Function::RemoveBytes => {
            let removed = text(&others[0])?;
            let mut kept = text_of(first);
            kept.retain(|byte| !removed.contains(byte));
            One::Text(kept)
        }
        Function::Substring => {
            let places: Vec<i64> = others.iter().map(|place| number(place).unwrap()).collect();
            One::Text(substring(&text_of(first), places[0], places.get(1).copied()))
        }
        Function::ToString => One::Text(match first {
            One::Number(number) => number.to_string().into(),
            One::Address(address) => address.to_string().into(),
            One::Flag(flag) => flag.to_string().into(),
            One::Text(text) => text,
        }),
        Function::UrlDecode => {
            let options = others.first().map_or(vec![], |options| text(options).unwrap());
            One::Text(url_decode(text_of(first), &options))
        }
        Function::DecodeBase64 => One::Text(base64(&text_of(first))?),
        Function::LookupJsonString => One::Text(look_up(&text_of(first), others)?.as_str()?.into()),
        Function::LookupJsonInteger => One::Number(look_up(&text_of(first), others)?.as_i64()?),
        Function::Cidr => {
            let One::Address(address) = first else { panic!("{first:?} is no address") };
            let bits = if address.is_ipv4() { &others[0] } else { &others[1] };
            One::Address(network(address, number(bits)? as u32))
        }
        Function::Concat
        | Function::Join
        | Function::Split
        | Function::Cidr6
        | Function::IsTimedHmacValid => panic!("{function:?} is not made here"),
    })
}

pub(super) fn text_of(one: One) -> Vec<u8> {
    match one {
        One::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

pub(super) fn text(got: &Got) -> Option<Vec<u8>> {
    match got {
        Got::One(one) => one.clone().map(text_of),
        other => panic!("{other:?} is no text"),
    }
}

fn number(got: &Got) -> Option<i64> {
    match got {
        Got::One(Some(One::Number(number))) => Some(*number),
        other => panic!("{other:?} is no number"),
    }
}

pub(super) fn split(of: Vec<u8>, others: &[Got]) -> Items {
    let separator = String::from_utf8(text(&others[0]).unwrap()).unwrap();
    let limit = number(&others[1]).unwrap() as usize;
    // Bytes as characters of the same number, so that strings can be split.
    let chars: String = of.into_iter().map(char::from).collect();
    let parts = chars.splitn(limit, &separator);
    parts.map(|part| Some(One::Text(part.chars().map(|char| char as u8).collect()))).collect()
}

fn substring(text: &[u8], start: i64, end: Option<i64>) -> Vec<u8> {
    let length = text.len() as i128;
    let place = |at: i64| if at < 0 { length + i128::from(at) } else { i128::from(at) };
    let (start, end) = (place(start), end.map_or(length, place));
    let inside = |at: &usize| (start..end).contains(&(*at as i128));
    (0..text.len()).filter(inside).map(|at| text[at]).collect()
}

fn url_decode(text: Vec<u8>, options: &[u8]) -> Vec<u8> {
    let once = url_decode_once(&text, options.contains(&b'u'));
    match options.contains(&b'r') && once != text {
        true => url_decode(once, options),
        false => once,
    }
}

fn url_decode_once(text: &[u8], unicode: bool) -> Vec<u8> {
    let hex = |digits: &[u8]| -> Option<u32> {
        let all = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).ok().filter(|_| all)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut made = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let long = text.get(at..at + 6).filter(|six| unicode && six.starts_with(b"%u"));
        let short = text.get(at..at + 3).filter(|three| three.starts_with(b"%"));
        if let Some(char) = long.and_then(|six| hex(&six[2..])).and_then(char::from_u32) {
            made.extend(char.to_string().bytes());
            at += 6;
        } else if let Some(byte) = short.and_then(|three| hex(&three[1..])) {
            made.push(byte as u8);
            at += 3;
        } else {
            made.push(if text[at] == b'+' { b' ' } else { text[at] });
            at += 1;
        }
    }
    made
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u8> = text.iter().copied().take_while(|byte| *byte != b'=').collect();
    let padding = &text[digits.len()..];
    let whole = matches!((digits.len() % 4, padding), (0 | 2 | 3, []) | (2, b"==") | (3, b"="));
    let mut bits = String::new();
    for digit in &digits {
        let value = ALPHABET.iter().position(|letter| letter == digit)?;
        bits.push_str(&format!("{value:06b}"));
    }
    let (bytes, rest) = bits.split_at(bits.len() / 8 * 8);
    let bytes = bytes
        .as_bytes()
        .chunks(8)
        .map(|chunk| u8::from_str_radix(std::str::from_utf8(chunk).unwrap(), 2).unwrap());
    if whole && !rest.contains('1') { Some(bytes.collect()) } else { None }
}

fn look_up(document: &[u8], path: &[Got]) -> Option<serde_json::Value> {
    let mut found = serde_json::from_slice(document).ok()?;
    for key in path {
        let below: Option<&serde_json::Value> = match key {
            Got::One(Some(One::Text(name))) => {
                let object: Option<&serde_json::Map<_, _>> = serde_json::Value::as_object(&found);
                object?.get(std::str::from_utf8(name).unwrap())
            }
            key => serde_json::Value::as_array(&found)?.get(number(key)? as usize),
        };
        found = below?.clone();
    }
    Some(found)
}

fn network(address: IpAddr, length: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = !((1_u64 << (32 - length)) - 1) as u32;
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let kept = u128::from(address) >> (128 - length);
            IpAddr::V6((kept << (128 - length)).into())
        }
    }
}
