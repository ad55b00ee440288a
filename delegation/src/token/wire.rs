//! The JSON of an access token; [`AccessToken`] is what the rest of the project sees.

use handfast_identity::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TokenError;
use crate::actor::ActWire;
use crate::hash::{HashWire, ThumbprintWire};
use crate::numeric::Numeric;
use crate::resource::ResourcesWire;
use crate::status::StatusWire;
use crate::task::TaskWire;
use crate::text::{Keep, TextWire};
use crate::tools::DetailsWire;
use crate::{AccessToken, Authority, Budget, ChainClaims, Delegability, Environment, MAX_HOPS, Scope};

/// Longest `jti`, `sub` or `client_id` read (spec/limits.md).
const MAX_NAME_BYTES: usize = 2048;

#[derive(Deserialize, Serialize)]
pub(super) struct ClaimsWire<'a> {
    #[serde(borrow)]
    iss: TextWire<'a>,
    #[serde(borrow)]
    sub: TextWire<'a>,
    #[serde(borrow)]
    client_id: TextWire<'a>,
    #[serde(borrow)]
    aud: ResourcesWire<'a>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    scope: Option<TextWire<'a>>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    cnf: Option<ConfirmationWire>,
    #[serde(borrow, default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    act: Option<ActWire<'a>>,
    #[serde(borrow, default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    task: Option<TaskWire<'a>>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    env: Option<Environment>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    handle: Option<TextWire<'a>>,
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
    #[serde(borrow)]
    jti: TextWire<'a>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    authorization_details: Option<DetailsWire<'a>>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetWire>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    hops: Option<Vec<HashWire>>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    root_jti: Option<TextWire<'a>>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    chain_hash: Option<HashWire>,
    #[serde(borrow, default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    status: Option<StatusWire<'a>>,
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

/// `jkt` is the confirmation this project can check; a `cnf` without it is refused, members beside it are ignored (CNF-03).
#[derive(Deserialize, Serialize)]
struct ConfirmationWire {
    jkt: ThumbprintWire,
}

impl ClaimsWire<'_> {
    /// The claims, their texts kept by `keep`.
    pub(super) fn claims(self, keep: &Keep<'_>) -> Result<AccessToken, TokenError> {
        let wire = self;
        if ![&wire.iss, &wire.sub, &wire.client_id, &wire.jti].into_iter().all(|text| is_name(text)) {
            return Err(TokenError::Claims);
        }
        let scope = wire.scope.map(|scope| Scope::read(&scope, keep)).transpose().map_err(|_| TokenError::Claims)?;
        let tools = wire.authorization_details.map(|details| details.tools());
        let has_unreadable_restriction =
            matches!(tools, Some(Err(_))) || matches!(wire.budget, Some(BudgetWire::Unreadable(_)));
        Ok(AccessToken {
            issuer: keep(&wire.iss),
            subject: keep(&wire.sub),
            client_id: keep(&wire.client_id),
            authority: Authority {
                scope: scope.unwrap_or_default(),
                resources: wire.aud.audience(keep).ok_or(TokenError::Claims)?,
                tools: tools.and_then(Result::ok),
                budget: wire.budget.and_then(BudgetWire::readable),
                expires_at: wire.exp.time().ok_or(TokenError::Claims)?,
                max_depth: wire.del_max_depth.unwrap_or(0),
            },
            confirmation: wire.cnf.map(|cnf| cnf.jkt.0),
            actors: wire.act.map(|act| act.chain(keep)).transpose().map_err(|_| TokenError::Claims)?,
            task: wire.task.map(|task| task.task(keep)),
            environment: wire.env,
            handle: wire.handle.as_deref().map(keep),
            delegability: delegability(wire.del_depth, wire.del_max_depth, wire.del_offline)?,
            issued_at: wire.iat.time().ok_or(TokenError::Claims)?,
            not_before: wire.nbf.map(|nbf| nbf.time().ok_or(TokenError::Claims)).transpose()?,
            token_id: keep(&wire.jti),
            chain: chain(wire.hops, wire.root_jti, wire.chain_hash, keep)?,
            status: wire.status.and_then(|status| status.readable(keep)),
            has_unreadable_restriction,
        })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES
}

/// Together or not at all: names without the hash of the evidence, or the reverse, stand for no chain.
fn chain(
    hops: Option<Vec<HashWire>>,
    root_token_id: Option<TextWire<'_>>,
    hash: Option<HashWire>,
    keep: &Keep<'_>,
) -> Result<Option<ChainClaims>, TokenError> {
    let (hops, root_token_id, hash) = match (hops, root_token_id, hash) {
        (None, None, None) => return Ok(None),
        (Some(hops), Some(root_token_id), Some(hash)) => (hops, root_token_id, hash),
        _ => return Err(TokenError::Claims),
    };
    if !(1..=MAX_HOPS).contains(&hops.len()) || !is_name(&root_token_id) {
        return Err(TokenError::Claims);
    }
    let hops = hops.into_iter().map(|HashWire(hop)| hop).collect();
    Ok(Some(ChainClaims { hops, root_token_id: keep(&root_token_id), hash: hash.0 }))
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

impl<'a> From<&'a AccessToken> for ClaimsWire<'a> {
    fn from(token: &'a AccessToken) -> Self {
        let authority = &token.authority;
        Self {
            iss: token.issuer.as_str().into(),
            sub: token.subject.as_str().into(),
            client_id: token.client_id.as_str().into(),
            aud: ResourcesWire::Written(&authority.resources),
            scope: (!authority.scope.is_empty()).then(|| authority.scope.as_str().into()),
            cnf: token.confirmation.map(|jkt| ConfirmationWire { jkt: ThumbprintWire(jkt) }),
            act: token.actors.as_ref().map(ActWire::from),
            task: token.task.as_ref().map(TaskWire::Written),
            env: token.environment,
            handle: token.handle.as_deref().map(TextWire::from),
            del_depth: token.delegability.map(|delegability| delegability.depth),
            del_max_depth: token.delegability.map(|_| authority.max_depth),
            del_offline: token.delegability.and_then(|delegability| delegability.offline.then_some(true)),
            iat: Numeric::from(token.issued_at),
            exp: Numeric::from(authority.expires_at),
            nbf: token.not_before.map(Numeric::from),
            jti: token.token_id.as_str().into(),
            authorization_details: authority.tools.as_ref().map(DetailsWire::Written),
            budget: authority.budget.map(BudgetWire::Readable),
            hops: token.chain.as_ref().map(|chain| chain.hops.iter().map(|hop| HashWire(*hop)).collect()),
            root_jti: token.chain.as_ref().map(|chain| chain.root_token_id.as_str().into()),
            chain_hash: token.chain.as_ref().map(|chain| HashWire(chain.hash)),
            status: token.status.as_ref().map(StatusWire::from),
        }
    }
}
