//! What functions do to strings: from bytes to bytes, without allocating.

pub(crate) mod base64;
pub(crate) mod hmac;
pub(crate) mod json;
pub(crate) mod url;

/// The part from `start` up to `end`; negative places count from the end, places outside are moved to the edge.
pub(crate) fn substring(text: &[u8], start: i64, end: Option<i64>) -> &[u8] {
    let place = |at: i64| {
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let from_start = if at < 0 { length.saturating_add(at) } else { at };
        usize::try_from(from_start.clamp(0, length)).unwrap_or(text.len())
    };
    text.get(place(start)..end.map_or(text.len(), place)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substring_counts_from_both_ends() {
        let check = |start, end, expected: &str| {
            assert_eq!(substring(b"asdfghjk", start, end), expected.as_bytes(), "{start} {end:?}");
        };
        check(2, Some(5), "dfg");
        check(2, None, "dfghjk");
        check(-2, None, "jk");
        check(0, Some(-2), "asdfgh");
        check(-100, Some(2), "as");
        check(6, Some(100), "jk");
        check(5, Some(2), "");
        check(100, None, "");
        check(i64::MIN, Some(i64::MAX), "asdfghjk");
    }
}
