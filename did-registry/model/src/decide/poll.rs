//! An agent asks how its claim stands.

use handfast_identity::{Handle, Thumbprint, UnixTime};

use super::claim::ClaimCase;
use crate::limits::MAX_NAME_BYTES;
use crate::record::{ClaimState, Life};
use crate::{ClaimStatus, OwnerId, OwnerRecord, Refusal, ShownText};

/// What an agent is told about its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimView {
    /// How it stands.
    pub status: ClaimStatus,
    /// Who took it, once somebody did: to be shown or matched before any token is used.
    pub owner: Option<(OwnerId, Option<ShownText<MAX_NAME_BYTES>>)>,
    /// The handle, once it is final.
    pub handle: Option<Handle>,
}

/// Answers the poll of an agent that proved its key. `owner` is the record of the agent's owner, if it has one.
///
/// # Errors
///
/// [`Refusal::UnknownClaim`]; [`Refusal::Forbidden`] when the proof is by another key; [`Refusal::AgentRevoked`].
pub fn poll_claim(
    case: ClaimCase<'_>,
    owner: Option<&OwnerRecord>,
    prover: &Thumbprint,
    now: UnixTime,
) -> Result<ClaimView, Refusal> {
    let found = case.found(now)?;
    let (claim, agent) = (&found.claim.record, &found.agent.record);
    if !agent.did.thumbprint().is_same_key(prover) {
        return Err(Refusal::Forbidden);
    }
    let plain = |status| Ok(ClaimView { status, owner: None, handle: None });
    match (&agent.life, &claim.state) {
        (Life::Revoked(_), _) => Err(Refusal::AgentRevoked),
        (Life::Claimed(claimed), ClaimState::Claimed(by)) => {
            let name = owner.filter(|owner| owner.id == *by).and_then(|owner| owner.name.clone());
            Ok(ClaimView {
                status: ClaimStatus::Claimed,
                owner: Some((claimed.owner.clone(), name)),
                handle: Some(agent.handle.clone()),
            })
        }
        (_, ClaimState::Refused(_)) => plain(ClaimStatus::Refused),
        (Life::Unclaimed(unclaimed), ClaimState::Pending(_))
            if unclaimed.claim == claim.id && !claim.state.is_void() && now < claim.expires =>
        {
            plain(ClaimStatus::Pending)
        }
        _ => plain(ClaimStatus::Expired),
    }
}
