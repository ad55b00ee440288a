//! Compact JWS (RFC 7515 7.1), strictly: three segments, canonical base64url, two JSON objects, no critical extensions.

mod header;
mod making;
mod whole;

use core::fmt;

use serde::Deserialize;

use header::ReadHeader;
pub use making::{Header, HeaderSegment, UnsignedJws, sign, sign_with_header, unsigned};

use crate::json::{self, JsonError, Limits};
use crate::jwk::JwkWire;
use crate::key::{PublicKey, SIGNATURE_BYTES, SignatureError, SignatureValid};
use crate::{Algorithm, Text, base64url, key};
use whole::Whole;

/// Why a text is not an acceptable compact JWS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsError {
    /// Longer than allowed.
    TooLong,
    /// Not three non-empty segments of canonical base64url.
    Form,
    /// The header or payload is not a JSON object of the shape asked for.
    Json(JsonError),
    /// The header names critical extensions, or `b64` (RFC 7515 4.1.11, RFC 7797): none is implemented.
    Critical,
    /// `alg` is missing, unknown, or not one for the key.
    Algorithm,
    /// The signature does not verify.
    Signature,
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than allowed"),
            Self::Form => f.write_str("not three non-empty segments of canonical base64url"),
            Self::Json(error) => error.fmt(f),
            Self::Critical => f.write_str("the header names a critical extension"),
            Self::Algorithm => f.write_str("the `alg` is missing, unknown or does not fit the key"),
            Self::Signature => SignatureError.fmt(f),
        }
    }
}

impl core::error::Error for JwsError {}

impl From<SignatureError> for JwsError {
    fn from(_: SignatureError) -> Self {
        Self::Signature
    }
}

/// A compact JWS whose form was read and nothing else: no claim in it is true yet.
#[derive(Clone)]
pub struct UnverifiedJws {
    whole: Whole,
    /// The text's first bytes, which are signed.
    signed_len: usize,
    header: ReadHeader,
    /// None for one that has not the length of any signature.
    signature: Option<[u8; SIGNATURE_BYTES]>,
    limits: Limits,
}

impl UnverifiedJws {
    /// Reads the form of `text`; `limits.max_bytes` bounds the whole of it, the rest each of its two JSON objects.
    ///
    /// # Errors
    ///
    /// [`JwsError`], by rule broken. Five-part tokens (JWE) are a matter of [`JwsError::Form`] (BCP-15).
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, JwsError> {
        if text.len() > limits.max_bytes {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Form)?;
        let (whole, header) = Whole::read(text, header, payload, limits)?;
        let (signature, signed_len) = (signature_segment(signature)?, signing_input.len());
        Ok(Self { whole, signed_len, header, signature, limits: *limits })
    }

    /// The header's `typ`, as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.typ(self.whole.header())
    }

    /// The header's `kid`: text of whoever wrote it, for exact look-up only (BCP-08).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.kid(self.whole.header())
    }

    /// The header's `jwk`. It proves possession of itself and says nothing about trust (P-04).
    #[must_use]
    pub const fn jwk(&self) -> Option<&JwkWire> {
        self.header.jwk.as_ref()
    }

    /// The header's `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// `header.payload` as received: what the signature is over.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        self.text().get(..self.signed_len).unwrap_or_default()
    }

    /// The whole text, as received.
    #[must_use]
    pub fn text(&self) -> &str {
        self.whole.text()
    }

    /// The bytes of the third segment, if they are as many as any signature has.
    #[must_use]
    pub const fn signature(&self) -> Option<&[u8; SIGNATURE_BYTES]> {
        self.signature.as_ref()
    }

    /// Reads the claims without believing them: for finding the key (`iss`) and for checks that cost no signature.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] when the payload is not one JSON object of `T`'s shape within the limits.
    pub fn unverified_claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, JwsError> {
        let payload = self.whole.payload().map_err(JwsError::Json)?;
        json::read_object(payload.as_bytes(), &self.limits).map_err(JwsError::Json)
    }

    /// `text` as one of its own. Where it is a part of what was read here, as claims without escapes are, it shares the memory of the
    /// whole JWS, and keeps it.
    #[must_use]
    pub fn share(&self, text: &str) -> Text {
        self.whole.share(text)
    }

    /// Verifies the signature under `key` and nothing else (P-04).
    ///
    /// # Errors
    ///
    /// [`JwsError::Algorithm`] when the header's `alg` is not one for `key`, [`JwsError::Signature`] when it is no signature.
    pub fn verify(&self, key: &PublicKey) -> Result<SignatureValid, JwsError> {
        if self.algorithm().curve() != key.curve() {
            return Err(JwsError::Algorithm);
        }
        let signature = self.signature.ok_or(SignatureError)?;
        Ok(key.verify(self.algorithm(), self.signing_input().as_bytes(), &signature)?)
    }
}

/// As [`UnverifiedJws::verify`] for each under its own key: same verdicts, less time.
#[must_use]
pub fn verify_each(all: &[(&UnverifiedJws, &PublicKey)]) -> Vec<Result<SignatureValid, JwsError>> {
    let signed: Vec<_> = all
        .iter()
        .map(|(jws, key)| {
            (*key, jws.algorithm(), jws.signing_input().as_bytes(), jws.signature.as_slice().as_flattened())
        })
        .collect();
    let verdicts = key::verify_each(&signed);
    all.iter()
        .zip(verdicts)
        .map(
            |((jws, key), verdict)| {
                if jws.algorithm().curve() != key.curve() { Err(JwsError::Algorithm) } else { Ok(verdict?) }
            },
        )
        .collect()
}

impl fmt::Debug for UnverifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // tokens and proofs stay out of logs (P-19)
        f.debug_struct("UnverifiedJws")
            .field("typ", &self.typ())
            .field("alg", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Decodes a segment.
fn segment(text: &str) -> Result<Vec<u8>, JwsError> {
    if text.is_empty() {
        return Err(JwsError::Form);
    }
    base64url::decode(text).map_err(|_| JwsError::Form)
}

/// The last segment. One of another length than any signature has is canonical base64url all the same, or it is no JWS.
fn signature_segment(text: &str) -> Result<Option<[u8; SIGNATURE_BYTES]>, JwsError> {
    match base64url::decode_array(text) {
        Ok(signature) => Ok(Some(signature)),
        Err(_) => segment(text).map(|_| None),
    }
}
