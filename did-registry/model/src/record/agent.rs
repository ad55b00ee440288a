//! An agent's record: who it is now, what it was before, and where it stands in its life.

use handfast_delegation::{Authority, Environment};
use handfast_identity::{DidKey, Handle, UnixTime};

use super::wire::agent::AgentWire;
use super::wire::{read, write};
use super::{EncodeError, KeyRecord, Organisation, Rate, RecordError, RecordKind, Slot, Stored, TaskRecord, Tenure};
use crate::limits::{MAX_NAME_BYTES, MAX_PURPOSE_BYTES, MAX_VERSION_BYTES, UNCLAIMED_LIFETIME};
use crate::{AgentId, Ceiling, ClaimId, OwnerId, Refusal, ShownText};

/// What an agent says of itself. Nothing here is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: ShownText<MAX_NAME_BYTES>,
    /// The version of its software.
    pub version: ShownText<MAX_VERSION_BYTES>,
    /// What it is for.
    pub purpose: ShownText<MAX_PURPOSE_BYTES>,
    /// Where it runs.
    pub environment: Environment,
}

/// Where an agent stands. It only ever moves down this list (P-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Registered; nobody answers for it.
    Unclaimed,
    /// An owner answers for it.
    Claimed,
    /// Ended, for ever.
    Revoked,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "UNCLAIMED",
            Self::Claimed => "CLAIMED",
            Self::Revoked => "REVOKED",
        }
    }

    /// The status of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Unclaimed, Self::Claimed, Self::Revoked].into_iter().find(|status| status.as_str() == text)
    }
}

/// An agent's record. Changed by decisions of this crate only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRecord {
    pub(crate) id: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) did: DidKey,
    /// The number of the current key: 1 until it is replaced.
    pub(crate) key_number: u16,
    /// Whether the current key was declared compromised: then only its owner can go on, by a recovery.
    pub(crate) is_key_compromised: bool,
    /// The DIDs before this one. Not stored here: they are loaded from the records of the keys where they are needed.
    pub(crate) former: Vec<DidKey>,
    pub(crate) handle: Handle,
    pub(crate) profile: Profile,
    pub(crate) created: UnixTime,
    pub(crate) life: Life,
}

/// What an agent has beside its status; each status holds exactly what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Unclaimed(Unclaimed),
    Claimed(Claimed),
    Revoked(Revoked),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unclaimed {
    /// The one claim whose code is good.
    pub(crate) claim: ClaimId,
    pub(crate) expected_owner: Option<OwnerId>,
    pub(crate) requested: Authority,
    pub(crate) last_used: UnixTime,
    /// The new codes it asked for.
    pub(crate) codes: Option<Rate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) owner: OwnerId,
    pub(crate) ceiling: Ceiling,
    pub(crate) at: UnixTime,
    pub(crate) tenure: Tenure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revoked {
    pub(crate) owner: Option<OwnerId>,
    pub(crate) claimed_at: Option<UnixTime>,
    pub(crate) at: UnixTime,
}

impl AgentRecord {
    /// The record's own id, which outlives every key.
    #[must_use]
    pub const fn id(&self) -> &AgentId {
        &self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The DID that is good now.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// Every DID the agent ever had, the current one first.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] for a record that was loaded without the DIDs before the current one: an incomplete history
    /// must not pass for a whole one.
    pub fn did_history(&self) -> Result<impl Iterator<Item = &DidKey>, Refusal> {
        if self.former.len().checked_add(1) != Some(usize::from(self.key_number)) {
            return Err(Refusal::StoreUnavailable);
        }
        Ok(core::iter::once(&self.did).chain(&self.former))
    }

    /// The record with the DIDs before the current one, taken from the records of its keys.
    #[must_use]
    pub fn with_history(mut self, keys: &[KeyRecord]) -> Self {
        // one that followed since is not one before
        let own = keys.iter().filter(|key| key.agent == self.id && key.number < self.key_number);
        self.former = own.map(|key| key.did.clone()).collect();
        self
    }

    /// The number of the current key: 1 for the one it registered with, one more with each rotation and recovery.
    #[must_use]
    pub const fn key_number(&self) -> u16 {
        self.key_number
    }

    /// Whether the current key was declared compromised.
    #[must_use]
    pub const fn is_key_compromised(&self) -> bool {
        self.is_key_compromised
    }

    /// The handle. For reading: it never decides.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the agent says of itself.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self.life {
            Life::Unclaimed(_) => Status::Unclaimed,
            Life::Claimed(_) => Status::Claimed,
            Life::Revoked(_) => Status::Revoked,
        }
    }

    /// Who answers for it, or did until it was revoked.
    #[must_use]
    pub const fn owner(&self) -> Option<&OwnerId> {
        match &self.life {
            Life::Unclaimed(_) => None,
            Life::Claimed(claimed) => Some(&claimed.owner),
            Life::Revoked(revoked) => revoked.owner.as_ref(),
        }
    }

    /// The most it may be given; only a CLAIMED agent has one.
    #[must_use]
    pub const fn ceiling(&self) -> Option<&Ceiling> {
        match &self.life {
            Life::Claimed(claimed) => Some(&claimed.ceiling),
            Life::Unclaimed(_) | Life::Revoked(_) => None,
        }
    }

    /// What it asked for when it registered, until it is claimed.
    #[must_use]
    pub const fn requested(&self) -> Option<&Authority> {
        match &self.life {
            Life::Unclaimed(unclaimed) => Some(&unclaimed.requested),
            Life::Claimed(_) | Life::Revoked(_) => None,
        }
    }

    /// The claim whose code is good, while it is UNCLAIMED.
    #[must_use]
    pub const fn claim(&self) -> Option<&ClaimId> {
        match &self.life {
            Life::Unclaimed(unclaimed) => Some(&unclaimed.claim),
            Life::Claimed(_) | Life::Revoked(_) => None,
        }
    }

    /// When it registered.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.created
    }

    /// When it was claimed.
    #[must_use]
    pub const fn claimed_at(&self) -> Option<UnixTime> {
        match &self.life {
            Life::Unclaimed(_) => None,
            Life::Claimed(claimed) => Some(claimed.at),
            Life::Revoked(revoked) => revoked.claimed_at,
        }
    }

    /// When it was revoked.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<UnixTime> {
        match &self.life {
            Life::Revoked(revoked) => Some(revoked.at),
            Life::Unclaimed(_) | Life::Claimed(_) => None,
        }
    }

    /// Since when it is suspended.
    #[must_use]
    pub fn suspended_at(&self) -> Option<UnixTime> {
        self.tenure().and_then(|tenure| tenure.suspended).map(|suspension| suspension.at)
    }

    /// When it was retired: out of use for ever, its record and handle kept.
    #[must_use]
    pub fn retired_at(&self) -> Option<UnixTime> {
        self.tenure().and_then(|tenure| tenure.retired)
    }

    /// The newest offer that was neither taken nor withdrawn, past its time or not: to whom, and the first second at which it is.
    #[must_use]
    pub fn offer(&self) -> Option<(&OwnerId, UnixTime)> {
        self.tenure().and_then(|tenure| tenure.offer.as_ref()).map(|offer| (&offer.to, offer.expires))
    }

    /// To whom it is offered, and the first second at which it no longer is.
    #[must_use]
    pub fn offered(&self, now: UnixTime) -> Option<(&OwnerId, UnixTime)> {
        self.tenure().and_then(|tenure| tenure.open_offer(now)).map(|offer| (&offer.to, offer.expires))
    }

    /// Whether `task`, of this agent, goes on: neither over by itself, nor given in an era that a transfer or a lower ceiling ended.
    #[must_use]
    pub fn goes_on_with(&self, task: &TaskRecord, now: UnixTime) -> bool {
        task.is_open(now) && task.era == self.era()
    }

    /// What its owner holds it by, while it is CLAIMED.
    pub(crate) const fn tenure(&self) -> Option<&Tenure> {
        match &self.life {
            Life::Claimed(claimed) => Some(&claimed.tenure),
            Life::Unclaimed(_) | Life::Revoked(_) => None,
        }
    }

    /// The era in which tasks are given now.
    pub(crate) fn era(&self) -> u32 {
        self.tenure().map_or(0, |tenure| tenure.era)
    }

    /// Whether it is UNCLAIMED and went unused for 30 days. To everybody such an agent is as one that never was.
    ///
    /// Use is a new claim code or task; a task of an UNCLAIMED agent ends within the hour, so that is exact enough.
    #[must_use]
    pub fn is_expired(&self, now: UnixTime) -> bool {
        matches!(&self.life, Life::Unclaimed(unclaimed) if now >= unclaimed.last_used.saturating_add(UNCLAIMED_LIFETIME))
    }
}

impl Stored for AgentRecord {
    const KIND: RecordKind = RecordKind::Agent;

    fn slot(&self) -> Slot {
        Slot::agent(&self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&AgentWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<AgentWire, Self>(Self::KIND, bytes)
    }
}
