//! Tasks that an owner gives an agent.

use handfast_delegation::{Budget, ResourceId, Scope, Tools};
use handfast_identity::{DidKey, Seconds};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Answer;
use crate::error::AnswerError;

const TASKS: &str = "the tasks";

/// A task for one agent; only that agent can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Whose task.
    pub agent: DidKey,
    /// What it is to do, in words.
    pub intent: String,
    /// What may be done in it.
    pub scope: Scope,
    /// Where; empty for wherever the ceiling says.
    pub resources: Vec<ResourceId>,
    /// The caller's own reference; nobody verifies it.
    pub reference: Option<String>,
    /// How long it may take; the registry's default if `None`.
    pub seconds: Option<Seconds>,
    /// With which tools only.
    pub tools: Option<Tools>,
    /// How often.
    pub budget: Option<Budget>,
}

#[derive(Serialize)]
pub(super) struct NewTaskWire<'a> {
    agent: &'a DidKey,
    intent: &'a str,
    scope: &'a Scope,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resource: &'a [ResourceId],
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
}

impl NewTask {
    pub(super) fn wire(&self) -> NewTaskWire<'_> {
        NewTaskWire {
            agent: &self.agent,
            intent: &self.intent,
            scope: &self.scope,
            resource: &self.resources,
            reference: self.reference.as_deref(),
            task_seconds: self.seconds.map(Seconds::get),
            authorization_details: self.tools.as_ref().map(Tools::to_details),
            budget: self.budget,
        }
    }
}

/// A task, as the registry shows it.
#[derive(Clone, Debug)]
pub struct Task {
    id: String,
    members: Map<String, Value>,
}

impl Task {
    /// Its id, for [`TaskChoice::Known`](crate::TaskChoice::Known).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let members: Map<String, Value> = answer.read(TASKS)?;
        let id = members.get("id").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { id: id.ok_or(AnswerError::Member { endpoint: TASKS, member: "id" })?, members })
    }
}
