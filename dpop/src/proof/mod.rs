//! The check of a proof in typed stages (RFC 9449 4.3), cheap before dear.

mod error;
mod expectation;
mod make;
mod wire;

use core::fmt;

use handfast_identity::json::Limits;
use handfast_identity::jws::{JwsError, UnverifiedJws};
use handfast_identity::{PublicKey, SignatureValid, Thumbprint, UnixTime};

pub use error::{ProofClass, ProofError, Remedy};
pub use expectation::Expectation;
pub use make::{MakeError, ProofRequest, ProofSigner};

use crate::{ContentDigest, ContentHash, ReplayEntry};

/// Bytes of a proof (DPOP-39, spec/limits.md); those of an Ed25519 key with `ath` have about 450.
pub const MAX_PROOF_BYTES: usize = 4096;
/// Bytes of a `jti` (DPOP-39).
pub const MAX_PROOF_ID_BYTES: usize = 256;
/// Bytes of a method: the longest registered one has 18 (TH09).
pub const MAX_METHOD_BYTES: usize = 64;
/// The `typ` of a proof: this text and no other spelling of it (DPOP-26, TH03).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// A proof whose form was read. None of its claims is true yet.
pub struct UnverifiedProof {
    jws: UnverifiedJws,
    key: PublicKey,
    thumbprint: Thumbprint,
    claims: wire::Claims,
}

impl UnverifiedProof {
    /// Reads one proof: size, form, `typ`, `alg`, `jwk`, and that all claims are there (checks 2 to 5 and 7).
    ///
    /// `field` is the value of the request's only `DPoP` field; two values joined by a comma are malformed (DPOP-21).
    ///
    /// # Errors
    ///
    /// The first of these that is broken. None of them may succeed on retry.
    pub fn parse(field: &str) -> Result<Self, ProofError> {
        let jws = UnverifiedJws::parse(field, &Limits::plain(MAX_PROOF_BYTES))?;
        if jws.typ() != Some(PROOF_TYPE) {
            return Err(ProofError::Type); // DPOP-134: no other signed text works as a proof
        }
        let key = PublicKey::try_from(jws.jwk().ok_or(ProofError::KeyMissing)?).map_err(ProofError::Key)?;
        if jws.algorithm().curve() != key.curve() {
            return Err(ProofError::Algorithm);
        }
        let claims = jws.unverified_claims().map_err(|error| match error {
            JwsError::Json(cause) => ProofError::Claims(cause),
            other => other.into(),
        })?;
        Ok(Self { thumbprint: key.thumbprint(), jws, key, claims })
    }

    /// Checks what needs no signature: chain hash, method, target, token hash, nonce and freshness, in this order.
    ///
    /// A proof is fresh from `now - past` to `now + future`, both seconds included. Success says nothing about who made the
    /// claims.
    ///
    /// # Errors
    ///
    /// The first mismatch. Those of [`ProofClass::NonceRequired`] may succeed with a new proof and the server's nonce.
    pub fn check(self, expected: &Expectation<'_>, now: UnixTime) -> Result<CheckedProof, ProofError> {
        expected.check_chain(&self.claims)?;
        expected.check_request(&self.claims)?;
        let remember_until = expected.check_time(&self.claims, now)?;
        Ok(CheckedProof { proof: self, token_hash: expected.token_hash, remember_until })
    }
}

impl fmt::Debug for UnverifiedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedProof(key {})", self.thumbprint) // DPOP-138
    }
}

/// A proof whose claims fit the request, if its signature is good.
pub struct CheckedProof {
    proof: UnverifiedProof,
    token_hash: Option<ContentHash>,
    remember_until: UnixTime,
}

impl CheckedProof {
    /// The thumbprint of the key that the proof claims: for comparing with a token's `cnf.jkt` before the signature is paid.
    #[must_use]
    pub const fn claimed_thumbprint(&self) -> Thumbprint {
        self.proof.thumbprint
    }

    /// The key that the proof claims.
    #[must_use]
    pub const fn claimed_key(&self) -> &PublicKey {
        &self.proof.key
    }

    /// Verifies the signature with the proof's own `jwk` and nothing else (check 6).
    ///
    /// # Errors
    ///
    /// [`ProofError::Signature`].
    pub fn verify(self) -> Result<VerifiedProof, ProofError> {
        let UnverifiedProof { jws, key, thumbprint, claims } = self.proof;
        Ok(VerifiedProof {
            _signature: jws.verify(&key)?,
            key,
            thumbprint,
            proof_id: claims.jti,
            issued_at: claims.iat,
            content_digest: claims.htd,
            token_hash: self.token_hash,
            remember_until: self.remember_until,
        })
    }
}

impl fmt::Debug for CheckedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedProof(key {})", self.proof.thumbprint)
    }
}

/// A proof that passed every check but the one for replay; only [`CheckedProof::verify`] makes one.
///
/// It says that the holder of [`Self::key`] signed the expected method and target, freshly. It is no access decision
/// (DPOP-130): whose key this is, what the access token allows, and whether the proof was used before are other questions.
/// Query and other fields of the request are not covered, nor the body unless [`Self::require_content`] says so (DPOP-131).
///
/// ```compile_fail,E0451
/// # use handfast_dpop::VerifiedProof;
/// # use handfast_identity::PublicKey;
/// fn forged(proof: VerifiedProof, key: PublicKey) -> VerifiedProof {
///     VerifiedProof { key, ..proof }
/// }
/// ```
pub struct VerifiedProof {
    _signature: SignatureValid,
    key: PublicKey,
    thumbprint: Thumbprint,
    proof_id: String,
    issued_at: UnixTime,
    content_digest: Option<String>,
    token_hash: Option<ContentHash>,
    remember_until: UnixTime,
}

impl VerifiedProof {
    /// The key whose possession was proved.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its thumbprint: what `cnf.jkt` of the token has to equal (DPOP-35).
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The `jti`, chosen by the proof's maker.
    #[must_use]
    pub fn proof_id(&self) -> &str {
        &self.proof_id
    }

    /// When it was made, by its maker's clock; not to be trusted where a nonce replaced the clock.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The hash of the access token that the proof covers, if one was expected.
    #[must_use]
    pub const fn token_hash(&self) -> Option<ContentHash> {
        self.token_hash
    }

    /// Requires that the proof covers `content`, the bytes as they came in, through the request's `Content-Digest` field.
    ///
    /// `lines` are the values of every line of that field: one, and the text of the claim `htd`. What proofs do not have to
    /// cover is not asked about, and then neither field nor claim means anything.
    ///
    /// # Errors
    ///
    /// [`ProofError::ContentDigestMissing`] without the claim or the field, [`ProofError::ContentDigest`] if either is not that
    /// of `content`.
    pub fn require_content(&self, lines: &[&[u8]], content: &[u8]) -> Result<(), ProofError> {
        let claim = self.content_digest.as_deref().filter(|_| !lines.is_empty());
        let claim = claim.ok_or(ProofError::ContentDigestMissing)?;
        let digest = ContentDigest::of(content);
        let is_covered = claim == digest.as_str() && lines == [digest.as_str().as_bytes()];
        if is_covered { Ok(()) } else { Err(ProofError::ContentDigest) }
    }

    /// What a replay store has to remember of it. Insert it last, when the request was found good in every other way.
    #[must_use]
    pub fn replay_entry(&self, enforcement_point: &str) -> ReplayEntry {
        ReplayEntry::new(enforcement_point, self.thumbprint, &self.proof_id, self.remember_until)
    }
}

impl fmt::Debug for VerifiedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedProof(key {})", self.thumbprint)
    }
}
