//! The end of everything that is being done on an owner's behalf.

use handfast_identity::{Seconds, UnixTime};
use handfast_middleware::Clock as _;
use handfast_registry_model::{
    Caller, FeedKind, GrantFault, Loaded, OwnerId, OwnerRecord, OwnerToStop, Refusal, RevocationRecord, Slot,
    revoke_owner,
};

use super::{Wanted, committed, revocation};
use crate::http::App;
use crate::state::ATTEMPTS;

/// A revocation that was not durable by its own cut-off is made again: what was issued meanwhile would have escaped it.
pub(super) async fn revoked(app: &App, caller: Caller<'_>, wanted: &Wanted) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let now = app.clock.now();
        let owner = named(app, &wanted.id).await?;
        let before: Option<Loaded<RevocationRecord>> =
            app.state.load(&Slot::revocation(FeedKind::Owner, &wanted.id)).await?;
        let case = OwnerToStop { owner: owner.as_ref(), before: before.as_ref() };
        let record = committed(app, &caller, revoke_owner(caller, case, wanted.why.clone(), now)?).await?;
        if let Some(record) = record.filter(|record| record.cut().is_none_or(|cut| app.clock.now() <= cut)) {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}

/// The owner of this id.
pub(in crate::http) async fn named(app: &App, id: &str) -> Result<Option<OwnerRecord>, Refusal> {
    let Ok(id) = OwnerId::parse(id) else { return Ok(None) };
    Ok(app.state.owner(&id).await?.map(|owner| owner.record))
}

/// Refuses until the cut-off of the owner's newest revocation is past: what is issued before it would be dead. For an owner who was
/// off-boarded it never is.
///
/// # Errors
///
/// [`Refusal::SlowDown`], [`GrantFault::OwnerClosed`].
pub(in crate::http) async fn require_past_cut(app: &App, owner: &OwnerId, now: UnixTime) -> Result<(), Refusal> {
    let Some(stopped) = revocation(app, FeedKind::Owner, owner.as_str()).await? else { return Ok(()) };
    if stopped.is_final() {
        return Err(Refusal::InvalidGrant(GrantFault::OwnerClosed));
    }
    match stopped.cut().filter(|cut| now <= *cut) {
        // the first second after it
        Some(cut) => Err(Refusal::SlowDown { retry_after: cut.saturating_add(Seconds::new(1)).since(now) }),
        None => Ok(()),
    }
}
