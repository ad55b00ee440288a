//! Making a JWS: what is signed is written first, so that whoever holds the key need not be in this process.

use core::fmt;

use serde::Serialize;

use super::JwsError;
use crate::json::JsonError;
use crate::key::{SIGNATURE_BYTES, SigningKey};
use crate::{Algorithm, base64url};

/// A JOSE header as we write it.
#[derive(Clone, Debug, Serialize)]
pub struct Header<'a> {
    /// Media type without `application/`.
    pub typ: &'a str,
    /// Algorithm name; must be that of the signing key.
    pub alg: &'a str,
    /// Key id, where the reader looks the key up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<&'a str>,
}

/// Signs `claims` under a header with `typ`, the key's `alg` and `kid`, as compact JWS.
///
/// # Errors
///
/// [`JwsError::Json`] when `claims` cannot be written as JSON.
pub fn sign(typ: &str, kid: Option<&str>, claims: &impl Serialize, key: &SigningKey) -> Result<String, JwsError> {
    Ok(unsigned(typ, kid, key.algorithm(), claims)?.sign(key))
}

/// The same but for the signature, which is to be made under `algorithm`.
///
/// # Errors
///
/// As [`sign`].
pub fn unsigned(
    typ: &str,
    kid: Option<&str>,
    algorithm: Algorithm,
    claims: &impl Serialize,
) -> Result<UnsignedJws, JwsError> {
    HeaderSegment::of(&Header { typ, alg: algorithm.as_str(), kid })?.unsigned(claims)
}

/// Signs `claims` under any header object, as compact JWS. The header's `alg` is the caller's to keep true.
///
/// # Errors
///
/// [`JwsError::Json`] when either cannot be written as JSON.
pub fn sign_with_header(
    header: &impl Serialize,
    claims: &impl Serialize,
    key: &SigningKey,
) -> Result<String, JwsError> {
    HeaderSegment::of(header)?.sign(claims, key)
}

/// The first segment of compact JWSs that all say the same in it, written once: for whoever signs many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSegment(String);

impl HeaderSegment {
    /// The segment of `header`, any object. Its `alg` is the caller's to keep true.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] when it cannot be written as JSON.
    pub fn of(header: &impl Serialize) -> Result<Self, JwsError> {
        Ok(Self(base64url::encode(&written(header)?)))
    }

    /// The segment of a header that is JSON text already: an object, which is the caller's to keep true, as its `alg` is.
    #[must_use]
    pub fn of_json(header: &str) -> Self {
        Self(base64url::encode(header.as_bytes()))
    }

    /// Signs `claims` under the header, as compact JWS.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] when they cannot be written as JSON.
    pub fn sign(&self, claims: &impl Serialize, key: &SigningKey) -> Result<String, JwsError> {
        Ok(self.unsigned(claims)?.sign(key))
    }

    /// The same but for the signature.
    ///
    /// # Errors
    ///
    /// As [`Self::sign`].
    pub fn unsigned(&self, claims: &impl Serialize) -> Result<UnsignedJws, JwsError> {
        let claims = written(claims)?;
        let length = self.0.len() + 1 + base64url::encoded_len(claims.len()) + SIGNATURE_PART_BYTES;
        let mut text = String::with_capacity(length);
        text.push_str(&self.0);
        text.push('.');
        base64url::append(&claims, &mut text);
        Ok(UnsignedJws(text))
    }
}

/// A compact JWS but for its signature, with room for that: for whoever holds the key, here or elsewhere.
pub struct UnsignedJws(String);

impl UnsignedJws {
    /// What is to be signed.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Bytes of the whole, once it is signed.
    #[must_use]
    pub const fn signed_len(&self) -> usize {
        self.0.len() + SIGNATURE_PART_BYTES
    }

    /// Signs it with `key`, whose algorithm name is to be the header's.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> String {
        let signature = key.sign(self.signing_input());
        self.with_signature(&signature)
    }

    /// The whole, with a signature that was made over [`Self::signing_input`] elsewhere. Whether it is one is not looked at.
    #[must_use]
    pub fn with_signature(self, signature: &[u8; SIGNATURE_BYTES]) -> String {
        let Self(mut text) = self;
        text.push('.');
        base64url::append(signature, &mut text);
        text
    }
}

impl fmt::Debug for UnsignedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // one-time codes are among the claims (P-19)
        f.write_str("UnsignedJws(redacted)")
    }
}

/// Most claims fit without asking for more memory.
const USUAL_CLAIMS_BYTES: usize = 512;
/// Bytes of the last segment, with the dot before it: 64 in base64url.
const SIGNATURE_PART_BYTES: usize = 87;

fn written(value: &impl Serialize) -> Result<Vec<u8>, JwsError> {
    let mut bytes = Vec::with_capacity(USUAL_CLAIMS_BYTES);
    serde_json::to_writer(&mut bytes, value).map_err(|error| JwsError::Json(JsonError::Shape(error.to_string())))?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot write its claims should stop
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signature_from_elsewhere_gives_the_same_text() {
        let key = SigningKey::from_ed25519_seed(&[7; 32]);
        let claims = json!({"iss": "x", "enrolment": "CODE"});
        let signed = sign("t+jwt", Some("k"), &claims, &key).unwrap();
        let unsigned = unsigned("t+jwt", Some("k"), key.algorithm(), &claims).unwrap();
        assert_eq!(unsigned.signed_len(), signed.len());
        assert_eq!(format!("{unsigned:?}"), "UnsignedJws(redacted)");
        let (room, signature) = (unsigned.0.capacity(), key.sign(unsigned.signing_input()));
        let text = unsigned.with_signature(&signature);
        assert_eq!(text, signed);
        // P7: the signature is put into room that was asked for at once
        assert_eq!(text.capacity(), room);
    }
}
