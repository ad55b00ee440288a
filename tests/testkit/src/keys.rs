//! Keys of fixed seeds.

use handfast_identity::SigningKey;

/// The Ed25519 key whose seed is 32 times `number`. Equal numbers give equal keys, in every run and test.
#[must_use]
pub fn ed25519(number: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[number; 32])
}

/// The P-256 key whose scalar is 32 times `number`, which is 1 to 254.
///
/// # Panics
///
/// For 0 and 255, which give no scalar of the group.
#[must_use]
pub fn p256(number: u8) -> SigningKey {
    SigningKey::from_p256_scalar(&[number; 32]).expect("a scalar of the group")
}
