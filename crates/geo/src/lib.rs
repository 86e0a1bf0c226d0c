//! Where a client is: bytes in, places out. Regions, points of presence and distances with it.
//!
//! ```
//! let table = trimtab_geo::Builder::embedded()?.geofeed("10.49.0.0/16,DE,,Frankfurt am Main,")?.build();
//! let located = table.locate("10.49.7.1".parse()?);
//! assert_eq!((located.place.country.map(|c| c.to_string()).as_deref(), located.prefix), (Some("DE"), 16));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod compact;
mod csv;
mod family;
mod feed;
mod geofeed;
mod latency;
mod layer;
mod mmdb;
mod names;
mod native;
mod operators;
mod point;
mod pop;
mod ranges;
mod regions;
mod source;
mod span;
mod spot;
mod table;

pub use builder::{Builder, LoadError};
pub use compact::CompactError;
pub use feed::{FEED_PROBLEMS_MAX, Feed, FeedProblem, FeedProblems};
pub use latency::{Latencies, Measured, PoolNumber};
pub use mmdb::MmdbError;
pub use names::{country_name, subdivision_name};
pub use operators::{OperatorSite, Operators};
pub use point::{Point, distance_km};
pub use pop::{PopSite, nearest_pop_in, pop, pops};
pub use ranges::OutOfOrder;
pub use regions::{
    CountryListing, RegionFilter, RegionListing, Regions, RegionsError, SubdivisionListing,
};
pub use source::{Attribution, Database, Source};
pub use spot::TooManyPlaces;
pub use table::{Located, Place, Table};
