//! Keys: decoded, checked once, and never compared as text.

mod ed25519;
mod p256_key;
mod public;
mod signing;

pub(crate) use public::verify_each;
pub use public::{KeyError, PublicKey, SIGNATURE_BYTES, SignatureError, SignatureValid};
pub use signing::SigningKey;
