//! From the presented text to claims whose author is known.

use core::fmt;

use handfast_identity::json::Limits;
use handfast_identity::jws::{JwsError, UnverifiedJws};
use handfast_identity::{ContentHash, PublicKey, SignatureValid};

use super::wire::ClaimsWire;
use crate::AccessToken;

/// Longest access token (spec/limits.md); over it: `invalid_token`.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The `typ` we write (AT-02).
pub const TOKEN_TYPE: &str = "at+jwt";

/// Why a text is not an acceptable access token, before any question of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// Not a compact JWS in its strict form.
    Form,
    /// `typ` is not `at+jwt` (AT-12).
    Type,
    /// `alg` is unknown, `none` or does not fit the issuer's key (AT-15).
    Algorithm,
    /// A claim is missing, of the wrong type, or means nothing (AT-18).
    Claims,
    /// The signature is not the issuer's.
    Signature,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the access token is longer than allowed",
            Self::Form => "the access token is not a compact jws",
            Self::Type => "the access token's `typ` is not `at+jwt`",
            Self::Algorithm => "the access token's `alg` is not one for the issuer's key",
            Self::Claims => "a claim of the access token is missing or malformed",
            Self::Signature => "the access token's signature does not verify",
        })
    }
}

impl core::error::Error for TokenError {}

impl From<JwsError> for TokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Signature => Self::Signature,
            _ => Self::Form,
        }
    }
}

/// An access token that was read and not believed. Its claims are there for choosing the issuer and for cheap refusals.
#[derive(Debug)]
pub struct UnverifiedAccessToken {
    jws: UnverifiedJws,
    claims: AccessToken,
}

impl UnverifiedAccessToken {
    /// Reads size, form, `typ`, `alg` and the claims' shape.
    ///
    /// # Errors
    ///
    /// [`TokenError`], by rule broken; never [`TokenError::Signature`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let jws = UnverifiedJws::parse(text, &Limits::token(MAX_TOKEN_BYTES))?;
        if !jws.typ().is_some_and(is_access_token_type) {
            return Err(TokenError::Type);
        }
        let wire: ClaimsWire<'_> = jws.unverified_claims().map_err(|_| TokenError::Claims)?;
        Ok(Self { claims: wire.claims(&|text| jws.share(text))?, jws })
    }

    /// The claims, as whoever wrote them wishes.
    #[must_use]
    pub const fn unverified_claims(&self) -> &AccessToken {
        &self.claims
    }

    /// The key id of the header, for exact look-up among the issuer's keys.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// The name that hops call it by as their parent: the hash of `header.payload` as received (DEL-28).
    #[must_use]
    pub fn name(&self) -> ContentHash {
        ContentHash::of(self.jws.signing_input().as_bytes())
    }

    /// Verifies the signature under the issuer's `key`.
    ///
    /// Success says that the holder of `key` wrote these claims. Time, audience, revocation and binding are other questions.
    ///
    /// # Errors
    ///
    /// [`TokenError::Algorithm`] or [`TokenError::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<VerifiedAccessToken, TokenError> {
        let signature = self.jws.verify(key)?;
        Ok(VerifiedAccessToken { jws: self.jws, claims: self.claims, _signature: signature })
    }
}

/// `at+jwt` or `application/at+jwt`, as media types compare: without regard to case (AT-12).
fn is_access_token_type(typ: &str) -> bool {
    typ.eq_ignore_ascii_case(TOKEN_TYPE)
        || typ
            .split_once('/')
            .is_some_and(|(top, sub)| top.eq_ignore_ascii_case("application") && sub.eq_ignore_ascii_case(TOKEN_TYPE))
}

/// An access token whose issuer signed it. Made by [`UnverifiedAccessToken::verify`] only.
#[derive(Debug)]
pub struct VerifiedAccessToken {
    jws: UnverifiedJws,
    claims: AccessToken,
    _signature: SignatureValid,
}

impl VerifiedAccessToken {
    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &AccessToken {
        &self.claims
    }

    /// The name that hops call it by as their parent: the hash of `header.payload` as received (DEL-28).
    #[must_use]
    pub fn name(&self) -> ContentHash {
        ContentHash::of(self.jws.signing_input().as_bytes())
    }

    /// The text, as it was presented.
    #[must_use]
    pub fn text(&self) -> &str {
        self.jws.text()
    }

    /// The key id of the header, under which the issuer's key was found.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// The claims, giving the proof of their signature away.
    #[must_use]
    pub fn into_claims(self) -> AccessToken {
        self.claims
    }
}
