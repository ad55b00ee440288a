//! How far the off-boarding of an owner has come.

use handfast_identity::UnixTime;

use super::wire::offboarding::OffboardingWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::limits::{MAX_WHY_BYTES, OWNER_CUT_AHEAD};
use crate::{AgentId, OwnerId, ShownText};

/// An owner's off-boarding: kept for ever, and what lets whoever comes next go on where somebody stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffboardingRecord {
    pub(crate) owner: OwnerId,
    pub(crate) organisation: Organisation,
    /// Who takes the agents over; they are retired if nobody does.
    pub(crate) to: Option<OwnerId>,
    pub(crate) by: OwnerId,
    pub(crate) why: Option<ShownText<MAX_WHY_BYTES>>,
    pub(crate) at: UnixTime,
    /// Agents dealt with.
    pub(crate) agents: u32,
    /// The last agent looked at in this pass over the owner's list.
    pub(crate) after: Option<AgentId>,
    /// Whether this pass found something to do.
    pub(crate) found: bool,
    pub(crate) done: Option<UnixTime>,
}

impl OffboardingRecord {
    /// The owner.
    #[must_use]
    pub const fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// Who takes the agents over; they are retired if nobody does.
    #[must_use]
    pub const fn to(&self) -> Option<&OwnerId> {
        self.to.as_ref()
    }

    /// The admin who began it.
    #[must_use]
    pub const fn by(&self) -> &OwnerId {
        &self.by
    }

    /// Why, in that admin's words.
    #[must_use]
    pub const fn why(&self) -> Option<&ShownText<MAX_WHY_BYTES>> {
        self.why.as_ref()
    }

    /// When it began.
    #[must_use]
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    /// Agents transferred or retired so far.
    #[must_use]
    pub const fn agents(&self) -> u32 {
        self.agents
    }

    /// Behind which agent of the owner's list to go on.
    #[must_use]
    pub const fn after(&self) -> Option<&AgentId> {
        self.after.as_ref()
    }

    /// When nothing was left to be done.
    #[must_use]
    pub const fn done_at(&self) -> Option<UnixTime> {
        self.done
    }

    /// The same after a part of the list: `dealt` agents were changed, and the list goes on behind `next`, if it does.
    #[must_use]
    pub fn after_part(&self, dealt: u32, next: Option<AgentId>) -> Self {
        let agents = self.agents.saturating_add(dealt);
        Self { agents, after: next, found: self.found || dealt > 0, ..self.clone() }
    }

    /// Whether a whole pass over the list found nothing, at a time when nothing can join it any more.
    #[must_use]
    pub fn is_through(&self, now: UnixTime) -> bool {
        self.after.is_none() && !self.found && now > self.at.saturating_add(OWNER_CUT_AHEAD)
    }

    /// The same at the beginning of another pass.
    #[must_use]
    pub fn next_pass(&self) -> Self {
        Self { after: None, found: false, ..self.clone() }
    }
}

impl Stored for OffboardingRecord {
    const KIND: RecordKind = RecordKind::Offboarding;

    fn slot(&self) -> Slot {
        Slot::offboarding(&self.owner)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&OffboardingWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<OffboardingWire, Self>(Self::KIND, bytes)
    }
}
