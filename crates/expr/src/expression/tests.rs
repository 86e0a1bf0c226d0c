//! What a caller learns of an expression before it is evaluated.

use super::*;

fn fields(source: &str, phase: Phase) -> Vec<(&'static str, &str)> {
    let expression = parse(source).unwrap();
    let foreign = expression.foreign(phase);
    foreign.map(|used| (used.field, &source[used.span.start..used.span.end])).collect()
}

#[test]
fn semantics_22_fields_of_the_other_phase_are_told() {
    let source = r#"http.host eq "a" or any(lower(http.request.headers["a"][*])[*] eq "b")
        or dns.qry.type eq 1 or http.host eq "b" or ip.src.asnum eq 1"#;
    assert_eq!(
        fields(source, Phase::Dns),
        [("http.host", "http.host"), ("http.request.headers", "http.request.headers")]
    );
    assert_eq!(fields(source, Phase::Http), [("dns.qry.type", "dns.qry.type")]);
    let uses: Vec<_> = parse(source).unwrap().uses().iter().map(|used| used.span.start).collect();
    assert_eq!(uses[0], 0, "the first place counts");
    assert_eq!(uses.len(), 4);
}

#[test]
fn an_empty_condition_has_no_text() {
    let expression = parse("\n ").unwrap();
    assert_eq!((expression.to_string(), expression.uses()), (String::new(), &[][..]));
}

#[test]
fn an_expression_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Expression>();
}
