//! How long an override is to last: seconds, or a text such as `2h` or `1h30m`.

use serde_json::Value;
use trimtab_model::overrides::LASTS_SECONDS_MAX;

use crate::body::{Node, shown, whole};

pub(super) fn read(node: &mut Node<'_>) -> Option<u32> {
    let Value::String(text) = node.value() else {
        return whole(1..=LASTS_SECONDS_MAX)(node);
    };
    let Some(seconds) = seconds(text) else {
        let text = shown(text);
        node.refuse_named(format_args!("{text:?} is not a span such as 90s, 2h, 1h30m or 7d"));
        return None;
    };
    let lasting = u32::try_from(seconds).ok().filter(|s| (1..=LASTS_SECONDS_MAX).contains(s));
    if lasting.is_none() {
        node.refuse_named(format_args!("is not in range [1, {LASTS_SECONDS_MAX}]"));
    }
    lasting
}

/// The sum of its parts, each a number and its unit. None for anything else; what is too much stays too much.
fn seconds(text: &str) -> Option<u64> {
    let (mut sum, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = after.chars().next()?;
        let scale = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        sum = sum.saturating_add(number.parse::<u64>().ok()?.saturating_mul(scale));
        rest = after.get(unit.len_utf8()..)?;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sums_of_numbers_with_units() {
        let check = |text: &str, want: Option<u64>| assert_eq!(seconds(text), want, "{text}");
        check("90s", Some(90));
        check("2h", Some(7_200));
        check("1h30m", Some(5_400));
        check("7d", Some(604_800));
        check("99999999999999999999d", None);
        check("9999999999999999999d", Some(u64::MAX));
        for bad in ["", "2", "h", "2 h", "-1h", "1.5h", "2h3", "2µ", "1é"] {
            check(bad, None);
        }
    }
}
