//! How an owner holds an agent: what of its life is on hold, over, or offered to somebody else.

use handfast_identity::{Seconds, UnixTime};

use crate::{OwnerId, Refusal};

/// What a CLAIMED agent has beside owner and ceiling. A fresh claim begins with the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenure {
    /// While it lasts nothing is issued, and every DID of the agent is on the feed.
    pub(crate) suspended: Option<Suspension>,
    /// For ever: the agent is out of use. Only REVOKED comes after it.
    pub(crate) retired: Option<UnixTime>,
    /// The newest cut-off: what was issued up to it is dead, and nothing is issued until it is past.
    pub(crate) cut: Option<UnixTime>,
    /// Which of the agent's eras this is: tasks of an earlier one are over.
    pub(crate) era: u32,
    /// To whom it is offered.
    pub(crate) offer: Option<Offer>,
}

/// A suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspension {
    pub(crate) at: UnixTime,
    /// An admin stopped somebody else's agent: only an admin lets it go on.
    pub(crate) by_admin: bool,
}

/// An offer to take an agent over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) to: OwnerId,
    /// The first second at which it is no longer good.
    pub(crate) expires: UnixTime,
}

impl Tenure {
    /// Refuses until the cut-off is past: what is issued before it would be dead.
    ///
    /// # Errors
    ///
    /// [`Refusal::SlowDown`] up to the first second after it.
    pub(crate) fn require_past_cut(&self, now: UnixTime) -> Result<(), Refusal> {
        match self.cut.filter(|cut| now <= *cut) {
            Some(cut) => Err(Refusal::SlowDown { retry_after: cut.saturating_add(Seconds::new(1)).since(now) }),
            None => Ok(()),
        }
    }

    /// The offer, unless it is past its time.
    pub(crate) fn open_offer(&self, now: UnixTime) -> Option<&Offer> {
        self.offer.as_ref().filter(|offer| now < offer.expires)
    }
}
