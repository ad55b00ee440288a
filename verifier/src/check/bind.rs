//! Steps 6 to 9: proof and token belong together, the proof is signed, the route allows it, and it is admitted once.

use handfast_delegation::AccessToken;
use handfast_dpop::{Receipt, ReplayEntry};
use handfast_identity::{DidKey, Thumbprint};

use super::VerifiedRequest;
use crate::trust::Profile;
use crate::{Authorized, Callers, Rejection, RouteRule};

/// A request that may be served once its proof has been remembered.
#[derive(Debug)]
pub struct BoundRequest {
    authorized: Authorized,
    entry: ReplayEntry,
}

impl VerifiedRequest {
    /// Joins the separate truths, verifies the proof's signature, and asks whether `route` allows it.
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] of steps 6 to 8 (spec/reasons.md).
    pub fn bind(self, route: &RouteRule) -> Result<BoundRequest, Rejection> {
        require_holder(self.token.claims(), self.proof.claimed_thumbprint(), self.profile)?;
        let proof = self.proof.verify()?;
        // another issuer's subject may look like an owner's id; only a handfast registry speaks of owners
        let is_owner = self.profile == Profile::Handfast && self.token.claims().is_of_owner();
        require_route(self.token.claims(), is_owner, route)?;
        let entry = proof.replay_entry(&self.enforcement_point);
        let authorized = Authorized {
            key: proof.thumbprint(),
            proof_id: proof.proof_id().to_owned(),
            is_owner,
            token: self.token.into_claims(),
        };
        Ok(BoundRequest { authorized, entry })
    }
}

/// DPOP-35, ACT-09: the proof's key is the token's key, and in a handfast token the current actor's own.
fn require_holder(claims: &AccessToken, key: Thumbprint, profile: Profile) -> Result<(), Rejection> {
    let bound = claims.confirmation.ok_or(Rejection::TokenUnbound)?;
    if !bound.is_same_key(&key) {
        return Err(Rejection::HolderMismatch);
    }
    if profile == Profile::Rfc9068 {
        return Ok(());
    }
    if claims.actors.as_ref().is_some_and(|actors| actors.current() != claims.client_id) {
        return Err(Rejection::ActorMismatch);
    }
    // DK-14: the key is a function of the DID
    match DidKey::parse(&claims.client_id) {
        Ok(did) if did.thumbprint().is_same_key(&key) => Ok(()),
        Ok(_) | Err(_) => Err(Rejection::ActorMismatch),
    }
}

/// DEL-35: the last question about the caller, answered with what would do.
fn require_route(claims: &AccessToken, is_owner: bool, route: &RouteRule) -> Result<(), Rejection> {
    let is_welcome = match route.callers() {
        Callers::Agents => !is_owner,
        Callers::Owners => is_owner,
        Callers::AgentsAndOwners => true,
    };
    if !is_welcome {
        return Err(Rejection::CallerNotPermitted { wanted: route.wanted() });
    }
    if route.is_met_by(&claims.scope) { Ok(()) } else { Err(Rejection::ScopeInsufficient { wanted: route.wanted() }) }
}

impl BoundRequest {
    /// What the replay store has to remember, as the last thing before the request is served (DPOP-50).
    #[must_use]
    pub const fn replay_entry(&self) -> &ReplayEntry {
        &self.entry
    }

    /// Admits the request with the store's receipt for exactly its entry.
    ///
    /// # Errors
    ///
    /// [`Rejection::ReceiptMismatch`] for the receipt of another proof.
    #[allow(clippy::needless_pass_by_value)] // a receipt admits one request and is spent
    pub fn admit(self, receipt: Receipt) -> Result<Authorized, Rejection> {
        if receipt.covers(&self.entry) { Ok(self.authorized) } else { Err(Rejection::ReceiptMismatch) }
    }
}
