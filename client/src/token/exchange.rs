//! Token exchange: a bundle becomes a token of the delegate's own (RFC 8693, spec/delegation.md).

use std::collections::BTreeSet;

use handfast_delegation::{ResourceId, Scope, Tools};

use crate::delegation::Bundle;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What comes out, and what the root token is.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What a hop is.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is wanted of a bundle's authority; all of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeRequest {
    /// Only this scope.
    pub scope: Option<Scope>,
    /// Only these resources, if any are named.
    pub resources: BTreeSet<ResourceId>,
    /// Only these tools.
    pub tools: Option<Tools>,
}

/// The form of one exchange: the root token, and the last hop, which names the client.
pub(super) fn body(client_id: &str, bundle: &Bundle, request: &ExchangeRequest) -> String {
    let (hop, _) = bundle.split_last();
    let scope = request.scope.as_ref().map(ToString::to_string);
    let details = request.tools.as_ref().map(|tools| tools.to_details().to_string());
    let mut pairs = vec![
        ("grant_type", GRANT),
        ("client_id", client_id),
        ("subject_token", bundle.root_text()),
        ("subject_token_type", ACCESS_TOKEN),
        ("actor_token", hop),
        ("actor_token_type", JWT),
    ];
    pairs.extend(request.resources.iter().map(|resource| ("resource", resource.as_str())));
    pairs.extend(scope.as_deref().map(|scope| ("scope", scope)));
    pairs.extend(details.as_deref().map(|details| ("authorization_details", details)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
