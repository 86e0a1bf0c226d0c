//! Pages of a list, and what the envelope says of them.

use serde::Serialize;
use trimtab_model::Problems;
use utoipa::ToSchema;

/// Where in the list the answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResultInfo {
    pub page: u64,
    pub per_page: u64,
    pub count: u64,
    pub total_count: u64,
    pub total_pages: u64,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    page: usize,
    /// None: all on the first page.
    size: Option<usize>,
    /// Items before the first page; only `offset` sets it.
    skip: usize,
}

/// How a list is cut when the query does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// Balancers, pools, monitors, references: clients never ask for page 2, so page 1 holds everything.
    Whole,
    /// Zones, records, tokens, accounts, certificates: clients ask for pages until one is empty.
    Pages(usize),
}

/// What the hosted API cuts whole lists into; only shown, never applied.
const PAGE_SIZE_SHOWN: usize = 25;
/// Beyond every list that fits this node.
const PAGE_SIZE_MAX: usize = 5_000_000;
const PAGE_MAX: usize = 1_000_000_000;

pub const ZONES: Usual = Usual::Pages(20);
pub const RECORDS: Usual = Usual::Pages(100);
pub const ACCOUNTS: Usual = Usual::Pages(20);
pub const TOKENS: Usual = Usual::Pages(20);
pub const CERTIFICATES: Usual = Usual::Pages(20);
pub const HEALTH_CHECKS: Usual = Usual::Pages(25);
pub const ALERT_HISTORY: Usual = Usual::Pages(25);

// === impl Paging ===

impl Paging {
    /// Reads `page`, `per_page`, `limit` and `offset` of a query. `find` gives a parameter's text.
    ///
    /// # Errors
    /// When a parameter is no number, or out of range.
    pub fn read<'q>(
        find: impl Fn(&str) -> Option<&'q str>,
        usual: Usual,
    ) -> Result<Paging, Problems> {
        let mut problems = Problems::default();
        let mut number = |key: &str, least: usize, most: usize| {
            let text = find(key)?;
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            if number.is_none() {
                problems.add("", format_args!("{key} is not in range [{least}, {most}]"));
            }
            number
        };
        let page = number("page", 1, PAGE_MAX).unwrap_or(1);
        let per_page = number("per_page", 1, PAGE_SIZE_MAX);
        let limit = number("limit", 1, PAGE_SIZE_MAX);
        let skip = number("offset", 0, PAGE_MAX).unwrap_or(0);
        let size = per_page.or(limit).or(match usual {
            Usual::Whole => None,
            Usual::Pages(size) => Some(size),
        });
        problems.or(Paging { page, size, skip })
    }

    /// The page, and what to say of it. A page past the end is empty, which is what ends clients' loops.
    pub fn cut<'a, T>(&self, items: &'a [T]) -> (&'a [T], ResultInfo) {
        let size = self.size.unwrap_or(items.len().max(PAGE_SIZE_SHOWN));
        let start = self.skip.saturating_add((self.page - 1).saturating_mul(size)).min(items.len());
        let end = start.saturating_add(size).min(items.len());
        let page = items.get(start..end).unwrap_or_default();
        let info = ResultInfo {
            page: self.page as u64,
            per_page: size as u64,
            count: page.len() as u64,
            total_count: items.len() as u64,
            total_pages: items.len().div_ceil(size) as u64,
        };
        (page, info)
    }
}

#[cfg(test)]
mod tests;
