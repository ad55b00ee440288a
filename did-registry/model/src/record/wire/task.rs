//! Tasks.

use handfast_delegation::{MAX_INTENT_BYTES, Trigger};
use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::status::TaskPlaceWire;
use super::tenure::is_first;
use super::{AuthorityWire, Damage, DidText, FORMAT, RateWire, objects};
use crate::limits::MAX_OPEN_SELF_TASKS;
use crate::record::{OpenTask, Organisation, Rate, SelfTasks, Subject, TaskRecord};
use crate::{AgentId, OwnerId, ShownText, TaskId};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::large_enum_variant)] // one of a kind in each record: nothing holds many
enum SubjectWire {
    Owner(OwnerId),
    Agent(DidText),
}

impl From<&Subject> for SubjectWire {
    fn from(subject: &Subject) -> Self {
        match subject.clone() {
            Subject::Owner(id) => Self::Owner(id),
            Subject::Agent(did) => Self::Agent(DidText(did)),
        }
    }
}

impl From<SubjectWire> for Subject {
    fn from(wire: SubjectWire) -> Self {
        match wire {
            SubjectWire::Owner(id) => Self::Owner(id),
            SubjectWire::Agent(DidText(did)) => Self::Agent(did),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct TaskWire {
    v: u64,
    id: TaskId,
    organisation: Organisation,
    agent: AgentId,
    subject: SubjectWire,
    intent: ShownText<MAX_INTENT_BYTES>,
    #[serde(deserialize_with = "json::object")]
    trigger: Trigger,
    #[serde(deserialize_with = "json::object")]
    authority: AuthorityWire,
    created: UnixTime,
    deadline: UnixTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaf: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completed: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "is_first")]
    era: u32,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    status: Option<TaskPlaceWire>,
}

impl From<&TaskRecord> for TaskWire {
    fn from(record: &TaskRecord) -> Self {
        Self {
            v: FORMAT,
            id: record.id.clone(),
            organisation: record.organisation.clone(),
            agent: record.agent.clone(),
            subject: (&record.subject).into(),
            intent: record.intent.clone(),
            trigger: record.trigger.clone(),
            authority: (&record.authority).into(),
            created: record.created,
            deadline: record.deadline,
            leaf: record.leaf,
            completed: record.completed,
            revoked: record.revoked,
            era: record.era,
            status: record.place.map(TaskPlaceWire::from),
        }
    }
}

impl TryFrom<TaskWire> for TaskRecord {
    type Error = Damage;

    fn try_from(wire: TaskWire) -> Result<Self, Damage> {
        Ok(Self {
            id: wire.id,
            organisation: wire.organisation,
            agent: wire.agent,
            subject: wire.subject.into(),
            intent: wire.intent,
            trigger: wire.trigger,
            authority: wire.authority.try_into()?,
            created: wire.created,
            deadline: wire.deadline,
            leaf: wire.leaf,
            completed: wire.completed,
            revoked: wire.revoked,
            era: wire.era,
            place: wire.status.map(TryInto::try_into).transpose()?,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct SelfTasksWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    subject: SubjectWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<TaskId>,
    #[serde(deserialize_with = "objects")]
    open: Vec<OpenTaskWire>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    begun: Option<RateWire>,
    #[serde(default, skip_serializing_if = "is_first")]
    era: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OpenTaskWire {
    id: TaskId,
    deadline: UnixTime,
}

impl From<&SelfTasks> for SelfTasksWire {
    fn from(record: &SelfTasks) -> Self {
        let open = record.open.iter().cloned().map(|OpenTask { id, deadline }| OpenTaskWire { id, deadline });
        Self {
            v: FORMAT,
            agent: record.agent.clone(),
            organisation: record.organisation.clone(),
            subject: (&record.subject).into(),
            default: record.default.clone(),
            open: open.collect(),
            begun: record.begun.map(RateWire::from),
            era: record.era,
        }
    }
}

impl TryFrom<SelfTasksWire> for SelfTasks {
    type Error = Damage;

    fn try_from(wire: SelfTasksWire) -> Result<Self, Damage> {
        if wire.open.len() > MAX_OPEN_SELF_TASKS {
            return Err(Damage("more open tasks than an agent may have"));
        }
        let open = wire.open.into_iter().map(|OpenTaskWire { id, deadline }| OpenTask { id, deadline });
        Ok(Self {
            agent: wire.agent,
            organisation: wire.organisation,
            subject: wire.subject.into(),
            default: wire.default,
            open: open.collect(),
            begun: wire.begun.map(Rate::from),
            era: wire.era,
        })
    }
}
