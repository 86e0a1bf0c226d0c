//! What is wrong with a body: every problem at once, each with the place it stands at.

use std::fmt;

/// One refusal: where (an RFC 6901 JSON pointer) and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub pointer: String,
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
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(Problem { pointer: pointer.into(), message: message.to_string() });
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
