//! Keys: decoded, checked once, and never compared as text.

mod backend;
mod ed25519;
mod multiples;
mod p256_key;
mod public;
mod signing;

pub use backend::signature_backend;
pub use public::{KeyError, PublicKey, SIGNATURE_BYTES, SignatureError, SignatureValid};
pub(crate) use public::{ed25519_thumbprint, verify_each};
pub use signing::{PrivateJwk, SigningKey};
