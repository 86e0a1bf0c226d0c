//! Every fuzz target has its source and something to start from.

use super::tree::Tree;

const MANIFEST: &str = "fuzz/Cargo.toml";

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let Some(manifest) = tree.text(MANIFEST) else {
        return vec![format!("{MANIFEST}: missing")];
    };
    let mut problems = Vec::new();
    for target in targets(manifest) {
        let source = format!("fuzz/fuzz_targets/{target}.rs");
        if !tree.files.contains_key(&source) {
            problems.push(format!("{source}: missing"));
        }
        let seeds = format!("fuzz/seeds/{target}/");
        if !tree.files.keys().any(|path| path.starts_with(&seeds)) {
            problems.push(format!("{seeds}: no seed to start from"));
        }
    }
    problems
}

/// The names under `[[bin]]`.
pub(crate) fn targets(manifest: &str) -> Vec<&str> {
    let bins = manifest.split("[[bin]]").skip(1);
    let names = bins.filter_map(|bin| bin.lines().find_map(|line| line.strip_prefix("name = ")));
    names.map(|name| name.trim_matches('"')).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::sample;
    use super::*;

    const TWO: &str = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n";

    #[test]
    fn a_target_has_a_source_and_a_seed() {
        let tree =
            sample(&[(MANIFEST, TWO), ("fuzz/fuzz_targets/a.rs", ""), ("fuzz/seeds/a/1", "")]);
        let missing = ["fuzz/fuzz_targets/b.rs: missing", "fuzz/seeds/b/: no seed to start from"];
        assert_eq!(problems(&tree), missing);
    }
}
