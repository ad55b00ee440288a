//! Stopping other things than agents.

use handfast_delegation::{TokenError, UnverifiedAccessToken};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Answer;
use crate::delegation::Bundle;
use crate::error::AnswerError;
use crate::secret::Secret;

const ISSUER_KEY: &str = "issuer_key";
const PREVIEW: &str = "the preview of a revocation";

/// Something that can be stopped alone, for good.
#[derive(Debug)]
#[non_exhaustive]
pub enum Revocable {
    /// An agent, by its DID or handle, for ever.
    Agent(String),
    /// A task, by its id: every token of it, and every chain below one.
    Task(String),
    /// One access token, which the registry has to be shown: see [`Self::token`].
    Token {
        /// Its `jti`.
        id: String,
        /// Its text.
        token: Secret,
    },
    /// One delegation and all below it: see [`Self::hop`]. One that was exchanged need not be shown.
    Hop {
        /// The hop's name.
        name: String,
        /// Its text.
        hop: Option<Secret>,
    },
    /// Everything on behalf of an owner up to now, by the owner's id. Owner and agents go on with new tokens a few seconds later.
    Owner(String),
    /// One of the registry's own token keys, by its `kid`: every token signed with it. Admins only.
    IssuerKey(String),
    /// One key of an agent, current or former, by its DID: everything by it, bound to it or made for it. The agent goes on with
    /// another one.
    Key(String),
}

impl Revocable {
    /// One access token, by its text.
    ///
    /// # Errors
    ///
    /// [`TokenError`] for what is no access token. Whose it is, the registry finds out.
    pub fn token(text: &str) -> Result<Self, TokenError> {
        let token = UnverifiedAccessToken::parse(text)?;
        Ok(Self::Token { id: token.unverified_claims().token_id.to_string(), token: Secret::new(text) })
    }

    /// What the last delegator of `bundle` passed on.
    #[must_use]
    pub fn hop(bundle: &Bundle) -> Self {
        Self::Hop { name: bundle.leaf_name().to_string(), hop: Some(Secret::new(bundle.split_last().0)) }
    }

    /// The id, as the registry's answer names it.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Agent(id)
            | Self::Task(id)
            | Self::Token { id, .. }
            | Self::Hop { name: id, .. }
            | Self::Owner(id)
            | Self::IssuerKey(id)
            | Self::Key(id) => id,
        }
    }
}

#[derive(Serialize)]
pub(super) struct RevocationWire<'a> {
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> RevocationWire<'a> {
    pub(super) const fn agent(did_or_handle: &'a str, reason: Option<&'a str>) -> Self {
        Self { kind: "agent", id: did_or_handle, evidence: None, reason }
    }

    pub(super) fn of(what: &'a Revocable, reason: Option<&'a str>) -> Self {
        match what {
            Revocable::Agent(id) => Self::agent(id, reason),
            Revocable::Owner(id) => Self { kind: "owner", id, evidence: None, reason },
            Revocable::IssuerKey(id) => Self { kind: ISSUER_KEY, id, evidence: None, reason },
            Revocable::Key(id) => Self { kind: "key", id, evidence: None, reason },
            Revocable::Task(id) => Self { kind: "task", id, evidence: None, reason },
            Revocable::Token { id, token } => Self { kind: "token", id, evidence: Some(token.expose()), reason },
            Revocable::Hop { name, hop } => {
                Self { kind: "hop", id: name, evidence: hop.as_ref().map(Secret::expose), reason }
            }
        }
    }
}

/// How far a revocation would reach, as far as the registry knows.
#[derive(Clone, Debug)]
pub struct Reach {
    agents: Option<u64>,
    tasks: Option<u64>,
    delegations: Option<u64>,
    members: Map<String, Value>,
}

#[derive(Deserialize)]
struct ReachWire {
    #[serde(default)]
    agents: Option<u64>,
    #[serde(default)]
    tasks: Option<u64>,
    #[serde(default)]
    delegations: Option<u64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Reach {
    /// Agents and instances that something is stopped of, where the registry can tell.
    #[must_use]
    pub const fn agents(&self) -> Option<u64> {
        self.agents
    }

    /// Tasks that something is stopped in, where the registry can tell.
    #[must_use]
    pub const fn tasks(&self) -> Option<u64> {
        self.tasks
    }

    /// Exchanged hops that are stopped, where the registry can tell.
    #[must_use]
    pub const fn delegations(&self) -> Option<u64> {
        self.delegations
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(super) fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let ReachWire { agents, tasks, delegations, rest: mut members } = answer.read(PREVIEW)?;
        // nobody counts who has tokens by a key
        let is_key = members.get("kind").and_then(Value::as_str) == Some(ISSUER_KEY);
        if agents.is_none() && !is_key {
            return Err(AnswerError::Member { endpoint: PREVIEW, member: "agents" });
        }
        let counts = [("agents", agents), ("tasks", tasks), ("delegations", delegations)];
        members.extend(counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.into()))));
        Ok(Self { agents, tasks, delegations, members })
    }
}
