//! Keys and signatures at the edges of Ed25519, and valid signatures under algorithms that are not allowed.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::Identity;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ring::hmac;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::keys::hex;

/// The group order, little-endian (RFC 8032 5.1).
pub const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same signature with `S + L` in place of `S`: a lenient check takes both (TH50).
#[must_use]
pub fn with_large_scalar(signature: &[u8]) -> Vec<u8> {
    let mut signature = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in signature.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    signature
}

/// A signature whose `R` is the identity, made with the secret of `seed`: it fulfils the equation, and a lenient check takes it.
#[must_use]
pub fn with_identity_as_r(seed: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let mut secret: [u8; 32] = Sha512::digest(seed)[..32].try_into().unwrap();
    // RFC 8032 5.1.5
    secret[0] &= 248;
    secret[31] = secret[31] & 127 | 64;
    let secret = Scalar::from_bytes_mod_order(secret);
    let key = (ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
    let r = EdwardsPoint::identity().compress().to_bytes();
    [r, (challenge(&r, &key, message) * secret).to_bytes()].concat()
}

/// The points of small order: order 1, 2, 4, 4, 8, 8, 8, 8.
#[must_use]
pub fn small_order_points() -> [EdwardsPoint; 8] {
    let [o1, a8, a4, b8, o2, c8, b4, d8] = EIGHT_TORSION;
    [o1, o2, a4, b4, a8, b8, c8, d8]
}

/// The point with y = 0 whose sign bit is clear, of order 4.
#[must_use]
pub fn point_with_y_zero() -> EdwardsPoint {
    let [_, _, a4, b4, ..] = small_order_points();
    if a4.compress().to_bytes()[31] == 0 { a4 } else { b4 }
}

/// Encodings of small-order points that are not their canonical ones, which a lenient decoder takes all the same.
#[must_use]
pub fn loose_encodings() -> Vec<(EdwardsPoint, [u8; 32])> {
    let with_sign = |mut bytes: [u8; 32]| {
        bytes[31] |= 0x80;
        bytes
    };
    // y is p (a second 0), p + 1 (a second 1), and 1, p - 1 and p + 1 with a sign that x = 0 does not have
    let of_prime = |low: u8| {
        let mut bytes = [0xff; 32];
        bytes[0] = low;
        bytes[31] = 0x7f;
        bytes
    };
    let mut one = [0; 32];
    one[0] = 1;
    let encodings = [
        of_prime(0xed),
        with_sign(of_prime(0xed)),
        of_prime(0xee),
        with_sign(of_prime(0xee)),
        with_sign(one),
        with_sign(of_prime(0xec)),
    ];
    encodings.into_iter().filter_map(|bytes| Some((CompressedEdwardsY(bytes).decompress()?, bytes))).collect()
}

/// The smallest y that belongs to no point.
#[must_use]
pub fn off_curve() -> [u8; 32] {
    let encoded = |y: u8| {
        let mut bytes = [0; 32];
        bytes[0] = y;
        bytes
    };
    let is_off = |bytes: &[u8; 32]| CompressedEdwardsY(*bytes).decompress().is_none();
    (0..=u8::MAX).map(encoded).find(is_off).expect("half of all y are off the curve")
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// A signature under a key of small order, made without any secret: a lenient check takes it (TH48).
#[must_use]
pub fn forged_under(key: &EdwardsPoint, message: &[u8]) -> Vec<u8> {
    let encoded = key.compress().to_bytes();
    forged_under_encoding(key, &encoded, message)
}

/// The same for a key that stands in another encoding.
#[must_use]
pub fn forged_under_encoding(key: &EdwardsPoint, encoded: &[u8; 32], message: &[u8]) -> Vec<u8> {
    for n in 1_u64.. {
        let s = Scalar::from(n);
        let r = ED25519_BASEPOINT_POINT * s - key * Scalar::from(n % 8);
        let r = r.compress().to_bytes();
        if key * challenge(&r, encoded, message) == key * Scalar::from(n % 8) {
            return [r, s.to_bytes()].concat();
        }
    }
    unreachable!("one in eight tries fits")
}

/// A key with a small-order part, and signatures under it that even a strict check takes.
#[derive(Debug)]
pub struct MixedOrderKey {
    secret: Scalar,
    /// The public point.
    pub point: EdwardsPoint,
}

impl MixedOrderKey {
    /// The key of a secret, moved by the small-order point at `place`.
    #[must_use]
    pub fn new(secret: u64, place: usize) -> Self {
        let secret = Scalar::from(secret);
        Self { secret, point: ED25519_BASEPOINT_POINT * secret + small_order_points()[place] }
    }

    /// Signs: looks for a nonce whose challenge makes the small-order part vanish.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let torsion = self.point - ED25519_BASEPOINT_POINT * self.secret;
        for n in 1_u64.. {
            let nonce = Scalar::from(n);
            let r = (ED25519_BASEPOINT_POINT * nonce).compress().to_bytes();
            let k = challenge(&r, &self.point.compress().to_bytes(), message);
            if torsion * k == EdwardsPoint::identity() {
                return [r, (nonce + k * self.secret).to_bytes()].concat();
            }
        }
        unreachable!("one in eight tries fits")
    }
}

/// HMAC-SHA-512.
#[must_use]
pub fn hs512(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret), message).as_ref().to_vec()
}

/// HMAC-SHA-256.
#[must_use]
pub fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// The base point of P-384: the public key of secret 1.
pub const P384_X: &str =
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";
/// Its other coordinate.
pub const P384_Y: &str =
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
const P384_ORDER: &str =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
/// The base point of secp256k1: the public key of secret 1.
pub const K256_X: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
/// Its other coordinate.
pub const K256_Y: &str = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
const K256_ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// A valid ES384 signature by secret 1 with nonce 1: `r` is the base point's `x`, `s` is `hash + r`.
#[must_use]
pub fn es384(message: &[u8]) -> Vec<u8> {
    ecdsa_of_one(&hex(P384_X), &hex(P384_ORDER), &Sha384::digest(message))
}

/// A valid ES256K signature by secret 1 with nonce 1.
#[must_use]
pub fn es256k(message: &[u8]) -> Vec<u8> {
    ecdsa_of_one(&hex(K256_X), &hex(K256_ORDER), &Sha256::digest(message))
}

fn ecdsa_of_one(r: &[u8], order: &[u8], hash: &[u8]) -> Vec<u8> {
    let (mut sum, mut carry) = (Vec::new(), 0);
    for (a, b) in r.iter().zip(hash).rev() {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        sum.insert(0, digit.to_le_bytes()[0]);
        carry = digit >> 8;
    }
    while carry > 0 || sum.as_slice() >= order {
        let mut borrow = 0;
        for (a, b) in sum.iter_mut().zip(order).rev() {
            let digit = i16::from(*a) - i16::from(*b) - borrow;
            *a = digit.to_le_bytes()[0];
            borrow = i16::from(digit < 0);
        }
        carry = carry.saturating_sub(u16::try_from(borrow).unwrap());
    }
    [r, &sum].concat()
}

/// DER of a raw `R ‖ S`.
#[must_use]
pub fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = if digits.first().is_none_or(|first| *first >= 0x80) { vec![0] } else { Vec::new() };
        let digits = [sign, digits].concat();
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_foreign_signature_is_a_good_one() {
        let key = [vec![4], hex(P384_X), hex(P384_Y)].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key);
        for message in [&b""[..], b"handfast", &[7; 300]] {
            assert!(key.verify(message, &es384(message)).is_ok());
        }
        assert!(key.verify(b"another", &es384(b"handfast")).is_err());
    }

    #[test]
    fn forgeries_fulfil_the_equation_of_a_lenient_check() {
        let holds = |key: &EdwardsPoint, encoded: &[u8; 32], signature: &[u8]| {
            let (r, s) = signature.split_at(32);
            let r: [u8; 32] = r.try_into().unwrap();
            let s = Scalar::from_bytes_mod_order(s.try_into().unwrap());
            let found = ED25519_BASEPOINT_POINT * s - key * challenge(&r, encoded, b"m");
            found.compress().to_bytes() == r
        };
        for point in small_order_points() {
            assert!(holds(&point, point.compress().as_bytes(), &forged_under(&point, b"m")));
        }
        let loose = loose_encodings();
        assert_eq!(loose.len(), 6);
        for (point, encoded) in loose {
            assert!(holds(&point, &encoded, &forged_under_encoding(&point, &encoded, b"m")));
        }
        let seed = [9; 32];
        let public = handfast_identity::SigningKey::from_ed25519_seed(&seed).public().to_bytes();
        let public = CompressedEdwardsY(public.try_into().unwrap());
        assert!(holds(&public.decompress().unwrap(), public.as_bytes(), &with_identity_as_r(&seed, b"m")));
        let mixed = MixedOrderKey::new(5, 4);
        assert!(holds(&mixed.point, mixed.point.compress().as_bytes(), &mixed.sign(b"m")));
    }
}
