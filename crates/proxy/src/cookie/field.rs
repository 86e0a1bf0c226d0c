//! The `set-cookie` field of a session: made once for all clients that an endpoint gets in the same second.
//!
//! It names an endpoint and nothing of its client, so that they can share it.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;
use trimtab_model::BalancerId;
use trimtab_model::balancer::{SameSite, Secure};
use trimtab_steer::Held;

use super::{Keys, NAME};
use crate::h1::put_decimal;

/// What such a field says, but for the second in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) balancer: BalancerId,
    pub(crate) held: Held,
    /// Seconds.
    pub(crate) max_age: u32,
    pub(crate) same_site: SameSite,
    pub(crate) secure: Secure,
    pub(crate) over_tls: bool,
}

/// Those that were made last, with the second in which each expires.
#[derive(Debug, Default)]
pub(super) struct Fields(RefCell<HashMap<Binding, (u32, Bytes), foldhash::fast::RandomState>>);

/// Endpoints that are given new sessions within a second, of all balancers; with one more all are made anew.
const FIELDS_MAX: usize = 1024;
/// The longest there is: a value, a number, and every attribute.
const FIELD_BYTES: usize = 160;

// === impl Keys ===

impl Keys {
    /// At this second of the wall clock. None without any key.
    pub(crate) fn field(&self, binding: Binding, now: u64) -> Option<Bytes> {
        let expires = now.saturating_add(binding.max_age.into());
        let expires = u32::try_from(expires).unwrap_or(u32::MAX);
        let mut fields = self.fields.0.borrow_mut();
        if let Some((until, field)) = fields.get(&binding)
            && *until == expires
        {
            return Some(field.clone());
        }
        let field = binding.field(&self.seal(binding.balancer, binding.held, expires)?);
        if fields.len() >= FIELDS_MAX {
            fields.clear();
        }
        fields.insert(binding, (expires, field.clone()));
        Some(field)
    }
}

// === impl Binding ===

/// Nearly all are told apart by their endpoint, so that the rest need not be hashed for each request.
impl Hash for Binding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.held.hash(state);
    }
}

impl Binding {
    /// RFC 6265 section 4.1. Auto is Lax without TLS, and None with Secure over it: without Secure no browser takes None.
    fn field(&self, value: &str) -> Bytes {
        let is_secure = match self.secure {
            Secure::Always => true,
            Secure::Auto => self.over_tls,
            Secure::Never => false,
        };
        let same_site = match self.same_site {
            SameSite::Auto if self.over_tls && is_secure => "None",
            SameSite::Auto | SameSite::Lax => "Lax",
            SameSite::None => "None",
            SameSite::Strict => "Strict",
        };
        let mut field = BytesMut::with_capacity(FIELD_BYTES);
        field.extend_from_slice(NAME);
        field.extend_from_slice(value.as_bytes());
        field.extend_from_slice(b"; Path=/; Max-Age=");
        put_decimal(&mut field, self.max_age.into());
        field.extend_from_slice(b"; HttpOnly; SameSite=");
        field.extend_from_slice(same_site.as_bytes());
        if is_secure {
            field.extend_from_slice(b"; Secure");
        }
        field.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding = Binding {
        balancer: BalancerId::new([1; 16]),
        held: Held { pool: 1, endpoint: 2 },
        max_age: 82_800,
        same_site: SameSite::Auto,
        secure: Secure::Auto,
        over_tls: false,
    };

    fn keys() -> Keys {
        Keys::new(std::iter::once((1, &[7; 32]))).unwrap()
    }

    /// What a field says, opened: the endpoint, when it expires, and the attributes.
    fn read(keys: &Keys, binding: Binding, now: u64) -> (Held, u32, String) {
        let field = keys.field(binding, now).unwrap();
        let value = super::super::find(&field).unwrap();
        let (held, expires) = keys.open(binding.balancer, value).unwrap();
        let attributes = field.splitn(2, |byte| *byte == b';').nth(1).unwrap();
        (held, expires, String::from_utf8(attributes.to_vec()).unwrap())
    }

    #[test]
    fn rfc_6265_section_4_1_the_attributes_of_the_field() {
        use SameSite::{Auto, Lax, None, Strict};
        let check = |same_site, secure, over_tls, want: &str| {
            let binding = Binding { same_site, secure, over_tls, ..BINDING };
            let (_, _, attributes) = read(&keys(), binding, 0);
            let want = format!(" Path=/; Max-Age=82800; HttpOnly; SameSite={want}");
            assert_eq!(attributes, want, "{binding:?}");
        };
        check(Auto, Secure::Auto, false, "Lax");
        check(Auto, Secure::Auto, true, "None; Secure");
        check(Auto, Secure::Never, true, "Lax");
        check(Auto, Secure::Always, false, "Lax; Secure");
        check(Lax, Secure::Auto, true, "Lax; Secure");
        check(None, Secure::Always, true, "None; Secure");
        check(Strict, Secure::Never, false, "Strict");
    }

    #[test]
    fn a_field_is_shared_within_a_second_by_those_that_it_is_the_same_for() {
        let keys = keys();
        let first = keys.field(BINDING, 1_000).unwrap();
        let check = |binding: Binding, now: u64, shared: bool| {
            assert_eq!(keys.field(binding, now).unwrap() == first, shared, "{binding:?} {now}");
            let want = (binding.held, u32::try_from(now).unwrap() + binding.max_age);
            let (held, expires, _) = read(&keys, binding, now);
            assert_eq!((held, expires), want, "{binding:?} {now}");
        };
        check(BINDING, 1_000, true);
        check(Binding { held: Held { pool: 1, endpoint: 3 }, ..BINDING }, 1_000, false);
        check(Binding { balancer: BalancerId::new([2; 16]), ..BINDING }, 1_000, false);
        check(Binding { max_age: 1_800, ..BINDING }, 1_000, false);
        check(Binding { over_tls: true, ..BINDING }, 1_000, false);
        check(BINDING, 1_000, true);
        check(BINDING, 1_001, false);
    }

    #[test]
    fn so_many_fields_are_kept_and_no_more() {
        let keys = keys();
        for endpoint in 0..FIELDS_MAX as u64 + 1 {
            let held = Held { pool: 1, endpoint };
            assert_eq!(read(&keys, Binding { held, ..BINDING }, 5).0, held);
            assert!(keys.fields.0.borrow().len() <= FIELDS_MAX);
        }
    }

    #[test]
    fn without_a_key_there_is_none() {
        let none = Keys::new(std::iter::empty()).unwrap();
        assert_eq!(none.field(BINDING, 0), None);
    }
}
