//! Access tokens: RFC 9068 `at+jwt`, bound to the presenter's key (RFC 9449 6).

mod claims;
mod unverified;
mod wire;

pub use claims::{AccessToken, ChainClaims, Delegability};
pub use unverified::{MAX_TOKEN_BYTES, TOKEN_TYPE, TokenError, UnverifiedAccessToken, VerifiedAccessToken};
