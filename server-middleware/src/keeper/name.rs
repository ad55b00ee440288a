//! An issuer named by its `did:web`: its document has to say what the operator was told.

use std::sync::Arc;

use handfast_dpop::PublicBase;
use handfast_fetch::FetchError;
use handfast_identity::{DidKey, DidWeb, DocumentError, ForeignDocument, Relationship};
use thiserror::Error;

use super::outbound::Outbound;
use crate::Clock;

/// The name, and what is known of who bears it.
pub(super) struct Name {
    pub(super) did: DidWeb,
    /// The pinned key of its feed, where it has one.
    pub(super) feed_key: Option<DidKey>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Why an issuer is not the one that the DID names.
#[derive(Debug, Error)]
pub(super) enum NameError {
    #[error("document of the issuer's did: {0}")]
    Fetch(#[source] FetchError),
    #[error("document of the issuer's did: {0}")]
    Document(#[source] DocumentError),
    #[error("document of the issuer's did: it is not also known as the issuer")]
    OtherIssuer,
    #[error("document of the issuer's did: the pinned feed key is not among those that sign its statements")]
    OtherKey,
}

impl Name {
    /// Asks the DID's document whether it names this issuer back, and the key that was pinned. What is pinned stays so: a document
    /// that names another key is no new pin, but a contradiction.
    pub(super) async fn require_same(
        &self,
        issuer: &str,
        base: &PublicBase,
        outbound: &Outbound,
    ) -> Result<(), NameError> {
        let url = format!("{}/.well-known/did.json", base.origin());
        let bytes = outbound.document(base, &url).await.map_err(NameError::Fetch)?;
        let document = ForeignDocument::parse(&self.did, &bytes).map_err(NameError::Document)?;
        if !document.also_known_as().iter().any(|known| known == issuer) {
            return Err(NameError::OtherIssuer);
        }
        let Some(feed_key) = &self.feed_key else { return Ok(()) };
        let mut keys = document.keys(Relationship::AssertionMethod, self.clock.now());
        if keys.any(|key| key == feed_key.public_key()) { Ok(()) } else { Err(NameError::OtherKey) }
    }
}
