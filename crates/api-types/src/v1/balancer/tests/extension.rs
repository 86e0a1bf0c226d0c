//! What is refused in the `trimtab` object, and when it is shown.

use super::*;

#[test]
fn the_extension_is_closed_and_shown_only_when_it_says_something() {
    check(json!({"trimtab": {"proximity": 1}}), "/trimtab/proximity", "unknown field: proximity");
    check(json!({"trimtab": []}), "/trimtab", "trimtab is not an object");
    let bias = |bias: i64| json!({"trimtab": {"proximity_bias": {A: bias}}});
    let (pointer, message) =
        (format!("/trimtab/proximity_bias/{A}"), format!("{A} is not in range [-99, 99]"));
    check(bias(100), &pointer, &message);
    check(bias(-100), &pointer, &message);
    let unknown = json!({"trimtab": {"proximity_bias": {"p": 1}}});
    let message = "proximity_bias \"p\" is not an identifier of 32 lower-case hexadecimal digits";
    check(unknown, "/trimtab/proximity_bias/p", message);
    let kept = |persistence: Value| json!({"trimtab": {"persistence": persistence}});
    let place = "/trimtab/persistence";
    check(kept(json!({})), &format!("{place}/key"), "key is required");
    let words = "key \"asn\" is not one of resolver, ecs, operator";
    check(kept(json!({"key": "asn"})), &format!("{place}/key"), words);
    let range = "ttl is not in range [1, 86400]";
    check(kept(json!({"key": "ecs", "ttl": 0})), &format!("{place}/ttl"), range);
    check(kept(json!({"key": "ecs", "for": 1})), &format!("{place}/for"), "unknown field: for");
    for sound in [json!({"key": "operator", "ttl": 600}), json!({"key": "ecs"})] {
        let shown = rendered(&with(&minimal(), kept(sound.clone())));
        assert_eq!(shown["trimtab"], json!({"persistence": sound}));
    }
    for empty in [json!({}), json!({"proximity_bias": {}})] {
        assert_eq!(rendered(&with(&minimal(), json!({"trimtab": empty})))["trimtab"], json!(null));
    }
}
