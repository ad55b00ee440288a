//! Access tokens: what to ask for, the token itself, where it comes from, and keeping it fresh.

mod endpoint;
mod exchange;
mod manager;

use std::fmt;

use handfast_delegation::{ResourceId, Scope, Tools};
use handfast_identity::Seconds;
use zeroize::Zeroizing;

pub(crate) use endpoint::TokenEndpoint;
pub use exchange::ExchangeRequest;
pub use manager::TokenManager;

use crate::delegation::Evidence;
use crate::error::ArgumentError;
use crate::key::DpopKey;

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// What may be done with it.
    pub scope: Scope,
    /// Where.
    pub resources: Vec<ResourceId>,
    /// In which task.
    pub task: TaskChoice,
    /// How far it may be passed on at most (`del_max_depth`); as the agent's ceiling says if `None`.
    pub max_depth: Option<u8>,
    /// With which tools only (`authorization_details`); as ceiling and task say if `None`.
    pub tools: Option<Tools>,
}

/// The task that a token is asked for in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TaskChoice {
    /// The agent's own default task; replaced by the registry when it is over.
    #[default]
    Own,
    /// A task that exists, given by its owner or made before.
    Known(String),
    /// A new task of the agent's own. Once made, tokens are renewed inside it until it is over.
    New {
        /// What it is to do, in words.
        intent: String,
        /// The caller's own reference; nobody verifies it.
        reference: Option<String>,
        /// How long it may take.
        seconds: Option<Seconds>,
    },
}

impl TokenRequest {
    /// A token for `scopes` at one resource, in the agent's own task.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] for a text that is no resource identifier or no scope.
    pub fn new(resource: &str, scopes: &[&str]) -> Result<Self, ArgumentError> {
        let scope = Scope::parse(&scopes.join(" "))?;
        let resources = vec![ResourceId::parse(resource)?];
        Ok(Self { scope, resources, task: TaskChoice::Own, max_depth: None, tools: None })
    }

    /// The same at one more resource.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] for a text that is no resource identifier.
    pub fn also_at(mut self, resource: &str) -> Result<Self, ArgumentError> {
        self.resources.push(ResourceId::parse(resource)?);
        Ok(self)
    }

    /// The same, to be passed on no further than `depth` hops.
    #[must_use]
    pub fn with_max_depth(self, depth: u8) -> Self {
        Self { max_depth: Some(depth), ..self }
    }

    /// The same, limited to `tools`.
    #[must_use]
    pub fn with_tools(self, tools: Tools) -> Self {
        Self { tools: Some(tools), ..self }
    }

    /// The same in another task.
    #[must_use]
    pub fn in_task(self, task: TaskChoice) -> Self {
        Self { task, ..self }
    }
}

/// An access token, bound to the key it was asked with; offline, to the key of the bundle it came in. Opaque: nothing is read
/// out of its text (DPOP-20, AT-19), but by an agent that signs below it.
pub struct BoundToken {
    pub(crate) text: Zeroizing<String>,
    pub(crate) scope: Option<String>,
    pub(crate) expires_in: Seconds,
    pub(crate) task: Option<String>,
    pub(crate) evidence: Option<Evidence>,
    /// The key it is bound to, where that is known to be one of ours.
    pub(crate) key: Option<DpopKey>,
}

impl BoundToken {
    /// The text, for a request of the same key or for a person who asked to see it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key it is bound to, for callers that make the proof themselves: behind a rotation it is a former one until the token
    /// ends. `None` if the bundle it came in is for another key.
    #[must_use]
    pub const fn key(&self) -> Option<&DpopKey> {
        self.key.as_ref()
    }

    /// The scope it was given, where the registry said so; otherwise it is the one asked for (RFC 6749 5.1).
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The `Delegation` field that goes with it: an exchanged token's evidence, or the hops below a root token. The proof has to
    /// name its hash as `dch` ([`ContentHash`](handfast_identity::ContentHash) of the text).
    #[must_use]
    pub fn delegation(&self) -> Option<&str> {
        self.evidence.as_ref().map(Evidence::field)
    }

    /// Seconds it was good for when it was issued.
    #[must_use]
    pub const fn expires_in(&self) -> Seconds {
        self.expires_in
    }

    /// Id of the task it is for.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }
}

impl fmt::Debug for BoundToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // P-19, TH73
        f.debug_struct("BoundToken").field("task", &self.task).field("scope", &self.scope).finish_non_exhaustive()
    }
}
