//! Keys: decoded, checked once, and never compared as text.

mod backend;
mod ed25519;
mod p256_key;
mod public;
mod signing;

pub use backend::signature_backend;
pub(crate) use public::verify_each;
pub use public::{KeyError, PublicKey, SIGNATURE_BYTES, SignatureError, SignatureValid};
pub use signing::SigningKey;
