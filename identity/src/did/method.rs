//! Verification methods of somebody else's document, and which of them may be used for what (Controlled Identifiers).

use core::fmt;

use serde::Deserialize;

use super::datetime;
use super::syntax::did_and_fragment;
use crate::json::{object, optional, optional_object, present};
use crate::{DidKey, JwkError, JwkWire, PublicKey, UnixTime};

/// What a key is listed for. One that is listed for another purpose is not used (DID-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// Proving to be the subject.
    Authentication,
    /// Signed statements.
    AssertionMethod,
    /// Using authority.
    CapabilityInvocation,
    /// Passing authority on.
    CapabilityDelegation,
    /// Encryption to the subject.
    KeyAgreement,
}

impl Relationship {
    pub(super) const ALL: [Self; 5] = [
        Self::Authentication,
        Self::AssertionMethod,
        Self::CapabilityInvocation,
        Self::CapabilityDelegation,
        Self::KeyAgreement,
    ];
}

/// Why a document gives no key under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodError {
    /// The name is not a DID, `#` and a fragment.
    Url,
    /// It is a name in another DID's document.
    OtherDocument,
    /// There is no such method, it is another's, it is over, or its key is of no kind that is used here.
    Method,
    /// It is not listed for this purpose.
    Relationship,
}

impl MethodError {
    /// The error's name in Controlled Identifiers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Url => "INVALID_VERIFICATION_METHOD_URL",
            Self::OtherDocument => "INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID",
            Self::Method => "INVALID_VERIFICATION_METHOD",
            Self::Relationship => "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD",
        }
    }
}

impl fmt::Display for MethodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "not the name of a verification method",
            Self::OtherDocument => "the verification method is of another did",
            Self::Method => "no verification method of the did that can be used",
            Self::Relationship => "the verification method is not listed for this purpose",
        })
    }
}

impl core::error::Error for MethodError {}

/// A method as it stands in a document.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) id: String,
    pub(super) controller: String,
    /// None for a kind that is not used here.
    key: Option<PublicKey>,
    /// From when on it is not used any more.
    ends: Option<UnixTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    id: String,
    r#type: String,
    controller: String,
    #[serde(default, deserialize_with = "optional")]
    public_key_multibase: Option<String>,
    #[serde(default, deserialize_with = "optional_object")]
    public_key_jwk: Option<JwkWire>,
    #[serde(default, deserialize_with = "optional")]
    expires: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    revoked: Option<String>,
    #[serde(default, deserialize_with = "present")]
    secret_key_multibase: bool,
    #[serde(default, deserialize_with = "present")]
    secret_key_jwk: bool,
    #[serde(default, deserialize_with = "present")]
    private_key_multibase: bool,
    #[serde(default, deserialize_with = "present")]
    private_key_jwk: bool,
    #[serde(default, deserialize_with = "present")]
    private_key_base58: bool,
}

/// An entry of a list of methods or of a relationship.
#[derive(Deserialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // a few of them, while one document is read
pub(super) enum Entry {
    Named(String),
    #[serde(deserialize_with = "object")]
    Embedded(Wire),
}

impl Method {
    /// Reads a method; `None` if it is malformed, carries its key twice or in another type's member, or shows a secret (DID-11,
    /// DID-12). A kind of key that is not used here is no fault.
    pub(super) fn read(wire: Wire) -> Option<Self> {
        let is_secret = wire.secret_key_multibase
            || wire.secret_key_jwk
            || wire.private_key_multibase
            || wire.private_key_jwk
            || wire.private_key_base58;
        // DW-06: names are absolute
        let is_named = did_and_fragment(&wire.id).is_some() && super::did_method(&wire.controller).is_some();
        if is_secret || !is_named || wire.r#type.is_empty() {
            return None;
        }
        let key = match (wire.r#type.as_str(), wire.public_key_multibase, wire.public_key_jwk) {
            (_, Some(_), Some(_)) => return None,
            // a Multikey is what a did:key writes
            ("Multikey", Some(value), None) => {
                DidKey::parse(&format!("did:key:{value}")).ok().map(|did| did.public_key().clone())
            }
            ("JsonWebKey" | "JsonWebKey2020", None, Some(jwk)) => match PublicKey::try_from(&jwk) {
                Ok(key) => Some(key),
                Err(JwkError::Private) => return None,
                Err(_) => None,
            },
            ("Multikey" | "JsonWebKey" | "JsonWebKey2020", _, _) => return None,
            // other suites' own members are theirs to read
            (_, _, jwk) => match jwk.map(|jwk| PublicKey::try_from(&jwk)) {
                Some(Err(JwkError::Private)) => return None,
                _ => None,
            },
        };
        let ends = match (wire.expires, wire.revoked) {
            (None, None) => None,
            (expires, revoked) => {
                let times: Option<Vec<_>> = expires.iter().chain(&revoked).map(|text| datetime::read(text)).collect();
                Some(times?.into_iter().min()?)
            }
        };
        Some(Self { id: wire.id, controller: wire.controller, key, ends })
    }

    /// The key, unless the method is over (DID-13) or of no kind that is used here.
    pub(super) fn usable_key(&self, now: UnixTime) -> Option<&PublicKey> {
        self.key.as_ref().filter(|_| self.ends.is_none_or(|ends| now < ends))
    }
}
