//! Heads of HTTP/2 and HTTP/3 to the heads that every request has here, and back.

use bytes::BytesMut;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use crate::head::{
    Body, FIELDS_MAX, Fields, Known, RequestHead, Span, Upgrade, Version, body_of_request,
    check_host,
};
use crate::refusal::Refusal;
use crate::reply::Reply;

/// Names that an HTTP/1.1 server takes as another request's are refused, whatever the framing of HTTP/2 would allow.
pub(crate) fn request_head(
    parts: Parts,
    has_body: bool,
    version: Version,
) -> Result<RequestHead, Refusal> {
    let mut fields = Fields { bytes: BytesMut::with_capacity(1024), list: Vec::new() };
    let websocket = upgrade_of(&parts)?;
    // A WebSocket begins with GET where origins speak HTTP/1.1 (RFC 8441 section 5).
    let method = if websocket == Upgrade::WebSocket { "GET" } else { parts.method.as_str() };
    let method = append(&mut fields, method.as_bytes())?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let is_path =
        target.starts_with('/') || (target == "*" && parts.method == http::Method::OPTIONS);
    if !is_path || !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(Refusal::RequestLine);
    }
    let target = append(&mut fields, target.as_bytes())?;
    let authority = append(&mut fields, authority_of(&parts)?.as_bytes())?;
    let length = check_host(fields.text(authority))?.name.len();
    let host = Span::new(authority.range().start, length).ok_or(Refusal::Host)?;
    fields.bytes.get_mut(host.range()).unwrap_or_default().make_ascii_lowercase();
    take_fields(&mut fields, &parts.headers)?;
    let body = match body_of_request(&fields, version)? {
        // What comes over a tunnel is no body.
        Body::None if has_body && websocket == Upgrade::None => Body::Streamed,
        body => body,
    };
    Ok(RequestHead {
        keeps: true,
        method,
        target,
        host,
        authority,
        version,
        body,
        upgrade: websocket,
        fields,
    })
}

/// RFC 8441 section 4: CONNECT with a protocol; without one nobody is connected to anything here.
fn upgrade_of(parts: &Parts) -> Result<Upgrade, Refusal> {
    let protocol = parts.extensions.get::<h2::ext::Protocol>().map(h2::ext::Protocol::as_str);
    match (parts.method == http::Method::CONNECT, protocol) {
        (true, Some("websocket")) => Ok(Upgrade::WebSocket),
        (true, Some(_) | None) => Err(Refusal::Method),
        (false, _) => Ok(Upgrade::None),
    }
}

/// RFC 9113 section 8.3.1: where both are, they say the same.
fn authority_of(parts: &Parts) -> Result<&str, Refusal> {
    let mut hosts = parts.headers.get_all(http::header::HOST).iter();
    let of_field = hosts.next().map(|host| host.to_str()).transpose();
    let of_field = of_field.map_err(|_not_text| Refusal::Host)?;
    if hosts.next().is_some() {
        return Err(Refusal::Host);
    }
    match (parts.uri.authority().map(http::uri::Authority::as_str), of_field) {
        (Some(pseudo), Some(field)) if !pseudo.eq_ignore_ascii_case(field) => Err(Refusal::Host),
        (Some(pseudo), _) => Ok(pseudo),
        (None, Some(field)) => Ok(field),
        (None, None) => Err(Refusal::Host),
    }
}

fn append(fields: &mut Fields, text: &[u8]) -> Result<Span, Refusal> {
    let span = Span::new(fields.bytes.len(), text.len()).ok_or(Refusal::HeadTooLarge)?;
    fields.bytes.extend_from_slice(text);
    Ok(span)
}

fn take_fields(fields: &mut Fields, headers: &HeaderMap) -> Result<(), Refusal> {
    // Crumbs of cookies are one line between them, and browsers send many.
    let crumbs = || headers.get_all(http::header::COOKIE).iter().count();
    if headers.len() > FIELDS_MAX && headers.len() - crumbs() > FIELDS_MAX {
        return Err(Refusal::TooManyFields);
    }
    let mut cookies: Vec<u8> = Vec::new();
    for (name, value) in headers {
        let value = value.as_bytes();
        // Crumbs are one field for HTTP/1.1 (RFC 9113 section 8.2.3).
        if name == http::header::COOKIE {
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(value);
        } else if name == http::header::EXPECT && !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::Expectation);
        } else if !fields.push(name.as_str().as_bytes(), value) {
            return Err(Refusal::HeadTooLarge);
        }
    }
    if !cookies.is_empty() && !fields.push(b"cookie", &cookies) {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(())
}

/// The head of a response. What the crate `http` cannot hold was no field of any protocol and is left out.
pub(crate) fn response_of(reply: &Reply<'_>, status: u16) -> Option<Response<()>> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    put_fields(response.headers_mut(), reply.fields());
    if let Some(length) = reply.told_length() {
        response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    Some(response)
}

/// Adds those that both protocols know.
pub(crate) fn put_fields<'a>(
    to: &mut HeaderMap,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) {
    for (name, value) in fields {
        let pair = HeaderName::from_bytes(name).ok().zip(HeaderValue::from_bytes(value).ok());
        if let Some((name, mut value)) = pair {
            // Each message has another: in the table of HPACK it would only be in the way of what comes again.
            value.set_sensitive(name.as_str() == "cf-ray");
            to.append(name, value);
        }
    }
}

pub(crate) fn trailers_to(trailers: &Fields) -> HeaderMap {
    let mut map = HeaderMap::new();
    let passed = trailers.iter().filter(|(known, ..)| matches!(known, Known::Other | Known::Date));
    put_fields(&mut map, passed.map(|(_, name, value)| (name, value)));
    map
}

pub(crate) fn trailers_of(map: &HeaderMap) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in map {
        // Trailers beyond all limits end where they reach them.
        if !fields.push(name.as_str().as_bytes(), value.as_bytes()) {
            break;
        }
    }
    fields.list.retain(|field| matches!(field.known, Known::Other | Known::Date));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_message_has_anew_stays_out_of_hpacks_table() {
        let fields: [(&[u8], &[u8]); 2] = [(b"cf-ray", b"0123456789abcdef-FRA"), (b"date", b"now")];
        let mut map = HeaderMap::new();
        put_fields(&mut map, fields.into_iter());
        let out =
            map.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.as_str());
        assert_eq!(out.collect::<Vec<_>>(), ["cf-ray"]);
    }

    #[test]
    fn rfc_9113_section_8_2_3_crumbs_of_cookies_are_one_line() {
        let check = |crumbs: usize, others: usize, want: Result<usize, Refusal>| {
            let mut request = http::Request::get("https://a.example/").body(()).unwrap();
            let mut add = |name: String, value| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                request.headers_mut().append(name, HeaderValue::from_static(value));
            };
            (0..crumbs).for_each(|_| add("cookie".into(), "a=b"));
            (0..others).for_each(|number| add(format!("x-{number}"), "c"));
            let (parts, ()) = request.into_parts();
            let head = request_head(parts, false, Version::Http2);
            assert_eq!(head.map(|head| head.fields.list.len()), want, "{crumbs} {others}");
        };
        check(FIELDS_MAX + 50, 3, Ok(4));
        check(1, FIELDS_MAX - 1, Ok(FIELDS_MAX));
        check(0, FIELDS_MAX + 1, Err(Refusal::TooManyFields));
        check(5, FIELDS_MAX + 1, Err(Refusal::TooManyFields));
    }
}
