//! Public resolver operators: whose resolver an address is, and at which of their sites it stands.
//!
//! The table is CSV under the header `prefix,operator,site`. A site is an airport code, or empty where the operator
//! names none. Nested prefixes are allowed; the longest counts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use trimtab_model::Pop;

use crate::family::Kind;
use crate::feed::{self, Feed, FeedProblems};
use crate::layer::Layer;
use crate::native::Native;
use crate::pop::pop;

/// The resolvers of public operators by address. Immutable: built once, read by all threads.
#[derive(Debug)]
pub struct Operators {
    v4: Layer<u32>,
    v6: Layer<u32>,
    /// What the numbers in the layers mean.
    sites: Box<[Site]>,
}

/// Whose resolver an address is, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorSite<'a> {
    /// Small letters, digits and hyphens, such as `google`.
    pub operator: &'a str,
    /// None where the operator does not say where its addresses are.
    pub site: Option<Pop>,
    /// A number of operator and site that no other row changes: the 64-bit FNV-1a hash of the operator's name,
    /// followed by a slash and the code of the site if there is one.
    pub key: u64,
    /// The length of the shortest prefix around the address in which every address has this operator and site.
    /// An IPv4 address inside an IPv6 one counts the bits before it, as in [`crate::Located`].
    pub prefix: u8,
}

/// An operator at a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    operator: Box<str>,
    pop: Option<Pop>,
    key: u64,
}

/// Columns of the file.
const HEADER: [&str; 3] = ["prefix", "operator", "site"];
/// A name, not a description.
const OPERATOR_BYTES_MAX: usize = 32;
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

// === impl Operators ===

impl Operators {
    /// The table inside the program.
    pub fn embedded() -> Result<Operators, FeedProblems> {
        Operators::parse(include_str!("../data/resolvers.csv"))
    }

    /// All or nothing: a table with a problem is none.
    pub fn parse(text: &str) -> Result<Operators, FeedProblems> {
        let mut numbers = BTreeMap::new();
        let mut lines_of = BTreeMap::new();
        let mut said: Vec<(IpNet, u32)> = Vec::new();
        let problems = feed::rows_under(Feed::Operators, HEADER, text, |line, fields, problems| {
            if let Some((prefix, site)) = row(fields, line, problems) {
                problems.note_repeat(line, prefix, lines_of.insert(prefix, line));
                // As many sites as rows at most, which are far fewer than 32 bits count.
                let next = numbers.len() as u32;
                said.push((prefix, *numbers.entry(site).or_insert(next)));
            }
        });
        let layer = |kind: Kind| Layer::of(kind.spans(&said));
        let (v4, v6) = (layer(Kind::V4), layer(Kind::V6));
        let mut sites: Vec<(u32, Site)> = numbers.into_iter().map(|(site, n)| (n, site)).collect();
        sites.sort_unstable();
        let sites = sites.into_iter().map(|(_number, site)| site).collect();
        problems.or(Operators { v4, v6, sites })
    }

    /// None for an address that is no public resolver's, as far as the table knows.
    pub fn find(&self, address: IpAddr) -> Option<OperatorSite<'_>> {
        let (kind, key, before) = Native::from(address).key();
        let layer = match kind {
            Kind::V4 => &self.v4,
            Kind::V6 => &self.v6,
        };
        let (number, reach) = layer.at(key, kind.width());
        let site = self.sites.get(number? as usize)?;
        Some(OperatorSite {
            operator: &site.operator,
            site: site.pop,
            key: site.key,
            prefix: before.saturating_add(reach.prefix(key, kind.width())),
        })
    }
}

/// Reads a row; every field that is wrong is a problem of its own.
fn row(
    [prefix, operator, site]: [&str; 3],
    line: usize,
    problems: &mut FeedProblems,
) -> Option<(IpNet, Site)> {
    let prefix = problems.note(line, feed::prefix(prefix));
    let operator = problems.note(line, name(operator));
    let site = problems.note(line, airport(site));
    let (operator, pop) = (operator?, site?);
    Some((prefix?, Site { operator: operator.into(), pop, key: key(operator, pop) }))
}

fn name(text: &str) -> Result<&str, String> {
    let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > OPERATOR_BYTES_MAX || !text.bytes().all(named) {
        return Err(format!("{text:?} is not the name of an operator such as dns-sb"));
    }
    Ok(text)
}

fn airport(text: &str) -> Result<Option<Pop>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(code) if pop(code).is_some() => Ok(Some(code)),
        Ok(_) | Err(_) => Err(format!("{text:?} is not an airport code such as FRA")),
    }
}

/// Names hold no slash, so that no two pairs give the same bytes.
fn key(operator: &str, pop: Option<Pop>) -> u64 {
    let site = pop.map(|code| format!("/{code}")).unwrap_or_default();
    let bytes = operator.bytes().chain(site.bytes());
    bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests;
