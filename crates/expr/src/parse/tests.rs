//! What is read, and what is refused with which words.

use crate::error::Reason;
use crate::expression::{CHARACTERS_MAX, parse};
use crate::parse::{LIST_ITEMS_MAX, NESTING_MAX, REGEXES_MAX};

/// The canonical text shows how it was understood.
fn reads(source: &str, canonical: &str) {
    let shown = parse(source).map_or_else(|refused| refused.to_string(), |read| read.to_string());
    assert_eq!(shown, canonical, "{source}");
}

/// The line, and under it carets and reason, which is all of the text when the source is one line.
fn refused(source: &str, carets_and_reason: &str) {
    let column = carets_and_reason.find('^').unwrap().saturating_add(1);
    let expected = format!("Filter parsing error (1:{column}):\n{source}\n{carets_and_reason}");
    assert_eq!(parse(source).unwrap_err().to_string(), expected);
}

fn reason(source: &str) -> Reason {
    parse(source).unwrap_err().reason
}

#[test]
fn operators_have_aliases() {
    for (sign, word) in
        [("==", "eq"), ("!=", "ne"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")]
    {
        for op in [sign, word] {
            reads(&format!("http.host {op} \"a\""), &format!("http.host {word} \"a\""));
            reads(&format!("dns.qry.type {op} 1"), &format!("dns.qry.type {word} 1"));
            reads(&format!("ip.src {op} ::1"), &format!("ip.src {word} ::1"));
        }
    }
    reads(r#"http.host ~ "a""#, r#"http.host matches r"a""#);
    reads("dns.qry.type & 3", "dns.qry.type bitwise_and 3");
    reads("dns.qry.type&3&&dns.qry.qu", "dns.qry.type bitwise_and 3 and dns.qry.qu");
    reads("http.host strict \r\n wildcard \"*\"", "http.host strict wildcard \"*\"");
    reads("http.host wildcard r\"a\\*b\"", "http.host wildcard \"a\\\\*b\"");
}

#[test]
fn not_and_xor_or_from_tight_to_loose() {
    let qu = "dns.qry.qu";
    for (and, xor, or) in [("and", "xor", "or"), ("&&", "^^", "||")] {
        reads(
            &format!("{qu} {or} {qu} {xor} {qu} {and} !{qu}"),
            "dns.qry.qu or dns.qry.qu xor dns.qry.qu and not dns.qry.qu",
        );
    }
    reads(
        "((dns.qry.qu or dns.qry.qu) xor dns.qry.qu) and (dns.qry.qu)",
        "((dns.qry.qu or dns.qry.qu) xor dns.qry.qu) and dns.qry.qu",
    );
    reads(
        "dns.qry.qu and (dns.qry.qu and dns.qry.qu) or (dns.qry.qu xor dns.qry.qu)",
        "dns.qry.qu and (dns.qry.qu and dns.qry.qu) or dns.qry.qu xor dns.qry.qu",
    );
    reads("not dns.qry.type eq 1 and dns.qry.qu", "not dns.qry.type eq 1 and dns.qry.qu");
    reads("not (dns.qry.type eq 1 and dns.qry.qu)", "not (dns.qry.type eq 1 and dns.qry.qu)");
    reads("!!dns.qry.qu", "not not dns.qry.qu");
    reads("not(dns.qry.qu)or(dns.qry.qu)", "not dns.qry.qu or dns.qry.qu");
}

#[test]
fn strings_have_three_spellings() {
    let check = |literal: &str, canonical: &str| {
        reads(&format!("http.host eq {literal}"), &format!("http.host eq {canonical}"));
    };
    check(r#""a\"b\\c\x41\101é""#, r#""a\"b\\cAAé""#);
    check(r#""\xff\377\x00""#, r#""\xFF\xFF\x00""#);
    check("\"a\nb\tc\"", r#""a\x0Ab\x09c""#);
    check(r##"r"a\d""##, r#""a\\d""#);
    check(r###"r##"a"#b"##"###, r##""a\"#b""##);
    check("01:2e-f3.40", r#""\x01.\xF3@""#);
    check("10.20.30.40", r#""\x10 0@""#);
    check("\"\"", "\"\"");
}

#[test]
fn integers_have_three_bases() {
    let check = |literal: &str, canonical: &str| {
        reads(&format!("dns.qry.type eq {literal}"), &format!("dns.qry.type eq {canonical}"));
    };
    check("0", "0");
    check("28", "28");
    check("-5", "-5");
    check("0x1F", "31");
    check("017", "15");
    check("-0x10", "-16");
    check("-9223372036854775808", "-9223372036854775808");
}

#[test]
fn lists_hold_one_type() {
    reads("dns.qry.type in {1 28 5..7 -1..0x2 1}", "dns.qry.type in {1 28 5..7 -1..2 1}");
    reads(r#"http.host in {"a" r"b""c"}"#, r#"http.host in {"a" "b" "c"}"#);
    reads(
        "ip.src in { 192.0.2.0/24 10.0.0.1..10.0.0.9 ::1 2001:db8::/32 ::..::ff\n}",
        "ip.src in {192.0.2.0/24 10.0.0.1..10.0.0.9 ::1 2001:db8::/32 ::..::ff}",
    );
    reads("ip.src in {}", "ip.src in {}");
    reads("ip.src in {0.0.0.0/0}", "ip.src in {0.0.0.0/0}");
}

#[test]
fn patterns_keep_their_backslashes() {
    let check = |literal: &str, canonical: &str| {
        reads(&format!("http.host matches {literal}"), &format!("http.host matches {canonical}"));
    };
    check(r#""a\.b\\c""#, r#"r"a\.b\\c""#);
    check(r#""a\"b""#, r##"r#"a"b"#"##);
    check(r#""[a"b\"\]]c""#, r##"r#"[a"b\"\]]c"#"##);
    check(r##"r#"a"b"#"##, r##"r#"a"b"#"##);
    check(r###"r##"a"#b"##"###, r###"r##"a"#b"##"###);
}

#[test]
fn arrays_and_maps_are_indexed_and_gone_through() {
    for source in [
        r#"http.request.uri.args["a"][0] eq "b""#,
        r#"any(http.request.headers["a"][*] contains "b")"#,
        r#"any(http.request.headers[*][*] contains "b")"#,
        r#"all(http.request.headers[*][1] contains "b")"#,
        r#"any(lower(http.request.headers["a"][*])[*] contains "b")"#,
        r#"lower(http.request.uri.args.names[*])[1] eq "b""#,
        r#"any(starts_with(http.request.uri.args.names[*], "b"))"#,
        r#"any(starts_with(http.request.uri.args.names[*], "b")[*])"#,
        r#"any(http.request.uri.args.names[*] eq "a" and not http.request.uri.args.names[*] eq "b")"#,
        r#"any(len(http.request.uri.args.names[*])[*] in {1 3..5})"#,
        r#"any(split(http.host, ".", 3)[*] eq "a" or len(split(http.host, ".", 3)[*])[*] eq 1)"#,
        r#"all(concat(http.request.uri.args.names, http.request.uri.args.values)[*] eq "a")"#,
        r#"len(http.request.uri.args["k"]) ge 0"#,
        r#"to_string(any(http.request.uri.args.names[*] eq "a")) eq "true""#,
        r#"cidr(ip.src, 24, 48) eq 192.0.2.0 or cidr6(ip.src, 48) ne ::1"#,
        r#"substring(http.host, -3, len(http.host)) eq ".uk""#,
        r#"lookup_json_integer(http.cookie, "a", 0) gt 3"#,
        r#"is_timed_hmac_valid_v0("k", http.request.uri, 60, http.request.timestamp.sec, 8, "s")"#,
        r#"join(http.request.uri.args.names, ",") eq "a,b""#,
        r#"decode_base64(http.host) eq "a" and url_decode(http.host, "ur") eq "b""#,
        r#"remove_bytes(http.host, "\x00") eq "a""#,
    ] {
        reads(source, source);
    }
    reads(
        "starts_with ( http.host , \"a\" ) and any ( http.request.uri.args.names[ * ] eq \"a\" )",
        "starts_with(http.host, \"a\") and any(http.request.uri.args.names[*] eq \"a\")",
    );
}

#[test]
fn what_is_not_there_is_expected() {
    refused("http.host eq", "            ^ expected a string");
    refused("http.host eq a", "             ^ expected a string");
    refused("http.host eq 01", "             ^^ expected a string");
    refused("http.host", "         ^ expected a comparison operator");
    refused("http.host foo \"a\"", "          ^^^ expected a comparison operator");
    refused("\"a\" eq http.host", "^^^ expected a field or a function");
    refused("dns.qry.qu and", "              ^ expected a field or a function");
    refused("dns.qry.type eq x", "                ^ expected a number");
    refused("dns.qry.type in {x}", "                 ^^ expected a number");
    refused("ip.src eq x", "          ^ expected an address");
    refused("http.host ~ a", "            ^ expected a regular expression in quotes");
    refused("http.request.headers[a] eq 1", "                     ^^ expected a key, a place or *");
    refused(
        "http.request.uri.args.names[-1] eq 1",
        "                            ^^^ expected a key, a place or *",
    );
    refused("(dns.qry.qu", "           ^ expected literal \")\"");
    refused("lower http.host eq 1", "      ^^^^^^^^^ expected literal \"(\"");
    refused("lower(http.host eq \"a\"", "                ^^ expected literal \")\"");
    refused("ip.src in 1", "          ^ expected literal \"{\"");
    refused("ip.src in {::1", "              ^ expected literal \"}\"");
    refused(
        "http.request.headers[\"a\" eq 1",
        "                         ^^ expected literal \"]\"",
    );
}

#[test]
fn names_are_known_or_told_apart() {
    refused("http.hots eq \"a\"", "^^^^^^^^^ unknown identifier");
    refused("dns.qry.qu and foo(1)", "               ^^^ unknown identifier");
    refused("ip.geoip.country eq \"DE\"", "^^^^^^^^^^^^^^^^ unknown field");
    refused("http.user_agent contains \"a\"", "^^^^^^^^^^^^^^^ unknown field");
    refused("ssl", "^^^ unknown field");
    refused("http.request.uri.pth eq \"a\"", "^^^^^^^^^^^^^^^^^^^^ unknown identifier");
    refused("nothttp.host eq \"a\"", "^^^^^^^^^^^^ unknown identifier");
    refused(
        r#"regex_replace(http.host, "a", "b") eq "c""#,
        "^^^^^^^^^^^^^ regex_replace is not available in a load balancer condition",
    );
    for name in ["wildcard_replace", "remove_query_args", "uuidv4", "bit_slice"] {
        let text = parse(&format!("{name}(http.host)")).unwrap_err().reason.to_string();
        assert_eq!(text, format!("{name} is not available in a load balancer condition"));
    }
    refused("ip.src in $bad_ones", "          ^^^^^^^^^ invalid list name bad_ones");
    refused("http.host in $", "             ^ invalid list name ");
}

#[test]
fn types_decide_what_can_be_done() {
    refused("ip.src contains \"a\"", "       ^^^^^^^^ cannot perform this operation on type IP");
    refused("dns.qry.type ~ \"a\"", "             ^ cannot perform this operation on type Int");
    refused("dns.qry.qu eq 1", "           ^^ cannot perform this operation on type Bool");
    refused("http.host & 1", "          ^ cannot perform this operation on type String");
    refused(
        "http.request.headers eq \"a\"",
        "^^^^^^^^^^^^^^^^^^^^ cannot perform this operation on type Map<Array<String>>",
    );
    refused(
        "http.request.headers[*] eq \"a\"",
        "^^^^^^^^^^^^^^^^^^^^^^^ cannot perform this operation on type Array<Array<String>>",
    );
    refused(
        "http.request.uri.args.names eq \"a\"",
        "^^^^^^^^^^^^^^^^^^^^^^^^^^^ cannot perform this operation on type Array<String>",
    );
    refused("http.host[0] eq \"a\"", "         ^^^ cannot perform this operation on type String");
    refused(
        "http.request.headers[0] eq \"a\"",
        "                    ^^^ cannot perform this operation on type Map<Array<String>>",
    );
    refused(
        "http.request.uri.args.names[\"a\"] eq \"a\"",
        "                           ^^^^^ cannot perform this operation on type Array<String>",
    );
    refused(
        "any(http.request.uri.args.names[*] eq \"a\" and dns.qry.qu)",
        "                                              ^^^^^^^^^^ cannot perform this operation on type Bool",
    );
    refused(
        "dns.qry.qu and http.request.uri.args.names[*] eq \"a\"",
        "               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cannot perform this operation on type Array<Bool>",
    );
    refused(
        "starts_with(http.request.uri.args.names[*], \"a\")",
        "^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cannot perform this operation on type Array<Bool>",
    );
}

#[test]
fn a_star_belongs_into_one_quantifier_over_one_array() {
    let text = "invalid use of map each access operator";
    refused(
        "http.request.uri.args.names[*] eq \"a\"",
        &format!("^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ {text}"),
    );
    refused(
        "any(http.request.uri.args.names[*] eq \"a\" or http.request.uri.args.values[*] eq \"a\")",
        &format!(
            "                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ {text}"
        ),
    );
    refused(
        "any(concat(\"a\", http.request.uri.args.names[*])[*] eq \"a\")",
        &format!("                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ {text}"),
    );
    for source in [
        r#"any(http.request.headers[*][0] eq "a" or http.request.headers[*][1] eq "a")"#,
        r#"any(lower(http.request.headers["a"][*])[*] eq "a" or http.request.headers["b"][*] eq "a")"#,
        r#"join(http.request.uri.args.names[*], ",") eq "a""#,
        r#"any(split(http.request.uri.args.names[*], ",", 2)[*] eq "a")"#,
    ] {
        assert_eq!(reason(source), Reason::MapEach, "{source}");
    }
}

#[test]
fn arguments_are_counted_and_checked() {
    refused("lower() eq \"a\"", "^^^^^^^ invalid number of arguments");
    refused("lower(http.host, 1) eq \"a\"", "^^^^^^^^^^^^^^^^^^^ invalid number of arguments");
    refused("len(\"a\") eq 1", "    ^^^ invalid kind of argument #1");
    refused("starts_with(\"a\", \"b\")", "            ^^^ invalid kind of argument #1");
    refused(
        "split(http.host, http.host, 3)[0] eq \"a\"",
        "                 ^^^^^^^^^ invalid kind of argument #2",
    );
    refused("lower(ip.src) eq \"a\"", "      ^^^^^^ invalid type of argument #1");
    refused("ends_with(http.host, 1)", "                     ^ invalid type of argument #2");
    refused(
        "split(http.host, \".\", 129)[0] eq \"a\"",
        "                      ^^^ invalid value of argument #3",
    );
    refused("any(dns.qry.qu)", "    ^^^^^^^^^^ invalid type of argument #1");
    for (source, expected) in [
        (r#"concat("a") eq "a""#, Reason::ArgumentCount),
        (r#"concat("a", 1) eq "a""#, Reason::ArgumentType(2)),
        (r#"concat(1, "a") eq "a""#, Reason::ArgumentType(1)),
        (r#"concat(http.request.uri.args.names, "a")[0] eq "a""#, Reason::ArgumentKind(2)),
        (
            r#"concat(len(http.request.uri.args.names[*]), http.request.uri.args.names)[0] eq "a""#,
            Reason::ArgumentType(1),
        ),
        (r#"to_string(http.host) eq "a""#, Reason::ArgumentType(1)),
        (r#"to_string(1) eq "a""#, Reason::ArgumentKind(1)),
        (r#"len(http.request.headers) eq 1"#, Reason::ArgumentType(1)),
        (r#"len(http.request.headers[*]) eq 1"#, Reason::ArgumentType(1)),
        (r#"lower(http.request.headers["a"]) eq "a""#, Reason::ArgumentType(1)),
        (r#"substring(http.host) eq "a""#, Reason::ArgumentCount),
        (r#"substring(http.host, "a") eq "a""#, Reason::ArgumentType(2)),
        (r#"lookup_json_string(http.host) eq "a""#, Reason::ArgumentCount),
        (r#"lookup_json_string(http.host, -1) eq "a""#, Reason::ArgumentValue(2)),
        (r#"lookup_json_string(http.host, http.host) eq "a""#, Reason::ArgumentKind(2)),
        (r#"url_decode(http.host, "x") eq "a""#, Reason::ArgumentValue(2)),
        (r#"url_decode("a") eq "a""#, Reason::ArgumentKind(1)),
        (r#"decode_base64("a") eq "a""#, Reason::ArgumentKind(1)),
        ("cidr(ip.src, 0, 1) eq ::1", Reason::ArgumentValue(2)),
        ("cidr(ip.src, 33, 1) eq ::1", Reason::ArgumentValue(2)),
        ("cidr(ip.src, 32, 129) eq ::1", Reason::ArgumentValue(3)),
        ("cidr(ip.src, 32) eq ::1", Reason::ArgumentCount),
        ("cidr(http.host, 32, 1) eq ::1", Reason::ArgumentType(1)),
        ("cidr6(ip.src, 32, 1) eq ::1", Reason::ArgumentCount),
        (r#"join(http.host, ",") eq "a""#, Reason::ArgumentType(1)),
        (r#"join(http.request.uri.args.names, "") eq "a""#, Reason::ArgumentValue(2)),
        (r#"split(http.host, "", 3)[0] eq "a""#, Reason::ArgumentValue(2)),
        (r#"split(http.host, ".", 0)[0] eq "a""#, Reason::ArgumentValue(3)),
        (r#"split(http.host, ".")[0] eq "a""#, Reason::ArgumentCount),
        ("is_timed_hmac_valid_v0(http.host, http.host, 1, 2)", Reason::ArgumentKind(1)),
        (r#"is_timed_hmac_valid_v0("k", "m", 1, 2)"#, Reason::ArgumentKind(2)),
        (r#"is_timed_hmac_valid_v0("k", http.host, -1, 2)"#, Reason::ArgumentValue(3)),
        (r#"is_timed_hmac_valid_v0("k", http.host, 1)"#, Reason::ArgumentCount),
        (r#"is_timed_hmac_valid_v0("k", http.host, 1, 2, 3, "x")"#, Reason::ArgumentValue(6)),
        (r#"is_timed_hmac_valid_v0("k", http.host, 1, 2, 3, "s", 4)"#, Reason::ArgumentCount),
    ] {
        assert_eq!(reason(source), expected, "{source}");
    }
}

#[test]
fn literals_are_whole() {
    refused("http.host eq \"a", "             ^^ could not find an ending quote");
    refused("http.host eq r#\"a\"", "             ^^^^^ could not find an ending quote");
    refused("http.host ~ \"[\"", "            ^^^ could not find an ending quote");
    refused(r#"http.host eq "a\n""#, r#"               ^^ expected ", xHH or OOO after \"#);
    refused(r#"http.host eq "\xg0""#, r#"              ^^ expected ", xHH or OOO after \"#);
    refused(r#"http.host eq "\400""#, r#"              ^^ expected ", xHH or OOO after \"#);
    refused("dns.qry.type eq 08", "                ^^ not a 64-bit integer of base 8");
    refused("dns.qry.type eq 0xg", "                ^^^ not a 64-bit integer of base 16");
    refused(
        "dns.qry.type eq 9223372036854775808",
        "                ^^^^^^^^^^^^^^^^^^^ not a 64-bit integer of base 10",
    );
    refused("dns.qry.type in {5..4}", "                 ^^^^ incompatible range bounds");
    refused(
        "ip.src in {1.1.1.2..1.1.1.1}",
        "           ^^^^^^^^^^^^^^^^ incompatible range bounds",
    );
    refused("ip.src in {1.1.1.2..::1}", "           ^^^^^^^^^^^^ incompatible range bounds");
    refused("ip.src eq 1.1.1", "          ^^^^^ not an address");
    refused(
        "ip.src in {10.0.0.1/8}",
        "           ^^^^^^^^^^ not a network: its length is 0 to 32, and the bits behind it are zero",
    );
    refused(
        "ip.src in {::/129}",
        "           ^^^^^^ not a network: its length is 0 to 128, and the bits behind it are zero",
    );
    refused(
        "http.host wildcard \"a**\"",
        "                   ^^^^^ wildcard contains a double star",
    );
    refused(
        r#"http.host wildcard "a\\b""#,
        r"                   ^^^^^^ expected * or \ after \ in a wildcard",
    );
    refused("http.host ~ \"(a\"", "            ^^^^ invalid regular expression: unclosed group");
}

#[test]
fn what_is_left_is_not_recognised() {
    refused("dns.qry.qu dns.qry.qu  ", "           ^^^^^^^^^^ unrecognised input");
    refused("dns.qry.type eq 1 2", "                  ^ unrecognised input");
    refused("dns.qry.type eq 1 # a comment", "                  ^^^^^^^^^^^ unrecognised input");
    refused("dns.qry.type eq 1)", "                 ^ unrecognised input");
    refused(
        "dns.qry.type eq 1\tor dns.qry.qu",
        "                 ^^^^^^^^^^^^^^ unrecognised input",
    );
}

#[test]
fn the_line_shown_is_that_of_the_mistake() {
    let refused = parse("dns.qry.qu or\r\n  http.hots eq \"é\" or\r\n dns.qry.qu").unwrap_err();
    let text =
        "Filter parsing error (2:3):\n  http.hots eq \"é\" or\n  ^^^^^^^^^ unknown identifier";
    assert_eq!(refused.to_string(), text);
    assert_eq!((refused.line, refused.column, refused.span.start), (2, 3, 17));
    let refused = parse("http.host eq \"é\" or foo\n").unwrap_err();
    let text = "Filter parsing error (1:21):\nhttp.host eq \"é\" or foo\n                    ^^^ unknown identifier";
    assert_eq!(refused.to_string(), text);
    let refused = parse("http.host eq \"a\nb").unwrap_err();
    let text = "Filter parsing error (1:14):\nhttp.host eq \"a\n             ^^ could not find an ending quote";
    assert_eq!(refused.to_string(), text);
    let refused = parse("(dns.qry.qu\n").unwrap_err();
    assert_eq!(refused.to_string(), "Filter parsing error (2:1):\n\n^ expected literal \")\"");
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn semantics_23_nesting_has_a_limit() {
    for (open, inner, close) in
        [("(", "dns.qry.qu", ")"), ("!", "dns.qry.qu", ""), ("not ", "dns.qry.qu", "")]
    {
        assert!(parse(&nested(open, inner, close, NESTING_MAX)).is_ok());
        let refused = parse(&nested(open, inner, close, NESTING_MAX + 1)).unwrap_err();
        assert_eq!(refused.reason, Reason::TooDeep, "{open}");
        assert_eq!(refused.reason.to_string(), "maximum nesting depth exceeded (limit: 128)");
    }
    let calls = |levels| format!("{} eq \"a\"", nested("lower(", "http.host", ")", levels));
    assert!(parse(&calls(NESTING_MAX)).is_ok());
    assert_eq!(reason(&calls(NESTING_MAX + 1)), Reason::TooDeep);
    let quantified = |levels| {
        nested(
            "any(starts_with(http.request.uri.args.names[*], to_string(",
            "ip.src",
            ")))",
            levels,
        )
    };
    assert!(parse(&quantified(NESTING_MAX / 3)).is_ok());
    assert_eq!(reason(&quantified(NESTING_MAX / 3 + 1)), Reason::TooDeep);
}

#[test]
fn semantics_23_length_has_a_limit() {
    let long = |characters: usize| {
        let source = "http.host eq \"é\"";
        format!("{source}{}", " ".repeat(characters - source.chars().count()))
    };
    assert!(parse(&long(CHARACTERS_MAX)).is_ok());
    let refused = parse(&long(CHARACTERS_MAX + 1)).unwrap_err();
    assert_eq!(refused.reason.to_string(), "longer than 4096 characters");
    assert_eq!(refused.column, 4097);
}

#[test]
fn semantics_23_everything_that_is_counted_has_a_limit() {
    let list = |items: usize| format!("dns.qry.type in {{{}}}", "1 ".repeat(items));
    assert!(parse(&list(LIST_ITEMS_MAX)).is_ok());
    assert_eq!(reason(&list(LIST_ITEMS_MAX + 1)).to_string(), "more than 1024 items in a list");
    let regexes = |count: usize| vec!["http.host ~ \"a\""; count].join(" or ");
    assert!(parse(&regexes(REGEXES_MAX)).is_ok());
    assert_eq!(reason(&regexes(REGEXES_MAX + 1)).to_string(), "more than 32 regular expressions");
    let raw = |hashes: usize| {
        format!("http.host eq {}", nested("#", "\"a\"", "#", hashes).replacen('#', "r#", 1))
    };
    assert!(parse(&raw(255)).is_ok());
    assert_eq!(reason(&raw(256)).to_string(), "more than 255 # in a raw string");
    assert_eq!(reason(&format!("http.host ~ \"a\\\"{}\"", "#".repeat(255))), Reason::Hashes);
    let concat = |parts: usize| format!("concat({}) eq \"a\"", vec!["http.host"; parts].join(","));
    assert!(parse(&concat(32)).is_ok());
    assert_eq!(reason(&concat(33)).to_string(), "more than 32 arguments of concat");
    let large = reason(r#"http.host ~ "(a{100}){100}""#);
    assert_eq!(large.to_string(), "regular expression is too large when compiled");
}

#[test]
fn of_a_long_line_what_is_around_the_mistake_is_shown() {
    let long = format!("{} or {}", vec!["http.host eq \"a\""; 30].join(" or "), "é".repeat(300));
    let text = parse(&long).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    let [place, shown, caret] = lines[..] else { panic!("{text}") };
    assert_eq!(place, format!("Filter parsing error (1:{}):", long.find('é').unwrap() + 1));
    assert_eq!(shown.chars().count(), 120);
    let at = shown.chars().position(|letter| letter == 'é').unwrap();
    assert_eq!(caret.chars().position(|letter| letter == '^'), Some(at));
    assert_eq!(caret.matches('^').count(), 120 - at);
}
