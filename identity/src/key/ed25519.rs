//! Ed25519, strictly: one encoding per key and per signature, no keys or signatures of small order (P-06).

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

use super::{KeyError, SIGNATURE_BYTES, SignatureError};

/// Decodes a public key, refusing what would give one key two names or let anybody sign under it.
pub(super) fn decode(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
    // DPOP-125: the decoder takes y >= p too
    if !is_canonical(bytes) {
        return Err(KeyError::NotCanonical);
    }
    // DPOP-124: under a key of small order a signature can be made without any secret
    if is_of_small_order(bytes) {
        return Err(KeyError::Weak);
    }
    Ok(key)
}

/// Whether these bytes of a point are what it would be written as: `y` below p = 2^255 - 19, and no sign on an `x` of zero, which
/// the points with `y` = 1 and `y` = p - 1 have. Encoding the point anew would say the same for the price of an inversion.
fn is_canonical(encoded: &[u8; 32]) -> bool {
    let (y, is_negative) = y_and_sign(encoded);
    let [lowest, middle @ .., highest] = &y;
    let is_reduced = *lowest < 0xed || *highest != 0x7f || middle.iter().any(|byte| *byte != 0xff);
    let [order_1, order_2, ..] = &SMALL_ORDER_Y;
    let has_signed_zero = is_negative && (y == *order_1 || y == *order_2);
    is_reduced && !has_signed_zero
}

/// `y`, and whether `x` is said to be negative.
fn y_and_sign(encoded: &[u8; 32]) -> ([u8; 32], bool) {
    let mut y = *encoded;
    let [.., last] = &mut y;
    let is_negative = *last >= 0x80;
    *last &= 0x7f;
    (y, is_negative)
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
    SMALL_ORDER_Y.contains(&y_and_sign(encoded).0)
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

    /// What the rules are about: an encoding that comes back as it is, of a point that dalek does not call weak.
    fn decode_the_long_way(bytes: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(key) }
    }

    #[test]
    fn keys_at_the_edges_are_judged_as_the_long_way_does() {
        let mut judged = [0; 3];
        let mut top = [0xff; 32];
        top[31] = 0x7f;
        let bases = SMALL_ORDER_Y.into_iter().chain([[0; 32], [0x11; 32], top]);
        for base in bases {
            for lowest in 0..=0xff {
                for sign in [0, 0x80] {
                    let mut encoded = base;
                    encoded[0] = lowest;
                    encoded[31] |= sign;
                    let expected = decode_the_long_way(&encoded);
                    match expected {
                        Ok(_) => judged[0] += 1,
                        Err(KeyError::NotCanonical) => judged[1] += 1,
                        Err(KeyError::Weak) => judged[2] += 1,
                        Err(_) => {}
                    }
                    assert_eq!(decode(&encoded), expected, "{encoded:x?}");
                }
            }
        }
        assert!(judged[0] > 100 && judged[1] > 10 && judged[2] >= 8, "{judged:?}");
    }
}
