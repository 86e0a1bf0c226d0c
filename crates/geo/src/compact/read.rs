//! Bytes of a compact table → its place rows and ranges.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;
use trimtab_model::{Country, Subdivision};

use super::varint::Numbers;
use super::{
    CompactError, MAGIC, PLACE_BYTES, RAW_BYTES_MAX, SECTIONS, V4_END, V4_UNIT_BITS, V6_END,
    V6_FIRST,
};
use crate::family::Kind;
use crate::ranges::Range;
use crate::spot::{Position, Spot};

/// The nine sections of a table.
#[derive(Debug)]
pub(crate) struct Sections<'a>([&'a [u8]; SECTIONS]);

/// The ranges of one family with their values, rising and without holes.
#[derive(Debug)]
pub(crate) struct Spans<'a> {
    units: Units,
    starts: Numbers<'a>,
    values: Numbers<'a>,
}

/// What starts are counted in.
#[derive(Debug)]
struct Units {
    /// Units of the family in front of the first one counted.
    before: u64,
    end: u64,
    /// Bits of a key that a unit lacks.
    shift: u32,
}

/// Decompresses a table.
pub(crate) fn unpack(compressed: &[u8]) -> Result<Vec<u8>, CompactError> {
    let decoder = StreamingDecoder::new(compressed).map_err(CompactError::Zstd)?;
    let announced = decoder.decoder.content_size().min(RAW_BYTES_MAX);
    let mut raw = Vec::with_capacity(announced as usize);
    let mut limited = decoder.take(RAW_BYTES_MAX.saturating_add(1));
    limited.read_to_end(&mut raw).map_err(CompactError::Decompress)?;
    if raw.len() as u64 > RAW_BYTES_MAX { Err(CompactError::TooLarge) } else { Ok(raw) }
}

// === impl Sections ===

impl<'a> Sections<'a> {
    pub(crate) fn read(raw: &'a [u8]) -> Result<Sections<'a>, CompactError> {
        let mut rest = raw.strip_prefix(MAGIC.as_bytes()).ok_or(CompactError::Magic)?;
        let mut sections = [[].as_slice(); SECTIONS];
        for (section, bytes) in sections.iter_mut().enumerate() {
            (*bytes, rest) = first_section(rest).ok_or(CompactError::Truncated { section })?;
        }
        Ok(Sections(sections))
    }

    pub(crate) fn places(&self) -> Result<Vec<Spot>, CompactError> {
        let rows = self.0[0].chunks(PLACE_BYTES).enumerate();
        rows.map(|(row, bytes)| spot(bytes).ok_or(CompactError::Place { row })).collect()
    }

    pub(crate) fn place_ranges(&self, kind: Kind) -> Spans<'a> {
        let [_places, v4_starts, v4_values, v6_starts, v6_values, ..] = self.0;
        spans(kind, [v4_starts, v4_values], [v6_starts, v6_values])
    }

    pub(crate) fn system_ranges(&self, kind: Kind) -> Spans<'a> {
        let [.., v4_starts, v4_values, v6_starts, v6_values] = self.0;
        spans(kind, [v4_starts, v4_values], [v6_starts, v6_values])
    }
}

fn spans<'a>(kind: Kind, v4: [&'a [u8]; 2], v6: [&'a [u8]; 2]) -> Spans<'a> {
    let [starts, values] = match kind {
        Kind::V4 => v4,
        Kind::V6 => v6,
    };
    Spans { units: Units::of(kind), starts: Numbers::new(starts), values: Numbers::new(values) }
}

fn first_section(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn spot(row: &[u8]) -> Option<Spot> {
    let &[c0, c1, s0, s1, lat0, lat1, lon0, lon1] = row else {
        return None;
    };
    let position = Position {
        latitude: i16::from_le_bytes([lat0, lat1]),
        longitude: i16::from_le_bytes([lon0, lon1]),
    };
    if row.iter().all(|&byte| byte == 0) {
        return Some(Spot::default());
    }
    let spot = Spot {
        country: Some(Country::new([c0, c1])?),
        subdivision: subdivision([s0, s1])?,
        position: Some(position).filter(|_| [lat0, lat1, lon0, lon1] != [0; 4]),
    };
    let on_earth = spot.position.is_none() || spot.coordinates().is_some();
    on_earth.then_some(spot)
}

/// None when it is neither a code nor empty.
fn subdivision(code: [u8; 2]) -> Option<Option<Subdivision>> {
    if code == [0; 2] {
        return Some(None);
    }
    std::str::from_utf8(&code).ok()?.parse::<Subdivision>().ok().map(Some)
}

// === impl Spans ===

impl Spans<'_> {
    /// How many there are, if the bytes are sound.
    pub(crate) fn count(&self) -> usize {
        self.values.count()
    }

    /// Gives away one range after the other; each is known when the next one starts.
    pub(crate) fn visit(
        mut self,
        mut give: impl FnMut(Range<u64>) -> Result<(), CompactError>,
    ) -> Result<(), CompactError> {
        let (mut unit, mut open) = (0_u64, None);
        while !self.starts.is_empty() {
            let (Some(step), Some(next_value)) = (self.starts.read(), self.values.read()) else {
                return Err(CompactError::Number);
            };
            unit = unit.saturating_add(step);
            let next = self.units.key(unit);
            if let Some((first, value)) = open.replace((next, next_value)) {
                give(Range { first, last: next.saturating_sub(1), value })?;
            }
        }
        if !self.values.is_empty() {
            return Err(CompactError::Number);
        }
        let last = self.units.key(u64::MAX).saturating_sub(1);
        open.map_or(Ok(()), |(first, value)| give(Range { first, last, value }))
    }
}

// === impl Units ===

impl Units {
    fn of(kind: Kind) -> Units {
        match kind {
            Kind::V4 => Units { before: 0, end: V4_END, shift: V4_UNIT_BITS },
            Kind::V6 => Units { before: V6_FIRST, end: V6_END, shift: 0 },
        }
    }

    /// The first key of a unit; units behind the last one are all its end.
    fn key(&self, unit: u64) -> u64 {
        unit.saturating_add(self.before).min(self.end) << self.shift
    }
}
