//! What a handler gets: everything the check found, and proof that it ran.

use std::sync::Arc;

use handfast_delegation::{AccessToken, ActorChain, Authority, Environment, Scope, Task, ToolCall, VerifiedChain};
use handfast_identity::{Seconds, Thumbprint, UnixTime};

use crate::check::{Known, Standing, require_ground, require_not_revoked};
use crate::trust::Facts;
use crate::{Attribution, Rejection, Stops};

/// A request that passed the whole check. Handlers take it as an argument; there is no other way to one. Clones are the same.
///
/// It allows what its [`scope`](Self::scope) says and nothing more. Names in it are unique per issuer: outside one registry
/// the identity is always the pair of [`issuer`](Self::issuer) and [`subject`](Self::subject).
#[derive(Clone, Debug)]
pub struct Authorized {
    found: Found,
}

/// What the check found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) by: Attribution,
    pub(crate) is_owner: bool,
    pub(crate) tool_call: Option<Arc<ToolCall>>,
}

impl Authorized {
    pub(crate) const fn new(found: Found) -> Self {
        Self { found }
    }

    pub(crate) fn token(&self) -> &AccessToken {
        self.found.by.claims()
    }

    pub(crate) const fn standing(&self) -> &Standing {
        &self.found.by.standing
    }

    /// Whether a request like this one would still be let through but for its proof and the clock: the issuer has the key that
    /// signed the token, nothing it names or stands on was revoked, and nothing of it is stopped here. For answers that go on.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] that such a request would get.
    pub fn require_not_stopped(
        &self,
        facts: &Facts,
        staleness: Seconds,
        stops: &dyn Stops,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        let Attribution { token, standing, .. } = &self.found.by;
        let issuer = facts.issuer(&token.claims().issuer).ok_or(Rejection::IssuerNotTrusted)?;
        let is_root_good = standing.verdict().is_none_or(|verdict| verdict.is_by_key_of(issuer));
        if !token.is_by_key_of(issuer) || !is_root_good {
            return Err(Rejection::TokenKeyUnknown);
        }
        let known = Known { facts, staleness, now };
        require_not_revoked(token, issuer, &known)?;
        require_ground(token.claims(), standing, issuer, &known, stops)
    }

    /// Who stands behind it, as a log would say it.
    #[must_use]
    pub const fn attribution(&self) -> &Attribution {
        &self.found.by
    }

    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.token().issuer
    }

    /// On whose behalf: the owner's opaque id, or the agent itself while UNCLAIMED.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.token().subject
    }

    /// The acting agent's DID, or the owner's in an owner's own request.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.found.by.client_id()
    }

    /// Who acts and through whom; none in an owner's own request.
    #[must_use]
    pub fn actors(&self) -> Option<&ActorChain> {
        self.found.by.actors()
    }

    /// The delegation it stands on, every hop verified; none where nothing was delegated or the issuer's word was taken.
    #[must_use]
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.found.by.chain()
    }

    /// What is allowed, in every dimension: the token's authority, or offline the last hop's.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.standing().authority(self.token())
    }

    /// Whether an owner acts in person, by its own key.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.found.is_owner
    }

    /// The task the request is part of.
    #[must_use]
    pub fn task(&self) -> Option<&Task> {
        self.token().task.as_ref()
    }

    /// What is allowed here.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.authority().scope
    }

    /// The tool that is called and its arguments, exactly as they were compared with what the caller was given; none where the
    /// route declares no tool, or the request calls none. A handler that reads the request again reads something else.
    #[must_use]
    pub fn tool_call(&self) -> Option<&ToolCall> {
        self.found.tool_call.as_deref()
    }

    /// Where the agent runs.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.token().environment
    }

    /// The handle of the token's client when the token was made, offline the root's agent. For display: it never decides.
    #[must_use]
    pub fn handle(&self) -> Option<&str> {
        self.token().handle.as_deref()
    }

    /// The key that signed the proof.
    #[must_use]
    pub fn key(&self) -> Thumbprint {
        self.found.by.key()
    }

    /// The access token's id, for logs (DPOP-138).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token().token_id
    }

    /// The proof's id, for logs.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        self.found.by.proof_id()
    }

    /// When the authority ends. The middleware breaks off answers that outlive it; a handler that upgrades the connection has
    /// to close it itself.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.authority().expires_at
    }
}
