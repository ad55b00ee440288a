//! Decentralized identifiers: `did:key` as the one name of a key, `did:jwk` and `did:web` as others name themselves, and the
//! documents that say so.
//!
//! Agents, owners and delegates are `did:key` and nothing else: [`DidKey::parse`] reads no other method, so that no key here has a
//! second name. What else is read is for resolving, and for telling which keys a registry says are its own.

mod any;
mod base58;
mod datetime;
mod document;
mod foreign;
mod jwk;
mod key;
mod method;
mod syntax;
mod web;

pub use any::{AnyDidError, Did};
pub use document::DidDocument;
pub use foreign::{DocumentError, ForeignDocument, MAX_DOCUMENT_BYTES};
pub use jwk::{DidJwk, DidJwkError};
pub use key::{DidError, DidKey, MAX_DID_BYTES};
pub use method::{MethodError, Relationship};
pub use syntax::did_method;
pub use web::{DidWeb, DidWebError};
