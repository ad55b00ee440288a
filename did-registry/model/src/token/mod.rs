//! Which tokens the registry makes. Renewing one inside a known task writes nothing, but where
//! the place of its status is no good any more (spec/status-lists.md).
//!
//! ```text
//! form --TokenRequest::from_form--> agent_token / owner_token --> Ready(TokenGrant)
//!                                                             \-> NewTask: commit, then with_leaf --> TokenGrant
//!                                                             \-> NewPlace: write, then TokenGrant
//! form --ExchangeRequest::from_form--> exchange / narrower_root --> Ready(TokenGrant), or NewHops, NewPlace: commit first
//! ```

mod agent;
mod assertion;
mod exchange;
mod exchange_request;
mod form;
mod grant;
mod narrow;
mod offer;
mod owner;
mod place;
mod request;

pub use agent::{AgentClient, TokenDecision, agent_token};
pub use assertion::{UnverifiedClientAssertion, VerifiedClientAssertion};
pub use exchange::{Exchange, ExchangeCase, ExchangeDecision, Holder, exchange, narrower_root};
pub use exchange_request::ExchangeRequest;
pub use form::client_of;
pub use grant::{PendingGrant, TokenGrant};
pub use owner::owner_token;
pub use place::Places;
pub use request::{CLIENT_CREDENTIALS, GrantRequest, TOKEN_EXCHANGE, TaskChoice, TokenRequest};
