//! The JSON of an access token; [`AccessToken`] is what the rest of the project sees.

use handfast_identity::{MAX_UNIX_SECONDS, Thumbprint, UnixTime, json};
use serde::{Deserialize, Serialize};

use super::TokenError;
use crate::actor::ActWire;
use crate::{AccessToken, ActorChain, Delegability, Environment, ResourceId, Restrictions, Scope, Task};

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
    #[serde(default, deserialize_with = "json::present", skip_serializing)]
    authorization_details: bool,
    #[serde(default, deserialize_with = "json::present", skip_serializing)]
    budget: bool,
    #[serde(default, deserialize_with = "json::present", skip_serializing)]
    hops: bool,
    #[serde(default, deserialize_with = "json::present", skip_serializing)]
    root_jti: bool,
    #[serde(default, deserialize_with = "json::present", skip_serializing)]
    chain_hash: bool,
}

/// A JSON integer of seconds; texts, fractions and negative numbers are refused (AT-18, DEL-43).
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(transparent)]
struct Numeric(u64);

impl Numeric {
    fn time(self) -> Result<UnixTime, TokenError> {
        if self.0 <= MAX_UNIX_SECONDS { Ok(UnixTime::from_secs(self.0)) } else { Err(TokenError::Claims) }
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
        let audience: Result<Vec<_>, _> = audience.iter().map(|text| ResourceId::parse(text)).collect();
        let audience = audience.map_err(|_| TokenError::Claims)?;
        let named = |text: &String| !text.is_empty() && text.len() <= MAX_NAME_BYTES;
        if audience.is_empty() || ![&wire.iss, &wire.sub, &wire.client_id, &wire.jti].into_iter().all(named) {
            return Err(TokenError::Claims);
        }
        let confirmation = wire.cnf.map(|cnf| Thumbprint::parse(&cnf.jkt)).transpose();
        Ok(Self {
            issuer: wire.iss,
            subject: wire.sub,
            client_id: wire.client_id,
            audience,
            scope: Scope::parse(&wire.scope.unwrap_or_default()).map_err(|_| TokenError::Claims)?,
            confirmation: confirmation.map_err(|_| TokenError::Claims)?,
            actors: wire.act.map(ActorChain::try_from).transpose().map_err(|_| TokenError::Claims)?,
            task: wire.task,
            environment: wire.env,
            handle: wire.handle,
            delegability: delegability(wire.del_depth, wire.del_max_depth, wire.del_offline)?,
            issued_at: wire.iat.time()?,
            expires_at: wire.exp.time()?,
            not_before: wire.nbf.map(Numeric::time).transpose()?,
            token_id: wire.jti,
            restrictions: Restrictions {
                authorization_details: wire.authorization_details,
                budget: wire.budget,
                chain: wire.hops || wire.root_jti || wire.chain_hash,
            },
        })
    }
}

/// All of them hang on `del_depth`: a ceiling or permission without it has no meaning and is refused.
fn delegability(
    depth: Option<u8>,
    max_depth: Option<u8>,
    offline: Option<bool>,
) -> Result<Option<Delegability>, TokenError> {
    match (depth, max_depth, offline) {
        (None, None, None) => Ok(None),
        (Some(depth), max_depth, offline) => {
            Ok(Some(Delegability { depth, max_depth: max_depth.unwrap_or(0), offline: offline.unwrap_or(false) }))
        }
        (None, _, _) => Err(TokenError::Claims),
    }
}

impl From<&AccessToken> for ClaimsWire {
    fn from(token: &AccessToken) -> Self {
        Self {
            iss: token.issuer.clone(),
            sub: token.subject.clone(),
            client_id: token.client_id.clone(),
            aud: AudienceWire::Several(token.audience.iter().map(ToString::to_string).collect()),
            scope: (!token.scope.is_empty()).then(|| token.scope.to_string()),
            cnf: token.confirmation.map(|jkt| ConfirmationWire { jkt: jkt.to_string() }),
            act: token.actors.as_ref().map(ActWire::from),
            task: token.task.clone(),
            env: token.environment,
            handle: token.handle.clone(),
            del_depth: token.delegability.map(|delegability| delegability.depth),
            del_max_depth: token.delegability.map(|delegability| delegability.max_depth),
            del_offline: token.delegability.and_then(|delegability| delegability.offline.then_some(true)),
            iat: Numeric(token.issued_at.as_secs()),
            exp: Numeric(token.expires_at.as_secs()),
            nbf: token.not_before.map(|time| Numeric(time.as_secs())),
            jti: token.token_id.clone(),
            authorization_details: false,
            budget: false,
            hops: false,
            root_jti: false,
            chain_hash: false,
        }
    }
}
