//! Secret keys: boxed, wiped when dropped, without `Debug`, `Clone` or a way out that is not called `expose`.

use core::fmt;

use ed25519_dalek::Signer as _;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{KeyError, PublicKey, SIGNATURE_BYTES};
use crate::json::{self, Limits};
use crate::random::{RandomSource, random_bytes};
use crate::{Algorithm, Curve, base64url};

/// Bytes of a secret key file's JWK; a P-256 one has about 220.
const MAX_PRIVATE_JWK_BYTES: usize = 1024;

/// A key pair that signs.
pub struct SigningKey {
    secret: Secret,
    public: PublicKey,
    algorithm: Algorithm,
}

enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    #[cfg(feature = "es256-signing")]
    P256(Box<p256::ecdsa::SigningKey>),
}

impl SigningKey {
    /// A fresh Ed25519 key.
    pub fn generate_ed25519(random: &mut dyn RandomSource) -> Self {
        Self::from_ed25519_seed(&Zeroizing::new(random_bytes(random)))
    }

    /// The Ed25519 key of a 32-byte seed (RFC 8032 5.1.5).
    #[must_use]
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Self {
        let secret = Box::new(ed25519_dalek::SigningKey::from_bytes(seed));
        let public = PublicKey::from_dalek(secret.verifying_key());
        Self { secret: Secret::Ed25519(secret), public, algorithm: Algorithm::EdDsa }
    }

    /// A fresh P-256 key.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotOnCurve`] if the random bytes are no valid scalar, one chance in 2^32: ask again.
    #[cfg(feature = "es256-signing")]
    pub fn generate_p256(random: &mut dyn RandomSource) -> Result<Self, KeyError> {
        Self::from_p256_scalar(&Zeroizing::new(random_bytes(random)))
    }

    /// The P-256 key of a 32-byte big-endian scalar.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotOnCurve`] for zero and for values from the group order up.
    #[cfg(feature = "es256-signing")]
    pub fn from_p256_scalar(scalar: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = Box::new(p256::ecdsa::SigningKey::from_slice(scalar).map_err(|_| KeyError::NotOnCurve)?);
        let public = PublicKey::from_p256(&p256::PublicKey::from(secret.verifying_key()))?;
        Ok(Self { secret: Secret::P256(secret), public, algorithm: Algorithm::Es256 })
    }

    /// Reads a private JWK (RFC 8037 2, RFC 7518 6.2.2), as [`Self::expose_private_jwk`] writes it.
    ///
    /// # Errors
    ///
    /// A text that is no private JWK of a known kind, or whose public part is not that of its secret.
    pub fn from_private_jwk(text: &str) -> Result<Self, KeyError> {
        let limits = Limits::plain(MAX_PRIVATE_JWK_BYTES);
        let jwk: PrivateJwk = json::read_object(text.as_bytes(), &limits).map_err(|_| KeyError::NotCanonical)?;
        Self::try_from(&jwk)
    }

    /// The same key, signing under the other of Ed25519's two names (DPOP-122). P-256 keys have one name and keep it.
    #[must_use]
    pub fn with_ed25519_name(mut self, algorithm: Algorithm) -> Self {
        if self.public.curve() == Curve::Ed25519 && algorithm.curve() == Curve::Ed25519 {
            self.algorithm = algorithm;
        }
        self
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The JOSE name its signatures go under.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `message`; deterministic for both kinds (RFC 8032, RFC 6979).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes(),
            #[cfg(feature = "es256-signing")]
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(&**key, message);
                signature.to_bytes().into()
            }
        }
    }

    /// The secret as private JWK, wiped when dropped. For key files only.
    #[must_use]
    pub fn expose_private_jwk(&self) -> Zeroizing<String> {
        let secret: Zeroizing<[u8; 32]> = match &self.secret {
            Secret::Ed25519(key) => Zeroizing::new(key.to_bytes()),
            #[cfg(feature = "es256-signing")]
            Secret::P256(key) => Zeroizing::new(key.to_bytes().into()),
        };
        let d = Zeroizing::new(base64url::encode(&*secret));
        let public = self.public.to_jwk();
        // the public JWK starts with `{"crv":"…",`, and `d` sorts right behind `crv`
        let (head, tail) = public.split_once(',').unwrap_or((&public, ""));
        Zeroizing::new(format!(r#"{head},"d":"{}",{tail}"#, *d))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(redacted, public {})", self.public.thumbprint())
    }
}

/// A private JWK as a member of something else, a key file say: not yet a key. Members that it does not need are refused.
///
/// Wiped when dropped; it has no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_debug_implementations)] // a secret
pub struct PrivateJwk {
    kty: String,
    crv: String,
    d: Zeroizing<String>,
    x: String,
    #[serde(default, deserialize_with = "json::optional")]
    y: Option<String>,
}

/// # Errors
///
/// A JWK of no known kind, or whose public part is not that of its secret.
impl TryFrom<&PrivateJwk> for SigningKey {
    type Error = KeyError;

    fn try_from(jwk: &PrivateJwk) -> Result<Self, KeyError> {
        let secret: Zeroizing<[u8; 32]> =
            Zeroizing::new(base64url::decode_array(&jwk.d).map_err(|_| KeyError::Length)?);
        let key = match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("OKP", "Ed25519") => Self::from_ed25519_seed(&secret),
            #[cfg(feature = "es256-signing")]
            ("EC", "P-256") => Self::from_p256_scalar(&secret)?,
            _ => return Err(KeyError::NotOnCurve),
        };
        let public: PublicPart =
            json::read_object(key.public.to_jwk().as_bytes(), &Limits::plain(MAX_PRIVATE_JWK_BYTES))
                .map_err(|_| KeyError::NotCanonical)?;
        if (&public.x, &public.y) == (&jwk.x, &jwk.y) { Ok(key) } else { Err(KeyError::NotCanonical) }
    }
}

#[derive(Deserialize)]
struct PublicPart {
    x: String,
    #[serde(default)]
    y: Option<String>,
}
