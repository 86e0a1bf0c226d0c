//! The repository's files as the rules see them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Paths from the root, with `/`, and their text; files that are no text have none.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<String, Option<String>>,
    pub(super) unreadable: Vec<String>,
}

/// Made by tools, never committed.
const PASSED_OVER: [&str; 6] =
    [".git", "target", "node_modules", "__pycache__", ".venv", ".pytest_cache"];

// === impl Tree ===

impl Tree {
    pub(super) fn read(root: &Path) -> Tree {
        let mut tree = Tree::default();
        tree.descend(root, "");
        tree
    }

    /// Paths and texts of the files with one of these endings.
    pub(super) fn texts<'a>(
        &'a self,
        endings: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let texts = self.files.iter().filter_map(|(path, text)| Some((&**path, text.as_deref()?)));
        texts.filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    fn descend(&mut self, folder: &Path, prefix: &str) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(why) => return self.unreadable.push(format!("{prefix}: {why}")),
        };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && PASSED_OVER.contains(&&*name) => (),
                Ok(kind) if kind.is_dir() => self.descend(&entry.path(), &format!("{path}/")),
                Ok(kind) if kind.is_file() => self.keep(path, &entry.path()),
                Ok(_) => (),
                Err(why) => self.unreadable.push(format!("{path}: {why}")),
            }
        }
    }

    fn keep(&mut self, path: String, file: &Path) {
        match fs::read(file) {
            Ok(bytes) => drop(self.files.insert(path, String::from_utf8(bytes).ok())),
            Err(why) => self.unreadable.push(format!("{path}: {why}")),
        }
    }
}

/// A tree made of samples, for the tests of the rules.
#[cfg(test)]
pub(super) fn sample(files: &[(&str, &str)]) -> Tree {
    let files = files.iter().map(|(path, text)| (String::from(*path), Some(String::from(*text))));
    Tree { files: files.collect(), unreadable: Vec::new() }
}
