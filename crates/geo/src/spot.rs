//! What the tables say of an address before regions are known, each different answer numbered once.

use std::collections::BTreeMap;

use trimtab_model::{Coordinates, Country, Subdivision};

/// Country, subdivision and position as a table holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) country: Option<Country>,
    pub(crate) subdivision: Option<Subdivision>,
    pub(crate) position: Option<Position>,
}

/// Latitude and longitude in hundredths of a degree: about a kilometre, far finer than the sources are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) latitude: i16,
    pub(crate) longitude: i16,
}

/// All different spots of a table. Number 0 is the unknown one.
#[derive(Debug)]
pub(crate) struct Spots {
    rows: Vec<Spot>,
    ids: BTreeMap<Spot, u16>,
}

/// More different places than 16 bits can number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {SPOTS_MAX} different places")]
pub struct TooManyPlaces;

pub(crate) const UNKNOWN: u16 = 0;
/// Two bytes per range number the places; the embedded table has about 9,000.
const SPOTS_MAX: usize = u16::MAX as usize;

// === impl Spot ===

impl Spot {
    pub(crate) fn coordinates(&self) -> Option<Coordinates> {
        self.position.and_then(|position| {
            let degrees = |hundredths| f64::from(hundredths) / 100.0;
            Coordinates::new(degrees(position.latitude), degrees(position.longitude))
        })
    }
}

// === impl Position ===

impl From<Coordinates> for Position {
    fn from(place: Coordinates) -> Position {
        let hundredths = |degrees: f64| (degrees * 100.0).round() as i16;
        Position { latitude: hundredths(place.latitude), longitude: hundredths(place.longitude) }
    }
}

// === impl Spots ===

impl Spots {
    pub(crate) fn new() -> Spots {
        Spots { rows: vec![Spot::default()], ids: BTreeMap::from([(Spot::default(), UNKNOWN)]) }
    }

    pub(crate) fn rows(&self) -> &[Spot] {
        &self.rows
    }

    pub(crate) fn number(&mut self, spot: Spot) -> Result<u16, TooManyPlaces> {
        if let Some(&id) = self.ids.get(&spot) {
            return Ok(id);
        }
        let id = u16::try_from(self.rows.len()).map_err(|_too_large| TooManyPlaces)?;
        self.rows.push(spot);
        self.ids.insert(spot, id);
        Ok(id)
    }

    /// Numbers all of them, in cells of one degree if they are too many as they are.
    pub(crate) fn number_all(&mut self, spots: &[Spot]) -> Result<Vec<u16>, TooManyPlaces> {
        let room = SPOTS_MAX.saturating_sub(self.rows.len());
        let different = spots.iter().collect::<std::collections::BTreeSet<_>>().len();
        if different <= room {
            spots.iter().map(|&spot| self.number(spot)).collect()
        } else {
            in_cells(spots).into_iter().map(|spot| self.number(spot)).collect()
        }
    }
}

/// Each spot moved to the mean of its country, subdivision (US and CA only) and cell of one degree.
pub(crate) fn in_cells(spots: &[Spot]) -> Vec<Spot> {
    let mut cells: BTreeMap<Spot, Mean> = BTreeMap::new();
    for spot in spots {
        if let Some(position) = spot.position {
            cells.entry(cell(spot)).or_default().add(position);
        }
    }
    spots
        .iter()
        .map(|spot| {
            let cell = cell(spot);
            Spot { position: cells.get(&cell).map(Mean::position), ..cell }
        })
        .collect()
}

/// The spot with the south-west corner of its cell as position.
fn cell(spot: &Spot) -> Spot {
    let steered = spot.country.is_some_and(|country| matches!(country.code(), "US" | "CA"));
    let corner = |hundredths: i16| hundredths.div_euclid(100);
    Spot {
        country: spot.country,
        subdivision: spot.subdivision.filter(|_| steered),
        position: spot.position.map(|position| Position {
            latitude: corner(position.latitude),
            longitude: corner(position.longitude),
        }),
    }
}

#[derive(Default)]
struct Mean {
    latitudes: i64,
    longitudes: i64,
    count: i64,
}

// === impl Mean ===

impl Mean {
    fn add(&mut self, position: Position) {
        self.latitudes = self.latitudes.saturating_add(i64::from(position.latitude));
        self.longitudes = self.longitudes.saturating_add(i64::from(position.longitude));
        self.count = self.count.saturating_add(1);
    }

    /// Rounded down, so that the mean of a cell stays in the cell.
    fn position(&self) -> Position {
        let mean = |sum: i64| sum.checked_div_euclid(self.count).unwrap_or(0) as i16;
        Position { latitude: mean(self.latitudes), longitude: mean(self.longitudes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(country: &str, subdivision: &str, latitude: i16, longitude: i16) -> Spot {
        Spot {
            country: Some(country.parse().unwrap()),
            subdivision: Some(subdivision.parse().unwrap()),
            position: Some(Position { latitude, longitude }),
        }
    }

    #[test]
    fn a_cell_is_the_mean_of_its_spots_and_stays_itself_in_a_second_pass() {
        let spots = [
            spot("US", "CA", 3778, -12225),
            spot("US", "CA", 3710, -12299),
            spot("US", "NV", 3778, -12225),
            spot("DE", "HE", 5011, 868),
            spot("DE", "BY", 5099, 801),
        ];
        let cells = in_cells(&spots);
        let of_germany = Spot { subdivision: None, ..spot("DE", "HE", 5055, 834) };
        let expected = [
            spot("US", "CA", 3744, -12262),
            spot("US", "CA", 3744, -12262),
            spot("US", "NV", 3778, -12225),
            of_germany,
            of_germany,
        ];
        assert_eq!(cells, expected);
        assert_eq!(in_cells(&cells), expected);
    }

    #[test]
    fn more_places_than_numbers_are_reduced_to_cells() {
        let many: Vec<_> = (0..70_000_i32)
            .map(|n| spot("US", "CA", (n / 400) as i16 * 3, (n % 400) as i16 * 7))
            .collect();
        let mut spots = Spots::new();
        let ids = spots.number_all(&many).unwrap();
        assert_eq!((ids.len(), spots.rows().len()), (70_000, 6 * 28 + 1));
        let first: Vec<_> = many.iter().take(1000).copied().collect();
        assert_eq!(spots.number_all(&first).unwrap().len(), 1000);
        assert_eq!(spots.rows().len(), 6 * 28 + 1 + 1000);
    }
}
