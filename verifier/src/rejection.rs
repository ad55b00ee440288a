//! Every reason a request at a resource can be turned away for: a closed list (spec/reasons.md).

use core::fmt;

use handfast_delegation::{ChainError, Scope};
use handfast_dpop::{ProofError, ReplayError};

use crate::Stop;
use crate::budget::BudgetError;
use crate::tools::Ambiguity;

/// Why a request was turned away. Exhaustive on purpose: a new reason has to be answered, documented and tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    // 1: form
    /// No `Authorization` field.
    CredentialsMissing,
    /// More than one `Authorization` field.
    CredentialsRepeated,
    /// `Authorization` is not a scheme and one token68.
    CredentialsMalformed,
    /// Another scheme than DPoP and Bearer.
    SchemeUnsupported,
    /// A token under the Bearer scheme (DPOP-14, DPOP-102).
    BearerDowngrade,
    /// A token in the query or the body as well (DPOP-104, TH15).
    TokenMisplaced,
    /// No `DPoP` field beside the token.
    ProofMissing,
    /// More than one `DPoP` field (DPOP-21).
    ProofRepeated,
    // 2 and 7: proof
    /// A check of the proof failed.
    Proof(ProofError),
    // 3: token
    /// Not an access token in its strict form.
    TokenMalformed,
    /// `typ` is not `at+jwt`.
    TokenTypeMismatch,
    /// `alg` is not one for the issuer's key.
    TokenAlgorithmRefused,
    /// From an issuer that is not trusted, or not trusted with this resource, scope or subject.
    IssuerNotTrusted,
    /// Signed under a `kid` the issuer is not known to have.
    TokenKeyUnknown,
    /// Not for this resource.
    AudienceMismatch,
    /// Past its end.
    TokenExpired,
    /// Before its beginning, or made in the future.
    TokenNotYetValid,
    /// Lives longer than its issuer may let tokens live.
    TokenLifetimeExceeded,
    /// The signature is not the issuer's.
    TokenSignatureInvalid,
    /// Lacks claims its profile owes (task, actors, depth), or they contradict each other.
    TokenClaimsIncomplete,
    /// Restricted in a way this resource cannot apply.
    RestrictionUnsupported,
    /// Made for another environment.
    EnvironmentMismatch,
    // 4: revocation
    /// The token was revoked.
    TokenRevoked,
    /// By its issuer's list the token does not count for now.
    TokenSuspended,
    /// Its place in a status list of its issuer is missing, not in the list, or says what is not understood; or the list would be
    /// one that the issuer may not name.
    StatusReferenceInvalid,
    /// Its task was revoked.
    TaskRevoked,
    /// An agent of its chain was revoked.
    AgentRevoked,
    /// The owner it is for was revoked.
    PrincipalRevoked,
    /// The key it is bound to was rotated out before it was made.
    KeyRotatedOut,
    /// The key it is bound to is compromised.
    KeyCompromised,
    /// The issuer's key that signed it was revoked.
    IssuerKeyRevoked,
    /// Whether anything was revoked is not known, or not recently enough. Ours.
    StatusUnknown,
    /// The same, for the status list at this address is not held. Ours.
    StatusListMissing {
        /// The address, of an origin that the issuer may name. Text of the issuer's.
        uri: String,
    },
    /// The same, for the issuer was not asked about this token, or not lately enough. Ours.
    IntrospectionMissing,
    /// The issuer's feed went back behind what is known of it. Ours.
    FeedRolledBack,
    // 5: chain
    /// A chain was sent with a token that may not be passed on.
    DelegationNotPermitted,
    /// A chain was sent with a root token that has to be exchanged first.
    OfflineNotPermitted,
    /// The token stands for a chain of hops, and evidence of them was not given.
    EvidenceRequired,
    /// A check of the chain failed; also of its form, in step 1.
    Chain(ChainError),
    /// The token allows more than its chain, although the issuer signed it (DEL-34).
    TokenExceedsChain,
    /// A hop of the chain was revoked.
    HopRevoked,
    /// This server halted the task, for what was asked for in it.
    TaskHalted,
    /// This server suspended a hop of the chain, for what was asked for below it.
    DelegationSuspended,
    // 6: binding
    /// Bound to no key (DPOP-103).
    TokenUnbound,
    /// Bound to another key than the proof's (DPOP-35).
    HolderMismatch,
    /// The current actor is not the client, or not the holder of the key.
    ActorMismatch,
    // 8: route
    /// The scope does not allow it.
    ScopeInsufficient {
        /// The scope that would.
        wanted: Scope,
    },
    /// An agent at a route for owners, or the reverse.
    CallerNotPermitted {
        /// The scope the route asks of those it is for.
        wanted: Scope,
    },
    /// What the request calls could be read in two ways, or not at all.
    ArgumentsAmbiguous(Ambiguity),
    /// The tool, or an argument of it, is not one the caller was given; or the route cannot tell tools.
    ToolRefused,
    // 9: replay
    /// The replay store knows the proof, or could not remember it.
    Replay(ReplayError),
    /// The receipt is not for this request's proof, or what was spent is not for its charges. A fault of the shell: ours.
    ReceiptMismatch,
    // 10: budget
    /// A budget is used up, or the use could not be counted.
    Budget(BudgetError),
}

impl Rejection {
    /// The stable reason: `snake_case`, listed in spec/reasons.md. Never text of the caller's.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::CredentialsMissing => "credentials_missing",
            Self::CredentialsRepeated => "credentials_repeated",
            Self::CredentialsMalformed => "credentials_malformed",
            Self::SchemeUnsupported => "scheme_unsupported",
            Self::BearerDowngrade => "bearer_downgrade",
            Self::TokenMisplaced => "token_misplaced",
            Self::ProofMissing => "proof_missing",
            Self::ProofRepeated => "proof_repeated",
            Self::Proof(error) => error.reason(),
            Self::TokenMalformed => "token_malformed",
            Self::TokenTypeMismatch => "token_type_mismatch",
            Self::TokenAlgorithmRefused => "token_algorithm_refused",
            Self::IssuerNotTrusted => "issuer_not_trusted",
            Self::TokenKeyUnknown => "token_key_unknown",
            Self::AudienceMismatch => "audience_mismatch",
            Self::TokenExpired => "token_expired",
            Self::TokenNotYetValid => "token_not_yet_valid",
            Self::TokenLifetimeExceeded => "token_lifetime_exceeded",
            Self::TokenSignatureInvalid => "token_signature_invalid",
            Self::TokenClaimsIncomplete => "token_claims_incomplete",
            Self::RestrictionUnsupported => "restriction_unsupported",
            Self::EnvironmentMismatch => "environment_mismatch",
            Self::TokenRevoked => "token_revoked",
            Self::TokenSuspended => "token_suspended",
            Self::StatusReferenceInvalid => "status_reference_invalid",
            Self::TaskRevoked => "task_revoked",
            Self::AgentRevoked => "agent_revoked",
            Self::PrincipalRevoked => "principal_revoked",
            Self::KeyRotatedOut => "key_rotated_out",
            Self::KeyCompromised => "key_compromised",
            Self::IssuerKeyRevoked => "issuer_key_revoked",
            Self::StatusUnknown | Self::StatusListMissing { .. } | Self::IntrospectionMissing => "status_unknown",
            Self::FeedRolledBack => "feed_rolled_back",
            Self::DelegationNotPermitted => "delegation_not_permitted",
            Self::OfflineNotPermitted => "offline_not_permitted",
            Self::EvidenceRequired => "evidence_required",
            Self::Chain(error) => error.reason(),
            Self::TokenExceedsChain => "token_exceeds_chain",
            Self::HopRevoked => "hop_revoked",
            Self::TaskHalted => "task_halted",
            Self::DelegationSuspended => "delegation_suspended",
            Self::TokenUnbound => "token_unbound",
            Self::HolderMismatch => "holder_mismatch",
            Self::ActorMismatch => "actor_mismatch",
            Self::ScopeInsufficient { .. } => "insufficient_scope",
            Self::CallerNotPermitted { .. } => "caller_not_permitted",
            Self::ArgumentsAmbiguous(_) => "arguments_ambiguous",
            Self::ToolRefused => "tool_refused",
            Self::Replay(error) => error.reason(),
            Self::ReceiptMismatch => "receipt_mismatch",
            Self::Budget(error) => error.reason(),
        }
    }

    /// Whether a caller in good standing asked for more than it was given: the drift of a task is counted in these. A rate that
    /// will allow more is not: somebody was only too quick, and perhaps somebody else.
    #[must_use]
    pub const fn is_drift(&self) -> bool {
        matches!(
            self,
            Self::ScopeInsufficient { .. }
                | Self::CallerNotPermitted { .. }
                | Self::ToolRefused
                | Self::Budget(BudgetError::Spent { retry_after: None })
        )
    }
}

impl From<Stop> for Rejection {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Task => Self::TaskHalted,
            Stop::Delegation => Self::DelegationSuspended,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.answer().description)
    }
}

impl core::error::Error for Rejection {}

impl From<ProofError> for Rejection {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

impl From<Ambiguity> for Rejection {
    fn from(ambiguity: Ambiguity) -> Self {
        Self::ArgumentsAmbiguous(ambiguity)
    }
}

impl From<ChainError> for Rejection {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

impl From<BudgetError> for Rejection {
    fn from(error: BudgetError) -> Self {
        Self::Budget(error)
    }
}

impl From<ReplayError> for Rejection {
    fn from(error: ReplayError) -> Self {
        Self::Replay(error)
    }
}
