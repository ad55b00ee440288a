//! Making proofs, one for every request (DPOP-01).

use core::fmt;

use handfast_identity::json::JsonError;
use handfast_identity::jws::{HeaderSegment, JwsError, UnsignedJws};
use handfast_identity::{Algorithm, PublicKey, RandomSource, SigningKey, UnixTime, base64url, random_bytes};

use super::wire::ClaimsOut;
use super::{MAX_METHOD_BYTES, MAX_PROOF_BYTES, PROOF_TYPE};
use crate::{ContentDigest, ContentHash, Nonce, Target};

/// Random bytes of a `jti`: 128 bits, where 96 are asked for (DPOP-05).
const PROOF_ID_BYTES: usize = 16;

/// The request that a proof is made for.
#[derive(Clone, Copy, Debug)]
pub struct ProofRequest<'a> {
    /// The method, in the case in which it is sent.
    pub method: &'a str,
    /// The URI actually requested, after every rewriting and for every redirect anew (DPOP-06).
    pub target: &'a Target,
    /// Hash of the access token sent along; `None` at the token endpoint, also for other tokens in the body (DPOP-08).
    pub token_hash: Option<ContentHash>,
    /// The newest nonce of this target's origin (DPOP-09, DPOP-10).
    pub nonce: Option<&'a Nonce>,
    /// Hash of the delegation chain sent along.
    pub delegation_hash: Option<ContentHash>,
    /// Digest of the content, where the proof has to cover it; the same text goes into the field `Content-Digest`.
    pub content_digest: Option<&'a ContentDigest>,
}

impl ProofRequest<'_> {
    /// Makes the value of the `DPoP` field, with a fresh `jti`. The algorithm name is the key's (DPOP-122). Whoever makes many
    /// keeps a [`ProofSigner`].
    ///
    /// # Errors
    ///
    /// [`MakeError`] for a request that no server would accept a proof for.
    ///
    /// ```
    /// use handfast_dpop::{ContentHash, MakeError, ProofRequest, Target};
    /// # use handfast_identity::{RandomSource, SigningKey, UnixTime};
    /// # struct Fixed;
    /// # impl RandomSource for Fixed { fn fill(&mut self, out: &mut [u8]) { out.fill(7) } }
    /// # let (key, mut random) = (SigningKey::from_ed25519_seed(&[7; 32]), Fixed);
    /// let target = Target::parse("https://api.example/v1/files/42")?;
    /// let token_hash = Some(ContentHash::of(b"the.access.token"));
    /// let request = ProofRequest {
    ///     method: "GET",
    ///     target: &target,
    ///     token_hash,
    ///     nonce: None,
    ///     delegation_hash: None,
    ///     content_digest: None,
    /// };
    /// let now = UnixTime::from_secs(1_795_262_400);
    /// assert!(request.sign(&key, now, &mut random).is_ok());
    ///
    /// let target = Target::parse("http://api.example/v1/files/42")?;
    /// assert_eq!(ProofRequest { target: &target, ..request }.sign(&key, now, &mut random), Err(MakeError::PlainHttp));
    /// # Ok::<(), handfast_dpop::TargetError>(())
    /// ```
    pub fn sign(&self, key: &SigningKey, now: UnixTime, random: &mut dyn RandomSource) -> Result<String, MakeError> {
        ProofForm::of(key).fill(self, now, random).map(|proof| proof.sign(key))
    }

    fn claims<'a>(&'a self, now: UnixTime, proof_id: &'a str) -> ClaimsOut<'a> {
        ClaimsOut {
            jti: proof_id,
            htm: self.method,
            htu: self.target.as_str(),
            iat: now,
            ath: self.token_hash.map(|hash| hash.to_string()),
            nonce: self.nonce.map(Nonce::as_str),
            dch: self.delegation_hash.map(|hash| hash.to_string()),
            htd: self.content_digest.map(ContentDigest::as_str),
        }
    }
}

/// The proofs of one key under one algorithm name, but for their signatures. Their header is the same text each time, so it is
/// written once.
#[derive(Clone, Debug)]
pub struct ProofForm(HeaderSegment);

impl ProofForm {
    /// The form of proofs by `key`, signed under `algorithm`, which is to be one for the key.
    #[must_use]
    pub fn new(key: &PublicKey, algorithm: Algorithm) -> Self {
        // DPOP-02, DPOP-03: a public JWK is JSON already, and neither name needs escaping
        let (alg, jwk) = (algorithm.as_str(), key.to_jwk());
        Self(HeaderSegment::of_json(&format!(r#"{{"typ":"{PROOF_TYPE}","alg":"{alg}","jwk":{jwk}}}"#)))
    }

    fn of(key: &SigningKey) -> Self {
        Self::new(key.public(), key.algorithm())
    }

    /// The proof for `request` with a fresh `jti`, but for its signature.
    ///
    /// # Errors
    ///
    /// As [`ProofRequest::sign`].
    pub fn fill(
        &self,
        request: &ProofRequest<'_>,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<UnsignedJws, MakeError> {
        if !request.target.is_protected() {
            return Err(MakeError::PlainHttp);
        }
        if !is_method(request.method) {
            return Err(MakeError::Method);
        }
        let proof = self.0.unsigned(&request.claims(now, &proof_id(random)))?;
        if proof.signed_len() > MAX_PROOF_BYTES { Err(MakeError::TooLong) } else { Ok(proof) }
    }
}

/// A key for many proofs.
pub struct ProofSigner {
    key: SigningKey,
    form: ProofForm,
}

impl ProofSigner {
    /// Proofs by `key`, under its algorithm name.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { form: ProofForm::of(&key), key }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The same as [`ProofRequest::sign`] with this key.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign(
        &self,
        request: &ProofRequest<'_>,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<String, MakeError> {
        self.form.fill(request, now, random).map(|proof| proof.sign(&self.key))
    }
}

impl fmt::Debug for ProofSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofSigner(redacted, {})", self.key.public().thumbprint())
    }
}

fn proof_id(random: &mut dyn RandomSource) -> String {
    base64url::encode(&random_bytes::<PROOF_ID_BYTES>(random))
}

/// RFC 9110 5.6.2: a token, and of bounded length.
fn is_method(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.len() <= MAX_METHOD_BYTES && text.bytes().all(is_token)
}

/// Why no proof was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MakeError {
    /// The target is plain `http` beyond loopback: the proof would be there for anybody to use (DPOP-16).
    PlainHttp,
    /// The method is not one.
    Method,
    /// Target and nonce are so long that the proof is over the limit of 4 KiB.
    TooLong,
    /// Header or claims cannot be written as JSON.
    Json(String),
}

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlainHttp => f.write_str("a proof for a plain `http` target is not made"),
            Self::Method => f.write_str("the method is no http method"),
            Self::TooLong => f.write_str("the proof would be longer than 4096 bytes"),
            Self::Json(cause) => f.write_str(cause),
        }
    }
}

impl core::error::Error for MakeError {}

impl From<JwsError> for MakeError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Json(JsonError::Shape(cause)) => Self::Json(cause),
            other => Self::Json(other.to_string()),
        }
    }
}
