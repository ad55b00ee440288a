//! Who: keys, `did:key`, JWK, thumbprints, strict JSON, compact JWS and handles.
//!
//! A key is an identity here, so this crate's work is to give every key exactly one name and every signed text exactly one
//! reading. What it accepts is sound and canonical; what it refuses it refuses by rule, with a typed error.
//!
//! Out: whether a key may do anything (`handfast-verifier`), which agent it belongs to today (`handfast-registry`), and
//! every form of I/O. No clock, environment, disk, network or random source is read: time and randomness are arguments.
//!
//! ```text
//! bytes --json::read--> wire struct --try_from--> PublicKey --did()--> DidKey
//! text --UnverifiedJws::parse--> UnverifiedJws --verify(key)--> SignatureValid
//! text --Did::parse--> DidWeb --url()--> (bytes, fetched elsewhere) --ForeignDocument::parse--> keys
//! ```

mod algorithm;
pub mod base64url;
mod did;
#[cfg(feature = "handles")]
mod fingerprint;
#[cfg(feature = "handles")]
mod handle;
mod hash;
pub mod history;
pub mod json;
mod jwk;
pub mod jws;
mod key;
mod random;
mod text;
mod thumbprint;
mod time;
#[cfg(feature = "handles")]
mod words;

pub use algorithm::{Algorithm, Curve};
pub use did::{
    AnyDidError, Did, DidDocument, DidError, DidJwk, DidJwkError, DidKey, DidWeb, DidWebError, DocumentError,
    ForeignDocument, MAX_DID_BYTES, MAX_DOCUMENT_BYTES, MethodError, Relationship, did_method,
};
#[cfg(feature = "handles")]
pub use fingerprint::{FINGERPRINT_WORDS, fingerprint};
#[cfg(feature = "handles")]
pub use handle::{Handle, HandleError, MAX_HANDLE_CHARS, MIN_HANDLE_CHARS};
pub use hash::{ContentHash, WrittenHash};
pub use jwk::{JwkError, JwkWire};
pub use key::{
    KeyError, PrivateJwk, PublicKey, SIGNATURE_BYTES, SignatureError, SignatureValid, SigningKey, signature_backend,
};
#[cfg(feature = "os-random")]
pub use random::OsRandom;
pub use random::{RANDOM_ID_CHARS, RandomSource, is_random_id, random_bytes, random_id};
pub use text::Text;
pub use thumbprint::Thumbprint;
pub use time::{MAX_UNIX_SECONDS, Seconds, UnixTime};
