//! The four steps, a file each, in order.

mod bind;
mod parse;
mod revoked;
mod token;
mod verify;

pub use bind::BoundRequest;
pub use parse::{MAX_AUTHORIZATION_BYTES, RequestParts, UnverifiedRequest};
pub use verify::VerifiedRequest;
