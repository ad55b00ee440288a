//! Public JWKs from outside (RFC 7517, RFC 8037 2, RFC 7518 6.2).

use core::fmt;

use serde::Deserialize;

use crate::json::present;
use crate::key::KeyError;
use crate::{PublicKey, base64url};

/// The wire form of a JWK, as it stands in a proof header or a key set. [`PublicKey::try_from`] decides about it.
#[derive(Clone, Debug, Deserialize)]
pub struct JwkWire {
    kty: String,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(flatten)]
    private: PrivateMembers,
}

/// Members that make a JWK a secret; their presence alone refuses it (DPOP-29), whatever their value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PrivateMembers {
    #[serde(deserialize_with = "present")]
    d: bool,
    #[serde(deserialize_with = "present")]
    p: bool,
    #[serde(deserialize_with = "present")]
    q: bool,
    #[serde(deserialize_with = "present")]
    dp: bool,
    #[serde(deserialize_with = "present")]
    dq: bool,
    #[serde(deserialize_with = "present")]
    qi: bool,
    #[serde(deserialize_with = "present")]
    oth: bool,
    #[serde(deserialize_with = "present")]
    k: bool,
}

impl PrivateMembers {
    const fn any(&self) -> bool {
        self.d || self.p || self.q || self.dp || self.dq || self.qi || self.oth || self.k
    }
}

/// Why a JWK is not an acceptable public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// A key type or curve other than Ed25519 and P-256, or members that belong to another type.
    Unsupported,
    /// Holds private or symmetric key material: treat that key as leaked.
    Private,
    /// A coordinate is missing or not canonical base64url.
    Encoding,
    /// The decoded key is refused.
    Key(KeyError),
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the jwk is neither an ed25519 nor a p-256 key"),
            Self::Private => f.write_str("the jwk holds private key material"),
            Self::Encoding => f.write_str("a jwk coordinate is missing or not canonical base64url"),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for JwkError {}

impl TryFrom<&JwkWire> for PublicKey {
    type Error = JwkError;

    fn try_from(wire: &JwkWire) -> Result<Self, JwkError> {
        if wire.private.any() || wire.kty == "oct" {
            return Err(JwkError::Private);
        }
        let coordinate = |text: &Option<String>| {
            text.as_deref().and_then(|text| base64url::decode(text).ok()).ok_or(JwkError::Encoding)
        };
        match (wire.kty.as_str(), wire.crv.as_deref()) {
            // TH49: an OKP key has no `y`
            ("OKP", Some("Ed25519")) if wire.y.is_none() => {
                Self::from_ed25519_bytes(&coordinate(&wire.x)?).map_err(JwkError::Key)
            }
            ("EC", Some("P-256")) => {
                Self::from_p256_coordinates(&coordinate(&wire.x)?, &coordinate(&wire.y)?).map_err(JwkError::Key)
            }
            _ => Err(JwkError::Unsupported),
        }
    }
}
