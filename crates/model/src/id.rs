//! Identifiers: 16 random bytes, written as 32 lower-case hexadecimal digits, in alerting with dashes between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an identifier of 32 lower-case hexadecimal digits")]
pub struct NotAnId(String);

/// The bytes that have a dash in front.
const DASHED_BEFORE: [usize; 4] = [4, 6, 8, 10];

macro_rules! ids {
    ($write:ident, $read:ident: $($(#[$about:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            pub const fn new(bytes: [u8; 16]) -> $name {
                $name(bytes)
            }

            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $write(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $write(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<$name, NotAnId> {
                $read(text).map($name).ok_or_else(|| NotAnId(text.into()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    )+ };
}

ids!(
    write_hex, read_hex:
    AccountId,
    BalancerId,
    CertificateId,
    HealthCheckId,
    MonitorGroupId,
    MonitorId,
    OverrideId,
    PoolId,
    RecordId,
    TokenId,
    ZoneId
);

// RFC 9562 section 4, as the hosted API has these.
ids!(write_dashed, read_dashed: AlertPolicyId, PagerDutyId, SilenceId, WebhookId);

pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn write_dashed(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().enumerate().try_for_each(|(index, byte)| {
        let dash = if DASHED_BEFORE.contains(&index) { "-" } else { "" };
        write!(f, "{dash}{byte:02x}")
    })
}

/// None unless the dashes are where they belong.
fn read_dashed(text: &str) -> Option<[u8; 16]> {
    let id = read_hex(&text.replace('-', ""))?;
    let dashes = text.match_indices('-').map(|(at, _)| at);
    dashes.eq([8, 13, 18, 23]).then_some(id)
}

/// None unless the text is exactly `N` bytes in lower-case digits.
pub(crate) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_written_and_nothing_else_is_read() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(text.parse::<PoolId>().map(|id| id.to_string()), Ok(text.into()));
        for bad in ["", "0123", "0123456789ABCDEF0123456789abcdef", &text.replace('0', "g")] {
            assert_eq!(bad.parse::<PoolId>(), Err(NotAnId(bad.into())));
        }
    }

    #[test]
    fn ids_of_alerting_have_their_dashes_where_they_belong() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(text.parse::<WebhookId>().map(|id| id.to_string()), Ok(text.into()));
        for bad in ["0123456789abcdef0123456789abcdef", "0123-456789ab-cdef-0123-456789abcdef", ""]
        {
            assert_eq!(bad.parse::<WebhookId>(), Err(NotAnId(bad.into())));
        }
    }
}
