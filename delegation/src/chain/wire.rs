//! The JSON of a hop. Unlike in tokens, an unknown member is refused: it may be a restriction.

use handfast_identity::{ContentHash, DidKey, Thumbprint, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ChainError;
use super::hop::{Hop, MAX_HOP_LIFETIME};
use crate::numeric::Numeric;
use crate::{Authority, Budget, ResourceId, Scope, Tools};

/// Longest `jti` of a hop (spec/limits.md).
const MAX_HOP_ID_BYTES: usize = 64;
/// Longest `sub` or `task` read (spec/limits.md).
const MAX_NAME_BYTES: usize = 2048;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HopWire {
    iss: String,
    aud: String,
    sub: String,
    #[serde(deserialize_with = "json::object")]
    cnf: ConfirmationWire,
    task: String,
    scope: Scope,
    resource: Vec<ResourceId>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    del_depth: u8,
    del_max_depth: u8,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    inst: Option<bool>,
    iat: Numeric,
    exp: Numeric,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    nbf: Option<Numeric>,
    jti: String,
    par_hash: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ConfirmationWire {
    jkt: String,
}

impl TryFrom<HopWire> for Hop {
    type Error = ChainError;

    fn try_from(wire: HopWire) -> Result<Self, ChainError> {
        let delegate = DidKey::parse(&wire.aud).map_err(|_| ChainError::Malformed)?;
        let confirmation = Thumbprint::parse(&wire.cnf.jkt).map_err(|_| ChainError::Malformed)?;
        let issued_at = wire.iat.time().ok_or(ChainError::Malformed)?;
        let expires_at = wire.exp.time().ok_or(ChainError::Malformed)?;
        let not_before = wire.nbf.map(|nbf| nbf.time().ok_or(ChainError::Malformed)).transpose()?;
        let resources = wire.resource.len();
        let hop = Self {
            delegator: wire.iss,
            subject: wire.sub,
            task: wire.task,
            authority: Authority {
                scope: wire.scope,
                resources: wire.resource.into_iter().collect(),
                // unknown denies: a type or constraint that is not read here cannot be compared
                tools: wire
                    .authorization_details
                    .as_ref()
                    .map(Tools::from_details)
                    .transpose()
                    .map_err(|_| ChainError::Malformed)?,
                budget: wire.budget,
                expires_at,
                max_depth: wire.del_max_depth,
            },
            issued_at,
            not_before,
            hop_id: wire.jti,
            depth: wire.del_depth,
            is_instance: wire.inst.is_some(),
            parent: ContentHash::from_claim(&wire.par_hash).ok_or(ChainError::Malformed)?,
            delegate,
        };
        let is_named = |text: &str, most: usize| !text.is_empty() && text.len() <= most;
        let is_sound = is_named(&hop.subject, MAX_NAME_BYTES)
            && is_named(&hop.task, MAX_NAME_BYTES)
            && is_named(&hop.hop_id, MAX_HOP_ID_BYTES)
            && wire.inst != Some(false)
            && hop.depth >= 1
            // DEL-23: absent never means everything
            && !hop.authority.scope.is_empty()
            && !hop.authority.resources.is_empty()
            && hop.authority.resources.len() == resources
            // DEL-24
            && expires_at > issued_at
            && expires_at.since(issued_at) <= MAX_HOP_LIFETIME
            // DEL-33: the key is a function of the DID
            && hop.delegate.thumbprint().is_same_key(&confirmation);
        if is_sound { Ok(hop) } else { Err(ChainError::Malformed) }
    }
}

impl From<&Hop> for HopWire {
    fn from(hop: &Hop) -> Self {
        let authority = &hop.authority;
        Self {
            iss: hop.delegator.clone(),
            aud: hop.delegate.as_str().to_owned(),
            sub: hop.subject.clone(),
            cnf: ConfirmationWire { jkt: hop.delegate.thumbprint().to_string() },
            task: hop.task.clone(),
            scope: authority.scope.clone(),
            resource: authority.resources.iter().cloned().collect(),
            authorization_details: authority.tools.as_ref().map(Tools::to_details),
            budget: authority.budget,
            del_depth: hop.depth,
            del_max_depth: authority.max_depth,
            inst: hop.is_instance.then_some(true),
            iat: Numeric::from(hop.issued_at),
            exp: Numeric::from(authority.expires_at),
            nbf: hop.not_before.map(Numeric::from),
            jti: hop.hop_id.clone(),
            par_hash: hop.parent.to_string(),
        }
    }
}
