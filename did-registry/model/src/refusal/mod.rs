//! Every way the registry says no.
//!
//! The list is closed, and [`Refusal::answer`] is the only way from a refusal to the wire; spec/reasons.md lists both.
//! A refusal is never about the registry's own trouble blamed on the caller: those are the two 503 at the end (P-17).

mod advice;
mod answer;

use core::fmt;

use handfast_delegation::{ChainError, ResourceId, Scope, Widening};
use handfast_identity::Seconds;

pub use answer::{OauthError, RefusalAnswer};

/// Why the registry refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body or form is not what this call takes; unknown members of a JSON body included (TH67).
    InvalidRequest,
    /// Nothing lives at this path.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body is larger than allowed (TH72).
    BodyTooLarge,
    /// The body is not of the media type this call takes.
    UnsupportedMediaType,
    /// The `Idempotency-Key` is none.
    InvalidIdempotencyKey,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The first request with this idempotency key is not answered yet.
    IdempotencyInProgress,

    /// No access token where one is needed.
    Unauthorized,
    /// A token that does not allow this call.
    Forbidden,
    /// A good token of an owner this registry does not have.
    UnknownOwner,
    /// No such agent, or an UNCLAIMED one that expired.
    UnknownAgent,
    /// No such task, or not the caller's.
    UnknownTask,
    /// The agent is REVOKED, which is final (P-12, TH63).
    AgentRevoked,
    /// The agent is suspended: whoever suspended it lets it go on, or nobody does.
    AgentSuspended,
    /// The agent is retired, which is final: out of use, its record and handle kept.
    AgentRetired,
    /// Nobody answers for the agent yet.
    NotClaimed,
    /// The agent is not offered to the caller, or not any more.
    UnknownTransfer,
    /// The owner was off-boarded.
    OwnerClosed,
    /// The statement of a new version is malformed, stale or for another registry.
    InvalidVersion,
    /// A later statement of the agent's has been taken already.
    StaleStatement,
    /// What is to be revoked was not shown as it has to be, or is over.
    InvalidEvidence,

    /// The DID is not a `did:key` in its one spelling, or its key is unsound (TH45, TH46, TH47).
    InvalidDid,
    /// Others could sign for the key (TH48).
    WeakKey,
    /// The registration statement is malformed, stale or for another registry.
    InvalidRegistration,
    /// The statement is missing, or is not signed by the key of its DID (TH57).
    ProofRequired,
    /// The DID belongs to a record already, now or formerly.
    DidRegistered,

    /// The statement about a key is malformed, stale or for another registry.
    InvalidRotation,
    /// The statement does not follow the newest one, or names one that is not good (TH61).
    StaleSequence,
    /// The key was declared compromised: only the owner can put another in its place.
    KeyCompromised,
    /// As many keys as an agent may have.
    TooManyKeys,
    /// No rotation to this key waits for its owner.
    UnknownRotation,

    /// No such claim.
    UnknownClaim,
    /// Not the code of this claim, or no enrolment code.
    WrongCode,
    /// Somebody else finished first, or the agent has an owner (P-13, TH59).
    AlreadyClaimed,
    /// The handle is not well-formed or is reserved (TH55).
    InvalidHandle,
    /// The handle is another agent's, or once was.
    HandleTaken,
    /// The handle looks like another agent's (TH56).
    HandleConfusable,
    /// The code was used up.
    CodeUsed,
    /// The code is past its time.
    CodeExpired,
    /// Too many wrong tries in all, or a newer code is taking its place.
    CodeVoid,
    /// The agent named another owner when it registered.
    OtherOwnerExpected,
    /// Not the words of the agent's fingerprint.
    WrongConfirmation,
    /// The ceiling's bounds are broken.
    InvalidCeiling,

    /// The enrolment token is none of this registry's.
    InvalidEnrolment,
    /// An agent registered with the enrolment already.
    EnrolmentUsed,
    /// The enrolment is past its time.
    EnrolmentExpired,
    /// The enrolment was called off, or its owner was stopped after it was made.
    EnrolmentRevoked,
    /// The enrolment is for agents of another environment.
    EnvironmentMismatch,
    /// No such enrolment of the caller's.
    UnknownEnrolment,

    /// The client is unknown, or the proof is not by its key.
    InvalidClient,
    /// The client may have no token on these grounds.
    InvalidGrant(GrantFault),
    /// More scope than may be had (TH36).
    InvalidScope {
        /// What is too much.
        excess: Scope,
    },
    /// A resource that is foreign here, or no single one where one is needed (AT-08, AT-10).
    InvalidTarget,
    /// `authorization_details` that are of no type this registry supports, or too long (RFC 9396 5, RAR-02).
    InvalidAuthorizationDetails,
    /// Asked for more than what bounds it, in another dimension than scope and resources (P-08).
    Widened(Widening),
    /// The delegation evidence of an exchange does not hold (TX-04).
    Chain(ChainError),
    /// The delegation evidence holds, and the registry knows better.
    Delegation(DelegationFault),
    /// A grant type this registry does not know.
    UnsupportedGrantType,
    /// The DPoP proof is missing or bad, or was used before.
    InvalidDpopProof,
    /// The DPoP proof needs the nonce sent with this answer.
    UseDpopNonce,
    /// A longer task than the ceiling or the registry allows.
    TaskTooLong,
    /// As many open `self` tasks as an agent may have.
    TooManyTasks,

    /// Too much of it lately: registrations of one source, wrong codes, new codes or tasks of one agent.
    SlowDown {
        /// When to come back.
        retry_after: Seconds,
    },
    /// The store cannot be read or written, or did not say whether it did (TH65).
    StoreUnavailable,
    /// Too much is waiting already.
    Overloaded,
}

/// Why a known client gets no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantFault {
    /// The agent is REVOKED.
    AgentRevoked,
    /// The task does not exist, or is another agent's.
    UnknownTask,
    /// The task is completed, past its deadline, or was given before the agent changed hands.
    TaskEnded,
    /// The task was revoked.
    TaskRevoked,
    /// The agent's key was declared compromised.
    KeyCompromised,
    /// The agent is suspended.
    AgentSuspended,
    /// The owner was off-boarded.
    OwnerClosed,
}

/// Why nothing is given for good evidence: what the registry's own records say of it (spec/delegation.md, exchange).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationFault {
    /// The client is not whom the evidence ends with (DEL-36).
    HolderMismatch,
    /// The owner does not let the agent pass its authority on so far, or not any more.
    NotPermitted,
    /// A delegate is neither of the owner, nor on the ceiling's list, nor an instance.
    DelegateNotPermitted,
    /// A delegate is of another environment than the root.
    EnvironmentMismatch,
    /// The task's tree is full.
    TooMany,
    /// The root token is past its end.
    RootExpired,
    /// The task does not exist any more as the root names it, or is over.
    TaskEnded,
    /// Somebody in the chain is REVOKED.
    AgentRevoked,
    /// The root token was revoked.
    TokenRevoked,
    /// The task was revoked.
    TaskRevoked,
    /// The owner was revoked.
    PrincipalRevoked,
    /// A hop was revoked.
    HopRevoked,
    /// A key in the chain was replaced.
    KeyRotatedOut,
    /// A key in the chain was revoked.
    KeyCompromised,
    /// The key that signed the root was revoked.
    IssuerKeyRevoked,
    /// Somebody in the chain is suspended.
    AgentSuspended,
    /// Somebody in the chain is retired.
    AgentRetired,
}

impl DelegationFault {
    /// Every fault.
    pub const ALL: [Self; 17] = [
        Self::HolderMismatch,
        Self::NotPermitted,
        Self::DelegateNotPermitted,
        Self::EnvironmentMismatch,
        Self::TooMany,
        Self::RootExpired,
        Self::TaskEnded,
        Self::AgentRevoked,
        Self::TokenRevoked,
        Self::TaskRevoked,
        Self::PrincipalRevoked,
        Self::HopRevoked,
        Self::KeyRotatedOut,
        Self::KeyCompromised,
        Self::IssuerKeyRevoked,
        Self::AgentSuspended,
        Self::AgentRetired,
    ];
}

impl From<ChainError> for Refusal {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

impl From<DelegationFault> for Refusal {
    fn from(fault: DelegationFault) -> Self {
        Self::Delegation(fault)
    }
}

impl From<Widening> for Refusal {
    /// The refusal of a request that is wider than what bounds it.
    fn from(widening: Widening) -> Self {
        match widening {
            Widening::Scope(excess) => Self::InvalidScope { excess },
            Widening::Resource(_) => Self::InvalidTarget,
            other => Self::Widened(other),
        }
    }
}

impl Refusal {
    /// One of each kind, for lists and tests; scopes and times in them are examples.
    #[must_use]
    pub fn every() -> Vec<Self> {
        let mut all = Self::plain();
        let widenings = || [Widening::Tools(None), Widening::Budget, Widening::Expiry, Widening::Depth];
        all.extend(widenings().map(Self::Widened));
        all.extend(chain_errors().map(Self::Chain));
        all.extend(widenings().map(|widening| Self::Chain(ChainError::Widened(widening))));
        all.extend(DelegationFault::ALL.map(Self::Delegation));
        all
    }

    fn plain() -> Vec<Self> {
        vec![
            Self::InvalidRequest,
            Self::NotFound,
            Self::MethodNotAllowed,
            Self::BodyTooLarge,
            Self::UnsupportedMediaType,
            Self::InvalidIdempotencyKey,
            Self::IdempotencyKeyReused,
            Self::IdempotencyInProgress,
            Self::Unauthorized,
            Self::Forbidden,
            Self::UnknownOwner,
            Self::UnknownAgent,
            Self::UnknownTask,
            Self::AgentRevoked,
            Self::AgentSuspended,
            Self::AgentRetired,
            Self::NotClaimed,
            Self::UnknownTransfer,
            Self::OwnerClosed,
            Self::InvalidVersion,
            Self::StaleStatement,
            Self::InvalidEvidence,
            Self::InvalidDid,
            Self::WeakKey,
            Self::InvalidRegistration,
            Self::ProofRequired,
            Self::DidRegistered,
            Self::InvalidRotation,
            Self::StaleSequence,
            Self::KeyCompromised,
            Self::TooManyKeys,
            Self::UnknownRotation,
            Self::UnknownClaim,
            Self::WrongCode,
            Self::AlreadyClaimed,
            Self::InvalidHandle,
            Self::HandleTaken,
            Self::HandleConfusable,
            Self::CodeUsed,
            Self::CodeExpired,
            Self::CodeVoid,
            Self::OtherOwnerExpected,
            Self::WrongConfirmation,
            Self::InvalidCeiling,
            Self::InvalidEnrolment,
            Self::EnrolmentUsed,
            Self::EnrolmentExpired,
            Self::EnrolmentRevoked,
            Self::EnvironmentMismatch,
            Self::UnknownEnrolment,
            Self::InvalidClient,
            Self::InvalidGrant(GrantFault::AgentRevoked),
            Self::InvalidGrant(GrantFault::UnknownTask),
            Self::InvalidGrant(GrantFault::TaskEnded),
            Self::InvalidGrant(GrantFault::TaskRevoked),
            Self::InvalidGrant(GrantFault::KeyCompromised),
            Self::InvalidGrant(GrantFault::AgentSuspended),
            Self::InvalidGrant(GrantFault::OwnerClosed),
            Self::InvalidScope { excess: Scope::default() },
            Self::InvalidTarget,
            Self::InvalidAuthorizationDetails,
            Self::UnsupportedGrantType,
            Self::InvalidDpopProof,
            Self::UseDpopNonce,
            Self::TaskTooLong,
            Self::TooManyTasks,
            Self::SlowDown { retry_after: Seconds::new(60) },
            Self::StoreUnavailable,
            Self::Overloaded,
        ]
    }
}

fn chain_errors() -> impl Iterator<Item = ChainError> {
    [
        ChainError::Malformed,
        ChainError::TooLong,
        ChainError::DepthInvalid,
        ChainError::Duplicate,
        ChainError::UntrustedRoot,
        ChainError::SignatureInvalid,
        ChainError::IssuerMismatch,
        ChainError::ParentHashMismatch,
        ChainError::PrincipalAltered,
        ChainError::TaskAltered,
        ChainError::BeforeParent,
        ChainError::Widened(Widening::Scope(Scope::default())),
        ChainError::NotYetValid,
        ChainError::Expired,
    ]
    .into_iter()
    .chain(ResourceId::parse("urn:example").ok().map(|resource| ChainError::Widened(Widening::Resource(resource))))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Widened(widening) => widening.fmt(f),
            Self::Chain(error) => error.fmt(f),
            Self::InvalidScope { excess } if !excess.is_empty() => write!(f, "too much scope: `{excess}`"),
            other => f.write_str(other.answer().title),
        }
    }
}

impl core::error::Error for Refusal {}
