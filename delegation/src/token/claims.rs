//! What an access token says, and how it is written.

use handfast_identity::jws::{self, JwsError};
use handfast_identity::{SigningKey, Thumbprint, UnixTime};

use super::TOKEN_TYPE;
use super::wire::ClaimsWire;
use crate::{ActorChain, Environment, ResourceId, Scope, Task};

/// The claims of an access token, well-formed. Only [`VerifiedAccessToken`](crate::VerifiedAccessToken) says who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The authorization server, compared as exact text (AT-13).
    pub issuer: String,
    /// Whose authority it is: the owner's opaque id, or the agent itself while UNCLAIMED.
    pub subject: String,
    /// The acting agent's DID; an owner's own DID in an owner's token.
    pub client_id: String,
    /// The resources it is for; never empty.
    pub audience: Vec<ResourceId>,
    /// What it allows there.
    pub scope: Scope,
    /// The key whose holder may present it; absent in a foreign, unbound token, which is refused (DPOP-103).
    pub confirmation: Option<Thumbprint>,
    /// Who acts, and through whom.
    pub actors: Option<ActorChain>,
    /// The task it is for.
    pub task: Option<Task>,
    /// Where the agent runs.
    pub environment: Option<Environment>,
    /// The agent's handle when the token was made. For display: it never decides.
    pub handle: Option<String>,
    /// What the token says about passing it on.
    pub delegability: Option<Delegability>,
    /// When it was made.
    pub issued_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// Before when it is not good.
    pub not_before: Option<UnixTime>,
    /// Its own id (`jti`).
    pub token_id: String,
    /// Members that restrict or extend its use in ways this version does not read.
    pub restrictions: Restrictions,
}

/// `del_depth`, `del_max_depth`, `del_offline` (spec/access-tokens.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegability {
    /// Hops behind the token; 0 for a root.
    pub depth: u8,
    /// The most hops it may ever have behind it.
    pub max_depth: u8,
    /// Whether chains may be presented without exchanging them.
    pub offline: bool,
}

impl Delegability {
    /// A root token that cannot be passed on.
    pub const NONE: Self = Self { depth: 0, max_depth: 0, offline: false };
}

/// Which restricting members a token carries. A verifier that cannot apply one refuses the token: ignoring it would widen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// `authorization_details` (RAR-09).
    pub authorization_details: bool,
    /// `budget`.
    pub budget: bool,
    /// `hops`, `root_jti` or `chain_hash`: the token stands for a chain of hops.
    pub chain: bool,
}

impl AccessToken {
    /// Signs the token with the issuer's `key`, published under `kid`.
    ///
    /// The members of `restrictions` are not written: this version makes no token that carries them.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if the claims cannot be written, which no value of this type causes.
    pub fn sign(&self, kid: &str, key: &SigningKey) -> Result<String, JwsError> {
        jws::sign(TOKEN_TYPE, Some(kid), &ClaimsWire::from(self), key)
    }

    /// Whether it is an owner's own token: no agent acts, so it names neither actor nor task nor depth.
    #[must_use]
    pub fn is_of_owner(&self) -> bool {
        self.subject.starts_with("owner:")
            && self.actors.is_none()
            && self.task.is_none()
            && self.delegability.is_none()
    }
}
