//! The bytes of ICMP: one echo request, and which of all messages that arrive is its answer.
//! RFC 792 for IPv4, RFC 4443 for IPv6.

use std::net::IpAddr;

/// Random, so that no other answer is taken for this one's; as long as a timestamp of `ping`.
pub const PAYLOAD_BYTES: usize = 16;
/// Type, code, checksum, identifier, sequence; the same for both families.
const HEADER_BYTES: usize = 8;
/// RFC 8200 section 3.
const IPV6_HEADER_BYTES: usize = 40;
/// The protocol number in the header of IPv4; the next one is that of IPv6.
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// One echo request and all that tells its answer from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    pub to: IpAddr,
    /// None where the kernel puts its own in and sorts answers by it.
    pub identifier: Option<u16>,
    pub sequence: u16,
    pub payload: [u8; PAYLOAD_BYTES],
}

/// What a message means to the one who sent an [`Echo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Reply,
    /// A router or the host itself says that the request goes nowhere.
    Unreachable(Unreachable),
    /// Somebody else's.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    Host,
    Network,
}

// === impl Echo ===

impl Echo {
    /// With its checksum (RFC 1071); the kernel does it again for IPv6, whose checksum covers addresses.
    pub fn request(&self) -> Vec<u8> {
        let kind = if self.to.is_ipv4() { 8 } else { 128 };
        let [id_high, id_low] = self.identifier.unwrap_or(0).to_be_bytes();
        let [high, low] = self.sequence.to_be_bytes();
        let mut message = vec![kind, 0, 0, 0, id_high, id_low, high, low];
        message.extend_from_slice(&self.payload);
        let sum = checksum(&message).to_be_bytes();
        message.splice(2..4, sum);
        message
    }

    /// `message` begins with the ICMP header.
    pub fn heard(&self, from: IpAddr, message: &[u8]) -> Heard {
        let (reply, unreachable) = if self.to.is_ipv4() { (0, 3) } else { (129, 1) };
        let Some((&[kind, code, ..], rest)) = message.split_first_chunk::<HEADER_BYTES>() else {
            return Heard::Nothing;
        };
        match kind {
            _ if kind == reply && from == self.to && self.is_mine(message, rest) => Heard::Reply,
            _ if kind == unreachable && self.is_about_me(rest) => {
                Heard::Unreachable(self.unreachable(code))
            }
            _ => Heard::Nothing,
        }
    }

    fn is_mine(&self, header: &[u8], payload: &[u8]) -> bool {
        self.has_my_numbers(header) && payload == self.payload
    }

    fn has_my_numbers(&self, header: &[u8]) -> bool {
        let Some(&[id_high, id_low, high, low]) = header.get(4..HEADER_BYTES) else { return false };
        let identifier = u16::from_be_bytes([id_high, id_low]);
        self.identifier.is_none_or(|mine| mine == identifier)
            && u16::from_be_bytes([high, low]) == self.sequence
    }

    /// An error carries the beginning of the packet that it is about; routers cut it where they like.
    fn is_about_me(&self, packet: &[u8]) -> bool {
        let (request, inner) = match self.to {
            IpAddr::V4(to) => {
                let sent_there =
                    packet.get(16..20) == Some(&to.octets()) && packet.get(9) == Some(&ICMP);
                (8, sent_there.then(|| without_ipv4_header(packet)).flatten())
            }
            IpAddr::V6(to) => {
                let sent_there = packet.get(24..IPV6_HEADER_BYTES) == Some(&to.octets())
                    && packet.get(6) == Some(&ICMPV6);
                (128, sent_there.then(|| packet.get(IPV6_HEADER_BYTES..)).flatten())
            }
        };
        inner.is_some_and(|inner| inner.first() == Some(&request) && self.has_my_numbers(inner))
    }

    /// The codes that speak of a network are Linux's own choice of `ENETUNREACH`.
    fn unreachable(&self, code: u8) -> Unreachable {
        match (self.to, code) {
            (IpAddr::V4(_), 0 | 6 | 9 | 11) | (IpAddr::V6(_), 0) => Unreachable::Network,
            (IpAddr::V4(_) | IpAddr::V6(_), _) => Unreachable::Host,
        }
    }
}

/// What follows the header; None when that is cut off.
pub fn without_ipv4_header(packet: &[u8]) -> Option<&[u8]> {
    let words = usize::from(packet.first()? & 0x0f);
    packet.get(words.max(5) * 4..)
}

/// RFC 1071: the complement of the ones' complement sum.
fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    // Far too few words for the sum to leave 32 bits.
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(((folded & 0xffff) + (folded >> 16)) as u16)
}

#[cfg(test)]
mod tests;
