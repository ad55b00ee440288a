//! Passing authority on, and using what was passed on (spec/delegation.md).
//!
//! ```text
//! agent.delegate(tokens or bundle)    --sign()-->  Delegation   --bundle()-->  Bundle, handed to the delegate
//! delegate.with_delegation(bundle)  --offline() or exchange()-->  a signing HTTP client
//! ```
//!
//! A delegator reads the token it passes on, which clients otherwise leave alone (AT-19): a hop names it by hash and is
//! compared with it. What is decided by that is only what this side signs; every server decides again.

mod builder;
mod bundle;
mod error;
mod evidence;
mod handle;
mod parent;
mod received;
mod source;

pub use builder::DelegationBuilder;
pub use bundle::Bundle;
pub use error::DelegationError;
pub(crate) use evidence::Evidence;
pub use handle::Delegation;
pub use received::Delegated;
pub use source::DelegationSource;
pub(crate) use source::SharedBundle;
