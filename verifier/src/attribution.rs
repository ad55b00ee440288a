//! Who asked, for whom, in which task and through whom: what a log says of a request (DEL-47).

use std::sync::Arc;

use handfast_delegation::{AccessToken, ActorChain, Task, VerifiedChain};
use handfast_dpop::ProofId;
use handfast_identity::{ContentHash, Thumbprint};

use crate::check::Standing;
use crate::token::KnownToken;

/// Who stands behind a request: known once token, chain and proof are good, whether it was let through or not. Clones share.
#[derive(Clone, Debug)]
pub struct Attribution {
    pub(crate) token: Arc<KnownToken>,
    pub(crate) standing: Standing,
    /// The actors of an offline chain, which its root token does not name.
    pub(crate) actors: Option<Arc<ActorChain>>,
    pub(crate) key: Thumbprint,
    pub(crate) proof_id: ProofId,
}

impl Attribution {
    pub(crate) fn claims(&self) -> &AccessToken {
        self.token.claims()
    }

    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims().issuer
    }

    /// On whose behalf: the owner's opaque id, or the agent itself while UNCLAIMED.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.claims().subject
    }

    /// The acting agent's DID, or the owner's in an owner's own request.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.standing.client_id(self.claims())
    }

    /// Who acts and through whom; none in an owner's own request.
    #[must_use]
    pub fn actors(&self) -> Option<&ActorChain> {
        self.actors.as_deref().or(self.claims().actors.as_ref())
    }

    /// The task the request is part of.
    #[must_use]
    pub fn task(&self) -> Option<&Task> {
        self.claims().task.as_ref()
    }

    /// The delegation it stands on, every hop verified; none where nothing was delegated or the issuer's word was taken.
    #[must_use]
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.standing.chain()
    }

    /// The names of the hops, the root's first; as the token lists them where no evidence was asked for.
    #[must_use]
    pub fn hops(&self) -> Vec<ContentHash> {
        match self.chain() {
            Some(chain) => chain.links().map(|link| link.name).collect(),
            None => self.claims().chain.as_ref().map(|chain| chain.hops.clone()).unwrap_or_default(),
        }
    }

    /// The key that signed the proof.
    #[must_use]
    pub const fn key(&self) -> Thumbprint {
        self.key
    }

    /// The access token's id (DPOP-138).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.claims().token_id
    }

    /// The proof's id.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        self.proof_id.as_str()
    }
}
