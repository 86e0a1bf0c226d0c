//! One line of RFC 4180 text taken apart.

/// A quoted field that does not end on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quoted field does not end")]
pub(crate) struct UnclosedQuote;

/// The fields of a line without the quotes around them. A doubled quote inside stays doubled.
pub(crate) fn fields(line: &str) -> Result<Vec<&str>, UnclosedQuote> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let (field, after) = first(text)?;
        fields.push(field);
        rest = after;
    }
    Ok(fields)
}

/// The first field, and what follows its comma if there is one.
fn first(text: &str) -> Result<(&str, Option<&str>), UnclosedQuote> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Ok(match text.split_once(',') {
            Some((field, after)) => (field.trim(), Some(after)),
            None => (text.trim(), None),
        });
    };
    let end = closing_quote(quoted).ok_or(UnclosedQuote)?;
    let (field, after) = quoted.split_at_checked(end).ok_or(UnclosedQuote)?;
    Ok((field, after.split_once(',').map(|(_quote, after)| after)))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('"').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&at.checked_add(1)?).is_none() {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4180_lines_are_taken_apart() {
        let check = |line, wanted: Result<&[&str], UnclosedQuote>| {
            assert_eq!(fields(line), wanted.map(<[&str]>::to_vec), "{line}");
        };
        check("", Ok(&[""]));
        check("a, b ,,", Ok(&["a", "b", "", ""]));
        check("AAP,\"Samarinda, Borneo\",ID", Ok(&["AAP", "Samarinda, Borneo", "ID"]));
        check("\"a \"\"b\"\"\",c", Ok(&["a \"\"b\"\"", "c"]));
        check("\"\",\"x\"", Ok(&["", "x"]));
        check("a,\"b", Err(UnclosedQuote));
        check("\"a\"\"", Err(UnclosedQuote));
    }
}
