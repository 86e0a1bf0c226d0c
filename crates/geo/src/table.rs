//! The table a node looks clients up in: an address in, a place and the reach of that answer out.

use std::net::IpAddr;

use trimtab_model::{Coordinates, Country, Region, Subdivision};

use crate::compact::{self, CompactError};
use crate::family::{Family, Kind, NO_ASN};
use crate::latency::{Latencies, Measured};
use crate::native::Native;
use crate::operators::{OperatorSite, Operators};
use crate::point::Point;
use crate::regions::Regions;
use crate::source::Source;
use crate::spot::Spot;

/// Where every address is. Immutable and compact: built once by a [`crate::Builder`], read by all threads.
#[derive(Debug)]
pub struct Table {
    pub(crate) v4: Family,
    pub(crate) v6: Family,
    pub(crate) places: Box<[Place]>,
    pub(crate) regions: Regions,
    pub(crate) source: Source,
    pub(crate) operators: Option<Operators>,
    pub(crate) latencies: Option<Latencies>,
}

/// Where an address is, as far as the sources say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    pub country: Option<Country>,
    pub subdivision: Option<Subdivision>,
    pub region: Option<Region>,
    pub coordinates: Option<Coordinates>,
    /// The coordinates again, ready for distances.
    pub point: Option<Point>,
}

/// An answer and the block of addresses it holds for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Located<'a> {
    pub place: &'a Place,
    /// The length of the shortest prefix around the address in which every address has this place.
    /// An IPv4 address inside an IPv6 one counts the bits before it, so that the prefix is one
    /// of the address asked.
    pub prefix: u8,
}

static NOWHERE: Place =
    Place { country: None, subdivision: None, region: None, coordinates: None, point: None };

// === impl Table ===

impl Table {
    /// Never fails: an address no source knows has a place without a country.
    #[inline]
    pub fn locate(&self, address: IpAddr) -> Located<'_> {
        let (family, key, before) = self.family(address);
        let (id, prefix) = family.locate(key);
        let place = self.places.get(usize::from(id)).unwrap_or(&NOWHERE);
        Located { place, prefix: before.saturating_add(prefix) }
    }

    /// The autonomous system that announces the address.
    pub fn asn(&self, address: IpAddr) -> Option<u32> {
        self.asn_within(address).0
    }

    /// The autonomous system, and the prefix around the address in which every address has it.
    pub fn asn_within(&self, address: IpAddr) -> (Option<u32>, u8) {
        let (family, key, before) = self.family(address);
        let found = family.asn(key);
        let asn = Some(found.value).filter(|&asn| asn != NO_ASN);
        (asn, before.saturating_add(found.prefix))
    }

    /// Whose public resolver the address is; None when it is none that is known.
    pub fn operator(&self, address: IpAddr) -> Option<OperatorSite<'_>> {
        self.operators.as_ref()?.find(address)
    }

    /// The latencies to pools that were loaded, if any.
    pub fn latencies(&self) -> Option<&Latencies> {
        self.latencies.as_ref()
    }

    /// What was loaded for a client of this region, or for one at this address.
    pub fn measured(
        &self,
        address: Option<IpAddr>,
        region: Option<Region>,
    ) -> Option<Measured<'_>> {
        let latencies = self.latencies.as_ref()?;
        Some(match address {
            Some(address) => latencies.locate(address, || self.asn_within(address), region),
            None => latencies.of_region(region),
        })
    }

    /// How countries and subdivisions fall into regions for this table.
    pub fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Where the answers come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Every different place of the table; the first is the unknown one.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The table as an uncompressed compact table: coarser, and without overrides. See
    /// [`crate::Builder::compact`].
    pub fn to_compact(&self) -> Result<Vec<u8>, CompactError> {
        compact::encode(self)
    }

    #[inline]
    fn family(&self, address: IpAddr) -> (&Family, u128, u8) {
        let (kind, key, before) = Native::from(address).key();
        match kind {
            Kind::V4 => (&self.v4, key, before),
            Kind::V6 => (&self.v6, key, before),
        }
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn of(spot: &Spot, regions: &Regions) -> Place {
        let coordinates = spot.coordinates();
        Place {
            country: spot.country,
            subdivision: spot.subdivision,
            region: spot
                .country
                .and_then(|country| regions.region_of(country, spot.subdivision, coordinates)),
            coordinates,
            point: coordinates.map(Point::from),
        }
    }
}
