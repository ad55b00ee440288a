//! What a resource server was told to trust, and the facts it holds about that: one record per issuer, nothing implied.

mod facts;
mod issuer;
mod keys;

pub use facts::{Facts, IssuerFacts, Status};
pub use issuer::{
    DEFAULT_MAX_LIFETIME, IntrospectionCaller, MAX_LIFETIME_WITHOUT_STATUS, Profile, SpeaksFor, StatusSource,
    TrustError, TrustedIssuer,
};
pub use keys::{KeySet, KeySetError, MAX_KEY_SET_BYTES, PREPARED_KEYS};
