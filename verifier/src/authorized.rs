//! What a handler gets: everything the check found, and proof that it ran.

use handfast_delegation::{AccessToken, ActorChain, Authority, Environment, Scope, Task, ToolCall, VerifiedChain};
use handfast_identity::{Thumbprint, UnixTime};

use crate::check::Standing;

/// A request that passed the whole check. Handlers take it as an argument; there is no other way to one.
///
/// It allows what its [`scope`](Self::scope) says and nothing more. Names in it are unique per issuer: outside one registry
/// the identity is always the pair of [`issuer`](Self::issuer) and [`subject`](Self::subject).
#[derive(Clone, Debug)]
pub struct Authorized {
    pub(crate) token: AccessToken,
    pub(crate) standing: Standing,
    /// The actors of an offline chain, which its root token does not name.
    pub(crate) actors: Option<ActorChain>,
    pub(crate) key: Thumbprint,
    pub(crate) proof_id: String,
    pub(crate) is_owner: bool,
    pub(crate) tool_call: Option<ToolCall>,
}

impl Authorized {
    /// Who says so.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.token.issuer
    }

    /// On whose behalf: the owner's opaque id, or the agent itself while UNCLAIMED.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.token.subject
    }

    /// The acting agent's DID, or the owner's in an owner's own request.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.standing.client_id(&self.token)
    }

    /// Who acts and through whom; none in an owner's own request.
    #[must_use]
    pub fn actors(&self) -> Option<&ActorChain> {
        self.actors.as_ref().or(self.token.actors.as_ref())
    }

    /// The delegation it stands on, every hop verified; none where nothing was delegated or the issuer's word was taken.
    #[must_use]
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.standing.chain()
    }

    /// What is allowed, in every dimension: the token's authority, or offline the last hop's.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.standing.authority(&self.token)
    }

    /// Whether an owner acts in person, by its own key.
    #[must_use]
    pub const fn is_owner(&self) -> bool {
        self.is_owner
    }

    /// The task the request is part of.
    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        self.token.task.as_ref()
    }

    /// What is allowed here.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.authority().scope
    }

    /// The tool that is called and its arguments, exactly as they were compared with what the caller was given; none where the
    /// route declares no tool, or the request calls none. A handler that reads the request again reads something else.
    #[must_use]
    pub const fn tool_call(&self) -> Option<&ToolCall> {
        self.tool_call.as_ref()
    }

    /// Where the agent runs.
    #[must_use]
    pub const fn environment(&self) -> Option<Environment> {
        self.token.environment
    }

    /// The handle of the token's client when the token was made, offline the root's agent. For display: it never decides.
    #[must_use]
    pub fn handle(&self) -> Option<&str> {
        self.token.handle.as_deref()
    }

    /// The key that signed the proof.
    #[must_use]
    pub const fn key(&self) -> Thumbprint {
        self.key
    }

    /// The access token's id, for logs (DPOP-138).
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token.token_id
    }

    /// The proof's id, for logs.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        &self.proof_id
    }

    /// When the authority ends. The middleware breaks off answers that outlive it; a handler that upgrades the connection has
    /// to close it itself.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.authority().expires_at
    }
}
