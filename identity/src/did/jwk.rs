//! `did:jwk`: a public JWK, written as a DID. How others name a key; nobody here is named so.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::MAX_DID_BYTES;
use crate::json::{self, JsonError, Limits};
use crate::{JwkError, JwkWire, PublicKey, Thumbprint, base64url};

const PREFIX: &str = "did:jwk:";

/// The `did:jwk` of an Ed25519 or P-256 key.
///
/// One key has many (DJ-05): they are equal as texts only, and whether two are of one key the thumbprints say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidJwk {
    text: String,
    jwk: BTreeMap<String, Value>,
    key: PublicKey,
    usage: Usage,
}

/// What the JWK says that its key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Anything,
    Signatures,
    Encryption,
}

/// Why a text is not an acceptable `did:jwk`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DidJwkError {
    /// Not `did:jwk:` and canonical base64url without padding, in at most 2048 bytes.
    Syntax,
    /// What is written there is not one strict JSON object with the members of a JWK.
    Json(JsonError),
    /// The JWK is refused: a private one, of another kind, or not sound.
    Jwk(JwkError),
    /// `use` is neither `sig` nor `enc`.
    Use,
}

impl fmt::Display for DidJwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not `did:jwk:` and base64url without padding"),
            Self::Json(error) => write!(f, "the did does not hold a jwk: {error}"),
            Self::Jwk(error) => error.fmt(f),
            Self::Use => f.write_str("the `use` of the jwk is neither `sig` nor `enc`"),
        }
    }
}

impl core::error::Error for DidJwkError {}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "json::optional")]
    r#use: Option<String>,
    #[serde(flatten)]
    jwk: JwkWire,
}

impl DidJwk {
    /// Reads a DID: the whole text, no trimming, no folding.
    ///
    /// # Errors
    ///
    /// [`DidJwkError`], by rule broken.
    ///
    /// ```
    /// use handfast_identity::DidJwk;
    /// let text = "did:jwk:eyJjcnYiOiJFZDI1NTE5Iiwia3R5IjoiT0tQIiwieCI6IjExcVlBWUt4Q3JmVlNfN1R5V1FIT2c3aGN2UGFwaU1scndJYWFQY0hVUm8ifQ";
    /// let did = DidJwk::parse(text).unwrap();
    /// assert_eq!(did.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    /// assert!(DidJwk::parse(&format!("{text}==")).is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, DidJwkError> {
        // DID-06, DJ-07: what fits a DID is far below 4 KiB of JSON
        let value = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_DID_BYTES).ok_or(DidJwkError::Syntax)?;
        let bytes = base64url::decode(value).map_err(|_| DidJwkError::Syntax)?;
        let limits = Limits::plain(MAX_DID_BYTES);
        let wire: Wire = json::read_object(&bytes, &limits).map_err(DidJwkError::Json)?;
        let key = PublicKey::try_from(&wire.jwk).map_err(DidJwkError::Jwk)?;
        let usage = match wire.r#use.as_deref() {
            None => Usage::Anything,
            Some("sig") => Usage::Signatures,
            Some("enc") => Usage::Encryption,
            Some(_) => return Err(DidJwkError::Use),
        };
        let jwk = json::read(&bytes, &limits).map_err(DidJwkError::Json)?;
        Ok(Self { text: text.to_owned(), jwk, key, usage })
    }

    /// The DID of `key`, with the canonical JWK in it.
    #[must_use]
    pub fn from_public_key(key: PublicKey) -> Self {
        let canonical = key.to_jwk();
        let text = format!("{PREFIX}{}", base64url::encode(canonical.as_bytes()));
        Self { text, jwk: serde_json::from_str(&canonical).unwrap_or_default(), key, usage: Usage::Anything }
    }

    /// The whole DID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The DID URL of its one verification method (DJ-03).
    #[must_use]
    pub fn key_id(&self) -> String {
        format!("{}#0", self.text)
    }

    /// The key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The key's thumbprint: by this, and not by their texts, two of these DIDs are of one key (DJ-05).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.key.thumbprint()
    }

    pub(super) const fn jwk(&self) -> &BTreeMap<String, Value> {
        &self.jwk
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }
}

impl fmt::Display for DidJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
