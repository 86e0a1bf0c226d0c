//! Replies of SMTP, as they come in over a stream: RFC 5321 section 4.2.

/// Bytes of one line. RFC 5321 section 4.5.3.1.5 allows 512; some servers say more.
const LINE_BYTES_MAX: usize = 2048;
/// Lines of one reply: every extension that a server has is one line of its answer to EHLO.
const LINES_MAX: usize = 128;

/// One reply with all of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Without codes and line ends; bytes beyond ASCII are replaced.
    pub lines: Vec<String>,
}

// === impl Reply ===

impl Reply {
    /// The reply at the beginning of `bytes` and how long it is; None while it is not whole.
    ///
    /// # Errors
    /// As soon as the bytes cannot become a reply.
    pub fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>, &'static str> {
        let (mut lines, mut at, mut first_code) = (Vec::new(), 0, None);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return unfinished(rest).map(|()| None);
            };
            let line = rest.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (code, more, text) = read_line(line)?;
            if *first_code.get_or_insert(code) != code {
                return Err("the lines of a reply have different codes");
            }
            lines.push(String::from_utf8_lossy(text).into_owned());
            at += end + 1;
            match more {
                false => return Ok(Some((Reply { code, lines }, at))),
                true if lines.len() == LINES_MAX => return Err("a reply has too many lines"),
                true => {}
            }
        }
    }

    /// Of the answer to EHLO: each line after the first begins with a keyword (RFC 5321 section 4.1.1.1).
    pub fn offers(&self, keyword: &str) -> bool {
        let words = self.lines.iter().skip(1).filter_map(|line| line.split(' ').next());
        words.into_iter().any(|word| word.eq_ignore_ascii_case(keyword))
    }
}

/// The code, whether more lines follow, and the text.
fn read_line(line: &[u8]) -> Result<(u16, bool, &[u8]), &'static str> {
    if line.len() > LINE_BYTES_MAX {
        return Err("a line is too long");
    }
    let Some((digits, rest)) = line.split_first_chunk::<3>() else {
        return Err("a line is too short for a code");
    };
    let code = code(digits).ok_or("a line begins with no code")?;
    match rest {
        [] => Ok((code, false, rest)),
        [b' ', text @ ..] => Ok((code, false, text)),
        [b'-', text @ ..] => Ok((code, true, text)),
        [_, ..] => Err("a code is followed by neither space nor hyphen"),
    }
}

/// RFC 5321 section 4.2.1: the first digit is 2 to 5, the second 0 to 5.
fn code(digits: &[u8; 3]) -> Option<u16> {
    let [first, second, third] = digits.map(|digit| digit.wrapping_sub(b'0'));
    let known = (2..=5).contains(&first) && second <= 5 && third <= 9;
    known.then(|| u16::from(first) * 100 + u16::from(second) * 10 + u16::from(third))
}

/// A server that waits for us to speak first sends no line end, and is found out by its first bytes.
fn unfinished(line: &[u8]) -> Result<(), &'static str> {
    if line.len() > LINE_BYTES_MAX {
        return Err("a line is too long");
    }
    match line.iter().take(3).all(u8::is_ascii_digit) {
        true => Ok(()),
        false => Err("a line begins with no code"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code, its lines, and how long all of it is.
    type Wanted<'a> = Option<(u16, &'a [&'a str], usize)>;

    fn check(bytes: &[u8], want: Result<Wanted<'_>, &'static str>) {
        let want = want.map(|read| {
            let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
            read.map(|(code, lines, length)| (Reply { code, lines: owned(lines) }, length))
        });
        assert_eq!(Reply::read(bytes), want, "{}", bytes.escape_ascii());
    }

    #[test]
    fn rfc_5321_4_2_replies_have_one_line_or_many() {
        check(b"220 mail.example.com ESMTP\r\n", Ok(Some((220, &["mail.example.com ESMTP"], 28))));
        check(b"250\r\n221 next", Ok(Some((250, &[""], 5))));
        check(
            b"250-one\r\n250-two\r\n250 three\r\n",
            Ok(Some((250, &["one", "two", "three"], 29))),
        );
        check(b"250 bare\n", Ok(Some((250, &["bare"], 9))));
        check(b"", Ok(None));
        check(b"22", Ok(None));
        check(b"250-one\r\n250 tw", Ok(None));
    }

    #[test]
    fn what_is_no_reply_is_found_out_at_once() {
        check(b"SSH-2.0-OpenSSH_9.9\r\n", Err("a line begins with no code"));
        check(b"HTTP", Err("a line begins with no code"));
        check(b"\x15\x03", Err("a line begins with no code"));
        check(b"199 low\r\n", Err("a line begins with no code"));
        check(b"260 high\r\n", Err("a line begins with no code"));
        check(b"\r\n", Err("a line is too short for a code"));
        check(b"250_one\r\n", Err("a code is followed by neither space nor hyphen"));
        check(b"250-one\r\n251 two\r\n", Err("the lines of a reply have different codes"));
        check(&[b'2'; 2049], Err("a line is too long"));
        check(&[&b"220 "[..], &[b'x'; 2048], b"\r\n"].concat(), Err("a line is too long"));
        check(&b"250-x\r\n".repeat(128), Err("a reply has too many lines"));
        check(&b"250-x\r\n".repeat(127), Ok(None));
    }

    #[test]
    fn extensions_are_words_of_the_lines_after_the_first() {
        let reply = |lines: &[&str]| Reply {
            code: 250,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert!(reply(&["mail", "SIZE 1000", "starttls"]).offers("STARTTLS"));
        assert!(!reply(&["STARTTLS", "SIZE 1000"]).offers("STARTTLS"));
        assert!(!reply(&["mail", "STARTTLSX"]).offers("STARTTLS"));
    }
}
