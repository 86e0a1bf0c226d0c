//! Where a table's answers come from: for the attribution its licence asks for, and for its age.

/// What a table was built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub places: Option<Database>,
    pub asns: Option<Database>,
    /// Address ranges with a place, IPv4 and IPv6.
    pub ranges: usize,
    /// Different places among them.
    pub distinct_places: usize,
    /// Prefixes that the operator placed.
    pub overrides: usize,
}

/// One database that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Such as `DB-IP City Lite 2026-09`.
    pub name: String,
    /// When it was built, in seconds since 1970.
    pub built: Option<u64>,
}

/// The words and the link a page with geo results must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    pub text: &'static str,
    pub link: &'static str,
}

// === impl Database ===

impl Database {
    /// What the licence of the database asks for, where we know it does.
    pub fn attribution(&self) -> Option<Attribution> {
        let name = self.name.to_ascii_lowercase();
        if name.starts_with("db-ip") || name.starts_with("dbip") {
            Some(Attribution { text: "IP Geolocation by DB-IP", link: "https://db-ip.com" })
        } else if name.starts_with("geolite2") {
            Some(Attribution {
                text: "This product includes GeoLite2 data created by MaxMind",
                link: "https://www.maxmind.com",
            })
        } else {
            None
        }
    }

    /// Reads the file beside a compact table: a line for places and one for systems, each a name, a tab and
    /// seconds since 1970. A name without a readable time has no age.
    pub(crate) fn from_text(text: &str) -> (Option<Database>, Option<Database>) {
        let mut lines = text.lines().filter(|line| !line.is_empty()).map(|line| {
            let (name, built) = line.split_once('\t').unwrap_or((line, ""));
            Database { name: name.into(), built: built.trim().parse().ok() }
        });
        (lines.next(), lines.next())
    }
}

// === impl Source ===

impl Source {
    /// The text to keep beside a compact table.
    pub fn to_text(&self) -> String {
        let line = |database: &Database| {
            let built = database.built.map(|seconds| seconds.to_string()).unwrap_or_default();
            format!("{}\t{built}\n", database.name)
        };
        self.places.iter().chain(&self.asns).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_beside_a_table_reads_back() {
        let database = |name: &str, built| Some(Database { name: name.into(), built });
        let (places, asns) = (database("DBIP-City-Lite", Some(1_788_220_800)), database("x", None));
        let source = Source { places: places.clone(), asns: asns.clone(), ..Source::default() };
        assert_eq!(Database::from_text(&source.to_text()), (places, asns));
        assert_eq!(Database::from_text(""), (None, None));
    }

    #[test]
    fn databases_that_ask_for_attribution_get_it() {
        let link = |name: &str| {
            let database = Database { name: name.into(), built: None };
            database.attribution().map(|attribution| attribution.link)
        };
        assert_eq!(link("DB-IP City Lite 2026-09"), Some("https://db-ip.com"));
        assert_eq!(link("DBIP-City-Lite"), Some("https://db-ip.com"));
        assert_eq!(link("GeoLite2-City"), Some("https://www.maxmind.com"));
        assert_eq!(link("Origin-ASN 2026-09"), None);
    }
}
