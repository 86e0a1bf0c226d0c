//! Bytes to heads. Lines end with CRLF and nothing else, names are tokens, values hold no control characters: what two
//! readers could take differently is refused (RFC 9112 sections 2.2, 3, 5 and 11).

use bytes::BytesMut;

use crate::head::{
    Body, FIELDS_MAX, Field, Fields, HEAD_BYTES_MAX, Known, RequestHead, ResponseHead,
    START_LINE_BYTES_MAX, Span, Version, body_of_request, body_of_response, check_host, keeps,
    upgrade_of,
};
use crate::refusal::Refusal;

/// Looks for the empty line that ends a head, going on where the last look ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    line_start: usize,
    seen: usize,
}

/// Names of methods longer than this are nobody's.
const METHOD_BYTES_MAX: usize = 32;

/// Bytes of a token (RFC 9110 section 5.6.2) in lower case; 0 for those that are none.
const TOKEN: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        let ascii = byte as u8;
        let other = matches!(
            ascii,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        if ascii.is_ascii_alphanumeric() || other {
            table[byte] = ascii.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

// === impl Scan ===

impl Scan {
    /// The length of the head with its last line; None while there is more to come.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        while let Some(found) = memchr::memchr(b'\n', bytes.get(self.seen..).unwrap_or_default()) {
            let at = self.seen + found;
            // In the order in which bytes come, so that it does not matter how they are cut.
            if self.line_start == 0 && at > START_LINE_BYTES_MAX {
                return Err(Refusal::RequestLineTooLong);
            }
            if at >= HEAD_BYTES_MAX {
                return Err(Refusal::HeadTooLarge);
            }
            if at == 0 || bytes.get(at - 1) != Some(&b'\r') {
                return Err(Refusal::BareLineFeed);
            }
            let is_empty = at - 1 == self.line_start;
            (self.seen, self.line_start) = (at + 1, at + 1);
            if is_empty {
                return Ok(Some(at + 1));
            }
        }
        self.seen = bytes.len();
        match bytes.len() {
            len if self.line_start == 0 && len > START_LINE_BYTES_MAX => {
                Err(Refusal::RequestLineTooLong)
            }
            len if len >= HEAD_BYTES_MAX => Err(Refusal::HeadTooLarge),
            _ => Ok(None),
        }
    }
}

/// `bytes` is exactly one head; `list` is an empty vector to use again.
pub(crate) fn read_request(bytes: BytesMut, list: Vec<Field>) -> Result<RequestHead, Refusal> {
    let mut fields = Fields { bytes, list };
    let line = first_line(&fields.bytes)?;
    if line.len() > START_LINE_BYTES_MAX {
        return Err(Refusal::RequestLineTooLong);
    }
    let (method, target, version) = request_line(line)?;
    let after = line.len() + 2;
    read_fields(&mut fields, after)?;
    let (authority, target) = split_target(&fields, method, target)?;
    let (authority, host) = the_host(&mut fields, authority, version)?;
    check_expectation(&fields)?;
    let body = body_of_request(&fields, version)?;
    let upgrade = upgrade_of(&fields, fields.text(method), body);
    Ok(RequestHead {
        keeps: keeps(&fields, version),
        method,
        target,
        host,
        authority,
        version,
        body,
        upgrade,
        fields,
    })
}

/// None for what no proxy may pass on.
pub(crate) fn read_response(
    bytes: BytesMut,
    list: Vec<Field>,
    to_head: bool,
) -> Option<ResponseHead> {
    let mut fields = Fields { bytes, list };
    let line = first_line(&fields.bytes).ok()?;
    let after = line.len() + 2;
    let (version, rest) = line.split_at_checked(b"HTTP/1.1 ".len())?;
    let version = match version {
        b"HTTP/1.1 " => Version::Http11,
        b"HTTP/1.0 " => Version::Http10,
        _ => return None,
    };
    let (digits, reason) = rest.split_at_checked(3)?;
    let well_formed = digits.iter().all(u8::is_ascii_digit)
        && matches!(reason.first(), None | Some(b' '))
        && reason.iter().all(|byte| is_value_byte(*byte));
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if !well_formed || status < 100 {
        return None;
    }
    read_fields(&mut fields, after).ok()?;
    let body = body_of_response(&fields, status, to_head)?;
    let keeps = keeps(&fields, version) && body != Body::UntilClose;
    Some(ResponseHead { fields, status, body, keeps })
}

/// Field lines that stand by themselves: the trailer section (RFC 9112 section 7.1.2).
pub(crate) fn read_trailers(bytes: BytesMut) -> Result<Fields, Refusal> {
    let mut fields = Fields { bytes, list: Vec::new() };
    read_fields(&mut fields, 0).map_err(|_why| Refusal::Trailers)?;
    Ok(fields)
}

/// Without its CRLF.
fn first_line(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let end = memchr::memchr(b'\n', bytes).ok_or(Refusal::RequestLine)?;
    bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Refusal::RequestLine)
}

/// One space between the parts and none elsewhere (RFC 9112 section 3).
fn request_line(line: &[u8]) -> Result<(Span, Span, Version), Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target)) = (parts.next(), parts.next()) else {
        return Err(Refusal::RequestLine);
    };
    let version = match parts.next().ok_or(Refusal::RequestLine)? {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Refusal::Version);
        }
        _ => return Err(Refusal::RequestLine),
    };
    let is_token = !method.is_empty() && method.iter().all(|byte| token(*byte) != 0);
    if parts.next().is_some() || !is_token || target.is_empty() {
        return Err(Refusal::RequestLine);
    }
    if method.len() > METHOD_BYTES_MAX || method == b"CONNECT" {
        return Err(Refusal::Method);
    }
    if !target.iter().all(|byte| is_target_byte(*byte)) {
        return Err(Refusal::RequestLine);
    }
    let span = |start, part: &[u8]| Span::new(start, part.len()).ok_or(Refusal::RequestLine);
    Ok((span(0, method)?, span(method.len() + 1, target)?, version))
}

/// Fields from an offset to the empty line.
fn read_fields(fields: &mut Fields, mut start: usize) -> Result<(), Refusal> {
    loop {
        let rest = fields.bytes.get_mut(start..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).ok_or(Refusal::HeaderLine)?;
        let line = rest.get_mut(..end.saturating_sub(1)).unwrap_or_default();
        if line.is_empty() {
            return Ok(());
        }
        let field = read_field(line, start)?;
        if fields.list.len() == FIELDS_MAX {
            return Err(Refusal::TooManyFields);
        }
        fields.list.push(field);
        start += end + 1;
    }
}

/// A name, a colon at once, and a value between optional white space (RFC 9112 section 5). A line that begins with white
/// space would be the last one folded, which section 5.2 lets a server refuse.
fn read_field(line: &mut [u8], start: usize) -> Result<Field, Refusal> {
    let mut length = 0;
    for byte in line.iter_mut() {
        match token(*byte) {
            0 => break,
            lower => *byte = lower,
        }
        length += 1;
    }
    let (name, rest) = line.split_at_checked(length).ok_or(Refusal::HeaderLine)?;
    let [b':', value @ ..] = rest else { return Err(Refusal::HeaderLine) };
    if name.is_empty() || !all_value_bytes(value) {
        return Err(Refusal::HeaderLine);
    }
    let before = value.iter().take_while(|byte| is_white(**byte)).count();
    let value = trim_white(value);
    let spans = Span::new(start, length).zip(Span::new(start + length + 1 + before, value.len()));
    let (name_span, value_span) = spans.ok_or(Refusal::HeadTooLarge)?;
    Ok(Field { name: name_span, value: value_span, known: Known::of(name) })
}

/// The authority of a target that is a whole address, and what of the target the next server gets.
fn split_target(
    fields: &Fields,
    method: Span,
    target: Span,
) -> Result<(Option<Span>, Span), Refusal> {
    let text = fields.text(target);
    match text {
        [b'/', ..] => return Ok((None, target)),
        b"*" if fields.text(method) == b"OPTIONS" => return Ok((None, target)),
        _ => {}
    }
    // RFC 9112 section 3.2.2: a server must take it, though only a proxy is sent it.
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let scheme = scheme.ok_or(Refusal::RequestLine)?;
    let rest = text.get(scheme.len()..).unwrap_or_default();
    let start = target.range().start + scheme.len();
    let parts = match memchr::memchr(b'/', rest) {
        Some(length) => {
            Span::new(start, length).zip(Span::new(start + length, rest.len() - length))
        }
        // Without a path it is the root (RFC 9112 section 3.2.1), for which the slash before the name stands; what
        // OPTIONS asks for that way is written nowhere.
        None if fields.text(method) == b"OPTIONS" => None,
        None => Span::new(start, rest.len()).zip(Span::new(start - 1, 1)),
    };
    let (authority, path) = parts.ok_or(Refusal::RequestLine)?;
    Ok((Some(authority), path))
}

/// Exactly one, legal; where the target names one too it is the same (RFC 9112 section 3.2). The host is put in lower case.
fn the_host(
    fields: &mut Fields,
    of_target: Option<Span>,
    version: Version,
) -> Result<(Span, Span), Refusal> {
    let mut hosts = fields.list.iter().filter(|field| field.known == Known::Host);
    let of_field = hosts.next().map(|field| field.value);
    if hosts.next().is_some() {
        return Err(Refusal::Host);
    }
    let authority = match (of_target, of_field) {
        (Some(target), Some(field)) => {
            let same = fields.text(target).eq_ignore_ascii_case(fields.text(field));
            same.then_some(target).ok_or(Refusal::Host)?
        }
        (Some(target), None) if version == Version::Http10 => target,
        (None, Some(field)) => field,
        (Some(_) | None, None) => return Err(Refusal::Host),
    };
    let length = check_host(fields.text(authority))?.name.len();
    let host = Span::new(authority.range().start, length).ok_or(Refusal::Host)?;
    fields.bytes.get_mut(host.range()).unwrap_or_default().make_ascii_lowercase();
    Ok((authority, host))
}

/// RFC 9110 section 10.1.1 knows one.
fn check_expectation(fields: &Fields) -> Result<(), Refusal> {
    let mut expected = fields.values(Known::Expect);
    match expected.all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
        true => Ok(()),
        false => Err(Refusal::Expectation),
    }
}

fn token(byte: u8) -> u8 {
    TOKEN.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Visible ASCII but the number sign, which never leaves a client (RFC 9112 section 3.2).
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'#'
}

/// RFC 9110 section 5.5: visible, white space between, or outside ASCII.
fn is_value_byte(byte: u8) -> bool {
    (byte >= b' ' && byte != 0x7F) || byte == b'\t'
}

/// Without a branch for each byte, so that the compiler takes many at a time.
fn all_value_bytes(value: &[u8]) -> bool {
    value.iter().fold(true, |all, byte| all & is_value_byte(*byte))
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim_white(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests;
