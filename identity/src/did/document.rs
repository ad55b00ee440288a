//! DID documents (DID 1.1, Controlled Identifiers): what a DID resolves to.

use serde::Serialize;

use super::DidKey;

const CONTEXT: &str = "https://www.w3.org/ns/did/v1.1";

/// A DID document with one Multikey, listed for every relationship but key agreement (DK-07, DK-09).
///
/// The order of members is fixed, so the same DID always gives the same bytes (DK-12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DidDocument {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    id: String,
    verification_method: [VerificationMethod; 1],
    authentication: [String; 1],
    assertion_method: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    capability_invocation: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability_delegation: Option<[String; 1]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMethod {
    id: String,
    r#type: &'static str,
    controller: String,
    public_key_multibase: String,
}

impl DidDocument {
    /// The document of a `did:key`.
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
        Self {
            context: [CONTEXT],
            id: id.to_owned(),
            verification_method: [VerificationMethod {
                id: method.clone(),
                r#type: "Multikey",
                controller: id.to_owned(),
                public_key_multibase: key.fragment().to_owned(),
            }],
            authentication: [method.clone()],
            assertion_method: [method],
            capability_invocation: None,
            capability_delegation: None,
        }
    }
}
