//! The values of single fields: texts, numbers, words of closed choices, names and ids.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::Value;
use trimtab_model::Name;
use trimtab_model::pool::Weight;

use super::Node;

/// Characters of a refused text that a message repeats.
const ECHO_CHARS_MAX: usize = 100;

pub fn flag(node: &mut Node<'_>) -> Option<bool> {
    let flag = node.value.as_bool();
    if flag.is_none() {
        node.refuse_named("is not true or false");
    }
    flag
}

/// The `trimtab` object of resources without fields of our own: whoever writes some should hear of it.
pub fn no_extension(node: &mut Node<'_>) -> Option<()> {
    node.object()?.refuse_all_but(&[]);
    Some(())
}

/// Any text of at most so many characters.
pub fn text(chars_max: usize) -> impl Fn(&mut Node<'_>) -> Option<String> {
    move |node: &mut Node<'_>| {
        let text = node.text()?;
        if text.chars().count() > chars_max {
            node.refuse_named(format_args!("is longer than {chars_max} characters"));
            return None;
        }
        Some(text.into())
    }
}

/// A text without control characters: what ends up in a header or in a list on a screen.
pub fn line(chars_max: usize) -> impl Fn(&mut Node<'_>) -> Option<String> {
    move |node: &mut Node<'_>| {
        let line = text(chars_max)(node)?;
        if line.chars().any(char::is_control) {
            node.refuse_named("holds a control character");
            return None;
        }
        Some(line)
    }
}

/// A whole number; `30.0` is one, since some clients know no integers.
pub fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&mut Node<'_>) -> Option<T>
where
    T: Copy + Display + PartialOrd + TryFrom<i64>,
{
    move |node: &mut Node<'_>| {
        let Some(number) = integer(node.value) else {
            node.refuse_named("is not a whole number");
            return None;
        };
        let number = T::try_from(number).ok().filter(|number| range.contains(number));
        if number.is_none() {
            refuse_outside(node, range.start(), range.end());
        }
        number
    }
}

pub fn number(range: RangeInclusive<f64>) -> impl Fn(&mut Node<'_>) -> Option<f64> {
    move |node: &mut Node<'_>| {
        let Some(number) = node.value.as_f64() else {
            node.refuse_named("is not a number");
            return None;
        };
        if !range.contains(&number) {
            refuse_outside(node, range.start(), range.end());
            return None;
        }
        Some(number)
    }
}

/// 0 to 1 in steps of hundredths.
pub fn weight(step_hundredths: u8) -> impl Fn(&mut Node<'_>) -> Option<Weight> {
    move |node: &mut Node<'_>| {
        let share = number(0.0..=1.0)(node)?;
        let weight = Weight::from_share(share, step_hundredths);
        if weight.is_none() {
            let step = f64::from(step_hundredths) / 100.0;
            node.refuse_named(format_args!("is not a multiple of {step}"));
        }
        weight
    }
}

/// One of a closed choice, or a code: `steering_policy "fast" is not one of …`.
pub fn word<T: FromStr<Err: Display>>(node: &mut Node<'_>) -> Option<T> {
    match shown(node.text()?).parse() {
        Ok(word) => Some(word),
        Err(why) => {
            node.refuse_named(why);
            None
        }
    }
}

pub fn hostname(node: &mut Node<'_>) -> Option<Name> {
    let text = node.text()?;
    match text.parse() {
        Ok(name) => Some(name),
        Err(_) => {
            node.refuse(format_args!("invalid hostname: {}", shown(text)));
            None
        }
    }
}

/// An id of another resource. A text that is no id names nothing, so the message is the one for both.
pub fn id<T: FromStr>(kind: &'static str) -> impl Fn(&mut Node<'_>) -> Option<T> {
    move |node: &mut Node<'_>| {
        let text = node.text()?;
        let id = text.parse().ok();
        if id.is_none() {
            node.refuse(unknown(kind, shown(text)));
        }
        id
    }
}

/// What is said of a reference to something that does not exist, here and by whoever looks it up.
pub fn unknown(kind: &str, id: impl Display) -> String {
    format!("unknown {kind}: {id}")
}

/// The beginning of a text, short enough to repeat in a message.
pub fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Every field's range is far inside what a float tells apart, and the cast saturates.
fn integer(value: &Value) -> Option<i64> {
    value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64)
}

fn refuse_outside(node: &mut Node<'_>, least: impl Display, most: impl Display) {
    node.refuse_named(format_args!("is not in range [{least}, {most}]"));
}
