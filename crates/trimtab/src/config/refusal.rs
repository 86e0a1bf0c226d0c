//! A refused `server.toml`, shown with line and caret.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};

/// Why a file is not a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}", show(path, text, span, why))]
    Wrong { path: PathBuf, text: String, span: Range<usize>, why: String },
}

fn show(path: &std::path::Path, text: &str, span: &Range<usize>, why: &str) -> impl fmt::Display {
    let name = path.display().to_string();
    let first_line = why.lines().next().unwrap_or(why);
    let report = Report::build(ReportKind::Error, (name.as_str(), span.clone()))
        .with_config(Config::default().with_color(false).with_index_type(IndexType::Byte))
        .with_message(first_line)
        .with_label(Label::new((name.as_str(), span.clone())).with_message(why))
        .finish();
    let mut shown = Vec::new();
    match report.write((name.as_str(), Source::from(text)), &mut shown) {
        Ok(()) => String::from_utf8_lossy(&shown).trim_end().to_owned(),
        Err(_memory_never_fails) => format!("{name}: {why}"),
    }
}
