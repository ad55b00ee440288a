//! A vector before it is written: name, one sentence, the rules, the parts.

use super::draft::Draft;
use crate::vector::{Expected, Step, Vector};

/// One vector in the making.
#[derive(Clone)]
pub struct Case {
    name: String,
    about: String,
    rules: &'static str,
    twin: Option<String>,
    before: Vec<Step>,
    last: Draft,
    expect: Expected,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// A message that is accepted. `rules` are ids between blanks.
pub(super) fn right(name: impl Into<String>, rules: &'static str, about: impl Into<String>, last: Draft) -> Case {
    let (name, about) = (name.into(), about.into());
    Case { name, about, rules, twin: None, before: Vec::new(), last, expect: Expected::Accepted }
}

/// A message that is refused. Its twin is `good` unless [`Case::twin`] names another.
pub(super) fn wrong(
    name: impl Into<String>,
    expect: Expected,
    rules: &'static str,
    about: impl Into<String>,
    last: Draft,
) -> Case {
    let (name, about) = (name.into(), about.into());
    Case { name, about, rules, twin: Some("good".into()), before: Vec::new(), last, expect }
}

impl Case {
    pub(super) fn twin(mut self, twin: impl Into<String>) -> Self {
        self.twin = Some(twin.into());
        self
    }

    /// A request that comes before, and its answer.
    pub(super) fn after(mut self, draft: Draft, expect: Expected) -> Self {
        self.before.push(draft.step(expect));
        self
    }

    /// The finished vector with its name.
    #[must_use]
    pub fn vector(self) -> (String, Vector) {
        let setting = self.last.setting.clone();
        let mut steps = self.before;
        steps.push(self.last.step(self.expect));
        let vector = Vector {
            about: self.about,
            rules: self.rules.split(' ').map(str::to_owned).collect(),
            twin: self.twin,
            setting,
            steps,
        };
        (self.name, vector)
    }
}

fn refused(status: u16, error: Option<&str>, reason: &str) -> Expected {
    Expected::Refused { reason: reason.into(), status, error: error.map(str::to_owned), scope: None }
}

/// Nothing was presented: 401 without an error.
pub(super) fn nothing_sent(reason: &str) -> Expected {
    refused(401, None, reason)
}

pub(super) fn invalid_request(reason: &str) -> Expected {
    refused(400, Some("invalid_request"), reason)
}

pub(super) fn invalid_token(reason: &str) -> Expected {
    refused(401, Some("invalid_token"), reason)
}

pub(super) fn invalid_proof(reason: &str) -> Expected {
    refused(401, Some("invalid_dpop_proof"), reason)
}

pub(super) fn use_nonce(reason: &str) -> Expected {
    refused(401, Some("use_dpop_nonce"), reason)
}

pub(super) fn unavailable(reason: &str) -> Expected {
    refused(503, Some("temporarily_unavailable"), reason)
}

/// A budget is used up: 429, for which no RFC has an error.
pub(super) fn budget_spent() -> Expected {
    refused(429, None, "budget_spent")
}

pub(super) fn chain_too_long() -> Expected {
    refused(431, Some("invalid_request"), "chain_too_long")
}

pub(super) fn forbidden(reason: &str, wanted: &str) -> Expected {
    Expected::Refused {
        reason: reason.into(),
        status: 403,
        error: Some("insufficient_scope".into()),
        scope: (!wanted.is_empty()).then(|| wanted.into()),
    }
}
