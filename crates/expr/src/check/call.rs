//! What each function takes and gives.

use super::arguments::{Arguments, First, Given};
use super::{Checked, Code, Each, Flag, Number, Of, Source, Text, Value, elements};
use crate::error::{Reason, Refused};
use crate::function::Function;
use crate::lex::Span;
use crate::program::{Address, Split, Substring, Timed};
use crate::text::base64::Alphabet;
use crate::text::hmac::TimedHmac;
use crate::text::json::Key;
use crate::text::url::UrlOptions;

/// Their places are kept on the stack while they are put together.
pub(crate) const CONCAT_PARTS_MAX: usize = 32;
/// Parts that `split` makes at most.
const SPLIT_PARTS_MAX: i64 = 128;

/// Checks a call of `function`; `span` is that of the whole call.
pub(crate) fn call(function: Function, given: Vec<Given>, span: Span) -> Result<Checked, Refused> {
    let over = match given.first() {
        Some(Given::Value(Checked { code: Code::Each(_), over, .. })) => over.clone(),
        Some(_) | None => None,
    };
    let value = Value::Call(function, given.iter().map(Given::written).collect());
    let mut arguments = Arguments::new(given, span);
    let code = code(function, &mut arguments)?;
    arguments.end()?;
    Ok(Checked { value, code, span, over })
}

fn code(function: Function, arguments: &mut Arguments) -> Result<Code, Refused> {
    match function {
        Function::Cidr => cidr(arguments),
        Function::Cidr6 => cidr6(arguments),
        Function::Concat => concat(arguments),
        Function::DecodeBase64 => of_text(arguments, |text| Text::Base64(Box::new(text))),
        Function::EndsWith => affix(arguments, Flag::EndsWith),
        Function::IsTimedHmacValid => timed_hmac(arguments),
        Function::Join => join(arguments),
        Function::Len => len(arguments),
        Function::LookupJsonInteger => {
            let document = arguments.first_text()?;
            let path = path(arguments)?;
            Ok(document.map(|text| Of::Number(Number::Json(Box::new(text), path))))
        }
        Function::LookupJsonString => {
            let document = arguments.first_text()?;
            let path = path(arguments)?;
            Ok(document.map(|text| Of::Text(Text::Json(Box::new(text), path))))
        }
        Function::Lower => of_text(arguments, |text| Text::Lower(Box::new(text))),
        Function::RemoveBytes => {
            let of = arguments.first_text()?;
            let removed = Box::new(arguments.text()?);
            Ok(of.map(|text| Of::Text(Text::RemoveBytes(Box::new(text), removed))))
        }
        Function::Split => split(arguments),
        Function::StartsWith => affix(arguments, Flag::StartsWith),
        Function::Substring => substring(arguments),
        Function::ToString => to_string(arguments),
        Function::Upper => of_text(arguments, |text| Text::Upper(Box::new(text))),
        Function::UrlDecode => url_decode(arguments),
    }
}

fn of_text(arguments: &mut Arguments, call: fn(Text) -> Text) -> Result<Code, Refused> {
    Ok(arguments.first_text()?.map(|text| Of::Text(call(text))))
}

fn affix(
    arguments: &mut Arguments,
    call: fn(Box<Text>, Box<Text>) -> Flag,
) -> Result<Code, Refused> {
    let of = arguments.first_text()?;
    let affix = Box::new(arguments.text()?);
    Ok(of.map(|text| Of::Flag(call(Box::new(text), affix))))
}

fn cidr(arguments: &mut Arguments) -> Result<Code, Refused> {
    let of = address(arguments)?;
    let v4_bits = bits(arguments, 32)?;
    let v6_bits = bits(arguments, 128)?;
    Ok(Code::One(Of::Address(Address::Network { of, v4_bits, v6_bits })))
}

fn cidr6(arguments: &mut Arguments) -> Result<Code, Refused> {
    let of = address(arguments)?;
    let v6_bits = bits(arguments, 128)?;
    Ok(Code::One(Of::Address(Address::Network { of, v4_bits: 32, v6_bits })))
}

fn address(arguments: &mut Arguments) -> Result<Box<Address>, Refused> {
    match arguments.value()? {
        (Code::One(Of::Address(address)), _) => Ok(Box::new(address)),
        (_, span) => arguments.wrong_type(span),
    }
}

fn bits(arguments: &mut Arguments, most: u8) -> Result<u8, Refused> {
    let bits = arguments.literal_number(1..=most.into())?;
    Ok(u8::try_from(bits).unwrap_or(most))
}

/// Strings to one string, or arrays to one array.
fn concat(arguments: &mut Arguments) -> Result<Code, Refused> {
    match arguments.next()? {
        Given::Value(Checked { code: Code::Array(first), span, .. }) => match first {
            Each { source, value: Of::Text(value) } => chain(arguments, Each { source, value }),
            Each { value: Of::Number(_) | Of::Address(_) | Of::Flag(_), .. } => {
                arguments.wrong_type(span)
            }
        },
        Given::Value(Checked { code: Code::One(Of::Text(value)), .. }) => {
            Ok(parts(arguments, First { value, source: None })?)
        }
        Given::Value(Checked {
            code: Code::Each(Each { source, value: Of::Text(value) }), ..
        }) => parts(arguments, First { value, source: Some(source) }),
        Given::Value(Checked { span, .. }) | Given::Number(_, span) => arguments.wrong_type(span),
        Given::Text(literal, _) => {
            parts(arguments, First { value: Text::Literal(literal.into()), source: None })
        }
    }
}

fn parts(arguments: &mut Arguments, first: First<Text>) -> Result<Code, Refused> {
    let mut behind = vec![arguments.text()?];
    while arguments.are_left() {
        behind.push(arguments.text()?);
    }
    if behind.len() >= CONCAT_PARTS_MAX {
        return arguments.too_many_parts();
    }
    Ok(first.map(|first| {
        behind.insert(0, first);
        Of::Text(Text::Concat(behind.into()))
    }))
}

fn chain(arguments: &mut Arguments, first: Each<Text>) -> Result<Code, Refused> {
    let mut arrays = vec![first, arguments.texts()?];
    while arguments.are_left() {
        arrays.push(arguments.texts()?);
    }
    if arrays.len() > CONCAT_PARTS_MAX {
        return arguments.too_many_parts();
    }
    Ok(Code::Array(elements(Source::Chain(arrays.into()))))
}

fn join(arguments: &mut Arguments) -> Result<Code, Refused> {
    let texts = arguments.texts()?;
    let separator = separator(arguments)?;
    Ok(Code::One(Of::Text(Text::Join(Box::new(texts), separator))))
}

/// Its text can be of one element only by its place: parts of parts would be an array of arrays.
fn split(arguments: &mut Arguments) -> Result<Code, Refused> {
    let (code, span) = arguments.value()?;
    let of = match code {
        Code::One(Of::Text(text)) => text,
        Code::Each(_) | Code::EachArray(_) => return Refused::at(span, Reason::MapEach),
        Code::One(_) | Code::Array(_) | Code::Map(_) => return arguments.wrong_type(span),
    };
    let separator = separator(arguments)?;
    let limit = arguments.literal_number(1..=SPLIT_PARTS_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(1);
    Ok(Code::Array(elements(Source::Split(Box::new(Split { of, separator, limit })))))
}

fn separator(arguments: &mut Arguments) -> Result<Box<[u8]>, Refused> {
    match arguments.literal_text()? {
        (text, span) if text.is_empty() => arguments.wrong_value(span),
        (text, _) => Ok(text.into()),
    }
}

fn len(arguments: &mut Arguments) -> Result<Code, Refused> {
    let length = |text| Of::Number(Number::Length(Box::new(text)));
    match arguments.value()? {
        (Code::One(Of::Text(text)), _) => Ok(Code::One(length(text))),
        (Code::Each(Each { source, value: Of::Text(text) }), _) => {
            Ok(Code::Array(Each { source, value: length(text) }))
        }
        (Code::Array(Each { source, .. }), _) => {
            Ok(Code::One(Of::Number(Number::Count(Box::new(source)))))
        }
        (Code::One(_) | Code::Each(_) | Code::Map(_) | Code::EachArray(_), span) => {
            arguments.wrong_type(span)
        }
    }
}

fn path(arguments: &mut Arguments) -> Result<Box<[Key]>, Refused> {
    let mut path = vec![key(arguments)?];
    while arguments.are_left() {
        path.push(key(arguments)?);
    }
    Ok(path.into())
}

fn key(arguments: &mut Arguments) -> Result<Key, Refused> {
    match arguments.next()? {
        Given::Text(name, _) => Ok(Key::Name(name.into())),
        Given::Number(place, span) => match usize::try_from(place) {
            Ok(place) => Ok(Key::Place(place)),
            Err(_) => arguments.wrong_value(span),
        },
        Given::Value(checked) => arguments.wrong_kind(checked.span),
    }
}

fn substring(arguments: &mut Arguments) -> Result<Code, Refused> {
    let of = arguments.first_text()?;
    let start = arguments.number()?;
    let end = if arguments.are_left() { Some(arguments.number()?) } else { None };
    Ok(of.map(|of| Of::Text(Text::Substring(Box::new(Substring { of, start, end })))))
}

fn to_string(arguments: &mut Arguments) -> Result<Code, Refused> {
    let (first, span) = arguments.first()?;
    if matches!(first.value, Of::Text(_)) {
        return arguments.wrong_type(span);
    }
    Ok(first.map(|value| match value {
        Of::Number(number) => Of::Text(Text::OfNumber(Box::new(number))),
        Of::Address(address) => Of::Text(Text::OfAddress(Box::new(address))),
        Of::Flag(flag) => Of::Text(Text::OfFlag(Box::new(flag))),
        Of::Text(text) => Of::Text(text),
    }))
}

fn url_decode(arguments: &mut Arguments) -> Result<Code, Refused> {
    let of = arguments.first_text()?;
    let mut options = UrlOptions::default();
    if arguments.are_left() {
        let (letters, span) = arguments.literal_text()?;
        options = match UrlOptions::parse(&letters) {
            Some(options) => options,
            None => return arguments.wrong_value(span),
        };
    }
    Ok(of.map(|text| Of::Text(Text::UrlDecode(Box::new(text), options))))
}

fn timed_hmac(arguments: &mut Arguments) -> Result<Code, Refused> {
    let (key, _) = arguments.literal_text()?;
    let token = match arguments.value()? {
        (Code::One(Of::Text(token)), _) => token,
        (_, span) => return arguments.wrong_type(span),
    };
    let ttl_seconds = arguments.literal_number(0..=i64::MAX)?;
    let now = arguments.number()?;
    let mut separator_bytes = 0;
    let mut alphabet = Alphabet::Standard;
    if arguments.are_left() {
        let bytes = arguments.literal_number(0..=i64::MAX)?;
        separator_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if arguments.are_left() {
        alphabet = match arguments.literal_text()? {
            (letters, _) if letters == b"s" => Alphabet::UrlSafe,
            (letters, _) if letters.is_empty() => Alphabet::Standard,
            (_, span) => return arguments.wrong_value(span),
        };
    }
    let hmac = TimedHmac::new(&key, ttl_seconds, separator_bytes, alphabet);
    Ok(Code::One(Of::Flag(Flag::TimedHmac(Box::new(Timed { hmac, token, now })))))
}
