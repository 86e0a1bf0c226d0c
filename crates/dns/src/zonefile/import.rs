//! From text to records: every line that can be taken is taken, every other one is told.

use trimtab_model::zone::{TTL_AUTOMATIC, TTL_SECONDS};
use trimtab_model::{Name, RecordType};

use super::entry::{Entry, entries};
use super::{Import, Imported, PROBLEMS_MAX, Problem, Remark, TEXT_BYTES_MAX, TooLarge};
use crate::rdata;
use crate::rdata::token::Token;

/// What earlier lines say about later ones.
struct State<'a> {
    apex: &'a Name,
    /// Without its last dot; empty for the root.
    origin: String,
    owner: Option<Name>,
    /// `$TTL` (RFC 2308 section 4).
    ttl_default: Option<u32>,
    /// Of the last record that had one.
    ttl_last: Option<u32>,
}

/// What one line comes to.
enum Line {
    Record(Box<Imported>),
    /// The node has its own.
    Skipped,
    Directive,
}

/// The words before a record's data.
struct Head<'t> {
    ttl: Option<u32>,
    kind: Kind,
    data: &'t [Token],
}

enum Kind {
    Soa,
    Known(RecordType),
}

/// RFC 1035 section 3.2.4; anything but IN is not served.
const CLASSES: [&str; 5] = ["IN", "CS", "CH", "HS", "ANY"];

/// Reads a zone file for the zone `apex`. Lifetimes outside of what the API takes are moved to its limits.
///
/// # Errors
/// When the text is larger than [`TEXT_BYTES_MAX`].
pub fn import(text: &str, apex: &Name) -> Result<Import, TooLarge> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TooLarge { bytes: text.len() });
    }
    let mut import = Import::default();
    let mut state =
        State { apex, origin: apex.to_string(), owner: None, ttl_default: None, ttl_last: None };
    for entry in entries(text) {
        match entry {
            Err((line, bad)) => import.refuse(line, bad.to_string()),
            Ok(entry) => match state.read(&entry) {
                Ok(Line::Record(record)) => import.records.push(*record),
                Ok(Line::Skipped) => import.skipped = import.skipped.saturating_add(1),
                Ok(Line::Directive) => {}
                Err(message) => import.refuse(entry.line, message),
            },
        }
    }
    Ok(import)
}

// === impl Import ===

impl Import {
    fn refuse(&mut self, line: usize, message: String) {
        self.problems_found = self.problems_found.saturating_add(1);
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { line, message });
        }
    }
}

// === impl State ===

impl State<'_> {
    fn read(&mut self, entry: &Entry) -> Result<Line, String> {
        let mut tokens = entry.tokens.as_slice();
        if !entry.indented {
            let (first, rest) = tokens.split_first().ok_or("an empty line")?;
            if first.text.starts_with('$') && !first.quoted {
                return self.direct(&first.text, rest);
            }
            // A bad owner must not leave the lines below it to the one before.
            self.owner = None;
            self.owner = Some(self.name(&first.text)?);
            tokens = rest;
        }
        let name =
            self.owner.clone().ok_or("there is no record whose owner this one could have")?;
        let head = Head::read(tokens)?;
        let ttl = head.ttl.or(self.ttl_default).or(self.ttl_last);
        self.ttl_last = head.ttl.or(self.ttl_last);
        if !name.is_in(self.apex) {
            return Err(format!("{name} is not in the zone {}", self.apex));
        }
        let kind = match head.kind {
            Kind::Known(kind) if kind != RecordType::Ns || name != *self.apex => kind,
            Kind::Known(_) | Kind::Soa => return Ok(Line::Skipped),
        };
        let parsed =
            rdata::parse_file(kind, head.data, &self.origin).map_err(|refused| refused.message)?;
        Ok(Line::Record(Box::new(Imported {
            line: entry.line,
            name,
            kind,
            ttl: ttl.map_or(TTL_AUTOMATIC, taken_ttl),
            remark: Remark::read(&entry.comment),
            parsed,
        })))
    }

    fn direct(&mut self, directive: &str, rest: &[Token]) -> Result<Line, String> {
        match (directive.to_ascii_uppercase().as_str(), rest) {
            ("$ORIGIN", [origin]) if origin.text == "." => self.origin.clear(),
            ("$ORIGIN", [origin]) => self.origin = self.name(&origin.text)?.to_string(),
            ("$TTL", [ttl]) => {
                let seconds = read_ttl(&ttl.text);
                self.ttl_default = Some(seconds.ok_or_else(|| format!("{} is no TTL", ttl.text))?);
            }
            ("$ORIGIN" | "$TTL", _) => return Err(format!("{directive} needs one word")),
            (_, _) => return Err(format!("{directive} is not supported")),
        }
        Ok(Line::Directive)
    }

    fn name(&self, text: &str) -> Result<Name, String> {
        let whole = match (text, self.origin.as_str()) {
            ("@", origin) => origin.to_owned(),
            (text, "") => text.to_owned(),
            (text, _) if text.ends_with('.') => text.to_owned(),
            (text, origin) => format!("{text}.{origin}"),
        };
        whole.parse().map_err(|refused: trimtab_model::name::NotAName| refused.to_string())
    }
}

// === impl Head ===

impl<'t> Head<'t> {
    /// TTL and class in any order, then the type.
    fn read(tokens: &'t [Token]) -> Result<Head<'t>, String> {
        let mut ttl = None;
        let mut rest = tokens;
        loop {
            let (first, data) = rest.split_first().ok_or("the record has no type")?;
            let word = first.text.to_ascii_uppercase();
            rest = data;
            match (find_type(&word), read_ttl(&word)) {
                (Some(kind), _) => return Ok(Head { ttl, kind, data }),
                (None, Some(seconds)) if ttl.is_none() => ttl = Some(seconds),
                (None, _) if word == "IN" => {}
                (None, _) if CLASSES.contains(&word.as_str()) => {
                    return Err(format!("class {word} is not served"));
                }
                (None, _) => return Err(format!("type {} is not served", first.text)),
            }
        }
    }
}

/// A type's word, or `TYPE` and its number (RFC 3597 section 5).
fn find_type(word: &str) -> Option<Kind> {
    if matches!(word, "SOA" | "TYPE6") {
        return Some(Kind::Soa);
    }
    let number = word.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    let same = |kind: &&RecordType| kind.word() == word || Some(kind.number()) == number;
    RecordType::ALL.iter().find(same).map(|&kind| Kind::Known(kind))
}

/// Seconds, or numbers with units as `1h30m` that other servers write.
fn read_ttl(word: &str) -> Option<u32> {
    let mut seconds = 0_u32;
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let mut chars = behind.chars();
        let unit: u32 = match chars.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        seconds = seconds.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        rest = chars.as_str();
    }
    (!word.is_empty()).then_some(seconds)
}

fn taken_ttl(seconds: u32) -> u32 {
    if seconds == TTL_AUTOMATIC {
        return TTL_AUTOMATIC;
    }
    seconds.clamp(*TTL_SECONDS.start(), *TTL_SECONDS.end())
}
