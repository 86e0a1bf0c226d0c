//! Which records a list shows, and in which order.

use std::cmp::Ordering;

use trimtab_model::{Name, Record, RecordType, words};

use crate::errors::{Error, Service};
use crate::extract::Params;
use crate::order::{Direction, Joined, Text, TextTest, in_order};

/// What `GET dns_records` may ask for.
#[derive(Debug, Default)]
pub(crate) struct RecordFilter {
    tests: Vec<Test>,
    joined: Joined,
    order: Option<Order>,
    direction: Direction,
}

#[derive(Debug)]
enum Test {
    Type(RecordType),
    /// One whole name, in our spelling.
    Name(Name),
    NameText(TextTest),
    Content(TextTest),
    Proxied(bool),
    /// True: there must be one.
    HasComment(bool),
    Comment(TextTest),
    Tags(Joined, Vec<TagTest>),
    /// In any of the texts of a record.
    Search(TextTest),
}

#[derive(Debug)]
enum TagTest {
    /// `name` or `name:value`.
    Is(String),
    Present(String),
    Absent(String),
    /// The value of the tag of this name.
    Value(String, TextTest),
}

words! {
    Order { Type = "type", Name = "name", Content = "content", Ttl = "ttl", Proxied = "proxied" }
}

// === impl RecordFilter ===

impl RecordFilter {
    pub(crate) fn read(params: &Params) -> Result<RecordFilter, Error> {
        let mut tests = Vec::new();
        tests.extend(params.read::<RecordType>("type")?.map(Test::Type));
        tests.extend(exact_name(params));
        tests.extend(texts(params, "name").map(Test::NameText));
        let content = params.find("content").map(|text| TextTest::Equals(lower(text)));
        tests.extend(content.or_else(|| exact(params, "content")).map(Test::Content));
        tests.extend(texts(params, "content").map(Test::Content));
        tests.extend(params.read("proxied")?.map(Test::Proxied));
        for (key, present) in [("comment.present", true), ("comment.absent", false)] {
            tests.extend(params.has(key).then_some(Test::HasComment(present)));
        }
        let comment = params.find("comment").map(|text| TextTest::Equals(lower(text)));
        tests.extend(comment.or_else(|| exact(params, "comment")).map(Test::Comment));
        tests.extend(texts(params, "comment").map(Test::Comment));
        tests.extend(tags(params)?);
        let search = params.find("search").map(|text| TextTest::Contains(lower(text)));
        tests.extend(search.map(Test::Search));
        Ok(RecordFilter {
            tests,
            joined: params.read("match")?.unwrap_or_default(),
            order: params.read("order")?,
            direction: params.read("direction")?.unwrap_or_default(),
        })
    }

    /// The one name that all records have which this keeps; reading that name alone is enough.
    pub(super) fn only_name(&self) -> Option<&Name> {
        let one_of_many = self.joined == Joined::Any && self.tests.len() > 1;
        let mut names = self.tests.iter().filter_map(|test| match test {
            Test::Name(name) => Some(name),
            _ => None,
        });
        names.next().filter(|_| !one_of_many)
    }

    pub(super) fn apply(&self, records: Vec<Record>) -> Vec<Record> {
        let keep = |record: &Record| self.joined.keep(&self.tests, |test| test.passes(record));
        let kept = records.into_iter().filter(keep);
        match (self.order, self.direction) {
            (Some(order), direction) => {
                in_order(kept.collect(), direction, |a, b| order.compare(a, b))
            }
            // As they are stored: by name.
            (None, Direction::Asc) => kept.collect(),
            (None, Direction::Desc) => kept.rev().collect(),
        }
    }
}

/// `name` and `name.exact` say the same. A text that is no name is the name of nothing.
fn exact_name(params: &Params) -> Option<Test> {
    let text = params.find("name").or_else(|| params.find("name.exact"))?;
    Some(match text.parse() {
        Ok(name) => Test::Name(name),
        Err(_not_a_name) => Test::NameText(TextTest::Equals(lower(text))),
    })
}

fn exact(params: &Params, key: &str) -> Option<TextTest> {
    params.find(&format!("{key}.exact")).map(|text| TextTest::Equals(lower(text)))
}

fn texts(params: &Params, key: &str) -> impl Iterator<Item = TextTest> {
    let find = |suffix: &str| params.find(&format!("{key}.{suffix}")).map(lower);
    let tests = [
        find("contains").map(TextTest::Contains),
        find("startswith").map(TextTest::StartsWith),
        find("endswith").map(TextTest::EndsWith),
    ];
    tests.into_iter().flatten()
}

fn tags(params: &Params) -> Result<Option<Test>, Error> {
    let text = |key: &str| params.find(key).map(lower);
    let valued = |key: &str, test: fn(String) -> TextTest| -> Result<Option<TagTest>, Error> {
        let Some(tag) = text(key) else { return Ok(None) };
        let Some((name, value)) = tag.split_once(':') else {
            let mut problems = trimtab_model::Problems::default();
            problems.add("", format_args!("{key}: {tag:?} is not <tag>:<value>"));
            return Err(Error::refused(Service::Plain, problems));
        };
        Ok(Some(TagTest::Value(name.into(), test(value.into()))))
    };
    let mut tests = Vec::new();
    tests.extend(text("tag").map(TagTest::Is));
    tests.extend(text("tag.present").map(TagTest::Present));
    tests.extend(text("tag.absent").map(TagTest::Absent));
    tests.extend(valued("tag.exact", TextTest::Equals)?);
    tests.extend(valued("tag.contains", TextTest::Contains)?);
    tests.extend(valued("tag.startswith", TextTest::StartsWith)?);
    tests.extend(valued("tag.endswith", TextTest::EndsWith)?);
    let joined = params.read("tag_match")?.unwrap_or_default();
    Ok((!tests.is_empty()).then_some(Test::Tags(joined, tests)))
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

// === impl Test ===

impl Test {
    fn passes(&self, record: &Record) -> bool {
        let comment = record.comment.as_deref();
        match self {
            Test::Type(kind) => record.kind == *kind,
            Test::Name(name) => record.name == *name,
            Test::NameText(test) => test.passes(record.name.as_str()),
            Test::Content(test) => test.passes(&record.content),
            Test::Proxied(proxied) => record.proxied == *proxied,
            Test::HasComment(present) => comment.is_some() == *present,
            Test::Comment(test) => comment.is_some_and(|comment| test.passes(comment)),
            Test::Tags(joined, tests) => joined.keep(tests, |test| test.passes(&record.tags)),
            Test::Search(test) => {
                let texts = [record.name.as_str(), &record.content, comment.unwrap_or("")];
                texts.into_iter().any(|text| test.passes(text))
                    || record.tags.iter().any(|tag| test.passes(tag))
            }
        }
    }
}

// === impl TagTest ===

impl TagTest {
    fn passes(&self, tags: &[String]) -> bool {
        let named = |name: &str| {
            tags.iter().find_map(|tag| {
                let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
                key.eq_ignore_ascii_case(name).then_some(value)
            })
        };
        match self {
            TagTest::Is(tag) if tag.contains(':') => {
                tags.iter().any(|other| other.eq_ignore_ascii_case(tag))
            }
            TagTest::Is(name) | TagTest::Present(name) => named(name).is_some(),
            TagTest::Absent(name) => named(name).is_none(),
            TagTest::Value(name, test) => named(name).is_some_and(|value| test.passes(value)),
        }
    }
}

// === impl Order ===

impl Order {
    fn compare(self, a: &Record, b: &Record) -> Ordering {
        match self {
            Order::Type => a.kind.word().cmp(b.kind.word()),
            Order::Name => a.name.cmp(&b.name),
            Order::Content => Text(&a.content).cmp(&Text(&b.content)),
            Order::Ttl => a.ttl.cmp(&b.ttl),
            Order::Proxied => a.proxied.cmp(&b.proxied),
        }
    }
}

#[cfg(test)]
mod tests;
