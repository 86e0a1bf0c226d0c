//! What is wrong with a body: every problem at once, each with the place it stands at.

use std::fmt;

/// One refusal: where (an RFC 6901 JSON pointer) and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub pointer: String,
    /// The number that a service gives this refusal, where clients know one.
    pub code: Option<u32>,
    pub message: String,
}

/// All refusals of one body, in the order they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

/// More refusals than this of one body help nobody.
pub const PROBLEMS_MAX: usize = 50;

// === impl Problems ===

impl Problems {
    pub fn add(&mut self, pointer: impl Into<String>, message: impl fmt::Display) {
        self.push(Problem { pointer: pointer.into(), code: None, message: message.to_string() });
    }

    /// For services whose clients look at a number.
    pub fn add_coded(&mut self, pointer: impl Into<String>, code: u32, message: impl fmt::Display) {
        let (pointer, message) = (pointer.into(), message.to_string());
        self.push(Problem { pointer, code: Some(code), message });
    }

    /// Takes in the refusals of a part that stands at `place`.
    pub fn append_at(&mut self, place: &str, part: Problems) {
        for problem in part.0 {
            self.push(Problem { pointer: format!("{place}{}", problem.pointer), ..problem });
        }
    }

    fn push(&mut self, problem: Problem) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(problem);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// The value if nothing was refused.
    pub fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{}: {}", problem.pointer, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
