//! What to do about evidence that is at fault.

use handfast_delegation::{ChainError, Widening};

/// The advice for whoever exchanges: what the delegate can do itself, or whom it has to ask for another hop.
///
/// Constant, in the characters of an `error_description` (ERR-05, ERR-14).
#[rustfmt::skip] // a table: one row a fault
pub(super) const fn chain_advice(error: &ChainError) -> &'static str {
    match error {
        ChainError::Malformed => "send the bundle as it was received: root token, then hops, joined by commas, with dch in the proof",
        ChainError::TooLong => "delegate over fewer hops, or with fewer resources and tools in each",
        ChainError::DepthInvalid | ChainError::Widened(Widening::Depth) => "delegate less deep, nothing below an instance, or ask the owner to raise the ceiling",
        ChainError::Duplicate => "let each agent stand once in the chain, and give each hop a jti of its own",
        ChainError::UntrustedRoot => "begin at a root token that this registry gave the first delegator and that is still its own",
        ChainError::SignatureInvalid => "ask the delegator to sign the hop anew, with the key of the DID in iss",
        ChainError::IssuerMismatch => "send every hop of the chain in order; each is by the delegate of the one before",
        ChainError::ParentHashMismatch => "send the hop with the root token and hops it was made below, or ask the delegator for one of this chain",
        ChainError::PrincipalAltered => "ask the delegator for a hop with the sub of the root token",
        ChainError::TaskAltered => "ask the delegator for a hop with the task of the root token",
        ChainError::BeforeParent => "check the delegator's clock, and ask for a hop made after what it passes on",
        ChainError::Widened(Widening::Scope(_)) => "ask the delegator for a hop with scopes of what it has",
        ChainError::Widened(Widening::Resource(_)) => "ask the delegator for a hop with resources of what it has",
        ChainError::Widened(Widening::Tools(_)) => "ask the delegator for a hop with tools it has, arguments no wider and none left out",
        ChainError::Widened(Widening::Budget) => "ask the delegator for a hop with a budget no larger than its own",
        ChainError::Widened(Widening::Expiry) => "ask the delegator for a hop that ends no later than what it passes on",
        ChainError::NotYetValid => "wait until nbf and iat, and check the clocks of delegate and delegator",
        ChainError::Expired => "ask the delegator for a new hop, below a root token that is still good",
    }
}
