//! DID documents that we write (DID 1.1, Controlled Identifiers): what a DID resolves to.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::jwk::Usage;
use super::{DidJwk, DidKey};

const CONTEXT: &str = "https://www.w3.org/ns/did/v1.1";

/// A DID document with one key.
///
/// The order of members is fixed, so the same DID always gives the same bytes (DK-12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DidDocument {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_known_as: Vec<String>,
    verification_method: [VerificationMethod; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_method: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability_invocation: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability_delegation: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_agreement: Option<[String; 1]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct VerificationMethod {
    id: String,
    r#type: &'static str,
    controller: String,
    #[serde(flatten)]
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
enum Material {
    #[serde(rename = "publicKeyMultibase")]
    Multikey(String),
    #[serde(rename = "publicKeyJwk")]
    Jwk(BTreeMap<String, Value>),
}

impl DidDocument {
    /// The document of a `did:key`: one Multikey, listed for every relationship but key agreement (DK-07, DK-09).
    #[must_use]
    pub fn of_key(did: &DidKey) -> Self {
        let method = did.key_id();
        Self {
            capability_invocation: Some([method.clone()]),
            capability_delegation: Some([method]),
            ..Self::of_signer(did.as_str(), did)
        }
    }

    /// The document of another DID (a registry's `did:web`) that signs statements with `key`.
    #[must_use]
    pub fn of_signer(id: &str, key: &DidKey) -> Self {
        let method = format!("{id}#{}", key.fragment());
        let material = Material::Multikey(key.fragment().to_owned());
        Self {
            authentication: Some([method.clone()]),
            assertion_method: Some([method.clone()]),
            ..Self::of_method(id, method, "Multikey", material)
        }
    }

    /// The document of a `did:jwk`: its JWK as it stands there, listed for every relationship that `use` leaves (DJ-04).
    #[must_use]
    pub fn of_jwk(did: &DidJwk) -> Self {
        let method = did.key_id();
        let signs = did.usage() != Usage::Encryption;
        let listed = |is_listed: bool| is_listed.then(|| [method.clone()]);
        Self {
            authentication: listed(signs),
            assertion_method: listed(signs),
            capability_invocation: listed(signs),
            capability_delegation: listed(signs),
            key_agreement: listed(did.usage() != Usage::Signatures),
            ..Self::of_method(did.as_str(), method.clone(), "JsonWebKey", Material::Jwk(did.jwk().clone()))
        }
    }

    /// The same document, which says by what else its subject is known. It says so, and does not prove it: what is named there has
    /// to name this DID as well.
    #[must_use]
    pub fn also_known_as(mut self, name: String) -> Self {
        self.also_known_as.push(name);
        self
    }

    /// With the key, and for nothing.
    fn of_method(id: &str, method: String, r#type: &'static str, material: Material) -> Self {
        let controller = id.to_owned();
        Self {
            context: [CONTEXT],
            id: id.to_owned(),
            also_known_as: Vec::new(),
            verification_method: [VerificationMethod { id: method, r#type, controller, material }],
            authentication: None,
            assertion_method: None,
            capability_invocation: None,
            capability_delegation: None,
            key_agreement: None,
        }
    }
}
