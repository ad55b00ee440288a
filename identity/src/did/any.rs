//! A DID of any method that is resolved here.

use core::fmt;

use super::{DidError, DidJwk, DidJwkError, DidKey, DidWeb, DidWebError, did_method};

/// A DID of a method that is resolved. Two of different methods are different, whatever their keys.
#[derive(Clone, Debug)]
pub enum Did {
    /// `did:key`: an agent, an owner, or another key.
    Key(DidKey),
    /// `did:jwk`.
    Jwk(DidJwk),
    /// `did:web`.
    Web(DidWeb),
}

/// Why a text is no DID that is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyDidError {
    /// No DID at all.
    Syntax,
    /// A DID of another method.
    Method,
    /// No `did:key` of ours.
    Key(DidError),
    /// No `did:jwk` of ours.
    Jwk(DidJwkError),
    /// No `did:web` of ours.
    Web(DidWebError),
}

impl fmt::Display for AnyDidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not a did"),
            Self::Method => f.write_str("a did of another method than `key`, `jwk` and `web`"),
            Self::Key(error) => error.fmt(f),
            Self::Jwk(error) => error.fmt(f),
            Self::Web(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AnyDidError {}

impl Did {
    /// Reads a DID: the whole text, no trimming, no folding.
    ///
    /// # Errors
    ///
    /// [`AnyDidError`], by method.
    ///
    /// ```
    /// use handfast_identity::{AnyDidError, Did};
    /// assert!(matches!(Did::parse("did:web:example.com"), Ok(Did::Web(_))));
    /// assert!(matches!(Did::parse("did:example:123"), Err(AnyDidError::Method)));
    /// ```
    pub fn parse(text: &str) -> Result<Self, AnyDidError> {
        match did_method(text).ok_or(AnyDidError::Syntax)? {
            "key" => DidKey::parse(text).map(Self::Key).map_err(AnyDidError::Key),
            "jwk" => DidJwk::parse(text).map(Self::Jwk).map_err(AnyDidError::Jwk),
            "web" => DidWeb::parse(text).map(Self::Web).map_err(AnyDidError::Web),
            _ => Err(AnyDidError::Method),
        }
    }

    /// The whole DID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Key(did) => did.as_str(),
            Self::Jwk(did) => did.as_str(),
            Self::Web(did) => did.as_str(),
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
