//! Rows of latencies, each with the row around it, and which row an address has.

use std::iter;
use std::time::Duration;

use super::PoolNumber;
use crate::family::Kind;
use crate::layer::Layer;
use crate::ranges::{Found, Ranges};
use crate::span::Span;

/// What each source says, in one block of memory.
///
/// A row keeps only what its own source names, and points to the row of the prefix around it. Whole rows for every
/// range would be quicker to read, but a file of wide prefixes with many pools and narrow ones with one would then
/// grow by the product of the two.
#[derive(Debug)]
pub(super) struct Rows {
    rows: Vec<Row>,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// Its first cell; the first of the next row is the end.
    first: u32,
    /// The row of the next wider prefix.
    around: u32,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    pool: PoolNumber,
    micros: u32,
}

/// The row of every address of a family.
#[derive(Debug)]
pub(super) struct Prefixes {
    kind: Kind,
    ranges: Ranges<u32>,
    /// Prefixes finer than a key of the ranges.
    fine: Layer<u32>,
}

/// The row that says nothing.
pub(super) const NO_ROW: u32 = 0;

// === impl Rows ===

impl Rows {
    pub(super) fn new() -> Rows {
        let nothing = Row { first: 0, around: NO_ROW };
        Rows { rows: vec![nothing], cells: Vec::new() }
    }

    /// Begins a row. Numbers fit in 32 bits, because a file does not have that many lines.
    pub(super) fn start(&mut self) -> u32 {
        let number = self.rows.len() as u32;
        self.rows.push(Row { first: self.cells.len() as u32, around: NO_ROW });
        number
    }

    /// Adds to the last row; the pools of a row rise.
    pub(super) fn push(&mut self, pool: PoolNumber, micros: u32) {
        self.cells.push(Cell { pool, micros });
    }

    pub(super) fn nest(&mut self, row: u32, around: u32) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.around = around;
        }
    }

    pub(super) fn finish(mut self) -> Rows {
        self.start();
        self.rows.shrink_to_fit();
        self.cells.shrink_to_fit();
        self
    }

    /// What the row says of a pool, else what the rows around it say.
    pub(super) fn latency(&self, row: u32, pool: PoolNumber) -> Option<Duration> {
        let around = |&row: &u32| self.rows.get(row as usize).map(|row| row.around);
        iter::successors(Some(row), around)
            .take_while(|&row| row != NO_ROW)
            .find_map(|row| self.own(row, pool))
    }

    fn own(&self, row: u32, pool: PoolNumber) -> Option<Duration> {
        let number = row as usize;
        let (row, next) = (self.rows.get(number)?, self.rows.get(number.checked_add(1)?)?);
        let cells = self.cells.get(row.first as usize..next.first as usize)?;
        let index = cells.binary_search_by_key(&pool, |cell| cell.pool).ok()?;
        Some(Duration::from_micros(cells.get(index)?.micros.into()))
    }
}

// === impl Prefixes ===

impl Prefixes {
    pub(super) fn new(kind: Kind, spans: Vec<(Span, u32)>) -> Prefixes {
        let finest = 1_u128 << kind.shift();
        let is_fine = |span: &Span| span.last.saturating_sub(span.first) < finest.saturating_sub(1);
        let (fine, wide) = spans.into_iter().partition(|(span, _)| is_fine(span));
        let ranges = Ranges::of_layer(kind, &Layer::of(wide), NO_ROW);
        Prefixes { kind, ranges, fine: Layer::of(fine) }
    }

    pub(super) fn find(&self, key: u128) -> Found<u32> {
        let nothing = Found { value: NO_ROW, prefix: self.kind.width() };
        let found = self.ranges.find(self.kind.range_key(key)).unwrap_or(nothing);
        if self.fine.is_empty() { found } else { self.fine.over(found, key, self.kind.width()) }
    }
}
