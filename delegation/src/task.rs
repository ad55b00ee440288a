//! The task a token is for: what was asked, by whom, and how that is known.

use core::fmt;

use handfast_identity::{Text, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{Keep, TextWire};

/// Longest declared intent (spec/limits.md). It is text of an agent or owner: unverified, escaped wherever shown.
pub const MAX_INTENT_BYTES: usize = 512;
/// Longest outside reference of a trigger (spec/limits.md).
pub const MAX_REFERENCE_BYTES: usize = 256;

/// The unit of work a token's authority is for (spec/access-tokens.md, `task`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// `task_` and 26 characters.
    pub id: Text,
    /// What the task is said to be for. Unverified text.
    pub intent: Text,
    /// Place of the task's creation in the registry's log.
    pub leaf: u64,
    /// What set it off, as the registry saw it.
    pub trigger: Trigger,
}

/// Who set a task off. The registry derives it from the authenticated caller; nobody claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The attribution.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// The authenticated party: owner id or agent DID.
    pub by: Text,
    /// A reference to something outside, such as a ticket. Unverified text.
    #[serde(rename = "ref", default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

/// The claim `task`: as it was read, or the task to write.
pub(crate) enum TaskWire<'a> {
    Read(MembersWire<'a>),
    Written(&'a Task),
}

/// What a task says. Other members are ignored.
#[derive(Deserialize)]
pub(crate) struct MembersWire<'a> {
    #[serde(borrow)]
    id: TextWire<'a>,
    #[serde(borrow)]
    intent: TextWire<'a>,
    leaf: u64,
    #[serde(borrow, deserialize_with = "json::object")]
    trigger: TriggerWire<'a>,
}

#[derive(Deserialize)]
struct TriggerWire<'a> {
    #[serde(rename = "type")]
    kind: TriggerKind,
    #[serde(borrow)]
    by: TextWire<'a>,
    #[serde(borrow, rename = "ref", default, deserialize_with = "json::optional")]
    reference: Option<TextWire<'a>>,
}

impl TaskWire<'_> {
    pub(crate) fn task(&self, keep: &Keep<'_>) -> Task {
        match self {
            Self::Read(MembersWire { id, intent, leaf, trigger: TriggerWire { kind, by, reference } }) => Task {
                id: keep(id),
                intent: keep(intent),
                leaf: *leaf,
                trigger: Trigger { kind: *kind, by: keep(by), reference: reference.as_deref().map(keep) },
            },
            Self::Written(task) => (*task).clone(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TaskWire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MembersWire::deserialize(deserializer).map(Self::Read)
    }
}

impl Serialize for TaskWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Read(_) => Err(serde::ser::Error::custom("what was read is not written")),
            Self::Written(task) => task.serialize(serializer),
        }
    }
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
