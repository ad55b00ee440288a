//! The registry's API, as its callers see it (spec/registry.md).

mod agents;
mod answer;
mod claims;
mod client;
mod enrolments;
mod keys;
mod life;
mod management;
mod metadata;
mod once;
mod probe;
mod revocations;
mod tasks;
mod tree;

pub use agents::{AgentPage, AgentQuery, AgentRecord, AgentStatus, Claim, OwnerRecord, Registered};
pub(crate) use answer::Answer;
pub use claims::{Approval, ApprovalAnswer, Ceiling, ClaimStatus, Confirmation, DelegationMode};
pub use client::RegistryClient;
pub use enrolments::{Enrolment, EnrolmentPage, MadeEnrolment, NewEnrolment};
pub use keys::Rotated;
pub use life::{AgentVersion, Offboarding, ReviewPage, ReviewQuery, Reviewed, ScopeUse};
pub use management::{Management, Role};
pub use metadata::Metadata;
pub use probe::Probe;
pub use revocations::{Reach, Revocable};
pub use tasks::{NewTask, Task};
pub use tree::{TaskDelegation, TaskTree};
