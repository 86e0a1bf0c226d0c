//! Rules about files and lines: length, first sentence, words that may not stay.

use super::DECIDING;
use super::tree::Tree;

/// A longer file has grown a second subject, or says in `xtask/long.txt` why not.
const FILE_LINES_MAX: usize = 500;
const LONG: &str = "xtask/long.txt";

const CODE: [&str; 8] = [".rs", ".py", ".ts", ".tsx", ".cjs", ".mjs", ".sh", ".ci/run"];
const PROSE: [&str; 5] = [".md", ".toml", ".txt", ".json", ".yml"];

/// Spelled in two halves, so that this file is held to the rule too.
const UNFINISHED: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];
/// Where one machine keeps its things.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/home", "/"),
    concat!("/tmp/ba", "sh_jobs"),
];

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let mut problems = long_files(tree);
    problems.extend(lines(tree));
    for (path, text) in tree.texts(&[".rs"]) {
        problems.extend(rust_file(path, text));
    }
    problems.extend(pure_crates(tree));
    problems.extend(lints(tree));
    problems.extend(registry_hosts(tree));
    problems
}

fn long_files(tree: &Tree) -> Vec<String> {
    let listed = tree.text(LONG).unwrap_or_default().lines();
    let excused: Vec<(&str, &str)> = listed
        .filter_map(|line| line.split_once(' '))
        .map(|(path, why)| (path, why.trim()))
        .collect();
    let lengths = tree.texts(&CODE).map(|(path, text)| (path, text.lines().count()));
    let long: Vec<(&str, usize)> = lengths.filter(|(_, length)| *length > FILE_LINES_MAX).collect();
    let unexcused = long.iter().filter(|(path, _)| {
        !excused.iter().any(|(excused, why)| excused == path && !why.is_empty())
    });
    let stale = excused.iter().filter(|(path, _)| !long.iter().any(|(long, _)| long == path));
    unexcused
        .map(|(path, length)| format!("{path}: {length} lines and no reason in {LONG}"))
        .chain(stale.map(|(path, _)| format!("{LONG}: {path} is not that long")))
        .collect()
}

fn lines(tree: &Tree) -> Vec<String> {
    let endings: Vec<&str> = CODE.iter().chain(&PROSE).copied().collect();
    let mut problems = Vec::new();
    for (path, text) in tree.texts(&endings) {
        for (index, line) in text.lines().enumerate() {
            let problem = UNFINISHED
                .iter()
                .find(|word| holds_word(line, word))
                .map(|word| format!("unfinished: {word}"));
            let problem = problem.or_else(|| {
                let machine = MACHINE_PATHS.iter().find(|machine| line.contains(**machine))?;
                Some(format!("path of one machine: {machine}"))
            });
            problems.extend(problem.map(|problem| format!("{path}:{}: {problem}", index + 1)));
        }
    }
    problems
}

fn rust_file(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if path.ends_with("/mod.rs") {
        problems.push(format!("{path}: foo.rs beside foo/, not mod.rs"));
    }
    let sentence =
        text.trim_start().starts_with("//! ") || text.trim_start().starts_with("#![no_main]");
    if !sentence && !belongs_to_tests(path) {
        problems.push(format!("{path}: does not begin with a //! sentence"));
    }
    let allows = text
        .lines()
        .map(str::trim_start)
        .enumerate()
        .filter(|(_, line)| line.starts_with("#[allow(") || line.starts_with("#![allow("));
    problems.extend(
        allows.map(|(index, _)| format!("{path}:{}: expect with a reason, not allow", index + 1)),
    );
    problems
}

/// `foo/tests.rs`, and modules of an integration test: the module above them has the sentence.
fn belongs_to_tests(path: &str) -> bool {
    let below = path.rsplit_once("/tests/").is_some_and(|(_, below)| below.contains('/'));
    below || path.ends_with("/tests.rs")
}

fn pure_crates(tree: &Tree) -> Vec<String> {
    let lists = DECIDING.iter().filter_map(|name| {
        let path = format!("crates/{name}/clippy.toml");
        tree.files.contains_key(&format!("crates/{name}/Cargo.toml")).then_some(path)
    });
    let lists: Vec<String> = lists.collect();
    let first = lists.first().and_then(|path| tree.text(path));
    let different =
        lists.iter().filter(|path| tree.text(path).is_none() || tree.text(path) != first);
    different
        .map(|path| format!("{path}: deciding crates refuse the same clock and sockets"))
        .collect()
}

/// `unsafe` is forbidden by the workspace's lints, so every crate but `net` takes them over whole.
fn lints(tree: &Tree) -> Vec<String> {
    let manifests = tree.texts(&["/Cargo.toml"]).filter(|(path, _)| {
        (path.starts_with("crates/") || path.starts_with("xtask/"))
            && *path != "crates/net/Cargo.toml"
    });
    let free = manifests.filter(|(_, text)| !text.contains("[lints]\nworkspace = true"));
    free.map(|(path, _)| format!("{path}: does not take over the workspace's lints")).collect()
}

/// Whoever installs from the lock file does so from the registry that their own client is set to.
fn registry_hosts(tree: &Tree) -> Vec<String> {
    let locks = tree.texts(&["package-lock.json"]);
    let bound = locks.filter(|(_, text)| text.contains("\"resolved\": \"http"));
    bound.map(|(path, _)| format!("{path}: names a registry's host")).collect()
}

/// The word is not part of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        !joins(before) && (word.ends_with('(') || !joins(after))
    })
}

#[cfg(test)]
mod tests;
