//! On whose behalf: authority and its order, access tokens, and the hops that pass authority on.
//!
//! An access token is the registry's statement that one agent may use a scope at a resource, for an owner, in a task. A hop is
//! an agent's statement that another key may use a part of that. This crate reads and writes both and compares authority; it
//! does not decide about a request (`handfast-verifier` does), and it trusts no issuer by itself.
//!
//! ```text
//! text    --UnverifiedAccessToken::parse--> --verify(issuer key)-->   VerifiedAccessToken
//! members --UnverifiedChain::parse-->       --verify(root, depth)-->  VerifiedChain
//! ```

mod actor;
mod authority;
mod chain;
mod hash;
mod numeric;
mod resource;
mod scope;
mod status;
mod task;
mod text;
mod token;
pub mod tools;

pub use actor::{ActorChain, ActorError, MAX_ACTORS};
pub use authority::{Authority, Budget, BudgetError, MAX_RATE_SECONDS, MAX_USES, Rate, Widening};
pub use chain::{
    ChainError, ChainText, DEFAULT_CHAIN_BYTES, DEFAULT_HOPS, HOP_TYPE, Hop, KnownKeys, Link, MAX_CHAIN_BYTES,
    MAX_HOP_BYTES, MAX_HOP_LIFETIME, MAX_HOPS, SignedHop, UnrootedChain, UnverifiedChain, UnverifiedHop, VerifiedChain,
};
pub use resource::{MAX_RESOURCE_BYTES, ResourceError, ResourceId};
pub use scope::{MAX_SCOPE_BYTES, MAX_SCOPE_TOKENS, Scope, ScopeError};
pub use status::{MAX_STATUS_URI_BYTES, StatusReference};
pub use task::{Environment, MAX_INTENT_BYTES, MAX_REFERENCE_BYTES, Task, Trigger, TriggerKind};
pub use token::{
    AccessToken, ChainClaims, Delegability, MAX_TOKEN_BYTES, TOKEN_TYPE, TokenError, UnverifiedAccessToken,
    VerifiedAccessToken,
};
pub use tools::{
    Arguments, CallFault, Constraint, DETAILS_TYPE, DetailsError, MAX_CONSTRAINT_ENTRIES, MAX_CONSTRAINT_NESTING,
    MAX_TOOL_ARGUMENTS, MAX_TOOL_NAME_BYTES, MAX_TOOLS, ToolCall, ToolRefusal, ToolWidening, Tools, WideningFault,
};
