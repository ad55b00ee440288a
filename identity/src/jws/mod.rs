//! Compact JWS (RFC 7515 7.1), strictly: three segments, canonical base64url, two JSON objects, no critical extensions.

mod making;

use core::fmt;

use serde::de::DeserializeOwned;

pub use making::{Header, HeaderSegment, UnsignedJws, sign, sign_with_header, unsigned};

use crate::json::{self, JsonError, Limits};
use crate::jwk::JwkWire;
use crate::key::{PublicKey, SignatureError, SignatureValid};
use crate::{Algorithm, base64url, key};

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

/// The members of a JOSE header that this project reads; others are ignored (DPOP-37).
#[derive(Clone, Debug, serde::Deserialize)]
struct HeaderWire {
    #[serde(default)]
    typ: Option<String>,
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    jwk: Option<JwkWire>,
    #[serde(default, deserialize_with = "json::present")]
    crit: bool,
    #[serde(default, deserialize_with = "json::present")]
    b64: bool,
}

/// A compact JWS whose form was read and nothing else: no claim in it is true yet.
#[derive(Clone)]
pub struct UnverifiedJws {
    signing_input: String,
    typ: Option<String>,
    algorithm: Algorithm,
    kid: Option<String>,
    jwk: Option<JwkWire>,
    payload: Vec<u8>,
    signature: Vec<u8>,
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
        let header = segment(header)?;
        let header = match plain_header(&header, limits) {
            Some(header) => header,
            None => json::read_object(&header, limits).map_err(JwsError::Json)?,
        };
        if header.crit || header.b64 {
            return Err(JwsError::Critical);
        }
        Ok(Self {
            algorithm: Algorithm::parse(&header.alg).ok_or(JwsError::Algorithm)?,
            typ: header.typ,
            kid: header.kid,
            jwk: header.jwk,
            payload: segment(payload)?,
            signature: segment(signature)?,
            signing_input: signing_input.to_owned(),
            limits: *limits,
        })
    }

    /// The header's `typ`, as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The header's `kid`: text of whoever wrote it, for exact look-up only (BCP-08).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The header's `jwk`. It proves possession of itself and says nothing about trust (P-04).
    #[must_use]
    pub const fn jwk(&self) -> Option<&JwkWire> {
        self.jwk.as_ref()
    }

    /// The header's `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `header.payload` as received: what the signature is over.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        &self.signing_input
    }

    /// The bytes of the third segment: whatever they are.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Reads the claims without believing them: for finding the key (`iss`) and for checks that cost no signature.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] when the payload is not one JSON object of `T`'s shape within the limits.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        json::read_object(&self.payload, &self.limits).map_err(JwsError::Json)
    }

    /// Verifies the signature under `key` and nothing else (P-04).
    ///
    /// # Errors
    ///
    /// [`JwsError::Algorithm`] when the header's `alg` is not one for `key`, [`JwsError::Signature`] when it is no signature.
    pub fn verify(&self, key: &PublicKey) -> Result<SignatureValid, JwsError> {
        if self.algorithm.curve() != key.curve() {
            return Err(JwsError::Algorithm);
        }
        Ok(key.verify(self.algorithm, self.signing_input.as_bytes(), &self.signature)?)
    }
}

/// As [`UnverifiedJws::verify`] for each under its own key: same verdicts, less time.
#[must_use]
pub fn verify_each(all: &[(&UnverifiedJws, &PublicKey)]) -> Vec<Result<SignatureValid, JwsError>> {
    let signed: Vec<_> = all
        .iter()
        .map(|(jws, key)| (*key, jws.algorithm, jws.signing_input.as_bytes(), jws.signature.as_slice()))
        .collect();
    let verdicts = key::verify_each(&signed);
    all.iter()
        .zip(verdicts)
        .map(
            |((jws, key), verdict)| {
                if jws.algorithm.curve() != key.curve() { Err(JwsError::Algorithm) } else { Ok(verdict?) }
            },
        )
        .collect()
}

impl fmt::Debug for UnverifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // tokens and proofs stay out of logs (P-19)
        f.debug_struct("UnverifiedJws").field("typ", &self.typ).field("alg", &self.algorithm).finish_non_exhaustive()
    }
}

/// Reads a header in the form in which [`Header`] is written, which most are. `None` is for the general reader.
fn plain_header(bytes: &[u8], limits: &Limits) -> Option<HeaderWire> {
    if bytes.len() > limits.max_bytes || limits.max_depth < 1 || limits.max_members < 3 {
        return None;
    }
    let text = core::str::from_utf8(bytes).ok()?;
    let (typ, rest) = plain_text(text.strip_prefix(r#"{"typ":""#)?)?;
    let (alg, rest) = plain_text(rest.strip_prefix(r#","alg":""#)?)?;
    let (kid, rest) = match rest.strip_prefix(r#","kid":""#) {
        Some(rest) => plain_text(rest).map(|(kid, rest)| (Some(kid.to_owned()), rest))?,
        None => (None, rest),
    };
    let header =
        || HeaderWire { typ: Some(typ.to_owned()), alg: alg.to_owned(), kid, jwk: None, crit: false, b64: false };
    (rest == "}").then(header)
}

/// What stands before the next quote and behind it, if nothing in it is escaped or has to be.
fn plain_text(text: &str) -> Option<(&str, &str)> {
    let (text, rest) = text.split_once('"')?;
    let is_plain = text.bytes().all(|byte| byte != b'\\' && byte > 0x1f);
    is_plain.then_some((text, rest))
}

fn segment(text: &str) -> Result<Vec<u8>, JwsError> {
    if text.is_empty() {
        return Err(JwsError::Form);
    }
    base64url::decode(text).map_err(|_| JwsError::Form)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(header: HeaderWire) -> (Option<String>, String, Option<String>, bool) {
        let HeaderWire { typ, alg, kid, jwk, crit, b64 } = header;
        (typ, alg, kid, jwk.is_some() || crit || b64)
    }

    fn check(text: &str, is_plain: bool) {
        let limits = Limits::plain(256);
        let read = plain_header(text.as_bytes(), &limits).map(parts);
        assert_eq!(read.is_some(), is_plain, "{text}");
        if read.is_some() {
            assert_eq!(read, json::read_object(text.as_bytes(), &limits).ok().map(parts), "{text}");
        }
    }

    #[test]
    fn headers_as_we_write_them_are_read_at_a_glance() {
        check(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k#1"}"#, true);
        check(r#"{"typ":"at+jwt","alg":"EdDSA"}"#, true);
        check("{\"typ\":\"\",\"alg\":\"\u{e4}\",\"kid\":\"\"}", true);
        for other in [
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k","kid":"l"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k","crit":["x"]}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":null}"#,
            r#"{"typ":"at\u002bjwt","alg":"EdDSA"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"} "#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"}}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"#,
            "{\"typ\":\"a\nb\",\"alg\":\"EdDSA\"}",
        ] {
            check(other, false);
        }
        assert!(plain_header(b"{\"typ\":\"\xff\",\"alg\":\"\"}", &Limits::plain(256)).is_none());
        assert!(plain_header(br#"{"typ":"a","alg":"b"}"#, &Limits::plain(20)).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_at_a_glance_is_what_the_general_reader_reads(typ in ".{0,4}", alg in "[ -~]{0,4}", kid in "[ -~]{0,6}") {
            let text = format!(r#"{{"typ":"{typ}","alg":"{alg}","kid":"{kid}"}}"#);
            let limits = Limits::plain(256);
            if let Some(read) = plain_header(text.as_bytes(), &limits) {
                prop_assert_eq!(Some(parts(read)), json::read_object(text.as_bytes(), &limits).ok().map(parts));
            }
        }
    }
}
