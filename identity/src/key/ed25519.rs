//! Ed25519, strictly: one encoding per key and per signature, no keys or signatures of small order (P-06).

use ed25519_dalek::{Signature, VerifyingKey};

use super::{KeyError, SIGNATURE_BYTES, SignatureError};

/// Decodes a public key, refusing what would give one key two names or let anybody sign under it.
pub(super) fn decode(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
    // DPOP-125: the decoder takes y >= p too; only a canonical encoding survives the way back
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(KeyError::NotCanonical);
    }
    // DPOP-124: under a key of small order a signature can be made without any secret
    if key.is_weak() {
        return Err(KeyError::Weak);
    }
    Ok(key)
}

/// Whether the key has a small-order part (half a signature check: asked at registration only).
pub(super) fn has_torsion(key: &VerifyingKey) -> bool {
    !key.to_edwards().is_torsion_free()
}

/// The one place where an Ed25519 signature is checked.
pub(super) fn verify(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| SignatureError)?;
    key.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| SignatureError)
}
