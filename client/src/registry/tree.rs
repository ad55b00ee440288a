//! The tree of a task: every hop that was exchanged, as the registry knows it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Answer;
use crate::error::AnswerError;

const TREE: &str = "the task's tree";

/// A page of a task's tree.
#[derive(Clone, Debug)]
pub struct TaskTree {
    /// The delegations, a parent before its children.
    pub delegations: Vec<TaskDelegation>,
    /// What the next page begins behind; nothing after the last.
    pub next: Option<String>,
}

/// One exchanged hop.
#[derive(Clone, Debug)]
pub struct TaskDelegation {
    hop: String,
    parent: Option<String>,
    members: Map<String, Value>,
}

impl TaskDelegation {
    /// The hop's name, which revocations call it by.
    #[must_use]
    pub fn hop(&self) -> &str {
        &self.hop
    }

    /// The name of the hop it is below; none below the root token.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

#[derive(Deserialize)]
struct TreeWire {
    delegations: Vec<Map<String, Value>>,
    #[serde(default)]
    next: Option<String>,
}

impl TaskTree {
    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let wire: TreeWire = answer.read(TREE)?;
        let read = |members: Map<String, Value>| {
            let text = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
            let hop = text("hop").ok_or(AnswerError::Member { endpoint: TREE, member: "hop" })?;
            Ok(TaskDelegation { hop, parent: text("parent"), members })
        };
        let delegations: Result<_, AnswerError> = wire.delegations.into_iter().map(read).collect();
        Ok(Self { delegations: delegations?, next: wire.next })
    }
}
