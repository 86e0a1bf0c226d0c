//! Looking for a text in the beginning of a body, without regard to case.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use trimtab_model::monitor::BODY_BYTES_READ_MAX;

/// The part of a body read so far.
struct Search<'a> {
    wanted: &'a str,
    read: Vec<u8>,
}

/// Whether the text was there.
pub(super) enum Held {
    Found,
    /// What was read instead.
    Missing(Vec<u8>),
}

/// Reads until the text is found, the body ends, or enough was read.
pub(super) async fn holds(mut body: Incoming, wanted: &str) -> Result<Held, hyper::Error> {
    let mut search = Search::new(wanted);
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let Some(chunk) = frame.data_ref() else { continue };
        if search.found_with(chunk) {
            return Ok(Held::Found);
        }
        if search.is_full() {
            break;
        }
    }
    match search.found_at_end() {
        true => Ok(Held::Found),
        false => Ok(Held::Missing(search.read)),
    }
}

// === impl Search ===

impl<'a> Search<'a> {
    fn new(wanted: &'a str) -> Search<'a> {
        Search { wanted, read: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.read.len() >= BODY_BYTES_READ_MAX
    }

    /// Takes a chunk in and looks where the text could now be. Letters beyond ASCII may be cut in
    /// two by a chunk's end, so they wait for [`found_at_end`](Search::found_at_end).
    fn found_with(&mut self, chunk: &[u8]) -> bool {
        let overlap = self.read.len().saturating_sub(self.wanted.len().saturating_sub(1));
        let room = BODY_BYTES_READ_MAX.saturating_sub(self.read.len());
        self.read.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
        let wanted = self.wanted.as_bytes();
        let news = self.read.get(overlap..).unwrap_or_default();
        news.windows(wanted.len().max(1)).any(|part| part.eq_ignore_ascii_case(wanted))
    }

    fn found_at_end(&self) -> bool {
        let beyond_ascii = || {
            let body = String::from_utf8_lossy(&self.read).to_lowercase();
            body.contains(&self.wanted.to_lowercase())
        };
        !self.wanted.is_ascii() && beyond_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &str, chunks: &[&str], want: bool) {
        let mut search = Search::new(wanted);
        let early = chunks.iter().any(|chunk| search.found_with(chunk.as_bytes()));
        assert_eq!(early || search.found_at_end(), want, "{wanted} in {chunks:?}");
    }

    #[test]
    fn semantics_1_the_expected_body_is_a_substring_in_any_case() {
        check("alive", &["Status: ALIVE and well"], true);
        check("ALIVE", &["status: alive"], true);
        check("alive", &["dead"], false);
        check("alive", &[], false);
        check("größe", &["die GRÖSSE"], false);
        check("größe", &["die GRÖßE"], true);
        check("ok", &["<html>\u{0}ok"], true);
    }

    #[test]
    fn a_text_cut_by_chunks_is_found() {
        check("alive", &["xal", "iv", "ey"], true);
        check("alive", &["alive"], true);
        check("alive", &["a", "l", "i", "v", "e"], true);
        check("alive", &["aliv", "alive"], true);
        check("alive", &["aliv", "x", "e"], false);
    }

    #[test]
    fn semantics_1_what_is_beyond_ten_kilobytes_is_not_read() {
        let filler = "x".repeat(BODY_BYTES_READ_MAX - 2);
        check("ok", &[&filler, "ok"], true);
        check("ok", &[&filler, "xok"], false);
        check("ok", &[&filler, "x", "ok"], false);
        let mut search = Search::new("ok");
        assert!(!search.found_with("x".repeat(1 << 20).as_bytes()));
        assert!(search.is_full());
        assert_eq!(search.read.len(), BODY_BYTES_READ_MAX);
    }
}
