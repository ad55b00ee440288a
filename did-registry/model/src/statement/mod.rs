//! Registration statements: compact JWS by the key of the DID in `iss`, by which a party proves that key and says who it is.
//!
//! ```text
//! text --Unverified…::parse--> form, type, claims --verify(policy, now)--> Verified…: the holder of the key wrote this, now
//! ```

mod agent;
mod key;
mod owner;
mod version;

use core::fmt;

use handfast_identity::json::{self, Limits};
use handfast_identity::jws::{JwsError, UnverifiedJws};
use handfast_identity::{ContentHash, DidError, DidKey, KeyError, SignatureValid, UnixTime};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::limits::{MAX_PROOF_ID_BYTES, MAX_STATEMENT_BYTES};
use crate::{Refusal, RegistryPolicy};

pub use agent::{AGENT_STATEMENT_TYPE, AgentRegistration, UnverifiedAgentRegistration, VerifiedAgentRegistration};
pub use key::VerifiedKeyChange;
pub use owner::{OWNER_STATEMENT_TYPE, OwnerRegistration, UnverifiedOwnerRegistration, VerifiedOwnerRegistration};
pub use version::{UnverifiedVersion, VERSION_STATEMENT_TYPE, VerifiedVersion, VersionStatement};

/// Why a registration statement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementError {
    /// Longer than [`MAX_STATEMENT_BYTES`].
    TooLong,
    /// Not a signed compact JWS: nothing is proved.
    Unsigned(JwsError),
    /// A JWS whose header or claims are not what they should be.
    Malformed(JwsError),
    /// `typ` is another kind of statement.
    Type,
    /// `iss` is no acceptable DID.
    Did(DidError),
    /// A claim whose value means nothing here; the name of the claim.
    Claim(&'static str),
    /// `aud` is another registry.
    Audience,
    /// `iat` is outside the window of proofs.
    Stale,
    /// `kid` does not name the key of `iss`.
    KeyId,
    /// Not signed by the key of `iss`.
    Signature,
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the statement is longer than allowed"),
            Self::Unsigned(error) => write!(f, "the statement is not a signed jws: {error}"),
            Self::Malformed(error) => write!(f, "the statement is malformed: {error}"),
            Self::Type => f.write_str("the statement's `typ` is another kind of statement"),
            Self::Did(error) => write!(f, "the statement's `iss` is refused: {error}"),
            Self::Claim(name) => write!(f, "the statement's `{name}` is not acceptable"),
            Self::Audience => f.write_str("the statement is for another registry"),
            Self::Stale => f.write_str("the statement's `iat` is outside the window"),
            Self::KeyId => f.write_str("the statement's `kid` is not the key of its `iss`"),
            Self::Signature => f.write_str("the statement is not signed by the key of its `iss`"),
        }
    }
}

impl core::error::Error for StatementError {}

impl From<StatementError> for Refusal {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Unsigned(_) | StatementError::Signature => Self::ProofRequired,
            StatementError::Did(DidError::Key(KeyError::Weak)) => Self::WeakKey,
            StatementError::Did(_) => Self::InvalidDid,
            StatementError::TooLong
            | StatementError::Malformed(_)
            | StatementError::Type
            | StatementError::Claim(_)
            | StatementError::Audience
            | StatementError::Stale
            | StatementError::KeyId => Self::InvalidRegistration,
        }
    }
}

/// What both kinds of statement have in common, unverified.
struct Envelope {
    jws: UnverifiedJws,
    text: String,
    did: DidKey,
    audience: String,
    issued_at: UnixTime,
    proof_id: String,
}

/// The common claims as they stand in the JSON.
struct CommonClaims {
    iss: String,
    aud: String,
    iat: UnixTime,
    jti: String,
}

/// Reads form and `typ` of a statement, and its claims as `W`.
fn open<W: DeserializeOwned>(text: &str, typ: &str) -> Result<(UnverifiedJws, W), StatementError> {
    let jws = UnverifiedJws::parse(text, &Limits::plain(MAX_STATEMENT_BYTES)).map_err(|error| match error {
        JwsError::TooLong => StatementError::TooLong,
        // two segments, an empty signature or `alg: none` is a statement without a signature
        JwsError::Form | JwsError::Algorithm => StatementError::Unsigned(error),
        other => StatementError::Malformed(other),
    })?;
    if jws.typ() != Some(typ) {
        return Err(StatementError::Type);
    }
    let claims = jws.unverified_claims().map_err(StatementError::Malformed)?;
    Ok((jws, claims))
}

impl Envelope {
    fn new(text: &str, jws: UnverifiedJws, common: CommonClaims) -> Result<Self, StatementError> {
        let did = DidKey::parse(&common.iss).map_err(StatementError::Did)?;
        let id_is_good = (1..=MAX_PROOF_ID_BYTES).contains(&common.jti.len())
            && common.jti.bytes().all(|byte| byte.is_ascii_graphic());
        if !id_is_good {
            return Err(StatementError::Claim("jti"));
        }
        let (audience, issued_at, proof_id) = (common.aud, common.iat, common.jti);
        Ok(Self { jws, text: text.to_owned(), did, audience, issued_at, proof_id })
    }

    /// Cheap before dear: audience and time, then the key's order, then the signature, then what only a signer can get wrong.
    fn verify(self, policy: &RegistryPolicy, now: UnixTime) -> Result<Proven, StatementError> {
        if self.audience != policy.issuer() {
            return Err(StatementError::Audience);
        }
        let (past, future) = policy.statement_window();
        if self.issued_at < now.saturating_sub(past) || self.issued_at > now.saturating_add(future) {
            return Err(StatementError::Stale);
        }
        let key = self.did.public_key();
        // P-06, DK-06: asked once, here, where a key enters the registry
        key.require_prime_order().map_err(|error| StatementError::Did(DidError::Key(error)))?;
        let signature = self.jws.verify(key).map_err(|_| StatementError::Signature)?;
        if self.jws.kid() != Some(&self.did.key_id()) {
            return Err(StatementError::KeyId);
        }
        let wish = wish_of(&self.jws)?;
        let text = ReceivedStatement(self.text);
        Ok(Proven { did: self.did, proof_id: self.proof_id, text, wish, _signature: signature })
    }
}

/// What a statement asks for, whenever it was signed: the hash of its claims but for `iat` and `jti`.
fn wish_of(jws: &UnverifiedJws) -> Result<ContentHash, StatementError> {
    let mut claims: Map<String, Value> = jws.unverified_claims().map_err(StatementError::Malformed)?;
    claims.retain(|name, _| !matches!(name.as_str(), "iat" | "jti"));
    let bytes = json::to_jcs(&claims).map_err(|_| StatementError::Malformed(JwsError::Form))?;
    Ok(ContentHash::of(&bytes))
}

/// A statement whose DID is proved: made by [`Envelope::verify`] only.
#[derive(Debug)]
struct Proven {
    did: DidKey,
    proof_id: String,
    text: ReceivedStatement,
    wish: ContentHash,
    _signature: SignatureValid,
}

/// A statement as received. It may hold an enrolment code, so it has no `Debug` text (P-19).
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedStatement(String);

impl ReceivedStatement {
    /// One that was received before, read back from its record.
    pub(crate) const fn kept(text: String) -> Self {
        Self(text)
    }

    /// The compact JWS.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReceivedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceivedStatement({} bytes)", self.0.len())
    }
}
