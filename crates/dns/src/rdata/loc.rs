//! LOC records (RFC 1876): a place on earth in 16 bytes. Counted in whole thousandths and centimetres, never in floats.

use serde_json::{Map, Value, json};

use super::token::Token;
use super::write::{BadField, Words, wrong};

/// The fields of the wire, in units of text.
struct Location {
    /// Thousandths of a second of arc, north and east positive.
    latitude: i64,
    longitude: i64,
    /// Centimetres above the WGS 84 spheroid.
    altitude: i64,
    /// Centimetres: the diameter of the thing, and how well the place is known.
    size: i64,
    precision_horizontal: i64,
    precision_vertical: i64,
}

const FIELD: &str = "location";
/// The equator and the meridian of Greenwich on the wire.
const ORIGIN: i64 = 1 << 31;
/// Altitudes count from 100 km below the spheroid.
const ALTITUDE_OFFSET: i64 = 10_000_000;
const ALTITUDE_MAX: i64 = u32::MAX as i64 - ALTITUDE_OFFSET;
/// Centimetres: 9 × 10^9 is the largest length with one digit and one exponent.
const LENGTH_MAX: i64 = 9_000_000_000;
/// RFC 1876 section 3, in centimetres.
const SIZE_DEFAULT: i64 = 100;
const HORIZONTAL_DEFAULT: i64 = 1_000_000;
const VERTICAL_DEFAULT: i64 = 1_000;

/// Reads the words of a LOC record; the API shows them behind `IN LOC`, and so they may come back.
pub(super) fn write(words: &mut Words<'_>, to: &mut Vec<u8>) -> Result<(), BadField> {
    for prefix in ["IN", "LOC"] {
        words.next_if(|token| token.text == prefix);
    }
    let location = Location {
        latitude: angle(words, ["N", "S"], 90)?,
        longitude: angle(words, ["E", "W"], 180)?,
        altitude: metres(super::write::next(FIELD, words)?, -ALTITUDE_OFFSET..=ALTITUDE_MAX)?,
        size: length(words, SIZE_DEFAULT)?,
        precision_horizontal: length(words, HORIZONTAL_DEFAULT)?,
        precision_vertical: length(words, VERTICAL_DEFAULT)?,
    };
    to.push(0);
    for length in [location.size, location.precision_horizontal, location.precision_vertical] {
        to.push(encode_length(length));
    }
    for (offset, value) in [
        (ORIGIN, location.latitude),
        (ORIGIN, location.longitude),
        (ALTITUDE_OFFSET, location.altitude),
    ] {
        // In range: every part was checked when it was read.
        let value = u32::try_from(offset.saturating_add(value)).unwrap_or(0);
        to.extend(value.to_be_bytes());
    }
    Ok(())
}

/// As RFC 1876 section 3 writes it, nothing left out.
pub(super) fn show(rdata: [u8; 16]) -> Option<String> {
    let location = Location::read(rdata)?;
    let metres = |centimetres: i64| {
        let sign = if centimetres < 0 { "-" } else { "" };
        let centimetres = centimetres.unsigned_abs();
        format!("{sign}{}.{:02}m", centimetres / 100, centimetres % 100)
    };
    Some(format!(
        "{} {} {} {} {} {}",
        show_angle(location.latitude, ["N", "S"]),
        show_angle(location.longitude, ["E", "W"]),
        metres(location.altitude),
        metres(location.size),
        metres(location.precision_horizontal),
        metres(location.precision_vertical),
    ))
}

/// The `data` object of the API.
pub(super) fn to_json(rdata: &[u8]) -> Option<Value> {
    let location = Location::read(*rdata.first_chunk()?)?;
    let (lat, long) = (location.latitude, location.longitude);
    let ([lat_degrees, lat_minutes], lat_seconds) = parts(lat);
    let ([long_degrees, long_minutes], long_seconds) = parts(long);
    let metres = |centimetres: i64| centimetres as f64 / 100.0;
    Some(json!({
        "lat_degrees": lat_degrees,
        "lat_minutes": lat_minutes,
        "lat_seconds": lat_seconds as f64 / 1000.0,
        "lat_direction": if lat < 0 { "S" } else { "N" },
        "long_degrees": long_degrees,
        "long_minutes": long_minutes,
        "long_seconds": long_seconds as f64 / 1000.0,
        "long_direction": if long < 0 { "W" } else { "E" },
        "altitude": metres(location.altitude),
        "size": metres(location.size),
        "precision_horz": metres(location.precision_horizontal),
        "precision_vert": metres(location.precision_vertical),
    }))
}

/// The words that a `data` object stands for; numbers that are left out are 0.
pub(super) fn from_json(data: &Map<String, Value>) -> Result<Vec<Token>, BadField> {
    let words = [
        ("lat_degrees", None),
        ("lat_minutes", Some("0")),
        ("lat_seconds", Some("0")),
        ("lat_direction", None),
        ("long_degrees", None),
        ("long_minutes", Some("0")),
        ("long_seconds", Some("0")),
        ("long_direction", None),
        ("altitude", Some("0")),
        ("size", Some("0")),
        ("precision_horz", Some("0")),
        ("precision_vert", Some("0")),
    ];
    let word = |(name, default): (&'static str, Option<&str>)| match (data.get(name), default) {
        (Some(Value::String(text)), _) => Ok(Token::plain(text.as_str())),
        (Some(Value::Number(number)), _) => Ok(Token::plain(trim_fraction(&number.to_string()))),
        (None | Some(Value::Null), Some(default)) => Ok(Token::plain(default)),
        (_, _) => Err(BadField::Missing(name)),
    };
    words.into_iter().map(word).collect()
}

// === impl Location ===

impl Location {
    fn read(rdata: [u8; 16]) -> Option<Location> {
        let [version, size, horizontal, vertical, numbers @ ..] = rdata;
        let (numbers, _) = numbers.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| i64::from(u32::from_be_bytes(*bytes)));
        let mut next = |offset: i64| Some(numbers.next()?.saturating_sub(offset));
        let location = Location {
            latitude: next(ORIGIN)?,
            longitude: next(ORIGIN)?,
            altitude: next(ALTITUDE_OFFSET)?,
            size: decode_length(size)?,
            precision_horizontal: decode_length(horizontal)?,
            precision_vertical: decode_length(vertical)?,
        };
        let sound = version == 0
            && location.latitude.abs() <= thousandths(90)
            && location.longitude.abs() <= thousandths(180);
        sound.then_some(location)
    }
}

fn thousandths(degrees: i64) -> i64 {
    degrees.saturating_mul(3_600_000)
}

/// `d [m [s]] direction`, in thousandths of a second.
fn angle(words: &mut Words<'_>, directions: [&str; 2], most: i64) -> Result<i64, BadField> {
    let mut sum: i64 = 0;
    for (unit, limit, decimals) in [(3_600_000, most, 0), (60_000, 59, 0), (1, 59_999, 3)] {
        let token = super::write::next(FIELD, words)?;
        let expected = "degrees, minutes and seconds in range";
        let number = fixed(&token.text, decimals).filter(|number| (0..=limit).contains(number));
        let number = number.ok_or_else(|| wrong(FIELD, token, expected))?;
        sum = sum.saturating_add(number.saturating_mul(unit));
        if words.peek().is_none_or(|token| fixed(&token.text, 3).is_none()) {
            break;
        }
    }
    let token = super::write::next(FIELD, words)?;
    let [positive, negative] = directions;
    match token.text.as_str() {
        _ if sum > thousandths(most) => {
            Err(wrong(FIELD, token, "behind at most 90 or 180 degrees"))
        }
        text if text.eq_ignore_ascii_case(positive) => Ok(sum),
        text if text.eq_ignore_ascii_case(negative) => Ok(sum.saturating_neg()),
        _ => Err(wrong(FIELD, token, "N or S behind the latitude, E or W behind the longitude")),
    }
}

fn length(words: &mut Words<'_>, default: i64) -> Result<i64, BadField> {
    words.next().map_or(Ok(default), |token| metres(token, 0..=LENGTH_MAX))
}

/// Metres with or without their `m`, in centimetres.
fn metres(token: &Token, range: std::ops::RangeInclusive<i64>) -> Result<i64, BadField> {
    let text = token.text.strip_suffix('m').unwrap_or(&token.text);
    let centimetres = fixed(text, 2).filter(|centimetres| range.contains(centimetres));
    centimetres.ok_or_else(|| wrong(FIELD, token, "metres in range, to the centimetre"))
}

/// A decimal number times 10^decimals.
fn fixed(text: &str, decimals: usize) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > decimals {
        return None;
    }
    let number: i64 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    Some(if negative { number.saturating_neg() } else { number })
}

/// `20.0`, as JSON may have it, is 20; `52.100` is `52.1`.
fn trim_fraction(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// One digit and its exponent (RFC 1876 section 2); smaller digits are lost.
fn encode_length(centimetres: i64) -> u8 {
    let (mut digit, mut exponent) = (centimetres, 0_u8);
    while digit > 9 {
        digit /= 10;
        exponent = exponent.saturating_add(1);
    }
    u8::try_from(digit).unwrap_or(9) << 4 | exponent
}

fn decode_length(byte: u8) -> Option<i64> {
    let (digit, exponent) = (byte >> 4, byte & 0x0f);
    let sound = digit <= 9 && exponent <= 9;
    sound.then(|| i64::from(digit).saturating_mul(10_i64.saturating_pow(exponent.into())))
}

/// Degrees and minutes, and thousandths of seconds.
fn parts(angle: i64) -> ([u64; 2], u64) {
    let angle = angle.unsigned_abs();
    ([angle / 3_600_000, angle / 60_000 % 60], angle % 60_000)
}

fn show_angle(angle: i64, [positive, negative]: [&str; 2]) -> String {
    let ([degrees, minutes], thousandths) = parts(angle);
    let direction = if angle < 0 { negative } else { positive };
    let (seconds, fraction) = (thousandths / 1000, thousandths % 1000);
    format!("{degrees} {minutes} {seconds}.{fraction:03} {direction}")
}
