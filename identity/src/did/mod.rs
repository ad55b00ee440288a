//! Decentralized identifiers: `did:key` as the one name of a key, and the document that says so.

mod base58;
mod document;
mod key;

pub use document::DidDocument;
pub use key::{DidError, DidKey, MAX_DID_BYTES};
