//! What a resource server knows once it has heard from an issuer.

use std::sync::Arc;

use handfast_identity::UnixTime;
use handfast_verifier::revocation::RevocationSet;
use handfast_verifier::trust::{Facts, IssuerFacts, Status};

use crate::Issuer;

/// Facts about one issuer: its keys, and `status`.
#[must_use]
pub fn facts_of(issuer: &Issuer, status: Status) -> Facts {
    Facts::new([IssuerFacts { trust: Arc::new(issuer.trust()), keys: Arc::new(issuer.key_set()), status }])
}

/// As of `now` nothing is revoked.
#[must_use]
pub fn known(now: UnixTime) -> Status {
    Status::Known { set: Arc::new(RevocationSet::default()), as_of: now }
}
