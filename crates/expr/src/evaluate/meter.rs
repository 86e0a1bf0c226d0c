//! A limit on the work of one evaluation: walks inside of walks would otherwise let a client choose how long it takes.

use std::cell::Cell;

/// In bytes looked at, or as much work. An expression without walks stays below with the largest headers that servers
/// take; all of it takes a few milliseconds.
pub(super) const WORK_MAX: usize = 4 * 1024 * 1024;
/// Of a string or an element, whatever its length: finding it has its price too.
pub(super) const WORK_EACH: usize = 64;

pub(super) struct Meter {
    left: Cell<usize>,
}

// === impl Meter ===

impl Meter {
    pub(super) fn new() -> Meter {
        Meter { left: Cell::new(WORK_MAX) }
    }

    /// None when nothing is left; then everything that is not known yet is absent.
    pub(super) fn spend(&self, bytes: usize) -> Option<()> {
        let left = self.left.get().saturating_sub(bytes.saturating_add(WORK_EACH));
        self.left.set(left);
        (left > 0).then_some(())
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
