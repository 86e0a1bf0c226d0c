//! Where functions write the strings they make: a fixed area, given back piece by piece, so that nothing is allocated.

use std::cell::Cell;
use std::fmt;

/// All strings that one evaluation makes at the same time; a header line of the largest size that servers take fits.
/// What does not fit is absent: a rule never fails.
pub(crate) const SCRATCH_BYTES: usize = 16 * 1024;

/// Enough for most.
pub(crate) const SCRATCH_BYTES_FIRST: usize = 1024;

/// The area that an evaluation begins with. It is made, all zero, by the first string, as most rules make none.
pub(crate) type Area = Option<[u8; SCRATCH_BYTES_FIRST]>;

/// The part of the area that is free.
pub(crate) struct Scratch<'e> {
    free: Cell<Free<'e>>,
    full: &'e Cell<bool>,
}

pub(crate) enum Free<'e> {
    /// All of it, which may not be there yet.
    Whole(&'e mut Area),
    Part(&'e mut [u8]),
}

/// A string that is being made.
pub(crate) struct Out<'o> {
    area: &'o mut [u8],
    length: usize,
    full: &'o Cell<bool>,
}

// === impl Scratch ===

impl<'e> Scratch<'e> {
    /// `full` becomes true when something did not fit.
    pub(crate) fn new(area: &'e mut [u8], full: &'e Cell<bool>) -> Scratch<'e> {
        Scratch::with(Free::Part(area), full)
    }

    pub(crate) fn with(free: Free<'e>, full: &'e Cell<bool>) -> Scratch<'e> {
        Scratch { free: Cell::new(free), full }
    }

    /// Another one over what was lent by this one.
    pub(crate) fn over<'i>(&self, free: Free<'i>) -> Scratch<'i>
    where
        'e: 'i,
    {
        Scratch::with(free, self.full)
    }

    fn take(&self) -> &'e mut [u8] {
        match self.free.take() {
            Free::Whole(area) => area.get_or_insert([0; SCRATCH_BYTES_FIRST]),
            Free::Part(area) => area,
        }
    }

    fn give(&self, area: &'e mut [u8]) {
        self.free.set(Free::Part(area));
    }

    /// `fill` cannot use this scratch. None, and the area as it was, when `fill` says so.
    pub(crate) fn write(&self, fill: impl FnOnce(&mut Out<'_>) -> Option<()>) -> Option<&'e [u8]> {
        let area = self.take();
        let mut out = Out { area: &mut *area, length: 0, full: self.full };
        let filled = fill(&mut out);
        let length = filled.map_or(0, |()| out.length);
        let (made, rest) = area.split_at_mut_checked(length)?;
        self.give(rest);
        filled.map(|()| &*made)
    }

    /// The same, where `fill` has the other half of the area for itself.
    pub(crate) fn write_beside(
        &self,
        fill: impl FnOnce(&mut Out<'_>, &mut [u8]) -> Option<()>,
    ) -> Option<&'e [u8]> {
        let area = self.take();
        let (own, other) = area.split_at_mut_checked(area.len() / 2)?;
        let mut out = Out { area: own, length: 0, full: self.full };
        let filled = fill(&mut out, other);
        let length = filled.map_or(0, |()| out.length);
        let (made, rest) = area.split_at_mut_checked(length)?;
        self.give(rest);
        filled.map(|()| &*made)
    }

    /// Runs with the whole free part; what is made there is gone afterwards.
    pub(crate) fn lend<R>(&self, run: impl FnOnce(Free<'_>) -> R) -> R {
        let mut free = self.free.take();
        let result = run(match &mut free {
            Free::Whole(area) => Free::Whole(area),
            Free::Part(area) => Free::Part(area),
        });
        self.free.set(free);
        result
    }
}

// === impl Free ===

/// Nothing.
impl Default for Free<'_> {
    fn default() -> Self {
        Free::Part(&mut [])
    }
}

// === impl Out ===

impl Out<'_> {
    /// None when it does not fit.
    pub(crate) fn push(&mut self, byte: u8) -> Option<()> {
        self.extend(&[byte])
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length.checked_add(bytes.len())?;
        let Some(place) = self.area.get_mut(self.length..end) else {
            self.full.set(true);
            return None;
        };
        place.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    /// What is there so far.
    pub(crate) fn made(&self) -> &[u8] {
        self.area.get(..self.length).unwrap_or(&[])
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl fmt::Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes()).ok_or(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_leaves_the_area_as_it_was() {
        let (mut area, full) = ([0; 8], Cell::new(false));
        let scratch = Scratch::new(&mut area, &full);
        let first = scratch.write(|out| out.extend(b"abc"));
        assert!(!full.get());
        let refused = scratch.write(|out| out.extend(b"defghi"));
        let second = scratch.write(|out| out.extend(b"defgh"));
        let nothing_left = scratch.write(|out| out.push(b'x'));
        assert_eq!(
            (first, refused, second, nothing_left),
            (Some(&b"abc"[..]), None, Some(&b"defgh"[..]), None)
        );
    }

    #[test]
    fn what_is_lent_comes_back_whole() {
        let (mut area, full) = ([0; 4], Cell::new(false));
        let scratch = Scratch::new(&mut area, &full);
        let inner = |area: Free<'_>| scratch.over(area).write(|out| out.extend(b"abcd")).is_some();
        assert!(scratch.lend(inner));
        assert_eq!(scratch.write(|out| out.extend(b"wxyz")), Some(&b"wxyz"[..]));
        assert!(!full.get());
        let inner = |area: Free<'_>| scratch.over(area).write(|out| out.push(b'x')).is_some();
        assert!(!scratch.lend(inner));
        assert!(full.get(), "also when it did not fit into what was lent");
    }

    #[test]
    fn the_first_string_makes_the_area_wherever_it_is_written() {
        let check = |inner: Option<&[u8]>, outer: Option<&[u8]>, made: &[u8]| {
            let (mut area, full) = (None, Cell::new(false));
            let scratch = Scratch::with(Free::Whole(&mut area), &full);
            let write = |scratch: &Scratch<'_>, text: Option<&[u8]>| match text {
                Some(text) => scratch.write(|out| out.extend(text)) == Some(text),
                None => true,
            };
            assert!(scratch.lend(|free| write(&scratch.over(free), inner)));
            assert!(write(&scratch, outer));
            let area = area.map(|area| area.get(..made.len()) == Some(made));
            assert_eq!(area, (!made.is_empty()).then_some(true), "{inner:?} {outer:?}");
        };
        check(None, None, b"");
        check(None, Some(b"outer"), b"outer");
        check(Some(b"inner"), None, b"inner");
        check(Some(b"long inner"), Some(b"outer"), b"outerinner");
    }
}
