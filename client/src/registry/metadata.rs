//! Authorization server metadata (RFC 8414), of which the client needs little.

use reqwest::Url;
use serde::Deserialize;

use super::Answer;
use crate::error::AnswerError;
use crate::signing::Issuer;

const ENDPOINT: &str = "the authorization server metadata";

/// What the registry says about itself: of the issuer that was asked, or it would not be here.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub(super) token_endpoint: Url,
    pub(super) proof_algorithms: Vec<String>,
}

#[derive(Deserialize)]
struct MetadataWire {
    issuer: String,
    token_endpoint: String,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
}

impl Metadata {
    /// Where tokens come from.
    #[must_use]
    pub const fn token_endpoint(&self) -> &Url {
        &self.token_endpoint
    }

    /// The algorithm names it accepts in proofs.
    #[must_use]
    pub fn proof_algorithms(&self) -> &[String] {
        &self.proof_algorithms
    }

    pub(super) fn read(answer: &Answer, issuer: &Issuer) -> Result<Self, AnswerError> {
        let wire: MetadataWire = answer.read(ENDPOINT)?;
        // MD-03: identical text, or none of it is used
        if wire.issuer != issuer.as_str() {
            return Err(AnswerError::Issuer { expected: issuer.as_str().to_owned() });
        }
        let token_endpoint = Url::parse(&wire.token_endpoint)
            .map_err(|_| AnswerError::Member { endpoint: ENDPOINT, member: "token_endpoint" })?;
        // P-25: the user named one origin to trust with the key, and a document does not name another
        if !issuer.is_at_own_origin(&token_endpoint) {
            return Err(AnswerError::ForeignEndpoint { issuer: issuer.as_str().to_owned() });
        }
        Ok(Self { token_endpoint, proof_algorithms: wire.dpop_signing_alg_values_supported })
    }
}
