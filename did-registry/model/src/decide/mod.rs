//! The decisions: loaded records, verified input, time and randomness in; a change or a refusal out.
//!
//! None of them reads or writes anything. A shell loads what a decision asks for, decides, and commits the change; if the
//! store finds a record other than it was loaded, it starts over from the load.

mod approve;
mod claim;
mod enrol;
mod free;
mod life;
mod offboard;
mod operator;
mod owner;
mod poll;
mod recover;
mod register;
mod revoke;
mod rotate;
mod task;

pub use approve::{Approval, ApprovalHandles, ConfirmView, approve};
pub use claim::{ClaimCase, IssuedClaim, new_claim_code, refuse_claim};
pub use enrol::{EnrolmentCase, MadeEnrolment, enrol_agent, make_enrolment, renew_enrolment, revoke_enrolment};
pub use free::{DidSlot, HandleSlot};
pub(crate) use life::require_active;
pub use life::{
    OfferedAgent, Recipient, accept_agent, change_ceiling, change_environment, cut_again, offer_agent, resume_agent,
    retire_agent, state_version, suspend_agent, withdraw_offer,
};
pub use offboard::{Leaving, Offboarding, begin_offboarding, finish_offboarding, offboard_agent};
pub use operator::note_issuer_keys;
pub use owner::{CodeMaker, make_owner_code, register_owner, replace_owner_code};
pub use poll::{ClaimView, poll_claim};
pub use recover::{Recovery, RecoveryCase, recover};
pub use register::{RegisteredAgent, register_agent};
pub use revoke::{
    HopToStop, IssuerKeyToStop, KeyToStop, KnownHop, OwnerToStop, Stopped, TaskToStop, TokenToStop, revoke_agent,
    revoke_hop, revoke_issuer_key, revoke_key, revoke_owner, revoke_task, revoke_token,
};
pub use rotate::{NewestKey, Rotation, RotationCase, approve_rotation, refuse_rotation, rotate};
pub(crate) use task::{Draft, new_task, task_created, task_lifetime};
pub use task::{complete_task, create_owner_task};
