//! What the headers say about who asks: three ways to present one kind of secret.

use axum::http::HeaderMap;

use super::{Refusal, Secret};

const AUTHORIZATION: &str = "authorization";
const EMAIL: &str = "x-auth-email";
const KEY: &str = "x-auth-key";
const SERVICE_KEY: &str = "x-auth-user-service-key";
/// What the hosted API's service keys begin with; ours may, before the token.
const SERVICE_KEY_PREFIX: &str = "v1.0-";

/// Chained under "Invalid request headers".
const BAD_EMAIL: (u32, &str) = (6102, "Invalid format for X-Auth-Email header");
const BAD_KEY: (u32, &str) = (6103, "Invalid format for X-Auth-Key header");
const BAD_SERVICE_KEY: (u32, &str) = (6106, "Invalid format for X-Auth-User-Service-Key header");
const BAD_AUTHORIZATION: (u32, &str) = (6111, "Invalid format for Authorization header");

/// The secret presented. A token wins over a key, since only one of them is what the client means.
pub(crate) fn read(headers: &HeaderMap) -> Result<Secret, Refusal> {
    if headers.contains_key(AUTHORIZATION) {
        return bearer(headers).ok_or_else(|| Refusal::malformed([BAD_AUTHORIZATION]));
    }
    if headers.contains_key(EMAIL) || headers.contains_key(KEY) {
        return key_with_email(headers);
    }
    if headers.contains_key(SERVICE_KEY) {
        return service_key(headers).ok_or_else(|| Refusal::malformed([BAD_SERVICE_KEY]));
    }
    Err(Refusal::NoCredentials)
}

/// RFC 6750 section 2.1; the scheme's name is not case-sensitive (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, value) = text(headers, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(())?;
    Secret::read(value.trim())
}

/// Any address goes with a key: a key is a token's value, and tokens have no address.
fn key_with_email(headers: &HeaderMap) -> Result<Secret, Refusal> {
    let email = text(headers, EMAIL).filter(|email| email.contains('@'));
    let key = text(headers, KEY).and_then(Secret::read);
    match (email, key) {
        (Some(_), Some(key)) => Ok(key),
        (Some(_), None) => Err(Refusal::malformed([BAD_KEY])),
        (None, Some(_)) => Err(Refusal::malformed([BAD_EMAIL])),
        (None, None) => Err(Refusal::malformed([BAD_EMAIL, BAD_KEY])),
    }
}

fn service_key(headers: &HeaderMap) -> Option<Secret> {
    let value = text(headers, SERVICE_KEY)?;
    Secret::read(value.strip_prefix(SERVICE_KEY_PREFIX).unwrap_or(value))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    // A value that is not ASCII is no secret of ours.
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const TOKEN: &str = "0123456789abcdefghijABCDEFGHIJ0123456789_-";

    #[test]
    fn each_way_to_present_a_token() {
        let check = |headers: &[(&str, &str)], want: Result<&str, &str>| {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            let found = read(&map);
            let found = found.as_ref().map(Secret::reveal).map_err(ToString::to_string);
            assert_eq!(found, want.map_err(str::to_owned), "{headers:?}");
        };
        let bearer = format!("Bearer {TOKEN}");
        let key = |key: &str| {
            vec![("X-Auth-Email".to_owned(), "a@b".to_owned()), ("X-Auth-Key".into(), key.into())]
        };
        check(&[("Authorization", &bearer)], Ok(TOKEN));
        check(&[("Authorization", &format!("bearer  {TOKEN}"))], Ok(TOKEN));
        check(&[("Authorization", &bearer), ("X-Auth-Key", "x")], Ok(TOKEN));
        check(&[("Authorization", TOKEN)], Err("malformed credentials: 6111"));
        check(&[("Authorization", "Bearer short")], Err("malformed credentials: 6111"));
        check(&[("Authorization", "Basic YTpi")], Err("malformed credentials: 6111"));
        let pairs = key(TOKEN);
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        check(&pairs, Ok(TOKEN));
        check(&[("X-Auth-Email", "a@b"), ("X-Auth-Key", "x")], Err("malformed credentials: 6103"));
        check(&[("X-Auth-Key", TOKEN)], Err("malformed credentials: 6102"));
        check(&[("X-Auth-Key", "")], Err("malformed credentials: 6102, 6103"));
        check(&[("X-Auth-User-Service-Key", TOKEN)], Ok(TOKEN));
        check(&[("X-Auth-User-Service-Key", &format!("v1.0-{TOKEN}"))], Ok(TOKEN));
        check(&[("X-Auth-User-Service-Key", "v1.0-x")], Err("malformed credentials: 6106"));
        check(&[], Err("no credentials"));
    }
}
