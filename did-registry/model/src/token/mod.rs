//! Which tokens the registry makes. Renewing one inside a known task writes nothing.
//!
//! ```text
//! form --TokenRequest::from_form--> agent_token / owner_token --> Ready(TokenGrant)
//!                                                             \-> NewTask: commit, then with_leaf --> TokenGrant
//! ```

mod agent;
mod grant;
mod offer;
mod owner;
mod request;

pub use agent::{AgentClient, TokenDecision, agent_token};
pub use grant::{PendingGrant, TokenGrant};
pub use owner::owner_token;
pub use request::{TaskChoice, TokenRequest};
