//! What happened: the statement of a state change, whose commitment becomes a leaf of the log.

mod life;
mod operator;

use core::fmt;

use handfast_delegation::{Authority, Environment, Trigger};
use handfast_identity::{ContentHash, DidKey, Handle, UnixTime, json};
use serde::{Serialize, Serializer};

use crate::limits::{MAX_LISTED_DIDS, MAX_STATEMENT_BYTES, MAX_WHY_BYTES};
use crate::record::wire::{AuthorityWire, CeilingWire};
use crate::{
    AgentId, Ceiling, ClaimId, EncodeError, EnrolmentId, FeedKind, OwnerId, ReceivedStatement, Role, ShownText, TaskId,
};

pub use life::{LifeChange, LifeFact};
pub use operator::{EpochEnd, OperatorFact};

/// The format of the statements the registry writes itself.
const FORMAT: u8 = 1;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one of a kind in each record: nothing holds many
pub enum Party {
    /// An owner or admin.
    Owner(OwnerId),
    /// An agent, by its key.
    Agent(DidKey),
    /// Whoever runs the registry, at the machine itself.
    Operator,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(id) => id.fmt(f),
            Self::Agent(did) => did.fmt(f),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An agent registered; the statement is its own.
    AgentRegistered {
        /// The signed statement, as received.
        statement: ReceivedStatement,
    },
    /// An agent registered with an enrolment, whose owner it has from then on; the statement is its own, and names the enrolment.
    AgentEnrolled {
        /// The signed statement, as received.
        statement: ReceivedStatement,
    },
    /// An owner made an enrolment.
    EnrolmentMade {
        /// The enrolment.
        enrolment: EnrolmentId,
        /// The ceiling of the agent that registers with it.
        ceiling: Box<Ceiling>,
        /// Where that agent has to run.
        environment: Option<Environment>,
        /// Until when it is good.
        until: UnixTime,
    },
    /// An enrolment got another token: the answer with the first one was asked for again.
    EnrolmentRenewed {
        /// The enrolment.
        enrolment: EnrolmentId,
    },
    /// An enrolment was called off.
    EnrolmentRevoked {
        /// The enrolment.
        enrolment: EnrolmentId,
    },
    /// An owner registered; the statement is its own.
    OwnerRegistered {
        /// The signed statement, as received.
        statement: ReceivedStatement,
    },
    /// An enrolment code was made.
    OwnerCodeMade {
        /// What the new owner will be.
        role: Role,
    },
    /// An agent got a new claim code.
    ClaimCodeIssued {
        /// The agent.
        agent: AgentId,
        /// The claim.
        claim: ClaimId,
    },
    /// A wrong code was tried.
    ClaimCodeWrong {
        /// The claim.
        claim: ClaimId,
    },
    /// An owner gave the right code and was shown the agent.
    ClaimConfirming {
        /// The claim.
        claim: ClaimId,
    },
    /// An owner claimed an agent.
    AgentClaimed {
        /// The agent.
        agent: AgentId,
        /// The claim.
        claim: ClaimId,
        /// Its handle from now on.
        handle: Handle,
        /// Its ceiling.
        ceiling: Box<Ceiling>,
    },
    /// An owner refused to claim an agent.
    ClaimRefused {
        /// The claim.
        claim: ClaimId,
    },
    /// A task began.
    TaskCreated {
        /// The task.
        task: TaskId,
        /// The agent it is given to.
        agent: AgentId,
        /// What it is said to be for.
        intent: String,
        /// What set it off.
        trigger: Trigger,
        /// What it may use.
        authority: Authority,
        /// When it ends.
        deadline: UnixTime,
    },
    /// A task was declared done.
    TaskCompleted {
        /// The task.
        task: TaskId,
        /// Its agent.
        agent: AgentId,
    },
    /// Hops were exchanged for the first time. Their names commit to all that their delegators signed.
    Delegated {
        /// The task.
        task: TaskId,
        /// The id of the root token at the beginning of the chain.
        root_token: String,
        /// The hops, from the root on.
        hops: Vec<DelegatedHop>,
    },
    /// Something other than an agent was revoked.
    Revoked {
        /// What kind of thing.
        grain: FeedKind,
        /// Its id.
        id: String,
        /// Up to when, for what goes on afterwards.
        cut: Option<UnixTime>,
        /// When nothing it stops can be alive any more; `None` where it stops for ever.
        until: Option<UnixTime>,
    },
    /// Something else in an agent's life.
    Life(LifeFact),
    /// Something that the operator did to the registry itself.
    Operator(OperatorFact),
    /// An agent stated its new version; the statement is its own.
    VersionStated {
        /// The signed statement, as received.
        statement: ReceivedStatement,
    },
    /// An owner's off-boarding began, or went on after its beginning.
    OwnerOffboarding {
        /// The owner.
        owner: OwnerId,
        /// Who takes the agents over; none if they are retired.
        to: Option<OwnerId>,
        /// Whether nothing is left to be done.
        done: bool,
    },
    /// An agent was revoked.
    AgentRevoked {
        /// The agent.
        agent: AgentId,
        /// Every DID it ever had, the newest first.
        dids: Vec<DidKey>,
    },
    /// A rotation was asked for that its owner has to approve.
    RotationRequested(KeyChanged),
    /// An owner refused a rotation.
    RotationRefused(KeyChanged),
    /// A key took another's place.
    KeyRotated(KeyChanged),
    /// An owner put a key in the place of those after the last good one.
    KeyRecovered(KeyChanged),
}

/// What the statement of a change of keys says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChanged {
    /// The agent.
    pub agent: AgentId,
    /// The number of the new key.
    pub number: u16,
    /// The last number that was good, if it is a recovery.
    pub last_good: Option<u16>,
    /// What was signed.
    pub statement: ReceivedStatement,
}

/// One hop in the statement of its exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DelegatedHop {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub hop: ContentHash,
    /// To whom.
    pub delegate: DidKey,
    /// Its place in its chain.
    pub depth: u8,
}

fn as_text<S: Serializer>(name: &ContentHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

impl Fact {
    /// The kind, as leaves name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AgentRegistered { .. } => "agent_registered",
            Self::AgentEnrolled { .. } => "agent_enrolled",
            Self::EnrolmentMade { .. } => "enrolment_made",
            Self::EnrolmentRenewed { .. } => "enrolment_renewed",
            Self::EnrolmentRevoked { .. } => "enrolment_revoked",
            Self::OwnerRegistered { .. } => "owner_registered",
            Self::OwnerCodeMade { .. } => "owner_code_made",
            Self::ClaimCodeIssued { .. } => "claim_code_issued",
            Self::ClaimCodeWrong { .. } => "claim_code_wrong",
            Self::ClaimConfirming { .. } => "claim_confirming",
            Self::AgentClaimed { .. } => "agent_claimed",
            Self::ClaimRefused { .. } => "claim_refused",
            Self::TaskCreated { .. } => "task_created",
            Self::TaskCompleted { .. } => "task_completed",
            Self::Delegated { .. } => "delegated",
            Self::Life(life) => life.change.kind(),
            Self::Operator(fact) => fact.kind(),
            Self::VersionStated { .. } => "version_stated",
            Self::OwnerOffboarding { done: false, .. } => "owner_offboarding",
            Self::OwnerOffboarding { done: true, .. } => "owner_offboarded",
            Self::AgentRevoked { .. } | Self::Revoked { grain: FeedKind::Agent, .. } => "agent_revoked",
            Self::Revoked { grain: FeedKind::Task, .. } => "task_revoked",
            Self::Revoked { grain: FeedKind::Token, .. } => "token_revoked",
            Self::Revoked { grain: FeedKind::Hop, .. } => "hop_revoked",
            Self::Revoked { grain: FeedKind::Owner, .. } => "owner_revoked",
            Self::Revoked { grain: FeedKind::IssuerKey, .. } => "issuer_key_revoked",
            Self::Revoked { grain: FeedKind::Key, .. } => "key_revoked",
            Self::RotationRequested(_) => "rotation_requested",
            Self::RotationRefused(_) => "rotation_refused",
            Self::KeyRotated(_) => "key_rotated",
            Self::KeyRecovered(_) => "key_recovered",
        }
    }
}

/// One state change, with who, why and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub fact: Fact,
    /// Who did it.
    pub who: Party,
    /// Why, in that party's words: unverified text.
    pub why: Option<ShownText<MAX_WHY_BYTES>>,
    /// When, by the registry's clock.
    pub when: UnixTime,
    /// Whom it is about; nobody yet when the operator makes an enrolment code.
    pub did: Option<DidKey>,
}

impl Event {
    /// The bytes the log commits to: the statement as received where somebody signed one, else the registry's own, in
    /// RFC 8785 JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if it is longer than [`MAX_STATEMENT_BYTES`], which the bounds of its parts exclude.
    pub fn statement(&self) -> Result<Vec<u8>, EncodeError> {
        let bytes = match &self.fact {
            Fact::AgentRegistered { statement }
            | Fact::AgentEnrolled { statement }
            | Fact::OwnerRegistered { statement }
            | Fact::VersionStated { statement } => statement.as_str().as_bytes().to_vec(),
            _ => json::to_jcs(&StatementWire::from(self)).map_err(|_| EncodeError)?,
        };
        if bytes.len() <= MAX_STATEMENT_BYTES { Ok(bytes) } else { Err(EncodeError) }
    }
}

/// A statement of the registry's own: one flat object, members that do not apply left out.
#[derive(Default, Serialize)]
struct StatementWire<'a> {
    v: u8,
    kind: &'a str,
    who: String,
    when: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<&'a DidKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<AuthorityWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceiling: Option<CeilingWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'a ClaimId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dids: Option<&'a [DidKey]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<&'a EpochEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a OwnerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hops: Option<&'a [DelegatedHop]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_number: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kids: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_good: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a OwnerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'a Trigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// The newest of an agent's DIDs, and how many it had: a statement has its bounds, and the number says whether there are more.
fn listed(dids: &[DidKey]) -> (Option<&[DidKey]>, Option<usize>) {
    if dids.is_empty() {
        return (None, None);
    }
    (Some(dids.get(..MAX_LISTED_DIDS).unwrap_or(dids)), Some(dids.len()))
}

impl<'a> From<&'a Event> for StatementWire<'a> {
    fn from(event: &'a Event) -> Self {
        let common = Self {
            v: FORMAT,
            kind: event.fact.kind(),
            who: event.who.to_string(),
            when: event.when.as_secs(),
            why: event.why.as_ref().map(ShownText::as_str),
            did: event.did.as_ref(),
            ..Self::default()
        };
        match &event.fact {
            Fact::AgentRegistered { .. }
            | Fact::AgentEnrolled { .. }
            | Fact::OwnerRegistered { .. }
            | Fact::VersionStated { .. } => common,
            Fact::EnrolmentMade { enrolment, ceiling, environment, until } => Self {
                id: Some(enrolment.as_str()),
                ceiling: Some((&**ceiling).into()),
                environment: *environment,
                until: Some(until.as_secs()),
                ..common
            },
            Fact::EnrolmentRenewed { enrolment } | Fact::EnrolmentRevoked { enrolment } => {
                Self { id: Some(enrolment.as_str()), ..common }
            }
            Fact::Life(life) => life.written(common),
            Fact::Operator(fact) => fact.written(common),
            Fact::OwnerOffboarding { owner, to, .. } => Self { id: Some(owner.as_str()), to: to.as_ref(), ..common },
            Fact::OwnerCodeMade { role } => Self { role: Some(role.as_str()), ..common },
            Fact::ClaimCodeIssued { agent, claim } => Self { agent: Some(agent), claim: Some(claim), ..common },
            Fact::ClaimCodeWrong { claim } | Fact::ClaimConfirming { claim } | Fact::ClaimRefused { claim } => {
                Self { claim: Some(claim), ..common }
            }
            Fact::AgentClaimed { agent, claim, handle, ceiling } => Self {
                agent: Some(agent),
                claim: Some(claim),
                handle: Some(handle.as_str()),
                ceiling: Some((&**ceiling).into()),
                ..common
            },
            Fact::TaskCreated { task, agent, intent, trigger, authority, deadline } => Self {
                task: Some(task),
                agent: Some(agent),
                intent: Some(intent),
                trigger: Some(trigger),
                authority: Some(authority.into()),
                deadline: Some(deadline.as_secs()),
                ..common
            },
            Fact::TaskCompleted { task, agent } => Self { task: Some(task), agent: Some(agent), ..common },
            Fact::Delegated { task, root_token, hops } => {
                Self { task: Some(task), root_jti: Some(root_token), hops: Some(hops), ..common }
            }
            Fact::Revoked { id, cut, until, .. } => {
                Self { id: Some(id), cut: cut.map(UnixTime::as_secs), until: until.map(UnixTime::as_secs), ..common }
            }
            Fact::AgentRevoked { agent, dids } => {
                let (dids, keys) = listed(dids);
                Self { agent: Some(agent), dids, keys, ..common }
            }
            Fact::RotationRequested(change)
            | Fact::RotationRefused(change)
            | Fact::KeyRotated(change)
            | Fact::KeyRecovered(change) => Self {
                agent: Some(&change.agent),
                key_number: Some(change.number),
                last_good: change.last_good,
                statement: Some(change.statement.as_str()),
                ..common
            },
        }
    }
}
