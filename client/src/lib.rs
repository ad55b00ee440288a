//! Agent side: hold a key, register it, get tokens bound to it, and sign every request.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use handfast_client::Agent;
//!
//! let agent = Agent::load("agent.json")?;
//! let http = agent.http("https://api.example", &["echo:read"])?;
//! let answer = http.get("https://api.example/echo").send().await?;
//! println!("{}", answer.text().await?);
//!
//! // credentials go to the origins of the token's resources and nowhere else
//! assert!(http.get("https://other.example/echo").send().await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! | asked of the signing client | done |
//! |---|---|
//! | a request to an allowed origin | signed anew for every attempt: fresh proof, newest nonce of that origin |
//! | another origin; `http` beyond loopback, and in production on loopback too | refused, nothing is sent ([`SignError`]) |
//! | an `Authorization`, `DPoP` or `Delegation` field set by the caller | refused, nothing is sent |
//! | a redirect in the answer | stops with [`SignError::Redirect`]; no credentials follow it |
//! | `use_dpop_nonce` | answered once, with the nonce; then [`SignError::NonceRepeated`] |
//! | the same, for a body that can be sent only once | [`SignError::BodyNotRepeatable`] |
//! | `content_digest="sha-256"` in a challenge | repeated once with `Content-Digest` and a proof that covers it; from then on every request to that origin has both |
//! | the same, for a body that is a stream | [`SignError::BodyNotReadable`]; streams to other routes of that origin go without |
//! | a `Content-Digest` field set by the caller | sent as it is, and replaced where the proof covers the content |
//!
//! There is no way to send a bound token as Bearer. Middleware of the caller's, a retry layer say, goes *around* the signer
//! ([`AgentHttp::around`]), so that whatever it repeats is signed again. Wrapping the finished client once more would put it
//! below, where it could only repeat a proof.
//!
//! An agent passes a part of its authority on with [`Agent::delegate`]; the other one uses it with [`Agent::with_delegation`].
//!
//! An agent's key is replaced with [`Agent::rotate`], and everything made of the agent goes on.
//!
//! With the feature `mcp`, clients of the Model Context Protocol that are built with `rmcp` sign in the same way ([`Agent`], `mcp`).
//!
//! Out: what a token says (it is opaque, but to an agent that signs below it), and every decision of a server.

mod agent;
mod clock;
mod delegation;
mod error;
mod holder;
mod http_client;
mod key;
mod keyfile;
mod keyring;
#[cfg(feature = "mcp")]
pub mod mcp;
mod owner;
mod registry;
mod rehearsal;
mod rotation;
mod secret;
mod signing;
#[cfg(all(unix, feature = "ssh-agent"))]
mod ssh_agent;
mod statement;
mod token;

pub use agent::Agent;
pub use clock::{Clock, SystemClock};
pub use delegation::{Bundle, Delegated, Delegation, DelegationBuilder, DelegationError, DelegationSource};
pub use error::{AnswerError, ArgumentError, ClientError, OwnerError, RegistryError, SignError};
pub use handfast_fetch::Mode;
pub use holder::{HolderError, KeyHolder};
pub use http_client::AgentHttp;
pub use key::DpopKey;
pub use keyfile::{
    Custody, Effort, KeyFile, KeyFileError, KeyKind, KeyringEntry, KeyringError, Lock, LockError, MAX_KEY_FILE_BYTES,
    MAX_PASSPHRASE_BYTES, SshAgentPlace,
};
pub use owner::Owner;
pub use registry::{
    AgentPage, AgentQuery, AgentRecord, AgentStatus, AgentVersion, Approval, ApprovalAnswer, Ceiling, Claim,
    ClaimStatus, Confirmation, DelegationMode, Enrolment, EnrolmentPage, MadeEnrolment, Management, Metadata,
    NewEnrolment, NewTask, Offboarding, OwnerRecord, Probe, Reach, Registered, RegistryClient, ReviewPage, ReviewQuery,
    Reviewed, Revocable, Role, Rotated, ScopeUse, Task, TaskDelegation, TaskTree,
};
pub use rehearsal::{Planned, PlannedCredentials};
pub use reqwest;
pub use reqwest_middleware;
pub use rotation::next_key_path;
pub use secret::Secret;
#[cfg(all(unix, feature = "ssh-agent"))]
pub use ssh_agent::{DedicatedError, MARK as SSH_KEY_MARK, SshAgent, SshKey};
pub use statement::{AgentRegistration, OwnerRegistration};
pub use token::{BoundToken, ExchangeRequest, TaskChoice, TokenManager, TokenRequest};
