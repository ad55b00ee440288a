//! Why a proof was refused, and what kind of answer that calls for.

use core::fmt;

use handfast_identity::JwkError;
use handfast_identity::json::JsonError;
use handfast_identity::jws::JwsError;

use crate::{NonceError, TargetError};

/// The first rule a proof broke. Closed on purpose: a new refusal should be noticed by whoever answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// More than [`MAX_PROOF_BYTES`](crate::MAX_PROOF_BYTES) (DPOP-39).
    TooLong,
    /// Not one compact JWS of two strict JSON objects (check 2).
    Malformed(JwsError),
    /// A critical extension or `b64` (DPOP-24).
    CriticalHeader,
    /// `typ` is missing or not exactly `dpop+jwt` (check 4).
    Type,
    /// `alg` is missing, not on the list, or not one for the key (check 5).
    Algorithm,
    /// No `jwk` in the header (check 3).
    KeyMissing,
    /// The `jwk` is private, of another kind, or no sound key (checks 5 and 7).
    Key(JwkError),
    /// A claim is missing, of the wrong type, or out of its bounds (check 3).
    Claims(JsonError),
    /// The delegation chain and its `dch` are not both there, or do not belong together.
    ChainHash,
    /// `htm` is not the method of the request (check 8).
    Method,
    /// `htu` is no target URI (check 9).
    TargetForm(TargetError),
    /// `htu` is not the target of the request (check 9).
    Target,
    /// No `ath` although an access token was sent (check 12).
    TokenHashMissing,
    /// `ath` is not the hash of the access token (check 12).
    TokenHash,
    /// No `nonce` where one is demanded (check 10).
    NonceMissing,
    /// The `nonce` is not one to accept now (check 10).
    Nonce(NonceError),
    /// Made too long ago (check 11).
    Stale(Remedy),
    /// Made too far in the future (check 11).
    FromFuture(Remedy),
    /// The signature does not verify with the `jwk` (check 6).
    Signature,
    /// No `htd`, or no `Content-Digest` field, where the content has to be covered.
    ContentDigestMissing,
    /// `htd`, the `Content-Digest` field and the content do not belong together.
    ContentDigest,
}

/// What would help a proof whose time is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A proof with a nonce of this server, which tells it the time.
    Nonce,
    /// The right time: nonces are not known here, or the proof had a good one.
    Clock,
}

/// What kind of answer a refusal calls for; the words on the wire are chosen elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofClass {
    /// `invalid_dpop_proof`.
    InvalidProof,
    /// `use_dpop_nonce`, with a new nonce.
    NonceRequired,
    /// The request's delegation chain is not what the proof covers: `invalid_token` (DEL-32).
    InvalidChain,
    /// Not the caller's fault: 503 (P-17).
    Unavailable,
}

impl ProofError {
    /// The stable reason code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "proof_too_long",
            Self::Malformed(_) => "proof_malformed",
            Self::CriticalHeader => "proof_critical_header",
            Self::Type => "proof_type",
            Self::Algorithm => "proof_algorithm",
            Self::KeyMissing | Self::Key(_) => "proof_key",
            Self::Claims(_) => "proof_claims",
            Self::ChainHash => "chain_malformed",
            Self::Method => "method_mismatch",
            Self::TargetForm(_) | Self::Target => "target_mismatch",
            Self::TokenHashMissing | Self::TokenHash => "token_hash_mismatch",
            Self::NonceMissing => "nonce_required",
            Self::Nonce(_) => "nonce_unknown",
            Self::Stale(_) => "proof_stale",
            Self::FromFuture(_) => "proof_from_future",
            Self::Signature => "proof_signature",
            Self::ContentDigestMissing => "content_digest_required",
            Self::ContentDigest => "content_digest_mismatch",
        }
    }

    /// What kind of answer it calls for.
    #[must_use]
    pub const fn class(&self) -> ProofClass {
        match self {
            Self::NonceMissing | Self::Nonce(_) | Self::Stale(Remedy::Nonce) | Self::FromFuture(Remedy::Nonce) => {
                ProofClass::NonceRequired
            }
            Self::ChainHash => ProofClass::InvalidChain,
            Self::TooLong
            | Self::Malformed(_)
            | Self::CriticalHeader
            | Self::Type
            | Self::Algorithm
            | Self::KeyMissing
            | Self::Key(_)
            | Self::Claims(_)
            | Self::Method
            | Self::TargetForm(_)
            | Self::Target
            | Self::TokenHashMissing
            | Self::TokenHash
            | Self::Stale(Remedy::Clock)
            | Self::FromFuture(Remedy::Clock)
            | Self::Signature
            | Self::ContentDigestMissing
            | Self::ContentDigest => ProofClass::InvalidProof,
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the proof is longer than 4096 bytes"),
            Self::Malformed(cause) => write!(f, "the proof is malformed: {cause}"),
            Self::CriticalHeader => f.write_str("the proof names a critical extension or `b64`"),
            Self::Type => f.write_str("the `typ` of the proof is not `dpop+jwt`"),
            Self::Algorithm => f.write_str("the `alg` of the proof is not allowed or does not fit its key"),
            Self::KeyMissing => f.write_str("the proof has no `jwk`"),
            Self::Key(cause) => write!(f, "the `jwk` of the proof is refused: {cause}"),
            Self::Claims(cause) => write!(f, "a claim of the proof is missing or wrong: {cause}"),
            Self::ChainHash => f.write_str("`dch` and the delegation chain do not belong together"),
            Self::Method => f.write_str("`htm` is not the method of the request"),
            Self::TargetForm(cause) => write!(f, "`htu` is no target uri: {cause}"),
            Self::Target => f.write_str("`htu` is not the target of the request"),
            Self::TokenHashMissing => f.write_str("the proof has no `ath`"),
            Self::TokenHash => f.write_str("`ath` is not the hash of the access token"),
            Self::NonceMissing => f.write_str("the proof has no `nonce`"),
            Self::Nonce(cause) => cause.fmt(f),
            Self::Stale(_) => f.write_str("the proof was made too long ago"),
            Self::FromFuture(_) => f.write_str("the proof was made too far in the future"),
            Self::Signature => f.write_str("the signature of the proof does not verify"),
            Self::ContentDigestMissing => f.write_str("`htd` or the `Content-Digest` field is missing"),
            Self::ContentDigest => {
                f.write_str("`htd`, the `Content-Digest` field and the content do not belong together")
            }
        }
    }
}

impl core::error::Error for ProofError {}

impl From<JwsError> for ProofError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Critical => Self::CriticalHeader,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Signature => Self::Signature,
            other => Self::Malformed(other),
        }
    }
}
