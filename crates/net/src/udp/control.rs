//! The control message that says which address a datagram was sent to (`IP_PKTINFO`,
//! `IPV6_PKTINFO`), its way back with the answer, and the one that cuts a message into answers.

use std::{mem, slice};

/// Room for one control message of either family, 32 bytes for IPv4 and 40 for IPv6, and for 24 of a segment's length.
#[repr(C, align(8))]
pub(super) struct Control {
    _bytes: [u8; 64],
}

/// Turns "arrived at this address through this interface" into "leave from this address".
///
/// The kernel reads the same message when sending as it wrote when receiving, but an interface in
/// it would go past the routing table, which may want another way back to the client. A
/// link-local client still leaves by its interface: that one is in its address.
///
/// # Safety
/// `message.msg_control` must point to `message.msg_controllen` bytes that the kernel wrote and
/// that nothing else reads or writes during the call.
#[inline]
pub(super) unsafe fn forget_interface(message: &libc::msghdr) {
    // SAFETY: by the contract the control bytes may be read; null when they hold no header.
    let first = unsafe { libc::CMSG_FIRSTHDR(message) };
    if first.is_null() {
        return;
    }
    // SAFETY: not null, so a whole header lies within the control bytes.
    let header = unsafe { first.read_unaligned() };
    let body_bytes = (header.cmsg_len as usize).saturating_sub(header_bytes());
    // SAFETY: one past the header, at most at the end of the control bytes.
    let body = unsafe { libc::CMSG_DATA(first) };
    match (header.cmsg_level, header.cmsg_type) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) if body_bytes >= size_of::<libc::in_pktinfo>() => {
            let at = mem::offset_of!(libc::in_pktinfo, ipi_ifindex);
            // SAFETY: the kernel wrote a whole in_pktinfo there, `at` is a field of it.
            unsafe { body.add(at).cast::<libc::c_int>().write_unaligned(0) };
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
            if body_bytes >= size_of::<libc::in6_pktinfo>() =>
        {
            let at = mem::offset_of!(libc::in6_pktinfo, ipi6_ifindex);
            // SAFETY: the kernel wrote a whole in6_pktinfo there, `at` is a field of it.
            unsafe { body.add(at).cast::<libc::c_uint>().write_unaligned(0) };
        }
        _ => {}
    }
}

/// Whether two queries came to the same address: one answers from where the other was asked.
///
/// # Safety
/// As for [`forget_interface`], for both.
#[inline]
pub(super) unsafe fn is_same(one: &libc::msghdr, other: &libc::msghdr) -> bool {
    if one.msg_controllen != other.msg_controllen {
        return false;
    }
    if one.msg_controllen == 0 {
        return true;
    }
    let len: usize = one.msg_controllen as _;
    // SAFETY: by the contract both have so many bytes that are written and that nothing else writes.
    unsafe {
        slice::from_raw_parts(one.msg_control.cast::<u8>(), len)
            == slice::from_raw_parts(other.msg_control.cast::<u8>(), len)
    }
}

/// Has the kernel cut the message into datagrams of `segment` bytes, the last of them perhaps shorter. The order
/// stands behind the first `used` control bytes. False when there is no room for it.
///
/// # Safety
/// `message.msg_control` must point to a [`Control`] that nothing else reads or writes during the call, and of
/// which the kernel wrote the first `used` bytes.
#[inline]
pub(super) unsafe fn set_segment(message: &mut libc::msghdr, used: usize, segment: usize) -> bool {
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute.
    let (space, len) = unsafe { (libc::CMSG_SPACE(2) as usize, libc::CMSG_LEN(2)) };
    let Ok(segment) = u16::try_from(segment) else { return false };
    if used + space > size_of::<Control>() {
        return false;
    }
    // SAFETY: a header and two bytes lie within the Control, as was just seen, which is aligned for a header;
    // so is `used`, by which the kernel counts whole control messages with their padding.
    unsafe {
        let header = message.msg_control.byte_add(used).cast::<libc::cmsghdr>();
        header.write_unaligned(libc::cmsghdr {
            cmsg_len: len as _,
            cmsg_level: libc::SOL_UDP,
            cmsg_type: libc::UDP_SEGMENT,
        });
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment);
    }
    message.msg_controllen = (used + space) as _;
    true
}

/// Length of a control message with an empty body.
const fn header_bytes() -> usize {
    // SAFETY: CMSG_LEN only computes.
    (unsafe { libc::CMSG_LEN(0) }) as usize
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    /// The control message of one datagram as the kernel leaves it, after `forget_interface`.
    fn forgotten<T>(level: libc::c_int, kind: libc::c_int, info: T, body_bytes: usize) -> T {
        let mut control = Control { _bytes: [0; 64] };
        // SAFETY: msghdr is made of integers and pointers, which may be zero.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = size_of::<Control>() as _;
        // SAFETY: the control bytes have room for a header and either info.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = (header_bytes() + body_bytes) as _;
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(info);
            forget_interface(&message);
            libc::CMSG_DATA(header).cast::<T>().read_unaligned()
        }
    }

    #[test]
    fn the_address_stays_and_the_interface_goes() {
        let asked = libc::in_addr { s_addr: u32::from_ne_bytes([192, 0, 2, 1]) };
        let info = libc::in_pktinfo { ipi_ifindex: 7, ipi_spec_dst: asked, ipi_addr: asked };
        let check = |level, body_bytes, index| {
            let left = forgotten(level, libc::IP_PKTINFO, info, body_bytes);
            assert_eq!(left.ipi_ifindex, index);
            assert_eq!(left.ipi_spec_dst.s_addr, asked.s_addr);
        };
        check(libc::IPPROTO_IP, size_of::<libc::in_pktinfo>(), 0);
        check(libc::IPPROTO_IP, size_of::<libc::in_pktinfo>() - 1, 7);
        check(libc::IPPROTO_IP, 0, 7);
        check(libc::SOL_SOCKET, size_of::<libc::in_pktinfo>(), 7);
    }

    #[test]
    fn the_same_for_ipv6() {
        let asked = libc::in6_addr { s6_addr: [9; 16] };
        let info = libc::in6_pktinfo { ipi6_addr: asked, ipi6_ifindex: 7 };
        let size = size_of::<libc::in6_pktinfo>();
        for (body_bytes, index) in [(size, 0), (size - 1, 7)] {
            let left = forgotten(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info, body_bytes);
            assert_eq!(left.ipi6_ifindex, index);
            assert_eq!(left.ipi6_addr.s6_addr, asked.s6_addr);
        }
    }

    #[test]
    fn a_datagram_without_control_message_is_left_alone() {
        // SAFETY: msghdr is made of integers and pointers, which may be zero.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_control = ptr::dangling_mut();
        // SAFETY: no byte of control message is said to exist.
        unsafe { forget_interface(&message) };
    }
}
