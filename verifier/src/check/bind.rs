//! Steps 6 to 10: proof and token belong together, the proof is signed, the route allows it, and it is admitted once and paid.

use std::sync::Arc;

use handfast_delegation::Scope;
use handfast_dpop::{ForeseenEntry, ProofError, Receipt, ReplayEntry, VerifiedProof};
use handfast_identity::Thumbprint;

use super::chain::actors_of;
use super::charges::charges_of;
use super::tool::permitted_call;
use super::{Credentials, Standing, VerifiedRequest};
use crate::authorized::Found;
use crate::budget::{Charges, Spent};
use crate::tools::RequestContent;
use crate::trust::Profile;
use crate::{Attribution, Authorized, Callers, Denial, Drift, Rejection, RouteRule};

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
        self.bind_foreseen(route, content, |_| ())
    }

    /// The same, where `foresee` hears of the entry that the replay store will have to remember if all goes well: after everything that is
    /// refused without verifying the proof's signature, and before that. It decides nothing
    /// ([`ReplayStore::foresee`](handfast_dpop::ReplayStore::foresee)).
    ///
    /// # Errors
    ///
    /// Those of [`Self::bind`].
    pub fn bind_foreseen(
        self,
        route: &RouteRule,
        content: &RequestContent<'_>,
        foresee: impl FnOnce(ForeseenEntry<'_>),
    ) -> Result<BoundRequest, Denial> {
        let Self { credentials, proof, enforcement_point, verdicts, leeway } = self;
        let enforcement_point = enforcement_point.as_str();
        require_holder(&credentials, proof.claimed_thumbprint())?;
        let proof = proof.foresee(enforcement_point);
        foresee(proof.entry());
        let (proof, entry) = proof.verify().map_err(Rejection::Proof)?;
        if let Some(header) = proof.new_header() {
            verdicts.keep_header(header);
        }
        let Credentials { token, standing, profile } = credentials;
        let actors = match &standing {
            Standing::Offline(verdict) => Some(Arc::new(actors_of(token.claims(), verdict.chain())?)),
            Standing::Alone | Standing::OnWord | Standing::Exchanged(_) => None,
        };
        let by = Attribution { token, standing, actors, key: proof.thumbprint(), proof_id: proof.id().clone() };
        if let Err(rejection) = require_content(&proof, route, content) {
            return Err(Denial { by: Some(Box::new(by)), ..rejection.into() });
        }
        // another issuer's subject may look like an owner's id; only a handfast registry speaks of owners
        let is_owner = profile == Profile::Handfast && by.claims().is_of_owner();
        let authority = by.standing.authority(by.claims());
        let permitted = require_route(&authority.scope, is_owner, route)
            .and_then(|()| permitted_call(route, content, authority.tools.as_ref()));
        let tool_call = match permitted {
            Ok(tool_call) => tool_call.map(Arc::new),
            Err(rejection) => {
                // RAR-09: a route that cannot tell tools says nothing about the task
                let is_of_route = rejection == Rejection::ToolRefused && route.tool_route().is_none();
                let drift = if is_of_route { None } else { Drift::of(&rejection, &by, &entry).map(Box::new) };
                return Err(Denial { rejection, by: Some(Box::new(by)), drift });
            }
        };
        let charges = charges_of(&by, enforcement_point, leeway)?;
        Ok(BoundRequest { authorized: Authorized::new(Found { by, is_owner, tool_call }), entry, charges })
    }
}

/// What a route that binds bodies asks of the proof (spec/dpop-profile.md).
fn require_content(proof: &VerifiedProof, route: &RouteRule, content: &RequestContent<'_>) -> Result<(), Rejection> {
    if !route.binds_content() {
        return Ok(());
    }
    // a body that nobody read is covered by nothing
    let body = content.body.ok_or(Rejection::Proof(ProofError::ContentDigest))?;
    proof.require_content(&content.digests, body).map_err(Rejection::Proof)
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
fn require_route(scope: &Scope, is_owner: bool, route: &RouteRule) -> Result<(), Rejection> {
    let is_welcome = match route.callers() {
        Callers::Agents => !is_owner,
        Callers::Owners => is_owner,
        Callers::AgentsAndOwners => true,
    };
    if !is_welcome {
        return Err(Rejection::CallerNotPermitted { wanted: route.wanted() });
    }
    if route.is_met_by(scope) { Ok(()) } else { Err(Rejection::ScopeInsufficient { wanted: route.wanted() }) }
}

impl BoundRequest {
    /// What the replay store has to remember, when everything else about the request was found good (DPOP-50).
    #[must_use]
    pub const fn replay_entry(&self) -> &ReplayEntry {
        &self.entry
    }

    /// Who asks.
    #[must_use]
    pub const fn by(&self) -> &Attribution {
        self.authorized.attribution()
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
        Drift::of(rejection, self.by(), &self.entry)
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
