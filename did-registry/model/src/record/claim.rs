//! A claim: the way from an agent's code to an owner.

use handfast_identity::UnixTime;

use super::wire::claim::ClaimWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::code::CodeHash;
use crate::limits::{MAX_CONFIRMING_OWNERS, MAX_WRONG_CODES, MAX_WRONG_CODES_PER_OWNER};
use crate::{AgentId, ClaimId, OwnerId};

/// A claim's record. Its id is public, its code is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRecord {
    pub(crate) id: ClaimId,
    pub(crate) organisation: Organisation,
    pub(crate) agent: AgentId,
    pub(crate) code: CodeHash,
    pub(crate) expires: UnixTime,
    pub(crate) state: ClaimState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimState {
    /// Open, with what each owner did so far: in order of arrival at the confirm stage, then as they came.
    Pending(Vec<OwnerTries>),
    Claimed(OwnerId),
    Refused(OwnerId),
}

/// What one owner did at an open claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerTries {
    pub(crate) owner: OwnerId,
    pub(crate) wrong: u8,
    /// The terms the owner was asked to confirm after giving the right code: a digest of handle and ceiling.
    pub(crate) terms: Option<[u8; 32]>,
}

/// How a claim stands, as its agent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimStatus {
    /// Waiting for an owner.
    Pending,
    /// An owner took it.
    Claimed,
    /// An owner with the code refused it.
    Refused,
    /// Past its time, void, or just being replaced.
    Expired,
}

impl ClaimStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

impl ClaimRecord {
    /// The id.
    #[must_use]
    pub const fn id(&self) -> &ClaimId {
        &self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The agent to be claimed.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// The first second at which its code is no longer good.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }
}

/// Every owner's doings at an open claim.
impl ClaimState {
    pub(crate) fn tries_of(&self, owner: &OwnerId) -> Option<&OwnerTries> {
        self.all_tries().iter().find(|tries| tries.owner == *owner)
    }

    pub(crate) fn all_tries(&self) -> &[OwnerTries] {
        match self {
            Self::Pending(tries) => tries,
            Self::Claimed(_) | Self::Refused(_) => &[],
        }
    }

    pub(crate) fn is_void(&self) -> bool {
        let wrong: usize = self.all_tries().iter().map(|tries| usize::from(tries.wrong)).sum();
        wrong >= usize::from(MAX_WRONG_CODES)
    }

    pub(crate) fn is_locked_for(&self, owner: &OwnerId) -> bool {
        self.tries_of(owner).is_some_and(|tries| tries.wrong >= MAX_WRONG_CODES_PER_OWNER)
    }

    /// The same with one more wrong code of `owner`.
    pub(crate) fn with_wrong_code(&self, owner: &OwnerId) -> Self {
        let mut all = self.all_tries().to_vec();
        match all.iter_mut().find(|tries| tries.owner == *owner) {
            Some(tries) => tries.wrong = tries.wrong.saturating_add(1),
            None => all.push(OwnerTries { owner: owner.clone(), wrong: 1, terms: None }),
        }
        Self::Pending(all)
    }

    /// The same with `owner` at the confirm stage, on `terms`. The one who came first makes room if it is full.
    pub(crate) fn with_terms(&self, owner: &OwnerId, terms: [u8; 32]) -> Self {
        let (own, mut all): (Vec<_>, Vec<_>) =
            self.all_tries().iter().cloned().partition(|tries| tries.owner == *owner);
        let wrong = own.first().map_or(0, |tries| tries.wrong);
        let confirming = all.iter().filter(|tries| tries.terms.is_some()).count();
        if confirming >= MAX_CONFIRMING_OWNERS
            && let Some(first) = all.iter_mut().find(|tries| tries.terms.is_some())
        {
            first.terms = None;
        }
        all.retain(|tries| tries.wrong > 0 || tries.terms.is_some());
        all.push(OwnerTries { owner: owner.clone(), wrong, terms: Some(terms) });
        Self::Pending(all)
    }
}

impl Stored for ClaimRecord {
    const KIND: RecordKind = RecordKind::Claim;

    fn slot(&self) -> Slot {
        Slot::claim(&self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&ClaimWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<ClaimWire, Self>(Self::KIND, bytes)
    }
}
