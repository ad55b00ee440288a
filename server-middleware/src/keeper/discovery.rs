//! An issuer's own description (RFC 8414): where its keys are, and where it is asked about tokens.

use handfast_dpop::PublicBase;
use handfast_fetch::FetchError;
use handfast_identity::json::{self, JsonError, Limits};
use handfast_verifier::trust::MAX_KEY_SET_BYTES;
use serde::Deserialize;
use thiserror::Error;

use super::outbound::Outbound;

/// Elements of one list in metadata: real servers list a hundred locales.
const MAX_METADATA_MEMBERS: usize = 512;

#[derive(Debug, Error)]
pub(super) enum DiscoveryError {
    #[error("metadata of the issuer: {0}")]
    Fetch(#[source] FetchError),
    #[error("metadata of the issuer: {0}")]
    Form(#[source] JsonError),
    #[error("metadata of the issuer: it names another issuer")]
    OtherIssuer,
}

/// What is read of it.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) introspection_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
}

impl Metadata {
    /// MD-02, MD-03: the document is at one place, and says exactly the issuer that was asked for.
    pub(super) async fn of(issuer: &str, base: &PublicBase, outbound: &Outbound) -> Result<Self, DiscoveryError> {
        let url = format!("{}/.well-known/oauth-authorization-server{}", base.origin(), base.prefix());
        let document = outbound.document(base, &url).await.map_err(DiscoveryError::Fetch)?;
        let limits = Limits { max_members: MAX_METADATA_MEMBERS, ..Limits::plain(MAX_KEY_SET_BYTES) };
        let metadata: Self = json::read(&document, &limits).map_err(DiscoveryError::Form)?;
        if metadata.issuer == issuer { Ok(metadata) } else { Err(DiscoveryError::OtherIssuer) }
    }
}
