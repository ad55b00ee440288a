//! Agent records and their life, as pure functions.
//!
//! The registry's shell loads records, asks a decision of this crate, and commits what it says; nothing else decides. A
//! decision takes the loaded records, verified input, the time and a random source, and returns a [`Change`] (records,
//! one event, feed entries: one atomic commit) or a [`Refusal`], which has exactly one answer on the wire.
//!
//! ```text
//!                 register_agent          approve (two steps)            revoke_agent
//!   (nothing) ----------------> UNCLAIMED -------------------> CLAIMED ----------------> REVOKED
//!                                   |  ^                                                    ^
//!               unused for 30 days  |  | new_claim_code, agent_token            admin only  |
//!   (nothing) <---------------------+  +---------------------------------------------------+
//! ```
//!
//! | call | decision |
//! |---|---|
//! | `POST /agents` | [`register_agent`] |
//! | `POST /claims`, `GET /claims/{id}` | [`new_claim_code`], [`poll_claim`] |
//! | `POST /claims/{id}/approve`, `/refuse` | [`approve`], [`refuse_claim`] |
//! | `POST /owners/codes`, `POST /owners` | [`make_owner_code`], [`replace_owner_code`], [`register_owner`] |
//! | `POST /enrolments`, `/enrolments/{…}/revoke`, `POST /agents` with one | [`make_enrolment`], [`renew_enrolment`], [`revoke_enrolment`], [`enrol_agent`] |
//! | `POST /agents/{…}/suspend`, `/resume`, `/retire`, `/ceiling`, `/environment`, `/version` | [`suspend_agent`], [`resume_agent`], [`retire_agent`], [`change_ceiling`], [`change_environment`], [`state_version`] |
//! | `POST /agents/{…}/transfer`, `/transfer/accept`, `/transfer/withdraw` | [`offer_agent`], [`accept_agent`], [`withdraw_offer`] |
//! | `POST /owners/{id}/offboarding` | [`begin_offboarding`], [`offboard_agent`], [`finish_offboarding`] |
//! | `POST /tasks`, `POST /tasks/{id}/complete` | [`create_owner_task`], [`complete_task`] |
//! | `POST /oauth2/token` | [`agent_token`], [`owner_token`], [`exchange`], [`narrower_root`] |
//! | `POST /revocations` | [`revoke_agent`], [`revoke_task`], [`revoke_token`], [`revoke_hop`], [`revoke_issuer_key`], [`revoke_owner`], [`revoke_key`] |
//! | `POST /agents/{…}/rotate`, `/rotate/approve`, `/rotate/refuse` | [`rotate`], [`approve_rotation`], [`refuse_rotation`] |
//! | `POST /agents/{…}/recover` | [`recover`] |
//!
//! Out: storage, HTTP, clocks, proofs and their replay, rate limits, the log's tree, signing tokens and the feed. Nothing
//! here is read from an environment: no clock, disk, network or random source.

mod authority;
mod caller;
mod ceiling;
mod change;
mod code;
mod decide;
mod enrolment;
mod event;
mod ids;
pub mod limits;
mod policy;
mod record;
mod refusal;
mod request;
mod statement;
mod text;
mod token;

pub use authority::{AGENT_SELF, AuthorityError, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ, bounded, plain_authority};
pub use caller::Caller;
pub use ceiling::{Ceiling, CeilingError, DelegationMode};
pub use change::{Attempt, Change, Expect, FeedEntry, FeedKind, Loaded, Outcome, Write};
pub use code::{CodeKey, OwnerCode, PresentedCode, USER_CODE_CHARS, UserCode};
pub use decide::{
    Approval, ApprovalHandles, ClaimCase, ClaimView, CodeMaker, ConfirmView, DidSlot, EnrolmentCase, HandleSlot,
    HopToStop, IssuedClaim, IssuerKeyToStop, KeyToStop, KnownHop, Leaving, MadeEnrolment, NewestKey, Offboarding,
    OfferedAgent, OwnerToStop, Recipient, Recovery, RecoveryCase, RegisteredAgent, Rotation, RotationCase, Stopped,
    TaskToStop, TokenToStop, accept_agent, approve, approve_rotation, begin_offboarding, change_ceiling,
    change_environment, complete_task, create_owner_task, cut_again, enrol_agent, finish_offboarding, make_enrolment,
    make_owner_code, new_claim_code, note_issuer_keys, offboard_agent, offer_agent, poll_claim, recover, refuse_claim,
    refuse_rotation, register_agent, register_owner, renew_enrolment, replace_owner_code, resume_agent, retire_agent,
    revoke_agent, revoke_enrolment, revoke_hop, revoke_issuer_key, revoke_key, revoke_owner, revoke_task, revoke_token,
    rotate, state_version, suspend_agent, withdraw_offer,
};
pub use enrolment::EnrolmentToken;
pub use event::{DelegatedHop, EpochEnd, Event, Fact, KeyChanged, LifeChange, LifeFact, OperatorFact, Party};
pub use ids::{AgentId, ClaimId, EnrolmentId, IdError, OwnerId, TaskId};
pub use policy::{KnownResource, Mode, PolicyError, RegistryPolicy};
pub use record::{
    AgentHop, AgentRecord, AgentTask, ClaimRecord, ClaimStatus, DidHolder, DidRecord, EncodeError, EnrolmentRecord,
    EnrolmentStatus, HandleRecord, HopRecord, IdempotencyEnd, IdempotencyRecord, IssuerKeysRecord, KeyRecord,
    KnownVersion, OffboardingRecord, Organisation, OwnedAgent, OwnedEnrolment, OwnerCodeRecord, OwnerRecord,
    PendingRotation, PlaceRecord, Profile, Record, RecordError, RecordKind, RevocationRecord, Role, STATUS_LISTS_PATH,
    SelfTasks, Slot, Status, StatusEntry, StatusPlace, StopsRecord, Stored, Subject, TaskRecord, TreeEntry, TreeRecord,
    UsageRecord, UsedScope, VersionsRecord,
};
pub use refusal::{DelegationFault, GrantFault, OauthError, Refusal, RefusalAnswer};
pub use request::{
    ApproveRequest, CeilingRequest, EnrolmentRequest, EnvironmentRequest, OffboardingRequest, OfferRequest,
    OwnerCodeRequest, ReasonRequest, RecoveryRequest, RefuseRequest, RotationAnswer, TaskRequest,
};
pub use statement::{
    AGENT_STATEMENT_TYPE, AgentRegistration, OWNER_STATEMENT_TYPE, OwnerRegistration, ReceivedStatement,
    StatementError, UnverifiedAgentRegistration, UnverifiedOwnerRegistration, UnverifiedVersion,
    VERSION_STATEMENT_TYPE, VerifiedAgentRegistration, VerifiedKeyChange, VerifiedOwnerRegistration, VerifiedVersion,
    VersionStatement,
};
pub use text::{ShownText, TextError};
pub use token::{
    AgentClient, CLIENT_CREDENTIALS, Exchange, ExchangeCase, ExchangeDecision, ExchangeRequest, GrantRequest, Holder,
    PendingGrant, Places, TOKEN_EXCHANGE, TaskChoice, TokenDecision, TokenGrant, TokenRequest,
    UnverifiedClientAssertion, VerifiedClientAssertion, agent_token, client_of, exchange, narrower_root, owner_token,
};
