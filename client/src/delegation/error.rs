//! Why nothing was passed on, or a bundle is not used: each says what to do next.

use handfast_delegation::{BudgetError, ChainError, DetailsError, ResourceError, ScopeError, Widening};
use handfast_identity::jws::JwsError;
use thiserror::Error;

/// Why a hop was not signed, or a bundle is not used. Nothing was sent anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// Something has to be said that was not.
    #[error("say {0}")]
    Incomplete(&'static str),
    /// Not a scope.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Not a resource identifier.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// Not tools with their arguments.
    #[error(transparent)]
    Tools(#[from] DetailsError),
    /// Not a budget.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// More than the delegator has itself (P-08).
    #[error("{0}: pass on less, or get a wider one first")]
    Widened(Widening),
    /// The root token, or the hop before, may not be passed on so far (DEL-26).
    #[error(
        "this may be passed on to depth {allowed} and the hop would be at {wanted}: ask for a root token with a larger \
         `del_max_depth`, which the agent's owner has to allow, or for a bundle with one"
    )]
    TooDeep {
        /// The depth the hop would have.
        wanted: u8,
        /// The largest it may have.
        allowed: u8,
    },
    /// The bundle ends at an instance key.
    #[error("an instance cannot pass on what it was given: ask its delegator for a bundle of your own")]
    Instance,
    /// A life that no hop may have (DEL-24).
    #[error("a hop lives from 1 to 3600 seconds; it can be refreshed for longer work")]
    Lifetime,
    /// It is over.
    #[error("this delegation has ended: ask its delegator for a new bundle")]
    Ended,
    /// The token to pass on is no root token of this agent's.
    #[error("{0}")]
    Root(&'static str),
    /// The bundle was made for somebody else's key.
    #[error("the bundle is for `{found}`, and this key is `{own}`: ask its delegator for one that names this key")]
    NotForUs {
        /// The DID of the key at hand.
        own: String,
        /// The delegate it names.
        found: String,
    },
    /// The bundle begins at another registry.
    #[error("the bundle's root token is of `{found}`, expected `{expected}`: only that registry can exchange it")]
    OtherIssuer {
        /// The registry of this client.
        expected: String,
        /// The issuer it names.
        found: String,
    },
    /// A renewed bundle that continues another delegation.
    #[error("the new bundle is for another owner, task or key than the one it is to replace")]
    OtherDelegation,
    /// The root token allows no chains that were not exchanged.
    #[error("the root token does not allow offline use: exchange the bundle, or let the agent's owner set `offline`")]
    OfflineNotPermitted,
    /// The bundle is not a root token with sound hops.
    #[error("the bundle is refused: {0}")]
    Chain(#[from] ChainError),
    /// The hop cannot be written.
    #[error("the hop cannot be written: {0}")]
    Unwritable(#[from] JwsError),
}

impl DelegationError {
    /// The stable reason that servers would give for the same (spec/reasons.md), where there is one.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Widened(widening) => Some(widening.reason()),
            Self::TooDeep { .. } | Self::Instance => Some("depth_invalid"),
            Self::Ended => Some("hop_expired"),
            Self::NotForUs { .. } => Some("holder_mismatch"),
            Self::OfflineNotPermitted => Some("offline_not_permitted"),
            Self::Chain(error) => Some(error.reason()),
            _ => None,
        }
    }
}
