//! The PROXY protocol, versions 1 and 2: a balancer in front of this node says whom it speaks for, before anything else.
//! Only those in `trusted_proxies` are listened to.

use std::io;
use std::net::IpAddr;

use ppp::v2::Addresses;
use ppp::{v1, v2};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Why there is no client behind a header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("read a PROXY header")]
    Io(#[from] io::Error),
    #[error("malformed PROXY header")]
    Malformed,
}

/// What version 1 begins with.
const V1_PREFIX: &[u8] = b"PROXY ";
/// Its line with the end (section 2.1 of the protocol).
const V1_BYTES_MAX: usize = 107;
/// Signature, version, family and length of version 2 (section 2.2).
const V2_START_BYTES: usize = 16;
/// Addresses and what else a sender adds; more than any sends.
const V2_BYTES_MAX: usize = 4 * 1024;

/// Takes the header off the connection. None where it begins with something else, or speaks for nobody.
pub(crate) async fn take(stream: &mut TcpStream) -> Result<Option<IpAddr>, HeaderError> {
    let mut start = [0; V2_START_BYTES];
    // Senders write it in one segment (section 2), so that what is there now tells.
    let seen = stream.peek(&mut start).await?;
    let seen = start.get(..seen).unwrap_or_default();
    if seen.starts_with(V1_PREFIX) {
        take_v1(stream).await
    } else if seen.len() == V2_START_BYTES && seen.starts_with(v2::PROTOCOL_PREFIX) {
        take_v2(stream).await
    } else {
        Ok(None)
    }
}

async fn take_v1(stream: &mut TcpStream) -> Result<Option<IpAddr>, HeaderError> {
    let mut line = Vec::with_capacity(V1_BYTES_MAX);
    while line.last() != Some(&b'\n') {
        if line.len() == V1_BYTES_MAX {
            return Err(HeaderError::Malformed);
        }
        line.push(stream.read_u8().await?);
    }
    let header = v1::Header::try_from(line.as_slice()).map_err(|_why| HeaderError::Malformed)?;
    Ok(match header.addresses {
        v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Unknown => None,
    })
}

async fn take_v2(stream: &mut TcpStream) -> Result<Option<IpAddr>, HeaderError> {
    let mut bytes = vec![0; V2_START_BYTES];
    stream.read_exact(&mut bytes).await?;
    let [.., high, low] = *bytes else { return Err(HeaderError::Malformed) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_BYTES_MAX {
        return Err(HeaderError::Malformed);
    }
    bytes.resize(V2_START_BYTES + length, 0);
    stream.read_exact(bytes.get_mut(V2_START_BYTES..).unwrap_or_default()).await?;
    let header = v2::Header::try_from(bytes.as_slice()).map_err(|_why| HeaderError::Malformed)?;
    Ok(match (header.command, header.addresses) {
        (v2::Command::Proxy, Addresses::IPv4(addresses)) => Some(addresses.source_address.into()),
        (v2::Command::Proxy, Addresses::IPv6(addresses)) => Some(addresses.source_address.into()),
        // The balancer's own checks, and families that are none of IP.
        (v2::Command::Local, _) | (_, Addresses::Unix(_) | Addresses::Unspecified) => None,
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Whom the header speaks for, and what of the bytes is left for the next reader.
    async fn check(bytes: &[u8], want: Result<Option<&str>, &str>, left: &[u8]) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(at).await.unwrap();
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let taken = take(&mut stream).await.map_err(|error| error.to_string());
        let want = want.map(|address| address.map(|address| address.parse().unwrap()));
        assert_eq!(taken, want.map_err(str::to_owned), "{bytes:?}");
        if taken.is_ok() {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, left, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn version_1_names_the_client() {
        let line = |line: &str| format!("{line}\r\nGET").into_bytes();
        check(&line("PROXY TCP4 192.0.2.1 192.0.2.2 5 80"), Ok(Some("192.0.2.1")), b"GET").await;
        check(&line("PROXY TCP6 2001:db8::1 ::1 5 80"), Ok(Some("2001:db8::1")), b"GET").await;
        check(&line("PROXY UNKNOWN"), Ok(None), b"GET").await;
        let malformed = Err("malformed PROXY header");
        check(&line("PROXY TCP4 192.0.2.1"), malformed, b"").await;
        check(&line("PROXY TCP4 2001:db8::1 ::1 5 80"), malformed, b"").await;
        check(&[b"PROXY ".as_slice(), &[b'a'; 200]].concat(), malformed, b"").await;
    }

    #[tokio::test]
    async fn version_2_names_the_client() {
        let header = |command: u8, family: u8, addresses: &[u8]| {
            let length = (addresses.len() as u16).to_be_bytes();
            [v2::PROTOCOL_PREFIX, &[command, family], &length, addresses, b"GET"].concat()
        };
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0, 5, 0, 80];
        check(&header(0x21, 0x11, &v4), Ok(Some("192.0.2.1")), b"GET").await;
        check(&header(0x20, 0x00, &[]), Ok(None), b"GET").await;
        check(&header(0x21, 0x11, &v4[..4]), Err("malformed PROXY header"), b"").await;
        check(&header(0x31, 0x11, &v4), Err("malformed PROXY header"), b"").await;
    }

    #[tokio::test]
    async fn what_is_no_header_is_left_alone() {
        for bytes in
            [&b"GET / HTTP/1.1\r\n"[..], b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01", b"PROXY", b""]
        {
            check(bytes, Ok(None), bytes).await;
        }
    }
}
