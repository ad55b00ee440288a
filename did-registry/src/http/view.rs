//! Records as their readers see them. Times are seconds since the epoch, as everywhere on this wire (RFC 7519 `NumericDate`).

use handfast_delegation::{Authority, Budget, Environment, ResourceId, Scope, Tools, Trigger};
use handfast_identity::{DidKey, Handle, UnixTime, fingerprint};
use handfast_registry_model::{
    AgentRecord, Ceiling, ClaimView, ConfirmView, HopRecord, IssuedClaim, OwnerId, OwnerRecord, PendingRotation,
    RevocationRecord, ShownText, TaskRecord,
};
use serde::Serialize;
use serde_json::Value;

use crate::config::RegistryConfig;

/// An agent's record.
#[derive(Serialize)]
pub(super) struct AgentView<'a> {
    did: &'a DidKey,
    handle: &'a str,
    status: &'static str,
    /// From the second key on.
    #[serde(skip_serializing_if = "is_first")]
    key_number: u16,
    #[serde(skip_serializing_if = "is_false")]
    key_compromised: bool,
    organisation: &'a str,
    name: &'a str,
    version: &'a str,
    purpose: &'a str,
    environment: Environment,
    created_at: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<UnixTime>,
    /// The newest offer to another owner, which nobody took.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<PartyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceiling: Option<CeilingView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<AuthorityView<'a>>,
    /// The rotation that waits for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<WaitingView<'a>>,
}

impl<'a> AgentView<'a> {
    /// The record; `owner` is that of its owner, where its name is to be shown.
    pub(super) fn of(agent: &'a AgentRecord, owner: Option<&'a OwnerRecord>) -> Self {
        let profile = agent.profile();
        let owner_id = agent.owner().map(OwnerId::as_str);
        Self {
            did: agent.did(),
            handle: agent.handle().as_str(),
            status: agent.status().as_str(),
            key_number: agent.key_number(),
            key_compromised: agent.is_key_compromised(),
            organisation: agent.organisation().as_str(),
            name: profile.name.as_str(),
            version: profile.version.as_str(),
            purpose: profile.purpose.as_str(),
            environment: profile.environment,
            created_at: agent.created(),
            claimed_at: agent.claimed_at(),
            revoked_at: agent.revoked_at(),
            suspended_at: agent.suspended_at(),
            retired_at: agent.retired_at(),
            transfer: agent.offer().map(|(to, expires_at)| TransferView { to: to.as_str(), expires_at }),
            owner: owner_id.map(|id| PartyView { id, name: owner.and_then(name_of) }),
            ceiling: agent.ceiling().map(CeilingView::of),
            requested: agent.requested().map(AuthorityView::of),
            rotation: None,
        }
    }

    /// The same with the rotation that waits, if it still does.
    pub(super) fn with_rotation(mut self, pending: Option<&'a PendingRotation>, now: UnixTime) -> Self {
        self.rotation = pending.filter(|pending| pending.is_open(now)).map(WaitingView::of);
        self
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_first(number: &u16) -> bool {
    *number == 1
}

/// A rotation that waits for the owner: the words are for comparing with those the agent shows.
#[derive(Serialize)]
struct WaitingView<'a> {
    did: &'a DidKey,
    fingerprint: String,
    requested_at: UnixTime,
    expires_at: UnixTime,
}

impl<'a> WaitingView<'a> {
    fn of(pending: &'a PendingRotation) -> Self {
        let (requested_at, expires_at) = (pending.requested_at(), pending.expires_at());
        Self { did: pending.did(), fingerprint: fingerprint(pending.did()), requested_at, expires_at }
    }
}

#[derive(Serialize)]
struct TransferView<'a> {
    to: &'a str,
    expires_at: UnixTime,
}

fn name_of(owner: &OwnerRecord) -> Option<&str> {
    owner.name().map(ShownText::as_str)
}

#[derive(Serialize)]
struct PartyView<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct AuthorityView<'a> {
    scope: &'a Scope,
    resource: Vec<&'a ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
}

impl<'a> AuthorityView<'a> {
    fn of(authority: &'a Authority) -> Self {
        Self {
            scope: &authority.scope,
            resource: authority.resources.iter().collect(),
            authorization_details: authority.tools.as_ref().map(Tools::to_details),
            budget: authority.budget,
        }
    }
}

#[derive(Serialize)]
pub(super) struct CeilingView<'a> {
    #[serde(flatten)]
    authority: AuthorityView<'a>,
    max_task_seconds: u64,
    delegation: &'static str,
    del_max_depth: u8,
    #[serde(skip_serializing_if = "<[DidKey]>::is_empty")]
    delegates: &'a [DidKey],
    instances: bool,
}

impl<'a> CeilingView<'a> {
    pub(super) fn of(ceiling: &'a Ceiling) -> Self {
        Self {
            authority: AuthorityView::of(ceiling.authority()),
            max_task_seconds: ceiling.max_task().get(),
            delegation: ceiling.delegation().as_str(),
            del_max_depth: ceiling.max_depth(),
            delegates: ceiling.delegates(),
            instances: ceiling.instances(),
        }
    }
}

/// A claim with its code, for the agent that shows it.
#[derive(Serialize)]
pub(super) struct CodeView<'a> {
    id: &'a str,
    user_code: &'a str,
    verification_uri: String,
    expires_in: u64,
    interval: u64,
}

impl<'a> CodeView<'a> {
    pub(super) fn of(claim: &'a IssuedClaim, config: &RegistryConfig) -> Self {
        Self {
            id: claim.id.as_str(),
            user_code: claim.code.expose(),
            verification_uri: config.url(&format!("/claims/{}", claim.id)),
            expires_in: claim.expires_in.get(),
            interval: claim.interval.get(),
        }
    }
}

/// What an owner sees before he confirms.
#[derive(Serialize)]
pub(super) struct ConfirmationView<'a> {
    status: &'static str,
    did: &'a DidKey,
    fingerprint: &'a str,
    handle: &'a str,
    name: &'a str,
    version: &'a str,
    purpose: &'a str,
    environment: Environment,
    requested: AuthorityView<'a>,
    /// The members that are the agent's own words: nobody has checked them.
    self_declared: [&'static str; 5],
}

impl<'a> ConfirmationView<'a> {
    pub(super) fn of(view: &'a ConfirmView) -> Self {
        Self {
            status: "confirm",
            did: &view.did,
            fingerprint: &view.fingerprint,
            handle: view.handle.as_str(),
            name: view.profile.name.as_str(),
            version: view.profile.version.as_str(),
            purpose: view.profile.purpose.as_str(),
            environment: view.profile.environment,
            requested: AuthorityView::of(&view.requested),
            self_declared: ["name", "version", "purpose", "environment", "requested"],
        }
    }
}

/// How a claim stands, for its agent.
#[derive(Serialize)]
pub(super) struct PollView<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<PartyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
}

impl<'a> PollView<'a> {
    pub(super) fn of(view: &'a ClaimView) -> Self {
        let owner = view.owner.as_ref();
        Self {
            status: view.status.as_str(),
            owner: owner.map(|(id, name)| PartyView { id: id.as_str(), name: name.as_ref().map(ShownText::as_str) }),
            handle: view.handle.as_ref().map(Handle::as_str),
        }
    }
}

/// A task.
#[derive(Serialize)]
pub(super) struct TaskView<'a> {
    id: &'a str,
    agent: &'a DidKey,
    sub: String,
    status: &'static str,
    intent: &'a str,
    trigger: &'a Trigger,
    #[serde(flatten)]
    authority: AuthorityView<'a>,
    created_at: UnixTime,
    deadline: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf: Option<u64>,
}

impl<'a> TaskView<'a> {
    /// The task of `agent`, as it stands at `now`.
    pub(super) fn of(task: &'a TaskRecord, agent: &'a AgentRecord, now: UnixTime) -> Self {
        let status = match (task.revoked_at(), task.completed_at()) {
            (Some(_), _) => "revoked",
            (None, Some(_)) => "completed",
            (None, None) if agent.goes_on_with(task, now) => "open",
            (None, None) => "ended",
        };
        Self {
            id: task.id().as_str(),
            agent: agent.did(),
            sub: task.subject().to_string(),
            status,
            intent: task.intent(),
            trigger: task.trigger(),
            authority: AuthorityView::of(task.authority()),
            created_at: task.created(),
            deadline: task.deadline(),
            completed_at: task.completed_at(),
            revoked_at: task.revoked_at(),
            leaf: task.leaf(),
        }
    }
}

/// One page of a task's tree.
#[derive(Serialize)]
pub(super) struct TreeView<'a> {
    task: &'a str,
    delegations: Vec<HopView<'a>>,
    next: Option<String>,
}

impl<'a> TreeView<'a> {
    /// These hops of `task`; `next` goes into `after`.
    pub(super) fn of(task: &'a TaskRecord, hops: &'a [HopRecord], next: Option<String>) -> Self {
        Self { task: task.id().as_str(), delegations: hops.iter().map(HopView::of).collect(), next }
    }
}

#[derive(Serialize)]
struct HopView<'a> {
    hop: String,
    /// Null behind a root token.
    parent: Option<String>,
    delegator: &'a DidKey,
    delegate: &'a DidKey,
    depth: u8,
    instance: bool,
    #[serde(flatten)]
    authority: AuthorityView<'a>,
    expires_at: UnixTime,
    created_at: UnixTime,
}

impl<'a> HopView<'a> {
    fn of(hop: &'a HopRecord) -> Self {
        Self {
            hop: hop.name().to_string(),
            parent: hop.parent().map(ToString::to_string),
            delegator: hop.delegator(),
            delegate: hop.delegate(),
            depth: hop.depth(),
            instance: hop.is_instance(),
            authority: AuthorityView::of(hop.authority()),
            expires_at: hop.authority().expires_at,
            created_at: hop.created(),
        }
    }
}

/// What was stopped, other than an agent.
#[derive(Serialize)]
pub(super) struct RevocationView<'a> {
    kind: &'static str,
    id: &'a str,
    status: &'static str,
    revoked_at: UnixTime,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<UnixTime>,
}

impl<'a> RevocationView<'a> {
    pub(super) fn of(record: &'a RevocationRecord) -> Self {
        Self {
            kind: record.kind().as_str(),
            id: record.id(),
            status: "REVOKED",
            revoked_at: record.at(),
            by: record.by().to_string(),
            reason: record.why(),
            cut: record.cut(),
            until: record.until(),
        }
    }
}
