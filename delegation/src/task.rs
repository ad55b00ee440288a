//! The task a token is for: what was asked, by whom, and how that is known.

use core::fmt;

use handfast_identity::json;
use serde::{Deserialize, Serialize};

/// Longest declared intent (spec/limits.md). It is text of an agent or owner: unverified, escaped wherever shown.
pub const MAX_INTENT_BYTES: usize = 512;
/// Longest outside reference of a trigger (spec/limits.md).
pub const MAX_REFERENCE_BYTES: usize = 256;

/// The unit of work a token's authority is for (spec/access-tokens.md, `task`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `task_` and 26 characters.
    pub id: String,
    /// What the task is said to be for. Unverified text.
    pub intent: String,
    /// Place of the task's creation in the registry's log.
    pub leaf: u64,
    /// What set it off, as the registry saw it.
    #[serde(deserialize_with = "json::object")]
    pub trigger: Trigger,
}

/// Who set a task off. The registry derives it from the authenticated caller; nobody claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The attribution.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// The authenticated party: owner id or agent DID.
    pub by: String,
    /// A reference to something outside, such as a ticket. Unverified text.
    #[serde(rename = "ref", default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// How a task came about: asked for (`owner`, `schedule`, `event`), within another task (`agent`), or on the agent's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerKind {
    /// The owner asked.
    Owner,
    /// A schedule of the owner's.
    Schedule,
    /// A signed statement or session of such a party.
    Event,
    /// A task one agent created for another.
    Agent,
    /// The agent itself.
    #[serde(rename = "self")]
    OnItsOwn,
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Schedule => "schedule",
            Self::Event => "event",
            Self::Agent => "agent",
            Self::OnItsOwn => "self",
        })
    }
}

/// Where an agent runs. A resource server of one environment refuses tokens of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Development.
    Dev,
    /// Test.
    Test,
    /// Production.
    Prod,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        })
    }
}
