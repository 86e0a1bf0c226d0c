//! How many retries in vain a thread may make: when everything is down, trying twice makes it worse.

use std::sync::atomic::{AtomicI64, Ordering};

/// Credit in tenths of a retry. Only those that fail cost any, so that one dead endpoint among several costs nothing.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

/// A fifth of a retry for each request.
const EARNED_BY_REQUEST: i64 = 2;
const COST: i64 = 10;
/// A hundred retries in vain before the share of a fifth counts.
const CREDIT_MAX: i64 = 1_000;

// === impl Budget ===

impl Default for Budget {
    fn default() -> Budget {
        Budget(AtomicI64::new(CREDIT_MAX))
    }
}

impl Budget {
    pub(crate) fn earn(&self) {
        // Other threads never write; what this one reads is what it wrote.
        let credit = self.0.load(Ordering::Relaxed);
        if credit < CREDIT_MAX {
            self.0.store(credit + EARNED_BY_REQUEST, Ordering::Relaxed);
        }
    }

    pub(crate) fn allows(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= COST
    }

    /// A retry failed, too.
    pub(crate) fn pay(&self) {
        self.0.fetch_sub(COST, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_in_vain_are_a_fifth_of_requests_and_a_hundred() {
        let budget = Budget::default();
        let mut retries = 0;
        for _ in 0..10_000 {
            budget.earn();
            if budget.allows() {
                retries += 1;
                budget.pay();
            }
        }
        assert!((2_000..=2_125).contains(&retries), "{retries}");
    }
}
