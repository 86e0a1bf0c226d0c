//! Where something is: regions, countries, subdivisions, points of presence, coordinates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One of the 13 load balancing regions of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    Wnam,
    Enam,
    Weu,
    Eeu,
    Nsam,
    Ssam,
    Oc,
    Me,
    Naf,
    Saf,
    Sas,
    Seas,
    Neas,
}

/// An ISO 3166-1 alpha-2 code in upper case, such as `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The part after the country of an ISO 3166-2 code, such as the `CA` of `US-CA`; at most three letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subdivision([u8; 3]);

/// A point of presence: an IATA airport code in upper case, such as `FRA`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pop([u8; 3]);

/// A position on the earth in degrees; latitude is within ±90, longitude within ±180.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    pub latitude: f64,
    pub longitude: f64,
}

/// A text that is not the code it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct NotACode {
    text: String,
    wanted: &'static str,
}

// === impl Region ===

impl Region {
    pub const ALL: [Region; 13] = [
        Region::Wnam,
        Region::Enam,
        Region::Weu,
        Region::Eeu,
        Region::Nsam,
        Region::Ssam,
        Region::Oc,
        Region::Me,
        Region::Naf,
        Region::Saf,
        Region::Sas,
        Region::Seas,
        Region::Neas,
    ];

    /// The code that the API uses.
    pub const fn code(self) -> &'static str {
        match self {
            Region::Wnam => "WNAM",
            Region::Enam => "ENAM",
            Region::Weu => "WEU",
            Region::Eeu => "EEU",
            Region::Nsam => "NSAM",
            Region::Ssam => "SSAM",
            Region::Oc => "OC",
            Region::Me => "ME",
            Region::Naf => "NAF",
            Region::Saf => "SAF",
            Region::Sas => "SAS",
            Region::Seas => "SEAS",
            Region::Neas => "NEAS",
        }
    }

    /// What a person calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Region::Wnam => "Western North America",
            Region::Enam => "Eastern North America",
            Region::Weu => "Western Europe",
            Region::Eeu => "Eastern Europe",
            Region::Nsam => "Northern South America",
            Region::Ssam => "Southern South America",
            Region::Oc => "Oceania",
            Region::Me => "Middle East",
            Region::Naf => "Northern Africa",
            Region::Saf => "Southern Africa",
            Region::Sas => "Southern Asia",
            Region::Seas => "Southeast Asia",
            Region::Neas => "Northeast Asia",
        }
    }
}

impl FromStr for Region {
    type Err = NotACode;

    /// `IN` is the old code of Southern Asia and is still read.
    fn from_str(text: &str) -> Result<Region, NotACode> {
        let code = if text == "IN" { "SAS" } else { text };
        Region::ALL
            .into_iter()
            .find(|region| region.code() == code)
            .ok_or_else(|| NotACode { text: text.into(), wanted: "a region code such as WNAM" })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

// === impl Country ===

impl Country {
    pub const fn new(code: [u8; 2]) -> Option<Country> {
        if code[0].is_ascii_uppercase() && code[1].is_ascii_uppercase() {
            Some(Country(code))
        } else {
            None
        }
    }

    pub fn code(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Country {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Country, NotACode> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .and_then(Country::new)
            .ok_or_else(|| NotACode { text: text.into(), wanted: "a country code such as DE" })
    }
}

// === impl Subdivision ===

impl Subdivision {
    pub fn code(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Subdivision {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Subdivision, NotACode> {
        padded(text)
            .map(Subdivision)
            .ok_or_else(|| NotACode { text: text.into(), wanted: "a subdivision code such as CA" })
    }
}

// === impl Pop ===

impl Pop {
    pub const fn new(code: [u8; 3]) -> Option<Pop> {
        if code[0].is_ascii_uppercase()
            && code[1].is_ascii_uppercase()
            && code[2].is_ascii_uppercase()
        {
            Some(Pop(code))
        } else {
            None
        }
    }

    pub fn code(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Pop {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Pop, NotACode> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .and_then(Pop::new)
            .ok_or_else(|| NotACode { text: text.into(), wanted: "an airport code such as FRA" })
    }
}

// === impl Coordinates ===

impl Coordinates {
    /// None when a value is out of range or not a number.
    pub fn new(latitude: f64, longitude: f64) -> Option<Coordinates> {
        ((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude))
            .then_some(Coordinates { latitude, longitude })
    }
}

fn padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    let fits = !bytes.is_empty()
        && bytes.len() <= N
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    fits.then(|| std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0)))
}

/// The constructors let only ASCII in, with zeros as padding at the end.
fn ascii(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes.get(..end).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("")
}

macro_rules! text_code {
    ($($kind:ident),+) => { $(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    )+ };
}
text_code!(Country, Subdivision, Pop);

macro_rules! serde_as_text {
    ($($kind:ident),+) => { $(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.code())
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$kind, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    )+ };
}
serde_as_text!(Region, Country, Subdivision, Pop);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_as_written() {
        for region in Region::ALL {
            assert_eq!(region.code().parse(), Ok(region));
        }
        assert_eq!("IN".parse(), Ok(Region::Sas));
        assert_eq!("DE".parse::<Country>().map(|c| c.to_string()), Ok("DE".into()));
        assert_eq!("ENG".parse::<Subdivision>().map(|c| c.to_string()), Ok("ENG".into()));
        assert_eq!("CA".parse::<Subdivision>().map(|c| c.to_string()), Ok("CA".into()));
        assert_eq!("FRA".parse::<Pop>().map(|c| c.to_string()), Ok("FRA".into()));
    }

    #[test]
    fn what_is_no_code_is_refused_with_the_text() {
        assert_eq!(
            "de".parse::<Country>().unwrap_err().to_string(),
            "\"de\" is not a country code such as DE"
        );
        assert!("FR".parse::<Pop>().is_err());
        assert!("".parse::<Subdivision>().is_err());
        assert!("MOON".parse::<Region>().is_err());
    }
}
