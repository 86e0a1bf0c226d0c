//! `Host` and `:authority`: one name or address, perhaps a port, and nothing else (RFC 9110 section 7.2).

/// A legal host, without its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// As it came; without a last dot.
    pub(crate) name: &'a [u8],
    pub(crate) port: Option<u16>,
}

/// RFC 1035 section 2.3.4.
const NAME_BYTES_MAX: usize = 253;

// === impl Host ===

impl<'a> Host<'a> {
    /// None for user information, spaces, lists, paths, and ports that are none.
    pub(crate) fn read(value: &'a [u8]) -> Option<Host<'a>> {
        let (name, port) = match value.strip_prefix(b"[") {
            Some(rest) => {
                let end = memchr::memchr(b']', rest)?;
                let inside = rest.get(..end)?;
                let literal = std::str::from_utf8(inside).ok()?;
                literal.parse::<std::net::Ipv6Addr>().ok()?;
                (value.get(..end + 2)?, rest.get(end + 1..)?)
            }
            None => {
                let end = memchr::memchr(b':', value).unwrap_or(value.len());
                let (name, port) = value.split_at(end);
                (name.iter().all(is_name_byte).then_some(name)?, port)
            }
        };
        let port = match port {
            b"" => None,
            [b':', digits @ ..] => Some(read_port(digits)?),
            _ => return None,
        };
        let name = name.strip_suffix(b".").unwrap_or(name);
        (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(Host { name, port })
    }
}

/// Of RFC 3986 section 3.2.2 what names of hosts are made of; an underscore is used by many.
fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn read_port(digits: &[u8]) -> Option<u16> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !all_digits {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_section_7_2_a_host_is_a_name_and_perhaps_a_port() {
        let check = |value: &str, want: Option<(&str, Option<u16>)>| {
            let got = Host::read(value.as_bytes());
            let want = want.map(|(name, port)| Host { name: name.as_bytes(), port });
            assert_eq!(got, want, "{value}");
        };
        check("example.com", Some(("example.com", None)));
        check("example.com.", Some(("example.com", None)));
        check("example.com:8080", Some(("example.com", Some(8080))));
        check("a_b-c.example", Some(("a_b-c.example", None)));
        check("192.0.2.1:80", Some(("192.0.2.1", Some(80))));
        check("[2001:db8::1]:443", Some(("[2001:db8::1]", Some(443))));
        check("[2001:db8::1]", Some(("[2001:db8::1]", None)));
        for refused in [
            "",
            ".",
            ":80",
            "user@example.com",
            "example.com/path",
            "a b",
            "a,b",
            "example.com:",
            "example.com:80a",
            "example.com:70000",
            "example.com:+80",
            "[2001:db8::1",
            "[::1]x",
            "[nonsense]",
            "a:1:2",
            "ex\u{e4}mple.com",
            "<b>",
        ] {
            check(refused, None);
        }
    }
}
