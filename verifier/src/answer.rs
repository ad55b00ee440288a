//! The one map from reasons to the wire: status, RFC error code, constant words, challenge (RFC 9449 7, RFC 6750 3).

use handfast_delegation::{ChainError, Scope};
use handfast_dpop::ProofClass;

use crate::Rejection;
use crate::budget::BudgetError;

/// The algorithms a challenge offers, in the order of the metadata (DPOP-93, DPOP-107).
pub const CHALLENGE_ALGORITHMS: &str = "EdDSA Ed25519 ES256";
/// What a client is told to wait when the fault is ours, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

/// What a rejected caller is told. Holds constants and configured scope only: nothing of the request is echoed (DPOP-113).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: 400, 401, 403, 429, 431 or 503.
    pub status: u16,
    /// The error code of RFC 6750 or RFC 9449; none when no credentials were sent (DPOP-108), and with 429, for which they have
    /// none.
    pub error: Option<&'static str>,
    /// The stable reason.
    pub reason: &'static str,
    /// Constant words on it.
    pub description: &'static str,
    /// The scope that would do, with `insufficient_scope`.
    pub scope: Option<Scope>,
    /// Whether a fresh nonce belongs into the answer whatever else it gets (`use_dpop_nonce`).
    pub needs_nonce: bool,
    /// Seconds for `Retry-After`: always with 503, with 429 only where waiting helps.
    pub retry_after: Option<u32>,
}

/// What every challenge of a server says, whatever the fault was.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChallengeTerms<'a> {
    /// The configured URL of RFC 9728, if the server has one.
    pub resource_metadata: Option<&'a str>,
    /// Whether proofs have to cover the content (spec/delegation.md, body binding).
    pub wants_content_digest: bool,
}

impl Answer {
    const fn new(status: u16, error: Option<&'static str>, reason: &'static str, description: &'static str) -> Self {
        Self { status, error, reason, description, scope: None, needs_nonce: false, retry_after: None }
    }

    /// The `WWW-Authenticate` value, for statuses that carry one: every 401, and 403 with its scope (DPOP-106, ERR-01).
    ///
    /// `terms` are the server's own.
    #[must_use]
    pub fn challenge(&self, terms: &ChallengeTerms<'_>) -> Option<String> {
        if !matches!(self.status, 401 | 403) {
            return None;
        }
        let mut params = Vec::new();
        if let Some(error) = self.error {
            params.push(format!("error=\"{error}\""));
            params.push(format!("error_description=\"{}\"", self.description));
        }
        if let Some(scope) = &self.scope {
            params.push(format!("scope=\"{scope}\""));
        }
        params.push(format!("algs=\"{CHALLENGE_ALGORITHMS}\""));
        if terms.wants_content_digest {
            params.push("content_digest=\"sha-256\"".to_owned());
        }
        if let Some(url) = terms.resource_metadata {
            params.push(format!("resource_metadata=\"{url}\""));
        }
        Some(format!("DPoP {}", params.join(", ")))
    }
}

impl Rejection {
    /// What the caller is told. Total: every reason has exactly one answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let reason = self.reason();
        let token = |words| Answer::new(401, Some("invalid_token"), reason, words);
        let request = |words| Answer::new(400, Some("invalid_request"), reason, words);
        let proof = |words| Answer::new(401, Some("invalid_dpop_proof"), reason, words);
        let ours = |words| Answer {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..Answer::new(503, Some("temporarily_unavailable"), reason, words)
        };
        match self {
            Self::CredentialsMissing => Answer::new(401, None, reason, "this resource needs a DPoP-bound access token"),
            Self::SchemeUnsupported => Answer::new(401, None, reason, "this resource accepts the DPoP scheme only"),
            Self::CredentialsRepeated => request("credentials were sent more than once"),
            Self::CredentialsMalformed => request("the Authorization field is not a scheme and one token"),
            Self::TokenMisplaced => request("access tokens are accepted in the Authorization field only"),
            Self::BearerDowngrade => token("access tokens are accepted under the DPoP scheme only"),
            Self::ProofMissing => proof("the DPoP field is missing"),
            Self::ProofRepeated => proof("more than one DPoP proof was sent"),
            Self::Proof(error) => match error.class() {
                ProofClass::InvalidProof => proof("the DPoP proof was refused"),
                ProofClass::NonceRequired => Answer {
                    needs_nonce: true,
                    ..Answer::new(
                        401,
                        Some("use_dpop_nonce"),
                        reason,
                        "repeat with a proof that carries the nonce given",
                    )
                },
                ProofClass::InvalidChain => token(ChainError::Malformed.description()),
                ProofClass::Unavailable => ours("proofs cannot be checked right now"),
            },
            Self::TokenMalformed => token("the access token is malformed"),
            Self::TokenTypeMismatch => token("the token is not an access token"),
            Self::TokenAlgorithmRefused => token("the access token's algorithm is refused"),
            Self::IssuerNotTrusted => token("the access token's issuer is not trusted here"),
            Self::TokenKeyUnknown => token("the access token's key is unknown"),
            Self::AudienceMismatch => token("the access token is for another resource"),
            Self::TokenExpired => token("the access token has expired"),
            Self::TokenNotYetValid => token("the access token is not valid yet"),
            Self::TokenLifetimeExceeded => token("the access token lives longer than accepted here"),
            Self::TokenSignatureInvalid => token("the access token's signature is invalid"),
            Self::TokenClaimsIncomplete => token("the access token lacks required claims"),
            Self::RestrictionUnsupported => token("the access token has restrictions that cannot be applied here"),
            Self::EnvironmentMismatch => token("the access token is for another environment"),
            Self::TokenRevoked => token("the access token was revoked"),
            Self::TokenSuspended => token("the access token does not count for now"),
            Self::StatusReferenceInvalid => token("the access token's status reference is invalid"),
            Self::TaskRevoked => token("the task was revoked"),
            Self::AgentRevoked => token("an agent of the access token was revoked"),
            Self::PrincipalRevoked => token("the access token's owner was revoked"),
            Self::KeyRotatedOut => token("the access token's key was rotated out"),
            Self::KeyCompromised => token("the access token's key was revoked"),
            Self::IssuerKeyRevoked => token("the issuer's key was revoked"),
            Self::StatusUnknown | Self::StatusListMissing { .. } | Self::IntrospectionMissing => {
                ours("whether the access token was revoked is not known right now")
            }
            Self::FeedRolledBack => ours("the issuer's revocation feed cannot be relied on right now"),
            Self::DelegationNotPermitted => token("this token may not be passed on"),
            Self::OfflineNotPermitted => token("this token's delegates have to exchange it first"),
            Self::Chain(error @ ChainError::TooLong) => {
                Answer::new(431, Some("invalid_request"), reason, error.description())
            }
            Self::Chain(error) => token(error.description()),
            Self::TokenExceedsChain => token("the access token allows more than its delegation"),
            Self::HopRevoked => token("a hop of the delegation was revoked"),
            Self::EvidenceRequired => token("evidence of the delegation is required"),
            Self::TaskHalted => token("this server has halted the task"),
            Self::DelegationSuspended => token("this server has suspended the delegation"),
            Self::TokenUnbound => token("the access token is not bound to a key"),
            Self::HolderMismatch => token("the proof key is not the access token's key"),
            Self::ActorMismatch => token("the access token's actor does not hold its key"),
            Self::ScopeInsufficient { wanted } => {
                let answer =
                    Answer::new(403, Some("insufficient_scope"), reason, "the access token's scope is too small");
                Answer { scope: (!wanted.is_empty()).then(|| wanted.clone()), ..answer }
            }
            Self::CallerNotPermitted { wanted } => {
                let answer =
                    Answer::new(403, Some("insufficient_scope"), reason, "this kind of caller is not permitted here");
                Answer { scope: (!wanted.is_empty()).then(|| wanted.clone()), ..answer }
            }
            Self::ArgumentsAmbiguous(_) => request("what the request asks for could be read in more than one way"),
            Self::ToolRefused => {
                Answer::new(403, Some("insufficient_scope"), reason, "this tool call is not among those delegated")
            }
            Self::Replay(error) => match error.class() {
                ProofClass::InvalidProof | ProofClass::InvalidChain | ProofClass::NonceRequired => {
                    proof("the DPoP proof was used before")
                }
                ProofClass::Unavailable => ours("proofs cannot be remembered right now"),
            },
            Self::ReceiptMismatch => ours("the request could not be admitted"),
            Self::Budget(BudgetError::Spent { retry_after }) => Answer {
                // no window is longer than a day
                retry_after: retry_after.and_then(|wait| u32::try_from(wait.get()).ok()),
                ..Answer::new(429, None, reason, "a budget of the delegation is used up")
            },
            Self::Budget(
                BudgetError::Full | BudgetError::ShareFull | BudgetError::ClockWentBack | BudgetError::Unavailable,
            ) => ours("uses cannot be counted right now"),
        }
    }
}
