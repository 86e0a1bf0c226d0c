use super::super::tree::sample;
use super::*;

const SENTENCE: &str = "//! A module.\n";
const MANIFEST: &str = "[lints]\nworkspace = true\n";

fn check(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(problems(&sample(files)), expected, "{files:?}");
}

#[test]
fn a_long_file_says_why() {
    let long = format!("{SENTENCE}{}", "// line\n".repeat(FILE_LINES_MAX));
    let short = format!("{SENTENCE}{}", "// line\n".repeat(FILE_LINES_MAX - 1));
    check(&[("src/a.rs", &short)], &[]);
    check(&[("src/a.rs", &long)], &["src/a.rs: 501 lines and no reason in xtask/long.txt"]);
    check(&[("src/a.rs", &long), (LONG, "src/a.rs one table")], &[]);
    check(
        &[("src/a.rs", &long), (LONG, "src/a.rs ")],
        &["src/a.rs: 501 lines and no reason in xtask/long.txt"],
    );
    check(
        &[("src/a.rs", &short), (LONG, "src/a.rs x")],
        &["xtask/long.txt: src/a.rs is not that long"],
    );
}

#[test]
fn a_module_begins_with_a_sentence_and_is_not_called_mod() {
    check(&[("src/a.rs", "fn a() {}")], &["src/a.rs: does not begin with a //! sentence"]);
    check(&[("src/a/tests.rs", "fn a() {}"), ("b/tests/c/d.rs", "fn a() {}")], &[]);
    check(&[("b/tests/c.rs", "")], &["b/tests/c.rs: does not begin with a //! sentence"]);
    check(&[("src/a/mod.rs", SENTENCE)], &["src/a/mod.rs: foo.rs beside foo/, not mod.rs"]);
}

#[test]
fn unfinished_words_do_not_stay() {
    let [word, ..] = UNFINISHED;
    check(&[("a.py", &format!("# {word}: later"))], &[&format!("a.py:1: unfinished: {word}")]);
    check(&[("a.py", &format!("MAS{word} = 1"))], &[]);
    let call = UNFINISHED[2];
    check(
        &[("a.rs", &format!("{SENTENCE}fn a() {{ {call}) }}"))],
        &[&format!("a.rs:2: unfinished: {call}")],
    );
}

#[test]
fn a_lint_is_expected_with_a_reason_never_allowed() {
    let text = format!("{SENTENCE}    #[{}(dead_code)]", "allow");
    check(&[("a.rs", &text)], &["a.rs:2: expect with a reason, not allow"]);
    check(&[("a.rs", &text.replace("allow", "expect"))], &[]);
}

#[test]
fn paths_of_one_machine_do_not_stay() {
    let [path, ..] = MACHINE_PATHS;
    check(&[("a.md", &format!("see {path}x"))], &[&format!("a.md:1: path of one machine: {path}")]);
}

#[test]
fn deciding_crates_refuse_the_same_things() {
    let crates = |steer: &'static str| {
        [
            ("crates/model/Cargo.toml", MANIFEST),
            ("crates/model/clippy.toml", "a"),
            ("crates/steer/Cargo.toml", MANIFEST),
            ("crates/steer/clippy.toml", steer),
        ]
    };
    check(&crates("a"), &[]);
    let different = "crates/steer/clippy.toml: deciding crates refuse the same clock and sockets";
    check(&crates("b"), &[different]);
    check(&crates("a")[..3], &[different]);
}

#[test]
fn every_crate_but_net_forbids_unsafe() {
    check(&[("crates/net/Cargo.toml", "")], &[]);
    check(
        &[("crates/dns/Cargo.toml", ""), ("crates/dns/clippy.toml", "")],
        &["crates/dns/Cargo.toml: does not take over the workspace's lints"],
    );
}

#[test]
fn a_lock_file_names_no_registry() {
    let lock = r#"{ "resolved": "https://registry.example/a.tgz" }"#;
    check(&[("a/package-lock.json", lock)], &["a/package-lock.json: names a registry's host"]);
}
