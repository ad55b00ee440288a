//! Places in status lists.

use handfast_delegation::{MAX_ACTORS, MAX_HOPS};
use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::hop::Name;
use super::{Damage, DidText, FORMAT};
use crate::record::{Organisation, PlaceRecord, StatusPlace, TaskPlace};
use crate::{OwnerId, TaskId};

/// A place, inside other records.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceWire {
    list: u32,
    index: u32,
}

impl From<StatusPlace> for PlaceWire {
    fn from(place: StatusPlace) -> Self {
        Self { list: place.list(), index: place.index() }
    }
}

impl TryFrom<PlaceWire> for StatusPlace {
    type Error = Damage;

    fn try_from(PlaceWire { list, index }: PlaceWire) -> Result<Self, Damage> {
        Self::new(list, index).ok_or(Damage("a place beyond all lists"))
    }
}

/// The place of a task, for one key of its agent.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskPlaceWire {
    list: u32,
    index: u32,
    key: u16,
}

impl From<TaskPlace> for TaskPlaceWire {
    fn from(TaskPlace { place, key_number }: TaskPlace) -> Self {
        Self { list: place.list(), index: place.index(), key: key_number }
    }
}

impl TryFrom<TaskPlaceWire> for TaskPlace {
    type Error = Damage;

    fn try_from(TaskPlaceWire { list, index, key }: TaskPlaceWire) -> Result<Self, Damage> {
        Ok(Self { place: PlaceWire { list, index }.try_into()?, key_number: key })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct PlaceRecordWire {
    v: u64,
    #[serde(deserialize_with = "json::object")]
    place: PlaceWire,
    organisation: Organisation,
    task: TaskId,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerId>,
    agents: Vec<DidText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hops: Vec<Name>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    root_jti: Option<String>,
    begun: UnixTime,
    ends: UnixTime,
}

impl From<&PlaceRecord> for PlaceRecordWire {
    fn from(entry: &PlaceRecord) -> Self {
        let PlaceRecord { place, organisation, task, owner, agents, hops, root_token, begun, ends } = entry.clone();
        Self {
            v: FORMAT,
            place: place.into(),
            organisation,
            task,
            owner,
            agents: agents.into_iter().map(DidText).collect(),
            hops: hops.into_iter().map(Name).collect(),
            root_jti: root_token,
            begun,
            ends,
        }
    }
}

impl TryFrom<PlaceRecordWire> for PlaceRecord {
    type Error = Damage;

    fn try_from(wire: PlaceRecordWire) -> Result<Self, Damage> {
        if wire.agents.is_empty() || wire.agents.len() > MAX_ACTORS || wire.hops.len() > MAX_HOPS {
            return Err(Damage("fewer or more agents or hops than a delegation has"));
        }
        Ok(Self {
            place: wire.place.try_into()?,
            organisation: wire.organisation,
            task: wire.task,
            owner: wire.owner,
            agents: wire.agents.into_iter().map(|DidText(did)| did).collect(),
            hops: wire.hops.into_iter().map(|Name(name)| name).collect(),
            root_token: wire.root_jti,
            begun: wire.begun,
            ends: wire.ends,
        })
    }
}
