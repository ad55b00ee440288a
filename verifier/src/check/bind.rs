//! Steps 6 to 10: proof and token belong together, the proof is signed, the route allows it, and it is admitted once and paid.

use std::sync::Arc;

use handfast_dpop::{ProofError, Receipt, ReplayEntry};
use handfast_identity::Thumbprint;

use super::chain::actors_of;
use super::charges::charges_of;
use super::tool::permitted_call;
use super::{Credentials, Standing, VerifiedRequest};
use crate::authorized::Found;
use crate::budget::{Charges, Spent};
use crate::tools::RequestContent;
use crate::trust::Profile;
use crate::{Authorized, Callers, Denial, Drift, Rejection, RouteRule};

/// A request that may be served once its proof has been remembered and its budgets have paid.
#[derive(Debug)]
pub struct BoundRequest {
    authorized: Authorized,
    entry: ReplayEntry,
    charges: Charges,
}

impl VerifiedRequest<'_> {
    /// Joins the separate truths, verifies the proof's signature, and asks whether `route` allows it: `content` is what the
    /// request says beyond its credentials, which a route without tools and body binding does not look at.
    ///
    /// # Errors
    ///
    /// [`Denial`], with the first [`Rejection`] of steps 6 to 8 (spec/reasons.md).
    pub fn bind(self, route: &RouteRule, content: &RequestContent<'_>) -> Result<BoundRequest, Denial> {
        let Self { credentials, proof, enforcement_point, verdicts, leeway } = self;
        let enforcement_point = enforcement_point.as_str();
        require_holder(&credentials, proof.claimed_thumbprint())?;
        let proof = proof.verify().map_err(Rejection::Proof)?;
        if let Some(header) = proof.new_header() {
            verdicts.keep_header(header);
        }
        if route.binds_content() {
            // a body that nobody read is covered by nothing
            let body = content.body.ok_or(Rejection::Proof(ProofError::ContentDigest))?;
            proof.require_content(&content.digests, body).map_err(Rejection::Proof)?;
        }
        let entry = proof.replay_entry(enforcement_point);
        // another issuer's subject may look like an owner's id; only a handfast registry speaks of owners
        let is_owner = credentials.profile == Profile::Handfast && credentials.token().is_of_owner();
        let permitted = require_route(&credentials, is_owner, route)
            .and_then(|()| permitted_call(route, content, credentials.authority().tools.as_ref()));
        let tool_call = match permitted {
            Ok(tool_call) => tool_call,
            Err(rejection) => {
                // RAR-09: a route that cannot tell tools says nothing about the task
                let is_of_route = rejection == Rejection::ToolRefused && route.tool_route().is_none();
                let drift = if is_of_route {
                    None
                } else {
                    Drift::of(&rejection, credentials.token(), &credentials.standing, &entry).map(Box::new)
                };
                return Err(Denial { rejection, drift });
            }
        };
        let charges = charges_of(&credentials, enforcement_point, leeway)?;
        let actors = match &credentials.standing {
            Standing::Offline(verdict) => Some(actors_of(credentials.token(), verdict.chain())?),
            Standing::Alone | Standing::OnWord | Standing::Exchanged(_) => None,
        };
        let authorized = Authorized::new(Found {
            key: proof.thumbprint(),
            proof_id: proof.id().clone(),
            is_owner,
            tool_call: tool_call.map(Arc::new),
            actors: actors.map(Arc::new),
            standing: credentials.standing,
            token: credentials.token,
        });
        Ok(BoundRequest { authorized, entry, charges })
    }
}

/// DPOP-35, DEL-33, ACT-09: the proof's key is the token's key, or offline the last delegate's, and the current actor's own.
fn require_holder(credentials: &Credentials, key: Thumbprint) -> Result<(), Rejection> {
    let claims = credentials.token();
    let bound = claims.confirmation.ok_or(Rejection::TokenUnbound)?;
    if let Standing::Offline(verdict) = &credentials.standing {
        // the key is a function of the delegate's DID, which the last hop names; the root's own key is no longer enough
        let delegate = &verdict.chain().leaf().hop.delegate;
        return if delegate.thumbprint().is_same_key(&key) { Ok(()) } else { Err(Rejection::HolderMismatch) };
    }
    if !bound.is_same_key(&key) {
        return Err(Rejection::HolderMismatch);
    }
    if credentials.profile == Profile::Rfc9068 {
        return Ok(());
    }
    if claims.actors.as_ref().is_some_and(|actors| actors.current() != claims.client_id) {
        return Err(Rejection::ActorMismatch);
    }
    // DK-14: the key is a function of the DID
    match credentials.token.client() {
        Some(client) if client.is_same_key(&key) => Ok(()),
        Some(_) | None => Err(Rejection::ActorMismatch),
    }
}

/// DEL-35: the last question about the caller before what it asks for, answered with what would do.
fn require_route(credentials: &Credentials, is_owner: bool, route: &RouteRule) -> Result<(), Rejection> {
    let is_welcome = match route.callers() {
        Callers::Agents => !is_owner,
        Callers::Owners => is_owner,
        Callers::AgentsAndOwners => true,
    };
    if !is_welcome {
        return Err(Rejection::CallerNotPermitted { wanted: route.wanted() });
    }
    if route.is_met_by(&credentials.authority().scope) {
        Ok(())
    } else {
        Err(Rejection::ScopeInsufficient { wanted: route.wanted() })
    }
}

impl BoundRequest {
    /// What the replay store has to remember, when everything else about the request was found good (DPOP-50).
    #[must_use]
    pub const fn replay_entry(&self) -> &ReplayEntry {
        &self.entry
    }

    /// What has to be spent, as the last thing before the request is served and after its proof was remembered (DEL-45).
    /// Empty for most.
    #[must_use]
    pub const fn charges(&self) -> &Charges {
        &self.charges
    }

    /// The wish of a request whose budgets did not pay, if `rejection` says that they are used up.
    #[must_use]
    pub fn drift(&self, rejection: &Rejection) -> Option<Drift> {
        Drift::of(rejection, self.authorized.token(), self.authorized.standing(), &self.entry)
    }

    /// Admits the request with the replay store's receipt for exactly its entry, and what was spent for exactly its charges.
    ///
    /// # Errors
    ///
    /// [`Rejection::ReceiptMismatch`] for the receipt of another proof, or what was spent for other charges.
    #[allow(clippy::needless_pass_by_value)] // both admit one request and are used up
    pub fn admit(self, receipt: Receipt, spent: Spent) -> Result<Authorized, Rejection> {
        if receipt.covers(&self.entry) && spent.covers(&self.charges) {
            Ok(self.authorized)
        } else {
            Err(Rejection::ReceiptMismatch)
        }
    }
}
