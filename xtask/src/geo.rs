//! `geo`: the embedded table of places anew, from newer databases.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use trimtab_geo::{Builder, CompactError, LoadError};

/// Why there is no new table; the old one is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{path} is not readable")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is of no use")]
    Load { path: PathBuf, source: LoadError },
    #[error("the present table is of no use")]
    Present(#[source] LoadError),
    #[error("the table does not fit its format")]
    Encode(#[source] CompactError),
    #[error("the table does not compress")]
    Compress(#[source] io::Error),
    #[error("{path} is not writable")]
    Write { path: PathBuf, source: io::Error },
}

/// The level that the committed table has; higher ones gain nothing.
const ZSTD_LEVEL: i32 = 19;

/// Writes the compact table to `out`, and beside it the names and ages of its databases.
/// What the databases do not hold, such as the systems when `asn` is absent, stays as it is in the
/// present table.
pub(crate) fn rebuild(mmdb_city: &Path, asn: Option<&Path>, out: &Path) -> Result<(), Failure> {
    let mut builder = Builder::embedded().map_err(Failure::Present)?;
    for path in std::iter::once(mmdb_city).chain(asn) {
        let bytes = fs::read(path).map_err(|source| Failure::Read { path: path.into(), source })?;
        builder =
            builder.mmdb(&bytes).map_err(|source| Failure::Load { path: path.into(), source })?;
    }
    let table = builder.build();
    let raw = table.to_compact().map_err(Failure::Encode)?;
    let packed = zstd::encode_all(raw.as_slice(), ZSTD_LEVEL).map_err(Failure::Compress)?;
    write(out, &packed)?;
    write(&source_of(out), table.source().to_text().as_bytes())
}

/// `table.bin.zst` has its sources in `table.bin.zst.source`.
fn source_of(table: &Path) -> PathBuf {
    let mut name = OsString::from(table);
    name.push(".source");
    name.into()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|source| Failure::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
        crates.join("geo/tests/fixtures").join(name)
    }

    #[test]
    fn a_rebuilt_table_answers_like_its_databases() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new.bin.zst");
        rebuild(&fixture("nested-24.mmdb"), Some(&fixture("asn.mmdb")), &out).unwrap();
        let (packed, source) = (fs::read(&out).unwrap(), fs::read_to_string(source_of(&out)));
        let source = source.unwrap();
        assert_eq!(
            source,
            "DBIP-City-Lite (made for tests)\t1788220800\nASN (made for tests)\t1788220800\n"
        );
        let rebuilt = Builder::empty().unwrap().compact(&packed, &source).unwrap().build();
        let read = |name: &str| fs::read(fixture(name)).unwrap();
        let empty = Builder::empty().unwrap();
        let direct = empty.mmdb(&read("nested-24.mmdb")).unwrap();
        let direct = direct.mmdb(&read("asn.mmdb")).unwrap().build();
        for address in ["128.32.0.1", "142.103.1.1", "8.8.8.8", "2607:f140::1", "2001:db8:1::1"] {
            let address = address.parse().unwrap();
            assert_eq!(rebuilt.locate(address), direct.locate(address), "{address}");
            assert_eq!(rebuilt.asn(address), direct.asn(address), "{address}");
        }
        assert_eq!(rebuilt.places().len(), 8, "places of the present table are gone");
    }

    #[test]
    fn without_systems_those_of_the_present_table_stay() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new.bin.zst");
        rebuild(&fixture("nested-24.mmdb"), None, &out).unwrap();
        let packed = fs::read(&out).unwrap();
        let rebuilt = Builder::empty().unwrap().compact(&packed, "").unwrap().build();
        assert_eq!(rebuilt.asn("200.160.2.3".parse().unwrap()), Some(22_548));
        assert_eq!(rebuilt.locate("200.160.2.3".parse().unwrap()).place.country, None);
    }

    #[test]
    fn a_database_that_is_none_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new.bin.zst");
        let refused = rebuild(&fixture("make.py"), None, &out).unwrap_err();
        assert!(matches!(refused, Failure::Load { .. }), "{refused}");
        let refused = rebuild(&fixture("absent.mmdb"), None, &out).unwrap_err();
        assert!(matches!(refused, Failure::Read { .. }), "{refused}");
        assert!(!out.exists());
    }
}
