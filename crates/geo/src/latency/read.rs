//! A file of latencies becomes a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::IpNet;
use trimtab_model::Region;

use super::table::{NO_ROW, Prefixes, Rows};
use super::{Latencies, PoolNumber};
use crate::family::Kind;
use crate::feed::{self, Feed, FeedProblems};
use crate::geofeed;

/// Whose latencies a line gives. Prefixes are ordered such that what nests follows what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Prefix(IpNet),
    System(u32),
    Region(Region),
}

/// What a line says of a source and a pool.
#[derive(Clone, Copy, Debug)]
struct Said {
    micros: u32,
    line: usize,
}

/// All lines, by source and then by pool.
type Lines<'a> = BTreeMap<(Source, &'a str), Said>;

/// The rows of each kind of source.
#[derive(Default)]
struct Sources {
    prefixes: Vec<(IpNet, u32)>,
    systems: Vec<(u32, u32)>,
    regions: Vec<(Region, u32)>,
}

/// Columns of the file.
const HEADER: [&str; 3] = ["source", "pool", "ms"];
/// Many more pools than one installation has.
const POOLS_MAX: usize = 10_000;
/// A minute: what takes longer is not a latency.
const MICROS_MAX: u32 = 60_000_000;
/// Digits behind the point that are kept: whole microseconds.
const DECIMALS_MAX: usize = 3;

pub(super) fn latencies(text: &str) -> Result<Latencies, FeedProblems> {
    let mut lines = Lines::new();
    let mut problems = feed::rows_under(Feed::Latencies, HEADER, text, |line, fields, problems| {
        if let Some((source, pool, micros)) = row(fields, line, problems) {
            let earlier = lines.insert((source, pool), Said { micros, line });
            let what = format_args!("{source} to {pool}");
            problems.note_repeat(line, what, earlier.map(|said| said.line));
        }
    });
    let pools: BTreeSet<&str> = lines.keys().map(|&(_, pool)| pool).collect();
    if pools.len() > POOLS_MAX {
        problems.add(0, format!("more than {POOLS_MAX} pools"));
    }
    problems.or(())?;
    Ok(table(&lines, &pools.into_iter().collect::<Vec<_>>()))
}

/// Reads a row; every field that is wrong is a problem of its own.
fn row<'a>(
    [from, to, ms]: [&'a str; 3],
    line: usize,
    problems: &mut FeedProblems,
) -> Option<(Source, &'a str, u32)> {
    let source = problems.note(line, source(from));
    let pool = problems.note(line, pool(to));
    let micros = problems.note(line, micros(ms));
    Some((source?, pool?, micros?))
}

fn source(text: &str) -> Result<Source, String> {
    if text.contains(['.', ':', '/']) {
        return feed::prefix(text).map(Source::Prefix);
    }
    let system = text.strip_prefix("AS").map(geofeed::asn);
    match (system, text.parse()) {
        (Some(Ok(Some(number))), _) => Ok(Source::System(number)),
        (_, Ok(region)) => Ok(Source::Region(region)),
        (_, Err(_not_a_region)) => Err(format!(
            "{text:?} is not a prefix, a system such as AS3320 or a region such as WEU"
        )),
    }
}

fn pool(text: &str) -> Result<&str, String> {
    if text.is_empty() { Err("the pool is missing".into()) } else { Ok(text) }
}

/// Decimal milliseconds as microseconds.
fn micros(text: &str) -> Result<u32, String> {
    let read = || {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS_MAX {
            return None;
        }
        let thousandths: u32 = format!("{decimals:0<DECIMALS_MAX$}").parse().ok()?;
        whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(thousandths)
    };
    read().filter(|&micros| micros <= MICROS_MAX).ok_or_else(|| {
        format!("{text:?} is not a time from 0 to 60000 ms with up to {DECIMALS_MAX} decimals")
    })
}

/// `pools` rise.
fn table(lines: &Lines<'_>, pools: &[&str]) -> Latencies {
    let mut rows = Rows::new();
    let mut sources = Sources::default();
    let mut current = None;
    for (&(source, pool), said) in lines {
        if current != Some(source) {
            sources.add(source, rows.start());
            current = Some(source);
        }
        // Every pool is in the list, and a list of more than 16 bits count is refused.
        let rank = pools.partition_point(|&other| other < pool);
        rows.push(PoolNumber(rank as u16), said.micros);
    }
    nest(&mut rows, &sources.prefixes);
    let prefixes = |kind: Kind| Prefixes::new(kind, kind.spans(&sources.prefixes));
    Latencies {
        pools: pools.iter().map(|&pool| pool.into()).collect(),
        rows: rows.finish(),
        v4: prefixes(Kind::V4),
        v6: prefixes(Kind::V6),
        systems: sources.systems.into(),
        regions: sources.regions.into(),
    }
}

/// Tells each row which prefix is around its own. Prefixes come in order, each behind those around it.
fn nest(rows: &mut Rows, prefixes: &[(IpNet, u32)]) {
    let mut open: Vec<(IpNet, u32)> = Vec::new();
    for &(prefix, row) in prefixes {
        while open.pop_if(|(around, _)| !around.contains(&prefix)).is_some() {}
        rows.nest(row, open.last().map_or(NO_ROW, |&(_, around)| around));
        open.push((prefix, row));
    }
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Prefix(prefix) => prefix.fmt(f),
            Source::System(number) => write!(f, "AS{number}"),
            Source::Region(region) => region.fmt(f),
        }
    }
}

// === impl Sources ===

impl Sources {
    fn add(&mut self, source: Source, row: u32) {
        match source {
            Source::Prefix(prefix) => self.prefixes.push((prefix, row)),
            Source::System(number) => self.systems.push((number, row)),
            Source::Region(region) => self.regions.push((region, row)),
        }
    }
}
