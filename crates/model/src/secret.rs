//! Values that the store keeps and nobody is shown: their `Debug` says nothing, and they have no `Display`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{read_hex, write_hex};

/// A private key in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretPem(String);

/// What another service knows us by: a password, a token, a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

/// Random bytes that authenticate; hexadecimal in storage.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes([u8; 32]);

/// Writes bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

// === impl SecretPem ===

impl SecretPem {
    pub fn new(pem: impl Into<String>) -> SecretPem {
        SecretPem(pem.into())
    }

    /// For whoever loads the key.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretPem")
    }
}

// === impl SecretText ===

impl SecretText {
    pub fn new(text: impl Into<String>) -> SecretText {
        SecretText(text.into())
    }

    /// For whoever shows it to that service.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

// === impl SecretBytes ===

impl SecretBytes {
    pub const fn new(bytes: [u8; 32]) -> SecretBytes {
        SecretBytes(bytes)
    }

    /// For whoever signs and verifies.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<SecretBytes, D::Error> {
        // The message must not repeat the text.
        let bytes = read_hex(&String::deserialize(from)?);
        bytes.map(SecretBytes).ok_or_else(|| de::Error::custom("not 64 hexadecimal digits"))
    }
}

// === impl Hex ===

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_read_back_as_written() {
        let bytes = SecretBytes::new([0xa5; 32]);
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(text, format!("\"{}\"", "a5".repeat(32)));
        assert_eq!(serde_json::from_str::<SecretBytes>(&text).unwrap(), bytes);
        let pem = SecretPem::new("-----BEGIN PRIVATE KEY-----\n");
        let text = serde_json::to_string(&pem).unwrap();
        assert_eq!(serde_json::from_str::<SecretPem>(&text).unwrap(), pem);
    }

    #[test]
    fn secrets_are_not_shown_and_not_repeated_in_a_refusal() {
        assert_eq!(format!("{:?}", SecretBytes::new([0xa5; 32])), "SecretBytes");
        assert_eq!(format!("{:?}", SecretPem::new("key")), "SecretPem");
        assert_eq!(format!("{:?}", SecretText::new("key")), "SecretText");
        let why = serde_json::from_str::<SecretBytes>("\"a5a5\"").unwrap_err().to_string();
        assert!(!why.contains("a5"), "{why}");
    }
}
