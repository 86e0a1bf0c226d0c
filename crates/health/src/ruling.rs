//! What outranks probes: a person's word, and after it that of an external feed.

use std::sync::Arc;

use trimtab_model::overrides::Forced;
use trimtab_model::{Moment, OverrideId};

use crate::{FailureReason, Verdict};

/// Who says so; persons come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruler {
    Person(OverrideId),
    Feed,
}

/// One word on one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub by: Ruler,
    /// None: nothing is said of its health.
    pub state: Option<Forced>,
    /// Hundredths of the endpoint's own weight that are left to it.
    pub weight: Option<u8>,
    /// Why, in the words of whoever said so.
    pub reason: Arc<str>,
    pub author: Arc<str>,
    pub since: Moment,
    /// None: until it is taken back.
    pub until: Option<Moment>,
}

// === impl Ruling ===

impl Ruling {
    /// What stands instead of the probes' verdict. None for a drain: the endpoint may be well, and counts as one that
    /// its pool has disabled.
    pub fn verdict(&self) -> Option<Verdict> {
        match self.state? {
            Forced::Up => Some(Verdict::Up),
            Forced::Down => Some(Verdict::Down),
            Forced::Drained => None,
        }
    }

    /// No new clients go there.
    pub fn drains(&self) -> bool {
        self.state == Some(Forced::Drained)
    }

    /// It keeps clients away, whatever probes say.
    pub fn is_against(&self) -> bool {
        self.state.is_some_and(|state| state != Forced::Up)
    }

    pub fn failure(&self) -> FailureReason {
        match (self.state, self.by) {
            (Some(Forced::Up) | None, _) => FailureReason::None,
            (Some(Forced::Down | Forced::Drained), Ruler::Person(_)) => FailureReason::Overridden,
            (Some(Forced::Down | Forced::Drained), Ruler::Feed) => FailureReason::Fed,
        }
    }

    /// For explanations: `forced down by alice (moving racks)`.
    pub fn text(&self) -> String {
        let verb = match self.by {
            Ruler::Person(_) => "forced",
            Ruler::Feed => "fed as",
        };
        let state = self.state.map(|state| state.to_string());
        let weight = self.weight.map(|left| format!("{left} % of its weight"));
        let what: Vec<String> = state.into_iter().chain(weight).collect();
        let what = what.join(" with ");
        match &*self.reason {
            "" => format!("{verb} {what} by {}", self.author),
            reason => format!("{verb} {what} by {} ({reason})", self.author),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruling_says_what_holds_by_whom_and_why() {
        let check = |by, state, reason: &str, text: &str, verdict, failure| {
            let (reason, author) = (reason.into(), "alice".into());
            let since = Moment::default();
            let (state, weight) = (Some(state), None);
            let ruling = Ruling { by, state, weight, reason, author, since, until: None };
            assert_eq!(ruling.text(), text);
            assert_eq!((ruling.verdict(), ruling.failure()), (verdict, failure), "{text}");
        };
        let person = Ruler::Person(OverrideId::new([1; 16]));
        let (none, overridden) = (FailureReason::None, FailureReason::Overridden);
        check(person, Forced::Up, "", "forced up by alice", Some(Verdict::Up), none);
        let text = "forced down by alice (racks)";
        check(person, Forced::Down, "racks", text, Some(Verdict::Down), overridden);
        check(person, Forced::Drained, "", "forced drained by alice", None, overridden);
        let fed = FailureReason::Fed;
        check(Ruler::Feed, Forced::Down, "", "fed as down by alice", Some(Verdict::Down), fed);
        let busy = Ruling {
            by: Ruler::Feed,
            state: None,
            weight: Some(25),
            reason: "".into(),
            author: "scaler".into(),
            since: Moment::default(),
            until: None,
        };
        assert_eq!(busy.text(), "fed as 25 % of its weight by scaler");
        assert_eq!((busy.verdict(), busy.failure(), busy.is_against()), (None, none, false));
    }
}
