//! What an access token says, and how it is written.

use handfast_identity::jws::{self, JwsError};
use handfast_identity::{ContentHash, SigningKey, Text, Thumbprint, UnixTime};

use super::TOKEN_TYPE;
use super::wire::ClaimsWire;
use crate::{ActorChain, Authority, Environment, StatusReference, Task};

/// The claims of an access token, well-formed. Only [`VerifiedAccessToken`](crate::VerifiedAccessToken) says who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The authorization server, compared as exact text (AT-13).
    pub issuer: Text,
    /// Whose authority it is: the owner's opaque id, or the agent itself while UNCLAIMED.
    pub subject: Text,
    /// The acting agent's DID; an owner's own DID in an owner's token.
    pub client_id: Text,
    /// What it allows (`scope`, `authorization_details`, `budget`), at which resources (`aud`, never empty), until when (`exp`),
    /// and how far it may be passed on (`del_max_depth`).
    pub authority: Authority,
    /// The key whose holder may present it; absent in a foreign, unbound token, which is refused (DPOP-103).
    pub confirmation: Option<Thumbprint>,
    /// Who acts, and through whom.
    pub actors: Option<ActorChain>,
    /// The task it is for.
    pub task: Option<Task>,
    /// Where the agent runs.
    pub environment: Option<Environment>,
    /// The agent's handle when the token was made. For display: it never decides.
    pub handle: Option<Text>,
    /// Its place in a delegation; absent in tokens that know nothing of them.
    pub delegability: Option<Delegability>,
    /// When it was made.
    pub issued_at: UnixTime,
    /// Before when it is not good.
    pub not_before: Option<UnixTime>,
    /// Its own id (`jti`).
    pub token_id: Text,
    /// The hops an exchanged token stands for (`hops`, `root_jti`, `chain_hash`).
    pub chain: Option<ChainClaims>,
    /// Where its status stands (`status.status_list`); absent also where `status` is something else.
    pub status: Option<StatusReference>,
    /// Whether `authorization_details` or `budget` say something this version cannot read. Who cannot apply a restriction
    /// refuses the token: ignoring it would widen (RAR-09). Never written.
    pub has_unreadable_restriction: bool,
}

/// `del_depth` and `del_offline` (spec/access-tokens.md); the ceiling beside them is the authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegability {
    /// Hops behind the token; 0 for a root.
    pub depth: u8,
    /// Whether chains may be presented without exchanging them.
    pub offline: bool,
}

impl Delegability {
    /// Of a root token that has to be exchanged before its delegates can use it, if it may be passed on at all.
    pub const ROOT: Self = Self { depth: 0, offline: false };
}

/// What an exchanged token says about the chain it was made from (DEL-31, DEL-32, DEL-38).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainClaims {
    /// The hops' names, from the root on: 1 to 8.
    pub hops: Vec<ContentHash>,
    /// The root token's id.
    pub root_token_id: Text,
    /// The hash of the evidence: root token and hops.
    pub hash: ContentHash,
}

impl AccessToken {
    /// Signs the token with the issuer's `key`, published under `kid`.
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
