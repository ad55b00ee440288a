//! Records of agents and owners, and what a registration is answered with.

use handfast_identity::DidKey;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Answer;
use crate::error::{AnswerError, ClientError};
use crate::owner::Owner;
use crate::secret::Secret;

const REGISTRATION: &str = "agent registration";
const OWNER_REGISTRATION: &str = "owner registration";
const AGENTS: &str = "the agents";
const CLAIM_CODE: &str = "the new claim code";

/// Where an agent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// Nobody's yet.
    Unclaimed,
    /// An owner's.
    Claimed,
    /// At its end; final.
    Revoked,
}

impl AgentStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "UNCLAIMED",
            Self::Claimed => "CLAIMED",
            Self::Revoked => "REVOKED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "UNCLAIMED" => Some(Self::Unclaimed),
            "CLAIMED" => Some(Self::Claimed),
            "REVOKED" => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// An agent's record, as the registry shows it to this caller.
#[derive(Clone, Debug)]
pub struct AgentRecord {
    did: DidKey,
    handle: String,
    status: AgentStatus,
    members: Map<String, Value>,
}

impl AgentRecord {
    /// Its current DID.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// Its handle.
    #[must_use]
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn status(&self) -> AgentStatus {
        self.status
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Its owner, if it has one.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        let owner = self.members.get("owner")?;
        let text = |member: &str| owner.get(member).and_then(Value::as_str).map(str::to_owned);
        Some(Owner { id: text("id")?, name: text("name").unwrap_or_default() })
    }

    pub(super) fn from_members(members: Map<String, Value>, endpoint: &'static str) -> Result<Self, AnswerError> {
        let text = |member: &'static str| {
            members.get(member).and_then(Value::as_str).ok_or(AnswerError::Member { endpoint, member })
        };
        let did = DidKey::parse(text("did")?).map_err(|_| AnswerError::Member { endpoint, member: "did" })?;
        let status = AgentStatus::parse(text("status")?).ok_or(AnswerError::Member { endpoint, member: "status" })?;
        let handle = text("handle")?.to_owned();
        Ok(Self { did, handle, status, members })
    }

    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        Self::from_members(answer.read(AGENTS)?, AGENTS)
    }
}

/// Which agents are wanted: those that all of it is true of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentQuery {
    /// How the handle begins.
    pub handle: Option<String>,
    /// Whose they are, by owner id.
    pub owner: Option<String>,
    /// Where they are in their life.
    pub status: Option<AgentStatus>,
}

/// One page of agents. It may hold fewer than were asked for, and none, though more follow.
#[derive(Clone, Debug)]
pub struct AgentPage {
    /// The agents.
    pub agents: Vec<AgentRecord>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct PageWire {
    agents: Vec<Map<String, Value>>,
    #[serde(default)]
    next: Option<String>,
}

impl AgentPage {
    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let wire: PageWire = answer.read(AGENTS)?;
        let agents = wire.agents.into_iter().map(|members| AgentRecord::from_members(members, AGENTS));
        Ok(Self { agents: agents.collect::<Result<_, _>>()?, next: wire.next })
    }
}

/// What a registration is answered with.
#[derive(Debug)]
pub struct Registered {
    /// The new record: UNCLAIMED, or with an enrolment CLAIMED.
    pub record: AgentRecord,
    /// How an owner claims the agent; `None` when there is nothing left to claim.
    pub claim: Option<Claim>,
}

/// How an owner claims an agent: the address is public, the code is for the owner only.
#[derive(Debug)]
pub struct Claim {
    /// Id to poll with.
    pub id: String,
    /// To be typed by the owner.
    pub user_code: Secret,
    /// Where it is typed.
    pub verification_uri: String,
    /// Seconds until the code is over.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
}

#[derive(Deserialize)]
struct ClaimWire {
    id: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: u64,
}

impl From<ClaimWire> for Claim {
    fn from(wire: ClaimWire) -> Self {
        Self {
            id: wire.id,
            user_code: Secret::new(wire.user_code),
            verification_uri: wire.verification_uri,
            expires_in: wire.expires_in,
            interval: wire.interval,
        }
    }
}

impl Claim {
    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        answer.read(CLAIM_CODE).map(|wire: ClaimWire| wire.into())
    }
}

#[derive(Deserialize)]
struct ClaimMember {
    #[serde(default)]
    claim: Option<ClaimWire>,
}

impl Registered {
    pub(super) fn read(answer: &Answer, own: &DidKey) -> Result<Self, ClientError> {
        let ClaimMember { claim } = answer.read(REGISTRATION)?;
        let mut members: Map<String, Value> = answer.read(REGISTRATION)?;
        members.remove("claim"); // holds the code, which is no part of the record
        let record = AgentRecord::from_members(members, REGISTRATION)?;
        require_own(record.did(), own, REGISTRATION)?;
        Ok(Self { record, claim: claim.map(Claim::from) })
    }

    /// Whether the code that an owner would claim it with is missing: a repeated answer does not hold it.
    pub(super) fn lacks_code(&self) -> bool {
        self.record.status() == AgentStatus::Unclaimed && self.claim.is_none()
    }
}

/// An owner, as answered to the registration of their key.
#[derive(Clone, Debug)]
pub struct OwnerRecord {
    /// `owner:` and 26 characters.
    pub id: String,
    /// The DID of their key.
    pub did: DidKey,
}

#[derive(Deserialize)]
struct OwnerWire {
    id: String,
    did: String,
}

impl OwnerRecord {
    pub(super) fn read(answer: &Answer, own: &DidKey) -> Result<Self, ClientError> {
        let wire: OwnerWire = answer.read(OWNER_REGISTRATION)?;
        let unusable = |_| AnswerError::Member { endpoint: OWNER_REGISTRATION, member: "did" };
        let did = DidKey::parse(&wire.did).map_err(unusable)?;
        require_own(&did, own, OWNER_REGISTRATION)?;
        Ok(Self { id: wire.id, did })
    }
}

/// An answer about another key is no answer to this registration.
fn require_own(found: &DidKey, own: &DidKey, endpoint: &'static str) -> Result<(), AnswerError> {
    if found == own { Ok(()) } else { Err(AnswerError::Member { endpoint, member: "did" }) }
}
