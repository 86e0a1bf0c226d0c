//! The two messages of `grpc.health.v1.Health/Check`, in the little of Protocol Buffers that they need.

use trimtab_model::words;

/// Bytes of an answer; a whole one has seven.
pub(super) const ANSWER_BYTES_MAX: usize = 4096;
/// Before each message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
/// `service` of `HealthCheckRequest`: field 1, bytes with a length.
const SERVICE_KEY: u8 = 0x0a;
/// Bytes of a number of 64 bits, seven bits in each.
const VARINT_BYTES_MAX: usize = 10;

words! {
    /// `HealthCheckResponse.ServingStatus`.
    Serving {
        Unknown = "UNKNOWN",
        Serving = "SERVING",
        NotServing = "NOT_SERVING",
        ServiceUnknown = "SERVICE_UNKNOWN",
    }
}

/// The request, ready to be sent.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(SERVICE_KEY);
        put_varint(&mut message, service.len());
        message.extend_from_slice(service.as_bytes());
    }
    // A service's name has at most a few hundred bytes.
    let length = (message.len() as u32).to_be_bytes();
    [&[0], &length[..], &message].concat()
}

// === impl Serving ===

impl Serving {
    /// Of a whole answer.
    ///
    /// # Errors
    /// When the bytes are no answer to a health check.
    pub fn read(bytes: &[u8]) -> Result<Serving, &'static str> {
        let Some((&[compressed, length @ ..], message)) = bytes.split_first_chunk::<PREFIX_BYTES>()
        else {
            return Err("there is no message");
        };
        if compressed != 0 {
            return Err("the message is compressed, which nobody asked for");
        }
        let message = usize::try_from(u32::from_be_bytes(length))
            .ok()
            .and_then(|length| message.get(..length))
            .ok_or("the message is cut off")?;
        status(message)
    }

    fn numbered(number: u64) -> Result<Serving, &'static str> {
        match number {
            0 => Ok(Serving::Unknown),
            1 => Ok(Serving::Serving),
            2 => Ok(Serving::NotServing),
            3 => Ok(Serving::ServiceUnknown),
            _ => Err("the status is none that is known"),
        }
    }
}

/// Field 1; the last one counts, and 0 is not sent.
fn status(mut message: &[u8]) -> Result<Serving, &'static str> {
    let mut status = Serving::Unknown;
    while !message.is_empty() {
        let (key, rest) = varint(message)?;
        message = match (key >> 3, key & 7) {
            (1, 0) => {
                let (number, rest) = varint(rest)?;
                status = Serving::numbered(number)?;
                rest
            }
            (_, 0) => varint(rest)?.1,
            (_, 1) => skip(rest, 8)?,
            (_, 2) => {
                let (length, rest) = varint(rest)?;
                skip(rest, usize::try_from(length).unwrap_or(usize::MAX))?
            }
            (_, 5) => skip(rest, 4)?,
            _ => return Err("a field is of no type"),
        };
    }
    Ok(status)
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), &'static str> {
    let mut number = 0_u64;
    for (&byte, place) in bytes.iter().zip(0..VARINT_BYTES_MAX) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * place as u32).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((number, bytes.get(place + 1..).unwrap_or_default()));
        }
    }
    Err("a number does not end")
}

fn put_varint(message: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        message.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

fn skip(bytes: &[u8], count: usize) -> Result<&[u8], &'static str> {
    bytes.get(count..).ok_or("a field is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_service_or_nothing() {
        assert_eq!(request(""), [0, 0, 0, 0, 0]);
        assert_eq!(request("a.B"), *b"\x00\x00\x00\x00\x05\x0a\x03a.B");
        let long = request(&"x".repeat(200));
        assert_eq!(long[..8], [0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01]);
        assert_eq!(long.len(), 208);
    }

    #[test]
    fn an_answer_has_a_status() {
        let check = |bytes: &[u8], want| assert_eq!(Serving::read(bytes), want, "{bytes:02x?}");
        check(&[0, 0, 0, 0, 2, 8, 1], Ok(Serving::Serving));
        check(&[0, 0, 0, 0, 2, 8, 2], Ok(Serving::NotServing));
        check(&[0, 0, 0, 0, 2, 8, 3], Ok(Serving::ServiceUnknown));
        check(&[0, 0, 0, 0, 0], Ok(Serving::Unknown));
        check(&[0, 0, 0, 0, 4, 8, 2, 8, 1], Ok(Serving::Serving));
        // Fields of later versions are passed over, whatever their type.
        let later = b"\x00\x00\x00\x00\x18\x11_8bytes_\x1a\x03abc\x25four\x28\x80\x01\x08\x01";
        check(later, Ok(Serving::Serving));
        check(&[0, 0, 0, 0], Err("there is no message"));
        check(&[1, 0, 0, 0, 2, 8, 1], Err("the message is compressed, which nobody asked for"));
        check(&[0, 0, 0, 0, 3, 8, 1], Err("the message is cut off"));
        check(&[0, 0, 0, 0, 2, 8, 9], Err("the status is none that is known"));
        check(&[0, 0, 0, 0, 2, 11, 1], Err("a field is of no type"));
        check(&[0, 0, 0, 0, 2, 8, 0x80], Err("a number does not end"));
        check(&[0, 0, 0, 0, 3, 0x1a, 9, 1], Err("a field is cut off"));
        check(&[&[0, 0, 0, 0, 12, 8][..], &[0xff; 11]].concat(), Err("a number does not end"));
    }
}
