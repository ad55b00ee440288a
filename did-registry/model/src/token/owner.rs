//! Tokens of owners, for the registry itself.

use handfast_delegation::Scope;
use handfast_identity::{RandomSource, Thumbprint, UnixTime};

use super::offer::{Offer, choose};
use super::{TaskChoice, TokenGrant, TokenRequest};
use crate::authority::{OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ};
use crate::{OwnerRecord, Refusal, RegistryPolicy, Role};

/// Decides about a token for an owner: no actor, no task, no delegation, and the registry as its only audience.
///
/// `prover` is the key of the request's DPoP proof. Asking for nothing gives `owner:self`; more is to be named.
///
/// # Errors
///
/// [`Refusal::InvalidClient`]; [`Refusal::InvalidRequest`] when a task or depth is asked for;
/// [`Refusal::InvalidAuthorizationDetails`]; [`Refusal::InvalidTarget`], [`Refusal::InvalidScope`].
pub fn owner_token(
    owner: &OwnerRecord,
    prover: &Thumbprint,
    request: &TokenRequest,
    policy: &RegistryPolicy,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<TokenGrant, Refusal> {
    if request.client != owner.did || !owner.did.thumbprint().is_same_key(prover) {
        return Err(Refusal::InvalidClient);
    }
    if request.task != TaskChoice::Default || request.wish.max_depth.is_some_and(|depth| depth > 0) {
        return Err(Refusal::InvalidRequest);
    }
    if request.wish.tools.is_some() {
        return Err(Refusal::InvalidAuthorizationDetails);
    }
    let offer =
        Offer { resource: policy.registry().clone(), scope: scopes_of(owner.role)?, default: scope(OWNER_SELF)? };
    let target = choose(&[offer], &request.wish.resources, request.wish.scope.as_ref())?;
    Ok(TokenGrant::for_owner(owner, target, policy, now, random))
}

fn scopes_of(role: Role) -> Result<Scope, Refusal> {
    match role {
        Role::Owner => scope(OWNER_SELF),
        Role::Admin => scope(&[OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN].join(" ")),
    }
}

/// Our own constants are scopes; were one not, nobody could have it.
pub(super) fn scope(text: &str) -> Result<Scope, Refusal> {
    Scope::parse(text).map_err(|_| Refusal::InvalidScope { excess: Scope::default() })
}
