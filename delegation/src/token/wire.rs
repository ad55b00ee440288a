//! The JSON of an access token; [`AccessToken`] is what the rest of the project sees.

use handfast_identity::{ContentHash, Thumbprint, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TokenError;
use crate::actor::ActWire;
use crate::numeric::Numeric;
use crate::status::StatusWire;
use crate::{
    AccessToken, ActorChain, Authority, Budget, ChainClaims, Delegability, Environment, MAX_HOPS, ResourceId, Scope,
    Task, Tools,
};

/// Longest `jti`, `sub` or `client_id` read (spec/limits.md).
const MAX_NAME_BYTES: usize = 2048;

#[derive(Deserialize, Serialize)]
pub(super) struct ClaimsWire {
    iss: String,
    sub: String,
    client_id: String,
    aud: AudienceWire,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    cnf: Option<ConfirmationWire>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    act: Option<ActWire>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    env: Option<Environment>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    del_depth: Option<u8>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    del_max_depth: Option<u8>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    del_offline: Option<bool>,
    iat: Numeric,
    exp: Numeric,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    nbf: Option<Numeric>,
    jti: String,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetWire>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    hops: Option<Vec<String>>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    root_jti: Option<String>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    chain_hash: Option<String>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    status: Option<StatusWire>,
}

/// A budget, or what another issuer means by the word.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum BudgetWire {
    Readable(#[serde(deserialize_with = "json::object")] Budget),
    Unreadable(Value),
}

impl BudgetWire {
    fn readable(self) -> Option<Budget> {
        match self {
            Self::Readable(budget) => Some(budget),
            Self::Unreadable(_) => None,
        }
    }
}

/// One identifier, or an array of them (RFC 7519 4.1.3).
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum AudienceWire {
    One(String),
    Several(Vec<String>),
}

/// `jkt` is the confirmation this project can check; a `cnf` without it is refused, members beside it are ignored (CNF-03).
#[derive(Deserialize, Serialize)]
struct ConfirmationWire {
    jkt: String,
}

impl TryFrom<ClaimsWire> for AccessToken {
    type Error = TokenError;

    fn try_from(wire: ClaimsWire) -> Result<Self, TokenError> {
        let audience = match wire.aud {
            AudienceWire::One(one) => vec![one],
            AudienceWire::Several(several) => several,
        };
        let resources: Result<_, _> = audience.iter().map(|text| ResourceId::parse(text)).collect();
        let named = |text: &String| !text.is_empty() && text.len() <= MAX_NAME_BYTES;
        if audience.is_empty() || ![&wire.iss, &wire.sub, &wire.client_id, &wire.jti].into_iter().all(named) {
            return Err(TokenError::Claims);
        }
        let confirmation = wire.cnf.map(|cnf| Thumbprint::parse(&cnf.jkt)).transpose();
        let tools = wire.authorization_details.as_ref().map(Tools::from_details);
        let has_unreadable_restriction =
            matches!(tools, Some(Err(_))) || matches!(wire.budget, Some(BudgetWire::Unreadable(_)));
        Ok(Self {
            issuer: wire.iss,
            subject: wire.sub,
            client_id: wire.client_id,
            authority: Authority {
                scope: Scope::parse(&wire.scope.unwrap_or_default()).map_err(|_| TokenError::Claims)?,
                resources: resources.map_err(|_| TokenError::Claims)?,
                tools: tools.and_then(Result::ok),
                budget: wire.budget.and_then(BudgetWire::readable),
                expires_at: wire.exp.time().ok_or(TokenError::Claims)?,
                max_depth: wire.del_max_depth.unwrap_or(0),
            },
            confirmation: confirmation.map_err(|_| TokenError::Claims)?,
            actors: wire.act.map(ActorChain::try_from).transpose().map_err(|_| TokenError::Claims)?,
            task: wire.task,
            environment: wire.env,
            handle: wire.handle,
            delegability: delegability(wire.del_depth, wire.del_max_depth, wire.del_offline)?,
            issued_at: wire.iat.time().ok_or(TokenError::Claims)?,
            not_before: wire.nbf.map(|nbf| nbf.time().ok_or(TokenError::Claims)).transpose()?,
            token_id: wire.jti,
            chain: chain(wire.hops, wire.root_jti, wire.chain_hash)?,
            status: wire.status.and_then(StatusWire::readable),
            has_unreadable_restriction,
        })
    }
}

/// Together or not at all: names without the hash of the evidence, or the reverse, stand for no chain.
fn chain(
    hops: Option<Vec<String>>,
    root_token_id: Option<String>,
    hash: Option<String>,
) -> Result<Option<ChainClaims>, TokenError> {
    let (hops, root_token_id, hash) = match (hops, root_token_id, hash) {
        (None, None, None) => return Ok(None),
        (Some(hops), Some(root_token_id), Some(hash)) => (hops, root_token_id, hash),
        _ => return Err(TokenError::Claims),
    };
    let names: Option<Vec<_>> = hops.iter().map(|name| ContentHash::from_claim(name)).collect();
    let hops = names.filter(|hops| (1..=MAX_HOPS).contains(&hops.len())).ok_or(TokenError::Claims)?;
    let hash = ContentHash::from_claim(&hash).ok_or(TokenError::Claims)?;
    if root_token_id.is_empty() || root_token_id.len() > MAX_NAME_BYTES {
        return Err(TokenError::Claims);
    }
    Ok(Some(ChainClaims { hops, root_token_id, hash }))
}

/// All of them hang on `del_depth`: a ceiling or permission without it has no meaning and is refused.
fn delegability(
    depth: Option<u8>,
    max_depth: Option<u8>,
    offline: Option<bool>,
) -> Result<Option<Delegability>, TokenError> {
    match (depth, max_depth, offline) {
        (None, None, None) => Ok(None),
        (Some(depth), _, offline) => Ok(Some(Delegability { depth, offline: offline.unwrap_or(false) })),
        (None, _, _) => Err(TokenError::Claims),
    }
}

impl From<&AccessToken> for ClaimsWire {
    fn from(token: &AccessToken) -> Self {
        Self {
            iss: token.issuer.clone(),
            sub: token.subject.clone(),
            client_id: token.client_id.clone(),
            aud: AudienceWire::Several(token.authority.resources.iter().map(ToString::to_string).collect()),
            scope: (!token.authority.scope.is_empty()).then(|| token.authority.scope.to_string()),
            cnf: token.confirmation.map(|jkt| ConfirmationWire { jkt: jkt.to_string() }),
            act: token.actors.as_ref().map(ActWire::from),
            task: token.task.clone(),
            env: token.environment,
            handle: token.handle.clone(),
            del_depth: token.delegability.map(|delegability| delegability.depth),
            del_max_depth: token.delegability.map(|_| token.authority.max_depth),
            del_offline: token.delegability.and_then(|delegability| delegability.offline.then_some(true)),
            iat: Numeric::from(token.issued_at),
            exp: Numeric::from(token.authority.expires_at),
            nbf: token.not_before.map(Numeric::from),
            jti: token.token_id.clone(),
            authorization_details: token.authority.tools.as_ref().map(Tools::to_details),
            budget: token.authority.budget.map(BudgetWire::Readable),
            hops: token.chain.as_ref().map(|chain| chain.hops.iter().map(ToString::to_string).collect()),
            root_jti: token.chain.as_ref().map(|chain| chain.root_token_id.clone()),
            chain_hash: token.chain.as_ref().map(|chain| chain.hash.to_string()),
            status: token.status.as_ref().map(StatusWire::from),
        }
    }
}
