//! One question, and why it has no answer.

use handfast_dpop::MakeError;
use handfast_fetch::FetchError;
use handfast_identity::jws::JwsError;
use http::StatusCode;
use thiserror::Error;

use super::Places;
use crate::Clock;
use crate::keeper::outbound::Outbound;

/// Where, by what and when it is asked.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) places: &'a Places,
    pub(super) outbound: &'a Outbound,
    pub(super) clock: &'a dyn Clock,
}

#[derive(Debug, Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the introspection endpoint answered {0}")]
    Refused(StatusCode),
    #[error("the token endpoint answered {0}")]
    TokenRefused(StatusCode),
    #[error("metadata of the issuer: it names no `token_endpoint` at its own origin")]
    NoTokenEndpoint,
    #[error("the token endpoint gave no token that is bound to a key")]
    Token,
    #[error("no proof could be made: {0}")]
    Proof(#[from] MakeError),
    #[error("no assertion could be made: {0}")]
    Assertion(#[from] JwsError),
}
