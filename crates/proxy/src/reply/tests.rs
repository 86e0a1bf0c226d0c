use super::*;

#[test]
fn semantics_35_errors_say_their_number_and_ray_and_no_origin() {
    let check = |fault, json, status, wants: &[&str]| {
        let own = Own::fault(fault, "0123456789abcdef-FRA", json);
        let text = String::from_utf8(own.body.to_vec()).unwrap();
        assert_eq!(own.status, status, "{fault:?}");
        let told = wants.iter().chain(&["0123456789abcdef-FRA"]).all(|want| text.contains(want));
        assert!(told, "{fault:?}: {text}");
        assert_eq!(text.starts_with('{'), json, "{text}");
    };
    for json in [true, false] {
        check(Fault::Unknown, json, 520, &["520", "unknown error"]);
        check(Fault::Refused, json, 521, &["521", "is down"]);
        check(Fault::HungUp, json, 521, &["521"]);
        check(Fault::ConnectTimeout, json, 522, &["522", "timed out"]);
        check(Fault::Unreachable, json, 523, &["523"]);
        check(Fault::ResponseTimeout, json, 524, &["524"]);
        check(Fault::TlsHandshake, json, 525, &["525"]);
        check(Fault::Certificate, json, 526, &["526"]);
        check(Fault::NoOrigin, json, 530, &["530", "1016"]);
        check(Fault::Busy, json, 503, &["503"]);
    }
}

#[test]
fn rfc_9110_section_8_6_lengths_of_bodies_that_do_not_come() {
    let check = |status, body, to_head, want| {
        let mut fields = Fields::default();
        assert!(fields.push(b"content-length", b"7"));
        let added = Added::new();
        let reply = Reply { status, of_origin: Some(&fields), added, body, to_head };
        assert_eq!(reply.told_length(), want, "{status} {body:?}");
        assert_eq!(reply.fields().count(), 0, "framing is never copied");
    };
    check(200, Body::Length(5), false, Some(5));
    check(200, Body::Streamed, false, None);
    check(200, Body::UntilClose, false, None);
    check(200, Body::None, false, Some(0));
    check(200, Body::None, true, Some(7));
    check(304, Body::None, false, Some(7));
    check(204, Body::None, false, None);
    check(103, Body::None, false, None);
}

#[test]
fn rfc_9110_section_15_5_6_who_may_not_is_told_what_may() {
    let allow = |refusal| Own::refusal(refusal).allow;
    assert_eq!(allow(Refusal::Method), Some(METHODS));
    assert_eq!(allow(Refusal::Host), None);
    let own = Own::refusal(Refusal::Method);
    let texts = own.texts();
    assert!(own.head(&texts).fields().any(|field| field == (b"allow", METHODS.as_bytes())));
}
