//! A file of certificates that the configuration names: read and checked with it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Certificates in PEM, each of which is believed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PemFile {
    path: Spanned<PathBuf>,
    /// Empty until it is loaded.
    pem: String,
}

/// More than every public root there is, several times.
const BYTES_MAX: u64 = 4 << 20;

// === impl PemFile ===

impl PemFile {
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A relative path starts at the folder.
    pub(super) fn load(&mut self, folder: &Path) -> Result<(), (Range<usize>, String)> {
        let path = folder.join(self.path.get_ref());
        let refused = |why: String| (self.path.span(), why);
        let unreadable = |error| refused(format!("cannot read {}: {error}", path.display()));
        let bytes = std::fs::metadata(&path).map_err(unreadable)?.len();
        if bytes > BYTES_MAX {
            return Err(refused(format!("{} is larger than {BYTES_MAX} bytes", path.display())));
        }
        let pem = std::fs::read_to_string(&path).map_err(unreadable)?;
        trimtab_connect::roots(&pem).map_err(|why| refused(format!("{} {why}", path.display())))?;
        self.pem = pem;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for PemFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<PemFile, D::Error> {
        Ok(PemFile { path: Spanned::deserialize(from)?, pem: String::new() })
    }
}
