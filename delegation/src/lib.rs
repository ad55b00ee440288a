//! On whose behalf: access tokens, the actors in them, and the authority they carry.
//!
//! An access token is the registry's statement that one agent may use a scope at a resource, for an owner, in a task. This
//! crate reads and writes it and compares authority; it does not decide about a request (`handfast-verifier` does), and it
//! trusts no issuer by itself.
//!
//! ```text
//! text --UnverifiedAccessToken::parse--> --verify(issuer key)--> VerifiedAccessToken
//! ```

mod actor;
mod resource;
mod scope;
mod task;
mod token;
pub mod tools;

pub use actor::{ActorChain, ActorError, MAX_ACTORS};
pub use resource::{MAX_RESOURCE_BYTES, ResourceError, ResourceId};
pub use scope::{MAX_SCOPE_BYTES, MAX_SCOPE_TOKENS, Scope, ScopeError};
pub use task::{Environment, MAX_INTENT_BYTES, MAX_REFERENCE_BYTES, Task, Trigger, TriggerKind};
pub use token::{
    AccessToken, Delegability, MAX_TOKEN_BYTES, Restrictions, TOKEN_TYPE, TokenError, UnverifiedAccessToken,
    VerifiedAccessToken,
};
pub use tools::{
    Arguments, CallFault, Constraint, DETAILS_TYPE, DetailsError, MAX_CONSTRAINT_ENTRIES, MAX_CONSTRAINT_NESTING,
    MAX_TOOL_ARGUMENTS, MAX_TOOL_NAME_BYTES, MAX_TOOLS, ToolCall, ToolRefusal, ToolWidening, Tools, WideningFault,
};
