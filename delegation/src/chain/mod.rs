//! Chains of hops: signed by who delegates, read and verified by anybody (spec/delegation.md).

mod error;
mod hop;
#[cfg(test)]
#[allow(clippy::unwrap_used)] // a failed set-up should stop the test
mod sample;
mod signed;
mod text;
mod unverified;
mod verified;
mod wire;

pub use error::ChainError;
pub use hop::{HOP_TYPE, Hop, MAX_HOP_BYTES, MAX_HOP_LIFETIME};
pub use signed::SignedHop;
pub use text::{ChainText, DEFAULT_CHAIN_BYTES, MAX_CHAIN_BYTES};
pub use unverified::{DEFAULT_HOPS, KnownKeys, MAX_HOPS, UnverifiedChain, UnverifiedHop};
pub use verified::{Link, UnrootedChain, VerifiedChain};
