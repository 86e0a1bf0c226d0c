//! What the API keeps beside a record's data, in the comment behind it: a text, then `cf_tags=` with what is tagged.

use trimtab_model::Record;
use trimtab_model::zone::{COMMENT_CHARS_MAX, TAG_CHARS_MAX, TAGS_MAX};

/// Of one line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remark {
    pub comment: Option<String>,
    pub tags: Vec<String>,
    pub proxied: bool,
}

/// Before everything that is tagged, as the hosted product writes it.
const TAGS: &str = "cf_tags=";
/// Stands among the tags and is none.
const PROXIED: &str = "cf-proxied:";

// === impl Remark ===

impl Remark {
    /// Any comment is taken, up to what the API takes of it.
    pub(super) fn read(comment: &str) -> Remark {
        let (text, tagged) = comment.rsplit_once(TAGS).unwrap_or((comment, ""));
        let words = || tagged.split(',').map(str::trim).filter(|word| !word.is_empty());
        let is_tag = |word: &&str| {
            let fits = word.chars().count() <= TAG_CHARS_MAX && !word.contains(char::is_control);
            fits && !word.starts_with(PROXIED) && !word.starts_with(':')
        };
        Remark {
            comment: Some(taken(text)).filter(|text| !text.is_empty()),
            tags: words().filter(is_tag).take(TAGS_MAX).map(str::to_owned).collect(),
            proxied: words().any(|word| word.strip_prefix(PROXIED) == Some("true")),
        }
    }

    /// Empty when there is nothing to be said.
    pub(super) fn write(record: &Record) -> String {
        let mut words: Vec<&str> = record.tags.iter().map(String::as_str).collect();
        words.extend(record.proxied.then_some("cf-proxied:true"));
        let text = record.comment.as_deref().unwrap_or_default();
        let tagged = match words.is_empty() {
            // Whatever a text ends with, it is no tag.
            true if text.contains(TAGS) => format!(" {TAGS}"),
            true => String::new(),
            false => format!(" {TAGS}{}", words.join(",")),
        };
        if text.is_empty() && tagged.is_empty() {
            return String::new();
        }
        let space = if text.is_empty() { "" } else { " " };
        format!(" ;{space}{text}{tagged}")
    }
}

fn taken(text: &str) -> String {
    let line = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    let line: String = line.collect();
    let text = line.trim_start_matches(|char: char| char == ';' || char.is_whitespace());
    text.chars().take(COMMENT_CHARS_MAX).collect::<String>().trim_end().to_owned()
}
