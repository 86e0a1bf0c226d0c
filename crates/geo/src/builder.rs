//! Builds a table from its layers: a base (the embedded table or databases), then what the operator says.

use ipnet::IpNet;

use crate::compact::{self, CompactError, Sections, Spans};
use crate::family::{Family, Kind, NO_ASN};
use crate::feed::FeedProblems;
use crate::geofeed::Geofeed;
use crate::latency::Latencies;
use crate::layer::Layer;
use crate::mmdb::{self, Contents, MmdbError};
use crate::operators::Operators;
use crate::ranges::{Packing, Range, Ranges};
use crate::regions::{Regions, RegionsError};
use crate::source::{Database, Source};
use crate::spot::{Spots, TooManyPlaces, UNKNOWN};
use crate::table::{Place, Table};

/// Takes the layers in any order: a later database takes the place of an earlier one for what it holds,
/// later lines of geofeeds win, and geofeeds win over databases.
#[derive(Debug)]
pub struct Builder {
    spots: Spots,
    v4: Family,
    v6: Family,
    regions: Regions,
    source: Source,
    places_said: Vec<(IpNet, u16)>,
    asns_said: Vec<(IpNet, u32)>,
    operators: Option<Operators>,
    latencies: Option<Latencies>,
}

/// Why a table cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Compact(#[from] CompactError),
    #[error(transparent)]
    Mmdb(#[from] MmdbError),
    #[error(transparent)]
    Feed(#[from] FeedProblems),
    #[error(transparent)]
    Regions(#[from] RegionsError),
    #[error(transparent)]
    Places(#[from] TooManyPlaces),
}

static EMBEDDED: &[u8] = include_bytes!("../data/geo-default.bin.zst");
/// A line for the databases of places and of systems: name, tab, seconds since 1970.
static EMBEDDED_SOURCE: &str = include_str!("../data/geo-default.bin.zst.source");
/// A provider's filler for IPv6 nobody has comes in runs of a /16 and more, in /48s.
const FILLER_MIN: u64 = 1 << 32;
/// The first /48 of 2000::/16, of which nothing is assigned.
const NEVER_ASSIGNED: u64 = 0x2000 << 32;

// === impl Builder ===

impl Builder {
    /// A table in which no address has a place.
    pub fn empty() -> Result<Builder, LoadError> {
        Ok(Builder {
            spots: Spots::new(),
            v4: Family::new(Kind::V4),
            v6: Family::new(Kind::V6),
            regions: Regions::embedded()?,
            source: Source::default(),
            places_said: Vec::new(),
            asns_said: Vec::new(),
            operators: None,
            latencies: None,
        })
    }

    /// The tables inside the program: country, state, a position to about 30 km, the announcing system, and
    /// public resolvers.
    pub fn embedded() -> Result<Builder, LoadError> {
        let mut builder = Builder::empty()?.compact(EMBEDDED, EMBEDDED_SOURCE)?;
        builder.operators = Some(Operators::embedded()?);
        Ok(builder)
    }

    /// Whose public resolvers are where, in place of the table inside the program; see [`Operators`].
    pub fn operators(mut self, csv: &str) -> Result<Builder, LoadError> {
        self.operators = Some(Operators::parse(csv)?);
        Ok(self)
    }

    /// How far clients are from pools in time; see [`Latencies`].
    pub fn latencies(mut self, csv: &str) -> Result<Builder, LoadError> {
        self.latencies = Some(Latencies::parse(csv)?);
        Ok(self)
    }

    /// A compressed compact table, and the text of [`Source::to_text`] kept with it.
    pub fn compact(mut self, compressed: &[u8], source: &str) -> Result<Builder, LoadError> {
        let raw = compact::unpack(compressed)?;
        let sections = Sections::read(&raw)?;
        let rows = sections.places()?;
        let ids = rows.into_iter().map(|spot| self.spots.number(spot));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        for family in [&mut self.v4, &mut self.v6] {
            family.places = packed_places(sections.place_ranges(family.kind), &ids, family.kind)?;
            family.asns = packed_asns(sections.system_ranges(family.kind), family.kind)?;
            family.fine = Layer::default();
        }
        (self.source.places, self.source.asns) = Database::from_text(source);
        Ok(self)
    }

    /// A MaxMind database of cities, countries or autonomous systems, in the nested or the flat layout.
    /// It takes the place of the base for the families it has.
    pub fn mmdb(mut self, bytes: &[u8]) -> Result<Builder, LoadError> {
        let contents = mmdb::read(bytes)?;
        if contents.has_places() {
            self.take_places(&contents)?;
        }
        if contents.has_asns() {
            self.take_asns(&contents);
        }
        Ok(self)
    }

    /// A geofeed (RFC 8805). It wins over everything, and may place private networks.
    pub fn geofeed(mut self, text: &str) -> Result<Builder, LoadError> {
        for entry in Geofeed::parse(text)?.entries {
            let id = self.spots.number(entry.spot)?;
            self.places_said.push((entry.prefix, id));
            self.asns_said.extend(entry.asn.map(|asn| (entry.prefix, asn)));
        }
        Ok(self)
    }

    /// A regions file of the operator; see [`Regions::overridden`].
    pub fn regions(mut self, json: &[u8]) -> Result<Builder, LoadError> {
        self.regions = self.regions.overridden(json)?;
        Ok(self)
    }

    pub fn build(mut self) -> Table {
        for family in [&mut self.v4, &mut self.v6] {
            family.overrides = Layer::of(family.kind.spans(&self.places_said));
            family.asn_overrides = Layer::of(family.kind.spans(&self.asns_said));
        }
        let places: Box<[_]> =
            self.spots.rows().iter().map(|spot| Place::of(spot, &self.regions)).collect();
        let families = [&self.v4, &self.v6];
        self.source.ranges = families.iter().map(|family| family.len()).sum();
        self.source.distinct_places = places.len();
        self.source.overrides = self.places_said.len();
        Table {
            v4: self.v4,
            v6: self.v6,
            places,
            regions: self.regions,
            source: self.source,
            operators: self.operators,
            latencies: self.latencies,
        }
    }

    fn take_places(&mut self, contents: &Contents) -> Result<(), TooManyPlaces> {
        let ids = self.spots.number_all(&contents.spots())?;
        let id = |record: u32| ids.get(record as usize).copied().unwrap_or(UNKNOWN);
        for (family, half) in [(&mut self.v4, &contents.v4), (&mut self.v6, &contents.v6)] {
            if half.has_data {
                let mut filler = Filler::new(family.kind);
                family.places = half.ranges.map(|found| filler.settle(found, id(found.value)));
                family.fine = Layer::of(half.fine.iter().map(|&(span, n)| (span, id(n))).collect());
            }
        }
        self.source.places = Some(contents.database.clone());
        Ok(())
    }

    fn take_asns(&mut self, contents: &Contents) {
        for (family, half) in [(&mut self.v4, &contents.v4), (&mut self.v6, &contents.v6)] {
            if half.has_data {
                family.asns = half.ranges.map(|found| contents.asn(found.value));
            }
        }
        self.source.asns = Some(contents.database.clone());
    }
}

fn packed_places(spans: Spans<'_>, ids: &[u16], kind: Kind) -> Result<Ranges<u16>, CompactError> {
    let mut filler = Filler::new(kind);
    pack(spans, kind, UNKNOWN, |found| {
        let id = usize::try_from(found.value).ok().and_then(|index| ids.get(index));
        let Some(&id) = id else {
            return Err(CompactError::NoSuchPlace { number: found.value });
        };
        Ok(filler.settle(found, id))
    })
}

fn packed_asns(spans: Spans<'_>, kind: Kind) -> Result<Ranges<u32>, CompactError> {
    pack(spans, kind, NO_ASN, |found| {
        u32::try_from(found.value)
            .map_err(|_too_large| CompactError::NoSuchSystem { number: found.value })
    })
}

/// The ranges of the file, and `none` before and behind them.
fn pack<V: Copy + PartialEq>(
    spans: Spans<'_>,
    kind: Kind,
    none: V,
    mut value: impl FnMut(Range<u64>) -> Result<V, CompactError>,
) -> Result<Ranges<V>, CompactError> {
    let mut packing = Packing::new(kind, spans.count().saturating_add(2));
    let mut end = 0;
    spans.visit(|found| {
        if packing.is_empty() && found.first > 0 {
            packing.push(0, none)?;
        }
        end = found.last.saturating_add(1);
        Ok(packing.push(found.first, value(found)?)?)
    })?;
    if end <= kind.key_last() {
        packing.push(end, none)?;
    }
    Ok(packing.finish())
}

/// The place a provider gives IPv6 that nobody has, known by what it says of 2000::/16: wide runs
/// of it mean nothing.
struct Filler {
    kind: Kind,
    id: Option<u16>,
}

// === impl Filler ===

impl Filler {
    fn new(kind: Kind) -> Filler {
        Filler { kind, id: None }
    }

    /// Ranges come in rising order, so that 2000::/16 is met before what is assigned.
    fn settle<V>(&mut self, found: Range<V>, id: u16) -> u16 {
        if self.kind == Kind::V4 || found.last.saturating_sub(found.first) < FILLER_MIN - 1 {
            return id;
        }
        if (found.first..=found.last).contains(&NEVER_ASSIGNED) {
            self.id = Some(id);
        }
        if self.id == Some(id) { UNKNOWN } else { id }
    }
}
