//! Ed25519, strictly: one encoding per key and per signature, no keys or signatures of small order (P-06).

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

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

/// The `y` of all points of small order, as encodings write it: of order 1, 2, 4, 8 and 8. The sign of `x` is not among them.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    *b"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
];

/// The one place where an Ed25519 signature is checked.
///
/// Accepts what dalek's `verify_strict` accepts, without the square root that costs it a sixth: `verify` computes the encoding
/// of `R` anew and compares, so an accepted `R` is canonical; what is left of strictness is that neither `R` nor the key is
/// of small order, and keys are refused for that by [`decode`].
pub(super) fn verify(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| SignatureError)?;
    let signature = Signature::from_bytes(signature);
    if is_of_small_order(signature.r_bytes()) {
        return Err(SignatureError);
    }
    key.verify(message, &signature).map_err(|_| SignatureError)
}

/// Whether these bytes, if they are a point in its canonical encoding, are one of small order.
fn is_of_small_order(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    let [.., last] = &mut y;
    *last &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are eight points of small order. So many different points, found weak by dalek, are all of them.
    #[test]
    fn all_points_of_small_order_are_listed() {
        let mut points = Vec::new();
        for y in SMALL_ORDER_Y {
            for sign in [0, 0x80] {
                let mut encoded = y;
                encoded[31] |= sign;
                let Ok(point) = VerifyingKey::from_bytes(&encoded) else { continue };
                if point.to_edwards().compress().as_bytes() == &encoded {
                    assert!(point.is_weak() && is_of_small_order(&encoded), "{encoded:x?}");
                    points.push(encoded);
                }
            }
        }
        assert_eq!(points.len(), 8);
    }
}
