//! Ed25519, strictly: one encoding per key and per signature, no keys or signatures of small order (P-06).

use core::hash::{Hash, Hasher};
use std::sync::Arc;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha512};

use super::multiples::Multiples;
use super::{KeyError, SignatureError};

/// A decoded key. Equality and hash are the key's, whether it is prepared or not.
#[derive(Clone)]
pub(super) struct Key {
    point: VerifyingKey,
    /// Of the negated point, as the equation wants it.
    multiples: Option<Arc<Multiples>>,
}

impl Key {
    /// The 32 bytes that are the key's one encoding.
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.point.as_bytes()
    }

    /// The same key, under which signatures are checked in 0.6 to 0.8 of the time from now on.
    pub(super) fn prepared(&self) -> Self {
        let make = || Arc::new(Multiples::of(&-self.point.to_edwards()));
        Self { point: self.point, multiples: Some(self.multiples.clone().unwrap_or_else(make)) }
    }

    pub(super) const fn plain(&self) -> Self {
        Self { point: self.point, multiples: None }
    }

    pub(super) const fn is_prepared(&self) -> bool {
        self.multiples.is_some()
    }

    /// What was prepared takes so many bytes, which clones share.
    pub(super) const fn weight_of_prepared(&self) -> usize {
        if self.is_prepared() { Multiples::weight() } else { 0 }
    }

    /// Whether the key has a small-order part (half a signature check: asked at registration only).
    pub(super) fn has_torsion(&self) -> bool {
        !self.point.to_edwards().is_torsion_free()
    }
}

impl From<VerifyingKey> for Key {
    fn from(point: VerifyingKey) -> Self {
        Self { point, multiples: None }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.point.hash(state);
    }
}

/// Decodes a public key, refusing what would give one key two names or let anybody sign under it.
pub(super) fn decode(bytes: &[u8]) -> Result<Key, KeyError> {
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
    Ok(key.into())
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

/// The `y` of all points of small order, as encodings write it: of order 1, 2, 4, 8 and 8. The sign of `x` is not among them.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    *b"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
];

/// A key, a message, and the signature that is said to be one.
pub(super) type Signed<'a> = (&'a Key, &'a [u8], &'a [u8]);

/// Whether a signature is one, as [`verify_each`].
pub(super) fn verify(key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let r = expected_r(&(key, message, signature)).ok_or(SignatureError)?.compress();
    require_claimed(&r, signature)
}

/// Checks each signature by itself: the equation is computed for every one, and only the inversion by which points are written is
/// shared. It is no batch verification, where the errors of two signatures can make up for each other.
pub(super) fn verify_each(all: &[Signed<'_>]) -> Vec<Result<(), SignatureError>> {
    let points: Vec<_> = all.iter().map(expected_r).collect();
    // a stand-in holds the place of what was refused already
    let to_write: Vec<_> = points.iter().map(|point| point.unwrap_or_default()).collect();
    let written = EdwardsPoint::compress_batch_alloc(&to_write);
    let judged = points.iter().zip(written).zip(all);
    judged
        .map(|((point, r), (.., signature))| point.ok_or(SignatureError).and_then(|_| require_claimed(&r, signature)))
        .collect()
}

/// The one place where the equation of Ed25519 stands (RFC 8032 5.1.7, without the cofactor): the `R` it asks for, `[s]B - [k]A`.
/// None for what needs no equation to be refused.
///
/// With [`require_claimed`] it accepts what dalek's `verify_strict` accepts, without the square root that costs that a sixth: `R` is
/// encoded anew and compared, so an accepted one is canonical; what is left of strictness is that neither `R` nor the key is of
/// small order, and keys are refused for that by [`decode`].
fn expected_r((key, message, signature): &Signed<'_>) -> Option<EdwardsPoint> {
    let signature = Signature::from_bytes((*signature).try_into().ok()?);
    if is_of_small_order(signature.r_bytes()) {
        return None;
    }
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*signature.s_bytes()))?;
    let hash = Sha512::new().chain_update(signature.r_bytes()).chain_update(key.as_bytes()).chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    Some(match &key.multiples {
        Some(multiples) => multiples.double_scalar_mul_basepoint(&k, &s),
        None => EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &-key.point.to_edwards(), &s),
    })
}

/// The equation's `R` is the one that the signature begins with, byte by byte.
fn require_claimed(r: &CompressedEdwardsY, signature: &[u8]) -> Result<(), SignatureError> {
    if signature.first_chunk() == Some(r.as_bytes()) { Ok(()) } else { Err(SignatureError) }
}

/// Whether these bytes, if they are a point in its canonical encoding, are one of small order.
fn is_of_small_order(encoded: &[u8; 32]) -> bool {
    SMALL_ORDER_Y.contains(&y_and_sign(encoded).0)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)] // a failed set-up should stop the test
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    use super::*;

    /// A signature, good or altered in one of the ways in which signatures are.
    fn altered(seed: [u8; 32], what: u8, at: usize, other: &[u8; 64]) -> (Key, Vec<u8>, Vec<u8>) {
        let key = SigningKey::from_bytes(&seed);
        let message = at.to_le_bytes().to_vec();
        let mut signature = key.sign(&message).to_bytes();
        let (r, s) = signature.split_at_mut(32);
        match what {
            0 => r.copy_from_slice(EIGHT_TORSION[at % 8].compress().as_bytes()),
            1 => s.copy_from_slice(&other[..32]),
            2 => r.copy_from_slice(&other[32..]),
            3 => s[at % 32] ^= 1 << (at % 8),
            // the same s and the group order: a second name of one number
            4 => {
                const ORDER: [u8; 32] = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10";
                let mut carry = 0;
                for (byte, add) in s.iter_mut().zip(ORDER) {
                    let sum = u16::from(*byte) + u16::from(add) + carry;
                    *byte = u8::try_from(sum & 0xff).unwrap_or(0);
                    carry = sum >> 8;
                }
            }
            5 => return (key.verifying_key().into(), message, signature[..at % 64].to_vec()),
            _ => {}
        }
        (key.verifying_key().into(), message, signature.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn signatures_checked_together_are_judged_as_dalek_does_each_strictly(
            all in prop::collection::vec((any::<[u8; 32]>(), 0..12_u8, any::<usize>(), any::<[u8; 64]>()), 0..9)
        ) {
            let all: Vec<_> = all.iter().map(|(seed, what, at, other)| altered(*seed, *what, *at, other)).collect();
            let signed: Vec<Signed<'_>> = all.iter().map(|(key, message, signature)| (key, &message[..], &signature[..])).collect();
            let strictly = |(key, message, signature): &Signed<'_>| {
                let signature = Signature::from_slice(signature).map_err(|_| SignatureError)?;
                key.point.verify_strict(message, &signature).map_err(|_| SignatureError)
            };
            let expected: Vec<_> = signed.iter().map(strictly).collect();
            let alone: Vec<_> = signed.iter().map(|(key, message, signature)| verify(key, message, signature)).collect();
            prop_assert_eq!(&verify_each(&signed), &expected);
            prop_assert_eq!(&alone, &expected);
            let prepared: Vec<_> = signed.iter().map(|(key, ..)| key.prepared()).collect();
            let signed: Vec<Signed<'_>> = signed.iter().zip(&prepared).map(|((_, message, signature), key)| (key, *message, *signature)).collect();
            prop_assert_eq!(&verify_each(&signed), &expected);
        }
    }

    /// The six encodings of points of small order that are not their only ones (DPOP-125): `y` from p on, or a sign on an `x` of zero.
    fn loose_encodings() -> [[u8; 32]; 6] {
        let with = |lowest: u8, last: u8| {
            let mut encoded = [0xff; 32];
            (encoded[0], encoded[31]) = (lowest, last);
            encoded
        };
        let mut negative_one = [0; 32];
        (negative_one[0], negative_one[31]) = (1, 0x80);
        [with(0xed, 0x7f), with(0xed, 0xff), with(0xee, 0x7f), with(0xee, 0xff), with(0xec, 0xff), negative_one]
    }

    /// Every kind of point that can stand in a key or as `R`, with what it is without its part of small order: those of small order
    /// in all their encodings, and points of the large group alone and with each of those parts.
    fn edge_points(scalar: Scalar) -> Vec<(Scalar, [u8; 32])> {
        let encoded =
            |scalar: Scalar, part: &EdwardsPoint| (EdwardsPoint::mul_base(&scalar) + part).compress().to_bytes();
        let in_both =
            [Scalar::ZERO, scalar].into_iter().flat_map(|scalar| EIGHT_TORSION.iter().map(move |part| (scalar, part)));
        let canonical = in_both.map(|(scalar, part)| (scalar, encoded(scalar, part)));
        canonical.chain(loose_encodings().map(|encoded| (Scalar::ZERO, encoded))).collect()
    }

    /// The classes that the edge vectors of the community (CCTV) are made of, each pair of them with messages for which the parts of
    /// small order cancel out and for which they do not.
    #[test]
    fn every_pair_of_edge_points_is_judged_as_dalek_does_strictly() {
        let (of_key, of_r) = (Scalar::from_bytes_mod_order([0x5a; 32]), Scalar::from_bytes_mod_order([0xa5; 32]));
        let (mut good, mut only_loosely_good) = (0, 0);
        for (secret, key) in edge_points(of_key) {
            for (nonce, r) in edge_points(of_r) {
                for number in 0..16_u8 {
                    let message = [number];
                    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message);
                    let s = nonce + Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * secret;
                    let signature = [r, s.to_bytes()].concat();
                    let dalek = VerifyingKey::from_bytes(&key).unwrap();
                    let parsed = Signature::from_slice(&signature).unwrap();
                    let expected = dalek.verify_strict(&message, &parsed).is_ok();
                    let judged = |key: &Key| verify(key, &message, &signature).is_ok();
                    let ours = decode(&key).map(|key| [judged(&key), judged(&key.prepared())]).unwrap_or_default();
                    assert_eq!(ours, [expected; 2], "{key:x?} {r:x?} {number}");
                    good += usize::from(expected);
                    only_loosely_good +=
                        usize::from(!expected && ed25519_dalek::Verifier::verify(&dalek, &message, &parsed).is_ok());
                }
            }
        }
        assert!(good > 100 && only_loosely_good > 100, "{good} {only_loosely_good}");
    }

    #[test]
    fn a_signature_does_not_make_up_for_another() {
        // two whose errors cancel out: what sums of equations cannot see
        let (key, message) = (SigningKey::from_bytes(&[5; 32]), b"message".to_vec());
        let good = key.sign(&message);
        let one = Scalar::from(1_u64);
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*good.s_bytes())).unwrap_or(one);
        let with = |s: Scalar| [good.r_bytes().as_slice(), s.as_bytes()].concat();
        let (more, less) = (with(s + one), with(s - one));
        let key = key.verifying_key().into();
        let found = verify_each(&[(&key, &message, &more), (&key, &message, &less), (&key, &message, &with(s))]);
        assert_eq!(found, [Err(SignatureError), Err(SignatureError), Ok(())]);
        assert!(verify_each(&[]).is_empty());
    }

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
    fn decode_the_long_way(bytes: &[u8; 32]) -> Result<Key, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(key.into()) }
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
                    assert!(decode(&encoded) == expected, "{encoded:x?}");
                }
            }
        }
        assert!(judged[0] > 100 && judged[1] > 10 && judged[2] >= 8, "{judged:?}");
    }
}
