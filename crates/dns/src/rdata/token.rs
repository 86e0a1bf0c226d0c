//! Words of presentation format (RFC 1035 section 5.1): quotes, escapes, and where a word ends.

use std::fmt::Write;

/// One word, its escapes not yet taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

/// Where a text stops being presentation format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("a backslash stands at the end")]
    OpenEscape,
    #[error("a number behind a backslash is not three digits from 000 to 255")]
    BadEscape,
    #[error("a quote ends in the middle of a word")]
    AfterQuote,
    #[error("unexpected {0:?}")]
    Unexpected(char),
}

// === impl Token ===

impl Token {
    pub(crate) fn plain(text: impl Into<String>) -> Token {
        Token { text: text.into(), quoted: false }
    }

    /// A word that says exactly these bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Token {
        Token { text: escape(bytes), quoted: true }
    }

    /// What the word says.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, BadToken> {
        let mut bytes = Vec::with_capacity(self.text.len());
        let mut rest = self.text.chars();
        while let Some(char) = rest.next() {
            if char == '\\' {
                bytes.extend_from_slice(escaped(&mut rest)?.encode());
            } else {
                let mut buffer = [0; 4];
                bytes.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            }
        }
        Ok(bytes)
    }

    /// The word at the front of a text that does not begin with white space, and the text behind it.
    ///
    /// Quotes inside an unquoted word belong to it without being part of it, as in `alpn="h2,h3"`.
    pub(crate) fn read(text: &str) -> Result<(Token, &str), BadToken> {
        if let Some(inside) = text.strip_prefix('"') {
            let end = end_of_quoted(inside)?;
            let (text, behind) = inside.split_at_checked(end).unwrap_or((inside, ""));
            let rest = behind.strip_prefix('"').unwrap_or(behind);
            let ended = rest.chars().next().is_none_or(ends_word);
            let token = Token { text: text.into(), quoted: true };
            return if ended { Ok((token, rest)) } else { Err(BadToken::AfterQuote) };
        }
        let mut word = String::new();
        let mut rest = text;
        while let Some(char) = rest.chars().next().filter(|&char| !ends_word(char)) {
            rest = rest.get(char.len_utf8()..).unwrap_or("");
            match char {
                '"' => {
                    let (inside, behind) =
                        rest.split_at_checked(end_of_quoted(rest)?).unwrap_or((rest, ""));
                    word.push_str(inside);
                    rest = behind.strip_prefix('"').unwrap_or(behind);
                }
                '\\' => {
                    let next = rest.chars().next().ok_or(BadToken::OpenEscape)?;
                    word.push(char);
                    word.push(next);
                    rest = rest.get(next.len_utf8()..).unwrap_or("");
                }
                _ => word.push(char),
            }
        }
        match text.chars().next() {
            Some(char) if word.is_empty() && rest.len() == text.len() => {
                Err(BadToken::Unexpected(char))
            }
            Some(_) | None => Ok((Token::plain(word), rest)),
        }
    }

    /// All words of one line.
    pub(crate) fn read_all(line: &str) -> Result<Vec<Token>, BadToken> {
        let mut tokens = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (token, behind) = Token::read(rest)?;
            tokens.push(token);
            rest = behind.trim_start();
        }
        Ok(tokens)
    }
}

/// White space, comments and parentheses end a word.
pub(crate) fn ends_word(char: char) -> bool {
    char.is_ascii_whitespace() || matches!(char, ';' | '(' | ')')
}

/// Bytes as they stand between quotes; a reader of any make gets the same bytes back.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            b' '..=b'~' => text.push(byte.into()),
            // Writing to a string cannot fail.
            _ => write!(text, "\\{byte:03}").unwrap_or(()),
        }
    }
    text
}

/// Bytes between quotes.
pub(crate) fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", escape(bytes))
}

/// The byte or character that an escape stands for.
enum Escaped {
    Byte([u8; 1]),
    Char([u8; 4], usize),
}

// === impl Escaped ===

impl Escaped {
    fn encode(&self) -> &[u8] {
        match self {
            Escaped::Byte(byte) => byte,
            Escaped::Char(bytes, len) => bytes.get(..*len).unwrap_or(&[]),
        }
    }
}

/// What follows a backslash: three digits, or one character that stands for itself.
fn escaped(rest: &mut std::str::Chars<'_>) -> Result<Escaped, BadToken> {
    let first = rest.next().ok_or(BadToken::OpenEscape)?;
    if !first.is_ascii_digit() {
        let mut buffer = [0; 4];
        let len = first.encode_utf8(&mut buffer).len();
        return Ok(Escaped::Char(buffer, len));
    }
    let digits: String = std::iter::once(first).chain(rest.take(2)).collect();
    match digits.parse() {
        Ok(byte) if digits.len() == 3 => Ok(Escaped::Byte([byte])),
        Ok(_) | Err(_) => Err(BadToken::BadEscape),
    }
}

fn end_of_quoted(inside: &str) -> Result<usize, BadToken> {
    let mut escaped = false;
    for (at, char) in inside.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at),
            _ => {}
        }
    }
    Err(BadToken::OpenQuote)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc1035_5_1_words_quotes_and_escapes() {
        let check = |line: &str, want: Result<&[&str], BadToken>| {
            let words = Token::read_all(line)
                .and_then(|tokens| tokens.iter().map(Token::bytes).collect::<Result<Vec<_>, _>>());
            let want = want.map(|words| words.iter().map(|w| w.as_bytes().to_vec()).collect());
            assert_eq!(words, want, "{line}");
        };
        check("", Ok(&[]));
        check("  10  mail ", Ok(&["10", "mail"]));
        check(r#""two words" one"#, Ok(&["two words", "one"]));
        check(r#""a\"b\\c" \065\032x"#, Ok(&["a\"b\\c", "A x"]));
        check(r#"1 . alpn="h3,h2" port=53"#, Ok(&["1", ".", "alpn=h3,h2", "port=53"]));
        check(r#""""#, Ok(&[""]));
        check("größe", Ok(&["größe"]));
        check(r#""open"#, Err(BadToken::OpenQuote));
        check(r#"a"open"#, Err(BadToken::OpenQuote));
        check(r#""a"b"#, Err(BadToken::AfterQuote));
        check(r"a\", Err(BadToken::OpenEscape));
        check(r"\256", Err(BadToken::BadEscape));
        check(r"\12", Err(BadToken::BadEscape));
        check("a;b", Err(BadToken::Unexpected(';')));
        check("(a)", Err(BadToken::Unexpected('(')));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_from_between_quotes(bytes: Vec<u8>) {
            let tokens = Token::read_all(&quote(&bytes)).unwrap();
            prop_assert_eq!(tokens.len(), 1);
            prop_assert_eq!(tokens[0].bytes().unwrap(), bytes);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            if let Ok(tokens) = Token::read_all(&text) {
                let _: Vec<_> = tokens.iter().map(Token::bytes).collect();
            }
        }
    }
}
