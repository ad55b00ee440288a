//! Public keys and the check of a signature under one.

use core::fmt;

use ed25519_dalek::VerifyingKey;

use super::ed25519;
use super::p256_key::Point;
use crate::base64url::{self, CHARS_OF_32_BYTES};
use crate::{Algorithm, Curve, DidKey, Thumbprint};

/// Bytes of a signature, `R ‖ S`, for all algorithms here.
pub const SIGNATURE_BYTES: usize = 64;

/// A public key that was decoded and found sound: canonical, on its curve, not of small order.
///
/// Equality is of the decoded key. That a key is sound says nothing about who holds it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant)] // both live on the stack of one check; a box would cost an allocation per proof
enum Repr {
    Ed25519(ed25519::Key),
    P256(Point),
}

/// Why bytes are not an acceptable public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not the length of this kind of key.
    Length,
    /// No point of the curve.
    NotOnCurve,
    /// A point, but in an encoding that is not its only one.
    NotCanonical,
    /// Of small or mixed order: others could sign for it.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the key has the wrong length for its kind",
            Self::NotOnCurve => "the key is no point of its curve",
            Self::NotCanonical => "the key is not in its canonical encoding",
            Self::Weak => "the key is of small or mixed order",
        })
    }
}

impl core::error::Error for KeyError {}

/// The signature is not one by this key over this message, or the algorithm does not fit the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureError;

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not verify")
    }
}

impl core::error::Error for SignatureError {}

/// Proof that [`PublicKey::verify`] succeeded; there is no other way to one.
#[derive(Debug)]
#[must_use = "carry it into the verified value it allows"]
pub struct SignatureValid(());

impl SignatureValid {
    /// Every place that claims a good signature is found by searching for this name.
    const fn assertion() -> Self {
        Self(())
    }
}

impl PublicKey {
    /// Reads 32 bytes of an Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`KeyError`], by rule broken.
    pub fn from_ed25519_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        ed25519::decode(bytes).map(|key| Self(Repr::Ed25519(key)))
    }

    /// Reads the 33 bytes of a compressed P-256 point.
    ///
    /// # Errors
    ///
    /// [`KeyError`], by rule broken; an uncompressed point is of the wrong length here.
    pub fn from_p256_compressed(bytes: &[u8]) -> Result<Self, KeyError> {
        Point::from_compressed(bytes).map(|point| Self(Repr::P256(point)))
    }

    /// Reads a P-256 point from its coordinates, 32 bytes each.
    ///
    /// # Errors
    ///
    /// [`KeyError`], by rule broken.
    pub fn from_p256_coordinates(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        Point::from_coordinates(x, y).map(|point| Self(Repr::P256(point)))
    }

    pub(super) fn from_dalek(key: VerifyingKey) -> Self {
        Self(Repr::Ed25519(key.into()))
    }

    #[cfg(feature = "es256-signing")]
    pub(super) fn from_p256(key: &p256::PublicKey) -> Result<Self, KeyError> {
        Point::from_public(key).map(|point| Self(Repr::P256(point)))
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Repr::Ed25519(_) => Curve::Ed25519,
            Repr::P256(_) => Curve::P256,
        }
    }

    /// The raw key as did:key carries it: 32 bytes for Ed25519, the compressed point for P-256.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Repr::Ed25519(key) => key.as_bytes().to_vec(),
            Repr::P256(point) => point.compressed().to_vec(),
        }
    }

    /// The key as public JWK, in the canonical text that thumbprints are taken over (RFC 7638 3.2, RFC 8037 2).
    #[must_use]
    pub fn to_jwk(&self) -> String {
        match &self.0 {
            Repr::Ed25519(key) => ed25519_jwk(key.as_bytes(), &mut [0; CHARS_OF_32_BYTES]).concat(),
            Repr::P256(point) => {
                let (x, y) = point.coordinates();
                let (x, y) = (base64url::encode(x), base64url::encode(y));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
        }
    }

    /// The JWK thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        match &self.0 {
            Repr::Ed25519(key) => ed25519_thumbprint(key.as_bytes()),
            Repr::P256(_) => Thumbprint::of_canonical_jwk(&[&self.to_jwk()]),
        }
    }

    /// The one `did:key` of this key.
    #[must_use]
    pub fn did(&self) -> DidKey {
        DidKey::from_public_key(self.clone())
    }

    /// Refuses a key with a small-order part, which `verify` alone cannot notice (DK-06).
    ///
    /// Dear (half a signature check), so asked once, when a key enters a registry.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`].
    pub fn require_prime_order(&self) -> Result<(), KeyError> {
        match &self.0 {
            Repr::Ed25519(key) if key.has_torsion() => Err(KeyError::Weak),
            Repr::Ed25519(_) | Repr::P256(_) => Ok(()),
        }
    }

    /// The same key, prepared to check many signatures: each costs a fifth to two fifths less, preparing as much as two of them.
    ///
    /// For whoever remembers keys and sees one again and again. It takes [memory](Self::weight_of_prepared), which its clones share, and
    /// judges and compares as the plain one. A key of P-256 stays as it is.
    ///
    /// ```
    /// # use handfast_identity::DidKey;
    /// # let did = DidKey::parse("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw").unwrap();
    /// let key = did.public_key().prepared();
    /// assert!(key.is_prepared() && key == *did.public_key());
    /// ```
    #[must_use]
    pub fn prepared(&self) -> Self {
        match &self.0 {
            Repr::Ed25519(key) => Self(Repr::Ed25519(key.prepared())),
            Repr::P256(_) => self.clone(),
        }
    }

    /// The same key without what was prepared, for whoever keeps it for another purpose: the memory goes with the last prepared clone.
    #[must_use]
    pub fn plain(&self) -> Self {
        match &self.0 {
            Repr::Ed25519(key) => Self(Repr::Ed25519(key.plain())),
            Repr::P256(_) => self.clone(),
        }
    }

    /// Whether it was prepared.
    #[must_use]
    pub const fn is_prepared(&self) -> bool {
        matches!(&self.0, Repr::Ed25519(key) if key.is_prepared())
    }

    /// What was prepared takes so many bytes of memory, which clones share: 22 KB, nothing for a plain key.
    #[must_use]
    pub const fn weight_of_prepared(&self) -> usize {
        match &self.0 {
            Repr::Ed25519(key) => key.weight_of_prepared(),
            Repr::P256(_) => 0,
        }
    }

    /// Verifies `signature` over `message`, strictly (P-06): `S` below the group order, `R` canonical and not of small order.
    ///
    /// # Errors
    ///
    /// [`SignatureError`], also when `algorithm` is not one for this curve (BCP-02).
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<SignatureValid, SignatureError> {
        match (&self.0, algorithm.curve()) {
            (Repr::Ed25519(key), Curve::Ed25519) => ed25519::verify(key, message, signature)?,
            (Repr::P256(point), Curve::P256) => point.verify(message, signature)?,
            (Repr::Ed25519(_), Curve::P256) | (Repr::P256(_), Curve::Ed25519) => return Err(SignatureError),
        }
        Ok(SignatureValid::assertion())
    }
}

/// The canonical JWK of an Ed25519 key in pieces: asked for with every token and hop, so without asking the heap.
fn ed25519_jwk<'room>(key: &[u8; 32], room: &'room mut [u8; CHARS_OF_32_BYTES]) -> [&'room str; 3] {
    [r#"{"crv":"Ed25519","kty":"OKP","x":""#, base64url::encode_32(key, room), r#""}"#]
}

/// The thumbprint of an Ed25519 key of these bytes, sound or not.
pub(crate) fn ed25519_thumbprint(key: &[u8; 32]) -> Thumbprint {
    Thumbprint::of_canonical_jwk(&ed25519_jwk(key, &mut [0; CHARS_OF_32_BYTES]))
}

/// A key, the algorithm that is said to be its, a message and a signature.
pub(crate) type Signed<'a> = (&'a PublicKey, Algorithm, &'a [u8], &'a [u8]);

/// As [`PublicKey::verify`] for each by itself, in less time where several are Ed25519.
pub(crate) fn verify_each(all: &[Signed<'_>]) -> Vec<Result<SignatureValid, SignatureError>> {
    let of_ed25519: Vec<_> = all.iter().filter_map(ed25519_of).collect();
    let mut verdicts = ed25519::verify_each(&of_ed25519).into_iter();
    all.iter()
        .map(|signed| match ed25519_of(signed) {
            Some(_) => verdicts.next().unwrap_or(Err(SignatureError)).map(|()| SignatureValid::assertion()),
            None => signed.0.verify(signed.1, signed.2, signed.3),
        })
        .collect()
}

fn ed25519_of<'a>((key, algorithm, message, signature): &Signed<'a>) -> Option<ed25519::Signed<'a>> {
    match (&key.0, algorithm.curve()) {
        (Repr::Ed25519(key), Curve::Ed25519) => Some((key, message, signature)),
        _ => None,
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}
