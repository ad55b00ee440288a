//! Our check of Ed25519 signatures accepts exactly what dalek's `verify_strict` does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use handfast_identity::{Algorithm, PublicKey, SigningKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};

fn ours(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    PublicKey::from_ed25519_bytes(key).is_ok_and(|key| key.verify(Algorithm::EdDsa, message, signature).is_ok())
}

fn strict(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(key).unwrap();
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

fn lenient(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).unwrap().verify(message, &Signature::from_bytes(signature)).is_ok()
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// A key, a message and a signature that fulfil the equation with `r` as `R`: under a key with a small-order part, and with
/// the message tried out until its challenge turns that part into `r`.
fn with_r(r: &EdwardsPoint) -> ([u8; 32], Vec<u8>, [u8; 64]) {
    let secret = Scalar::from(7_u64);
    let torsion = EIGHT_TORSION[1];
    let key = (ED25519_BASEPOINT_POINT * secret + torsion).compress().to_bytes();
    let encoded = r.compress().to_bytes();
    let message = (0_u64..).map(|n| n.to_le_bytes().to_vec());
    let fits = |message: &Vec<u8>| -(torsion * challenge(&encoded, &key, message)) == *r;
    let message = message.take(1_000).find(fits).unwrap();
    let s = challenge(&encoded, &key, &message) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&encoded);
    signature[32..].copy_from_slice(s.as_bytes());
    (key, message, signature)
}

#[test]
fn every_r_of_small_order_is_refused() {
    for point in EIGHT_TORSION {
        let (key, message, signature) = with_r(&point);
        assert!(lenient(&key, &message, &signature), "the signature tests nothing");
        assert!(!strict(&key, &message, &signature) && !ours(&key, &message, &signature), "{point:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn altered_signatures_are_judged_alike(seed: [u8; 32], message in any::<[u8; 4]>(), what in 0..6, at in 0..512_usize, other: [u8; 64]) {
        let signer = SigningKey::from_ed25519_seed(&seed);
        let key: [u8; 32] = signer.public().to_bytes().try_into().unwrap();
        let mut signature: [u8; 64] = signer.sign(&message);
        match what {
            0 => {}
            1 => signature[at / 8] ^= 1 << (at % 8),
            2 => signature[..32].copy_from_slice(EIGHT_TORSION[at % 8].compress().as_bytes()),
            3 => signature[32..].copy_from_slice(&other[32..]),
            4 => signature[..32].copy_from_slice(&other[..32]),
            // `y` from p to 2^255 - 1: second encodings of the 19 smallest
            _ => {
                signature[..32].fill(0xff);
                signature[0] = 0xed + u8::try_from(at % 19).unwrap();
                signature[31] = if at % 2 == 0 { 0x7f } else { 0xff };
            }
        }
        let expected = strict(&key, &message, &signature);
        prop_assert_eq!(ours(&key, &message, &signature), expected);
        prop_assert_eq!(expected, what == 0);
    }
}
