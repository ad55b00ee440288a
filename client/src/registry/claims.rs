//! Claiming: what an owner sends, and what owner and agent are answered.

use handfast_delegation::{Budget, ResourceId, Scope, Tools};
use handfast_identity::{DidKey, Seconds};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AgentRecord, Answer};
use crate::error::{AnswerError, ClientError};
use crate::owner::Owner;
use crate::secret::Secret;

const CLAIM: &str = "the claim";
const APPROVAL: &str = "the claim's approval";

/// How a claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimStatus {
    /// Nobody has confirmed it.
    Pending,
    /// The agent belongs to `owner`: to be shown, or compared with the expected one, before any token is used.
    Claimed {
        /// Whose it is.
        owner: Owner,
        /// Its handle, which the owner may have chosen.
        handle: Option<String>,
    },
    /// The owner did not want it.
    Refused,
    /// The code is over.
    Expired,
}

#[derive(Deserialize)]
struct StatusWire {
    status: String,
    #[serde(default)]
    owner: Option<OwnerWire>,
    #[serde(default)]
    handle: Option<String>,
}

#[derive(Deserialize)]
struct OwnerWire {
    id: String,
    #[serde(default)]
    name: String,
}

impl ClaimStatus {
    pub(super) fn read(answer: &Answer) -> Result<Self, ClientError> {
        let wire: StatusWire = answer.read(CLAIM)?;
        let unusable = |member| AnswerError::Member { endpoint: CLAIM, member };
        match wire.status.as_str() {
            "pending" => Ok(Self::Pending),
            "refused" => Ok(Self::Refused),
            "expired" => Ok(Self::Expired),
            "claimed" => {
                let owner = wire.owner.ok_or(unusable("owner"))?;
                Ok(Self::Claimed { owner: Owner { id: owner.id, name: owner.name }, handle: wire.handle })
            }
            _ => Err(unusable("status").into()),
        }
    }
}

/// How authority may be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DelegationMode {
    /// Not at all.
    None,
    /// By exchange at the registry.
    Exchange,
    /// Also without the registry.
    Offline,
}

/// The most an agent may ever be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// What.
    pub scope: Scope,
    /// Where.
    pub resources: Vec<ResourceId>,
    /// The longest task; the registry's default if `None`.
    pub max_task: Option<Seconds>,
    /// How it may be passed on; the registry's default if `None`.
    pub delegation: Option<DelegationMode>,
    /// How far it may be passed on: 0 for not at all, which is the registry's default.
    pub max_depth: Option<u8>,
    /// To whom besides the owner's own agents.
    pub delegates: Vec<DidKey>,
    /// Whether also to keys that the registry does not know, if the agent calls them instances; not so by default.
    pub instances: bool,
    /// With which tools only.
    pub tools: Option<Tools>,
    /// How often.
    pub budget: Option<Budget>,
}

/// An owner's approval of a claim. It is sent twice: the second time with the fingerprint that the first was answered with.
#[derive(Debug)]
pub struct Approval {
    /// The code that the agent showed.
    pub user_code: Secret,
    /// A handle of the owner's choice.
    pub handle: Option<String>,
    /// What the agent may be given.
    pub ceiling: Ceiling,
}

#[derive(Serialize)]
pub(super) struct CeilingWire<'a> {
    scope: &'a Scope,
    resource: &'a [ResourceId],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_task_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation: Option<DelegationMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    del_max_depth: Option<u8>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    delegates: &'a [DidKey],
    #[serde(skip_serializing_if = "is_left_out")]
    instances: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_left_out(instances: &bool) -> bool {
    !*instances
}

/// The body of an approval.
#[derive(Serialize)]
pub(super) struct ApprovalWire<'a> {
    user_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    ceiling: CeilingWire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<&'a str>,
}

impl Ceiling {
    pub(super) fn wire(&self) -> CeilingWire<'_> {
        CeilingWire {
            scope: &self.scope,
            resource: &self.resources,
            max_task_seconds: self.max_task.map(Seconds::get),
            delegation: self.delegation,
            del_max_depth: self.max_depth,
            delegates: &self.delegates,
            instances: self.instances,
            authorization_details: self.tools.as_ref().map(Tools::to_details),
            budget: self.budget,
        }
    }
}

impl Approval {
    pub(super) fn wire<'a>(&'a self, confirm: Option<&'a str>) -> ApprovalWire<'a> {
        let ceiling = self.ceiling.wire();
        ApprovalWire { user_code: self.user_code.expose(), handle: self.handle.as_deref(), ceiling, confirm }
    }
}

/// What an approval is answered with.
#[derive(Clone, Debug)]
pub enum ApprovalAnswer {
    /// To be compared by a person, then sent again.
    Confirm(Confirmation),
    /// The agent is the owner's.
    Claimed(AgentRecord),
}

/// What a person compares before an agent becomes theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The agent's DID.
    pub did: DidKey,
    /// The words that the agent shows too.
    pub fingerprint: String,
    /// What the agent calls itself: its own words.
    pub name: Option<String>,
    /// What it says it is for: its own words.
    pub purpose: Option<String>,
}

impl ApprovalAnswer {
    pub(super) fn read(answer: &Answer) -> Result<Self, ClientError> {
        let members: Map<String, Value> = answer.read(APPROVAL)?;
        if members.get("status").and_then(Value::as_str) != Some("confirm") {
            return Ok(Self::Claimed(AgentRecord::from_members(members, APPROVAL)?));
        }
        let text = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
        let unusable = |member| AnswerError::Member { endpoint: APPROVAL, member };
        let did = text("did").and_then(|did| DidKey::parse(&did).ok()).ok_or(unusable("did"))?;
        let fingerprint = text("fingerprint").ok_or(unusable("fingerprint"))?;
        Ok(Self::Confirm(Confirmation { did, fingerprint, name: text("name"), purpose: text("purpose") }))
    }
}
