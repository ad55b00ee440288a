//! P-256: points decoded by `p256`, ES256 signatures checked by `ring`, which is five times faster but exports no decoding.

use p256::{PublicKey, elliptic_curve::sec1::ToSec1Point};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::{KeyError, SignatureError};

/// Bytes of a compressed point, the form inside did:key.
pub(super) const COMPRESSED_BYTES: usize = 33;
/// Bytes of an uncompressed point: 0x04, x, y.
const UNCOMPRESSED_BYTES: usize = 65;
/// Bytes of one coordinate; JWKs never strip leading zeros (CNF-07).
const COORDINATE_BYTES: usize = 32;

/// A point of the curve, in both spellings.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Point {
    uncompressed: [u8; UNCOMPRESSED_BYTES],
    compressed: [u8; COMPRESSED_BYTES],
}

impl Point {
    pub(super) fn from_compressed(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != COMPRESSED_BYTES {
            return Err(KeyError::Length);
        }
        Self::decode(bytes)
    }

    pub(super) fn from_coordinates(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
            return Err(KeyError::Length);
        }
        Self::decode(&[&[4][..], x, y].concat())
    }

    pub(super) fn from_public(key: &PublicKey) -> Result<Self, KeyError> {
        let uncompressed = key.to_sec1_point(false).as_bytes().try_into().map_err(|_| KeyError::NotOnCurve)?;
        let compressed = key.to_sec1_point(true).as_bytes().try_into().map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self { uncompressed, compressed })
    }

    fn decode(sec1: &[u8]) -> Result<Self, KeyError> {
        let key = PublicKey::from_sec1_bytes(sec1).map_err(|_| KeyError::NotOnCurve)?;
        Self::from_public(&key)
    }

    pub(super) const fn compressed(&self) -> &[u8; COMPRESSED_BYTES] {
        &self.compressed
    }

    /// `x` and `y`, 32 bytes each.
    pub(super) fn coordinates(&self) -> (&[u8], &[u8]) {
        let (_, both) = self.uncompressed.split_at(1);
        both.split_at(COORDINATE_BYTES)
    }

    /// The one place where an ES256 signature is checked: raw `R ‖ S`, never DER (DPOP-126).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.uncompressed)
            .verify(message, signature)
            .map_err(|_| SignatureError)
    }
}
