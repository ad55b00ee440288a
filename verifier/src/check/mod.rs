//! The four steps, a file each, in order; and what the second of them asks about token, revocation and chain.

mod bind;
mod chain;
mod charges;
mod credentials;
mod evidence;
mod parse;
mod revoked;
mod token;
mod tool;
mod verify;

pub use bind::BoundRequest;
pub use credentials::Credentials;
pub(crate) use credentials::Standing;
pub use evidence::{Evidence, verify_evidence, verify_root};
pub use parse::{MAX_AUTHORIZATION_BYTES, RequestParts, UnverifiedRequest};
pub use revoked::require_root_not_revoked;
pub(crate) use revoked::{Known, require_ground, require_not_revoked};
pub use verify::VerifiedRequest;
