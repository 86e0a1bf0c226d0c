//! A file that holds a secret: read with the configuration, never shown.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use toml::Spanned;
use trimtab_model::SecretText;

/// One line of text.
#[derive(Clone, PartialEq)]
pub(crate) struct SecretFile {
    path: Spanned<PathBuf>,
    /// Empty until it is loaded.
    secret: SecretText,
}

/// Longer than any password that a person or a program makes.
const BYTES_MAX: u64 = 4096;

// === impl SecretFile ===

impl SecretFile {
    pub(crate) fn secret(&self) -> &SecretText {
        &self.secret
    }

    /// A relative path starts at the folder.
    pub(super) fn load(&mut self, folder: &Path) -> Result<(), (Range<usize>, String)> {
        let path = folder.join(self.path.get_ref());
        let refused = |why: String| (self.path.span(), why);
        let unreadable = |error| refused(format!("cannot read {}: {error}", path.display()));
        if std::fs::metadata(&path).map_err(unreadable)?.len() > BYTES_MAX {
            return Err(refused(format!("{} is larger than {BYTES_MAX} bytes", path.display())));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let line = text.trim_end_matches(['\r', '\n']);
        if line.is_empty() || line.contains(char::is_control) {
            return Err(refused(format!("{} does not hold one line of text", path.display())));
        }
        self.secret = SecretText::new(line);
        Ok(())
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFile").field(self.path.get_ref()).finish()
    }
}

impl<'de> Deserialize<'de> for SecretFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<SecretFile, D::Error> {
        Ok(SecretFile { path: Spanned::deserialize(from)?, secret: SecretText::new("") })
    }
}
