//! Every way a chain can be wrong, by stable reason.

use core::fmt;

use crate::Widening;

/// Why a chain of hops was refused (spec/reasons.md). The same list at a resource server, the registry and the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainError {
    /// A member is not a hop in its strict form, or the evidence contradicts itself.
    Malformed,
    /// More bytes or members than are read.
    TooLong,
    /// A depth is skipped, over a ceiling, or over the reader's own limit; or something follows an instance.
    DepthInvalid,
    /// A `jti` or a DID twice (DEL-30).
    Duplicate,
    /// The root is no root token of the issuer (DEL-41).
    UntrustedRoot,
    /// The signature is not by the key that the parent names (DEL-27).
    SignatureInvalid,
    /// `iss` is not the parent's delegate (DEL-27).
    IssuerMismatch,
    /// `par_hash` names another parent (DEL-28).
    ParentHashMismatch,
    /// `sub` is not the root's (DEL-29).
    PrincipalAltered,
    /// `task` is not the root's (DEL-29).
    TaskAltered,
    /// Older than its parent (DEL-24).
    BeforeParent,
    /// More authority than its parent has.
    Widened(Widening),
    /// Not valid yet.
    NotYetValid,
    /// Past its end.
    Expired,
}

impl ChainError {
    /// The stable reason: `snake_case`, never text of the caller's.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "chain_malformed",
            Self::TooLong => "chain_too_long",
            Self::DepthInvalid => "depth_invalid",
            Self::Duplicate => "duplicate_hop",
            Self::UntrustedRoot => "untrusted_root",
            Self::SignatureInvalid => "hop_signature_invalid",
            Self::IssuerMismatch => "hop_issuer_mismatch",
            Self::ParentHashMismatch => "parent_hash_mismatch",
            Self::PrincipalAltered => "principal_altered",
            Self::TaskAltered => "task_altered",
            Self::BeforeParent => "expiry_widened",
            Self::Widened(widening) => widening.reason(),
            Self::NotYetValid => "hop_not_yet_valid",
            Self::Expired => "hop_expired",
        }
    }

    /// Constant words on it: nothing of the chain is echoed (DEL-48).
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::Malformed => "the delegation evidence is malformed or not covered by the proof",
            Self::TooLong => "the delegation evidence is too long",
            Self::DepthInvalid | Self::Widened(Widening::Depth) => "the delegation is deeper than allowed",
            Self::Duplicate => "a hop or a party stands twice in the delegation",
            Self::UntrustedRoot => "the delegation does not begin at a root token of the issuer",
            Self::SignatureInvalid => "a hop is not signed by the delegate before it",
            Self::IssuerMismatch => "a hop is not by the delegate before it",
            Self::ParentHashMismatch => "a hop continues another delegation",
            Self::PrincipalAltered => "a hop is for another owner",
            Self::TaskAltered => "a hop is for another task",
            Self::BeforeParent => "a hop is older than what it passes on",
            Self::Widened(Widening::Scope(_)) => "a hop passes on scope it does not have",
            Self::Widened(Widening::Resource(_)) => "a hop passes on a resource it does not have",
            Self::Widened(Widening::Tools(_)) => "a hop passes on tools or arguments it does not have",
            Self::Widened(Widening::Budget) => "a hop passes on a budget it does not have",
            Self::Widened(Widening::Expiry) => "a hop ends later than what it passes on",
            Self::NotYetValid => "a hop is not valid yet",
            Self::Expired => "a hop has expired",
        }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Widened(widening) => widening.fmt(f),
            other => f.write_str(other.description()),
        }
    }
}

impl core::error::Error for ChainError {}
