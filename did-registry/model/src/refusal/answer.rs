//! The one way from a refusal to the wire.

use core::fmt::Display;

use handfast_delegation::{ChainError, Widening};
use handfast_identity::Seconds;

use super::advice::chain_advice;
use super::{DelegationFault, GrantFault, Refusal};
use crate::limits::MAX_EXCESS_CHARS;

/// What a client is told. The texts are constant (ERR-14); of the request only what was too much is named, bounded and in
/// characters an `error_description` may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalAnswer {
    /// The HTTP status, never a success.
    pub status: u16,
    /// The `error` of an OAuth endpoint; `None` for a refusal no OAuth endpoint gives.
    pub error: Option<OauthError>,
    /// The stable reason. Several refusals share one where the cause is the same and the surface differs.
    pub reason: &'static str,
    /// One line, constant for its reason and status (ERR-05, ERR-12).
    pub title: &'static str,
    /// What to do about it.
    pub detail: &'static str,
    /// What was too much, where something was: scope tokens, a resource, a tool or an argument.
    pub excess: Option<String>,
    /// When to come back, for the `Retry-After` field.
    pub retry_after: Option<Seconds>,
}

/// The `error` values of the OAuth endpoints here (ERR-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OauthError {
    /// RFC 6749 5.2.
    InvalidRequest,
    /// RFC 6749 5.2.
    InvalidClient,
    /// RFC 6749 5.2.
    InvalidGrant,
    /// RFC 6749 5.2.
    InvalidScope,
    /// RFC 6749 5.2.
    UnsupportedGrantType,
    /// RFC 8707 2.
    InvalidTarget,
    /// RFC 9396 5.
    InvalidAuthorizationDetails,
    /// RFC 9449 5.
    InvalidDpopProof,
    /// RFC 9449 8.
    UseDpopNonce,
    /// RFC 8628 3.5.
    SlowDown,
    /// RFC 6749 4.1.2.1.
    TemporarilyUnavailable,
}

impl OauthError {
    /// The value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::SlowDown => "slow_down",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// Status, OAuth error, reason, title, detail.
type Row = (u16, Option<OauthError>, &'static str, &'static str, &'static str);

impl Refusal {
    /// Status, error, reason and words of this refusal: a total function, and the only one.
    #[must_use]
    pub fn answer(&self) -> RefusalAnswer {
        let (status, error, reason, title, detail) = self.row();
        let retry_after = match self {
            Self::SlowDown { retry_after } => Some(*retry_after),
            _ => None,
        };
        RefusalAnswer { status, error, reason, title, detail, excess: self.excess(), retry_after }
    }

    fn excess(&self) -> Option<String> {
        match self {
            Self::InvalidScope { excess } => Some(shown(excess)),
            Self::Widened(widening) | Self::Chain(ChainError::Widened(widening)) => match widening {
                Widening::Scope(excess) => Some(shown(excess)),
                Widening::Resource(resource) => Some(shown(resource)),
                Widening::Tools(excess) => excess.as_ref().map(shown),
                Widening::Budget | Widening::Expiry | Widening::Depth => None,
            },
            _ => None,
        }
        .filter(|excess| !excess.is_empty())
    }

    #[rustfmt::skip] // a table: one row a refusal
    fn row(&self) -> Row {
        match self {
            Self::InvalidRequest => (400, Some(OauthError::InvalidRequest), "invalid_request", "the request is not what this call takes", "check the members: unknown, missing, repeated and ill-formed ones are refused"),
            Self::NotFound => (404, None, "not_found", "nothing lives here", "check the path"),
            Self::MethodNotAllowed => (405, None, "method_not_allowed", "this path has no such method", "see the Allow field"),
            Self::BodyTooLarge => (413, None, "body_too_large", "the body is larger than allowed", "send at most 64 KiB"),
            Self::UnsupportedMediaType => (415, None, "unsupported_media_type", "the body is not of the media type this call takes", "see the Accept field"),
            Self::InvalidIdempotencyKey => (400, None, "invalid_idempotency_key", "not an idempotency key", "send one Idempotency-Key of 1 to 128 visible characters, such as a UUID"),
            Self::IdempotencyKeyReused => (422, None, "idempotency_key_reused", "the idempotency key was used for another request", "make a new key for each thing to create, and repeat a request with its body unchanged"),
            Self::IdempotencyInProgress => (409, None, "idempotency_in_progress", "the first request with this idempotency key is not answered yet", "wait a moment and repeat the request"),
            Self::Unauthorized => (401, None, "unauthorized", "an access token is needed", "get a token for the registry and send it with a DPoP proof"),
            Self::Forbidden => (403, None, "forbidden", "the access token does not allow this", "ask the agent's owner or a registry admin"),
            Self::UnknownOwner => (403, None, "unknown_owner", "the token's owner is not known here", "register the owner with an enrolment code"),
            Self::UnknownAgent => (404, None, "unknown_agent", "no such agent", "check the DID or handle; an unclaimed agent expires when unused"),
            Self::UnknownTask => (404, None, "unknown_task", "no such task", "check the task id"),
            Self::AgentRevoked => (409, None, "agent_revoked", "the agent is revoked", "revocation is final: register a new agent with a new key"),
            Self::InvalidRotation => (400, None, "invalid_rotation", "the statement about the key is malformed, stale or for another registry", "check its members, its `aud` and the clock"),
            Self::StaleSequence => (409, None, "stale_sequence", "the statement does not follow the newest good one", "look at the agent's keys, and sign a statement that follows the newest one"),
            Self::KeyCompromised => (409, None, "key_compromised", "the key was declared compromised", "only the agent's owner can put another in its place, by a recovery"),
            Self::TooManyKeys => (409, None, "too_many_keys", "the agent has had as many keys as one may have", "register a new agent"),
            Self::UnknownRotation => (404, None, "unknown_rotation", "no rotation to this key waits for an answer", "look at the agent's record: it names the key that waits"),
            Self::AgentSuspended => (409, None, "agent_suspended", "the agent is suspended", "ask whoever suspended it to let it go on: its owner, or an admin where an admin did"),
            Self::AgentRetired => (409, None, "agent_retired", "the agent is retired", "retiring is final: register a new agent with a new key"),
            Self::NotClaimed => (409, None, "not_claimed", "nobody has claimed the agent", "claim it first; an unclaimed agent registers another key instead of rotating"),
            Self::UnknownTransfer => (404, None, "unknown_transfer", "no such offer of an agent", "ask the agent's owner to offer it, or to offer it again"),
            Self::OwnerClosed => (409, None, "owner_closed", "the owner has been off-boarded", "name another owner"),
            Self::InvalidVersion => (400, None, "invalid_version", "the version statement is not acceptable", "check type, audience, time and members of the statement"),
            Self::StaleStatement => (409, None, "stale_statement", "a later statement of the agent was taken already", "sign the statement anew"),
            Self::InvalidEvidence => (400, None, "invalid_evidence", "what is to be revoked was not shown, or is over", "show the thing with this id itself, as this registry or its delegator signed it, before it ends"),
            Self::InvalidDid => (400, None, "invalid_did", "not an acceptable did:key", "use the one spelling of a sound Ed25519 or P-256 key"),
            Self::WeakKey => (400, None, "weak_key", "others could sign for this key", "make a new key"),
            Self::InvalidRegistration => (400, None, "invalid_registration", "the registration statement is not acceptable", "check type, audience, time and members of the statement"),
            Self::ProofRequired => (401, None, "proof_required", "the statement is not signed by the key of its DID", "sign the statement with the key you register"),
            Self::DidRegistered => (409, None, "did_registered", "the DID is registered already", "use the existing record, or make a new key"),
            Self::UnknownClaim => (404, None, "unknown_claim", "no such claim", "check the claim's address, or let the agent ask for a new code"),
            Self::WrongCode => (403, None, "wrong_code", "the code is not the right one", "check the code; tries are counted"),
            Self::AlreadyClaimed => (409, None, "already_claimed", "the agent has an owner already", "ask its owner"),
            Self::InvalidHandle => (422, None, "invalid_handle", "not a handle one can choose", "use 3 to 63 characters: words of a-z and 0-9 joined by single hyphens, no reserved word"),
            Self::HandleTaken => (409, None, "handle_taken", "the handle is taken", "choose another; a handle that was ever claimed is never given again"),
            Self::HandleConfusable => (409, None, "handle_confusable", "the handle looks like another one", "choose one that reads differently"),
            Self::CodeUsed => (410, None, "code_used", "the code was used already", "let the agent ask for a new code if it has no owner yet"),
            Self::CodeExpired => (410, None, "code_expired", "the code is past its time", "ask for a new code"),
            Self::CodeVoid => (410, None, "code_void", "the code is void", "let the agent ask for a new code"),
            Self::OtherOwnerExpected => (403, None, "other_owner_expected", "the agent expects another owner", "sign in as the owner the agent named, or register it anew"),
            Self::WrongConfirmation => (403, None, "wrong_confirmation", "not the words of the agent's fingerprint", "compare the words with those the agent shows, and send them as they are"),
            Self::InvalidCeiling => (400, None, "invalid_ceiling", "the ceiling is outside its bounds", "check sizes, task seconds, delegation and delegates"),
            Self::InvalidEnrolment => (403, None, "invalid_enrolment", "the enrolment token is not one of this registry", "check the token, or ask the owner for another"),
            Self::EnrolmentUsed => (410, None, "enrolment_used", "the enrolment was used already", "ask the owner for another: each is good for one agent"),
            Self::EnrolmentExpired => (410, None, "enrolment_expired", "the enrolment is past its time", "ask the owner for another"),
            Self::EnrolmentRevoked => (410, None, "enrolment_revoked", "the enrolment was called off", "ask the owner for another"),
            Self::EnvironmentMismatch => (403, None, "environment_mismatch", "the enrolment is for another environment", "register for the environment the owner made it for, or ask for another"),
            Self::UnknownEnrolment => (404, None, "unknown_enrolment", "no such enrolment", "check the enrolment's id"),
            Self::InvalidClient => (401, Some(OauthError::InvalidClient), "invalid_client", "unknown client, or the proof is not by its key", "sign the proof with the key of the DID in client_id, and register it first"),
            Self::InvalidGrant(GrantFault::AgentRevoked) => (400, Some(OauthError::InvalidGrant), "agent_revoked", "the agent is revoked", "revocation is final: register a new agent with a new key"),
            Self::InvalidGrant(GrantFault::UnknownTask) => (400, Some(OauthError::InvalidGrant), "unknown_task", "no such task of this agent", "check the task id, or leave it out"),
            Self::InvalidGrant(GrantFault::TaskEnded) => (400, Some(OauthError::InvalidGrant), "task_ended", "the task has ended", "start a new task"),
            Self::InvalidGrant(GrantFault::KeyCompromised) => (400, Some(OauthError::InvalidGrant), "key_compromised", "the agent's key was declared compromised", "let the agent's owner recover it with another key"),
            Self::InvalidGrant(GrantFault::TaskRevoked) => (400, Some(OauthError::InvalidGrant), "task_revoked", "the task is revoked", "start a new task, if the owner agrees"),
            Self::InvalidGrant(GrantFault::AgentSuspended) => (400, Some(OauthError::InvalidGrant), "agent_suspended", "the agent is suspended", "ask its owner to let it go on"),
            Self::InvalidGrant(GrantFault::OwnerClosed) => (400, Some(OauthError::InvalidGrant), "owner_closed", "the owner has been off-boarded", "ask whoever runs the registry; nothing is issued for this owner any more"),
            Self::InvalidScope { .. } => (400, Some(OauthError::InvalidScope), "invalid_scope", "more scope than may be had there", "ask for less, or ask the owner to raise the ceiling"),
            Self::InvalidTarget => (400, Some(OauthError::InvalidTarget), "invalid_target", "not a resource this client may have such a token for", "name one resource of the ceiling; several only for tokens that may be passed on, and tools or budgets only where they are applied"),
            Self::InvalidAuthorizationDetails => (400, Some(OauthError::InvalidAuthorizationDetails), "invalid_authorization_details", "`authorization_details` of an unknown type or form, or too long", "send one object of type attenuating_agent_token, or leave it out and use scopes"),
            Self::Widened(widening) => widened(widening),
            Self::Chain(error) => (400, Some(chain_error(error)), error.reason(), error.description(), chain_advice(error)),
            Self::Delegation(fault) => delegation(*fault),
            Self::UnsupportedGrantType => (400, Some(OauthError::UnsupportedGrantType), "unsupported_grant_type", "the grant type is not supported", "see grant_types_supported in the metadata"),
            Self::InvalidDpopProof => (400, Some(OauthError::InvalidDpopProof), "invalid_dpop_proof", "the DPoP proof is missing, bad or used before", "make a fresh proof for this method and address"),
            Self::UseDpopNonce => (400, Some(OauthError::UseDpopNonce), "use_dpop_nonce", "the DPoP proof needs the nonce sent along", "repeat with the value of the DPoP-Nonce field"),
            Self::TaskTooLong => (400, Some(OauthError::InvalidRequest), "task_too_long", "the task is longer than allowed", "ask for fewer seconds"),
            Self::TooManyTasks => (400, Some(OauthError::InvalidRequest), "too_many_tasks", "the agent has too many open tasks of its own", "complete a task, or use an open one"),
            Self::SlowDown { .. } => (429, Some(OauthError::SlowDown), "slow_down", "too many tries", "wait as long as the Retry-After field says"),
            Self::StoreUnavailable => (503, Some(OauthError::TemporarilyUnavailable), "store_unavailable", "the registry cannot reach its state", "try again later; it is not certain whether anything was changed"),
            Self::Overloaded => (503, Some(OauthError::TemporarilyUnavailable), "overloaded", "the registry is too busy", "try again later; nothing was changed"),
        }
    }
}

/// What was too much, in printable ASCII without quotes and backslashes (ERR-05), and no longer than is read.
fn shown(excess: &impl Display) -> String {
    let fits = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    excess.to_string().chars().map(|c| if fits(c) { c } else { '?' }).take(MAX_EXCESS_CHARS).collect()
}

/// A request that is wider than what bounds it.
const fn widened(widening: &Widening) -> Row {
    let (error, title) = match widening {
        Widening::Scope(_) => (OauthError::InvalidScope, "more scope than what bounds it"),
        Widening::Resource(_) => (OauthError::InvalidTarget, "a resource beyond what bounds it"),
        Widening::Tools(_) => {
            (OauthError::InvalidAuthorizationDetails, "more tools or wider arguments than what bounds them")
        }
        Widening::Budget => (OauthError::InvalidRequest, "a larger budget than what bounds it"),
        Widening::Expiry => (OauthError::InvalidRequest, "a later end than what bounds it"),
        Widening::Depth => (OauthError::InvalidRequest, "it may not be passed on so far"),
    };
    (400, Some(error), widening.reason(), title, "ask for less, or ask the owner to raise the ceiling")
}

/// TX-04: evidence is at fault as a part of the request, and what it passes on by the error of its dimension.
const fn chain_error(error: &ChainError) -> OauthError {
    match error {
        ChainError::Widened(Widening::Scope(_)) => OauthError::InvalidScope,
        ChainError::Widened(Widening::Resource(_)) => OauthError::InvalidTarget,
        ChainError::Widened(Widening::Tools(_)) => OauthError::InvalidAuthorizationDetails,
        _ => OauthError::InvalidRequest,
    }
}

#[rustfmt::skip] // a table: one row a fault
const fn delegation(fault: DelegationFault) -> Row {
    use DelegationFault as F;
    let (reason, title, detail) = match fault {
        F::HolderMismatch => ("holder_mismatch", "the token is another's", "exchange as the last hop's delegate, with that key; a root token alone as its own client"),
        F::NotPermitted => ("delegation_not_permitted", "the owner does not let it be passed on so far", "delegate over fewer hops, or ask the owner for a ceiling with a greater del_max_depth"),
        F::DelegateNotPermitted => ("delegate_not_permitted", "not a delegate the owner permits", "delegate to an agent of the same owner or to one on the ceiling's list; to an instance key only where the ceiling lets instances in"),
        F::EnvironmentMismatch => ("environment_mismatch", "a delegate is of another environment", "delegate to an agent of the same environment"),
        F::TooMany => ("too_many_delegations", "the task has as many delegations as one may have", "use hops that were exchanged already, or start a new task and delegate anew"),
        F::RootExpired => ("token_expired", "the root token has expired", "get a new root token and delegate anew"),
        F::TaskEnded => ("task_ended", "the task of the root token has ended", "start a new task and delegate anew"),
        F::AgentRevoked => ("agent_revoked", "an agent of the delegation is revoked", "delegate anew without it; below its own root tokens nothing is exchanged any more"),
        F::TokenRevoked => ("token_revoked", "the root token was revoked", "let the root's agent get a new root token and delegate anew, if its owner agrees"),
        F::TaskRevoked => ("task_revoked", "the task was revoked", "start a new task, if the owner agrees, and delegate anew"),
        F::PrincipalRevoked => ("principal_revoked", "the owner was revoked", "ask whoever runs the registry; nothing for this owner is exchanged"),
        F::HopRevoked => ("hop_revoked", "a hop was revoked", "ask the delegator of that hop why, and for another"),
        F::KeyRotatedOut => ("key_rotated_out", "a key of the delegation was replaced", "delegate anew by, and for, the agent's present DID"),
        F::KeyCompromised => ("key_compromised", "a key of the delegation was revoked", "delegate anew without that key; its holder has to register another"),
        F::AgentSuspended => ("agent_suspended", "an agent of the delegation is suspended", "wait until it goes on, or delegate anew without it"),
        F::AgentRetired => ("agent_retired", "an agent of the delegation is retired", "delegate anew without it; below its own root tokens nothing is exchanged any more"),
        F::IssuerKeyRevoked => ("issuer_key_revoked", "the key that signed the root token was revoked", "get a new root token and delegate anew"),
    };
    (400, Some(OauthError::InvalidRequest), reason, title, detail)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use handfast_delegation::Scope;

    use super::*;

    #[test]
    fn every_refusal_has_an_answer_of_its_own() {
        let mut seen = HashSet::new();
        for refusal in Refusal::every() {
            let answer = refusal.answer();
            assert!((400..600).contains(&answer.status), "{refusal:?}");
            assert_ne!(answer.title, answer.detail, "{refusal:?} says what happened, and not what to do");
            // how a chain came to be too deep is not told apart
            let is_twin = refusal == Refusal::Chain(ChainError::Widened(Widening::Depth));
            assert_eq!(
                seen.insert((answer.status, answer.error, answer.title)),
                !is_twin,
                "{refusal:?} repeats another"
            );
        }
    }

    // requests that widen scope or resources have refusals of their own
    fn widening_ordinal(widening: &Widening) -> u8 {
        match widening {
            Widening::Scope(_) => 0,
            Widening::Resource(_) => 1,
            Widening::Tools(_) => 2,
            Widening::Budget => 3,
            Widening::Expiry => 4,
            Widening::Depth => 5,
        }
    }

    fn chain_ordinal(error: &ChainError) -> u8 {
        match error {
            ChainError::Malformed => 0,
            ChainError::TooLong => 1,
            ChainError::DepthInvalid => 2,
            ChainError::Duplicate => 3,
            ChainError::UntrustedRoot => 4,
            ChainError::SignatureInvalid => 5,
            ChainError::IssuerMismatch => 6,
            ChainError::ParentHashMismatch => 7,
            ChainError::PrincipalAltered => 8,
            ChainError::TaskAltered => 9,
            ChainError::BeforeParent => 10,
            ChainError::NotYetValid => 11,
            ChainError::Expired => 12,
            ChainError::Widened(_) => unreachable!("counted before"),
        }
    }

    #[test]
    fn what_was_too_much_is_named_in_a_bounded_plain_text() {
        let scope = |text: &str| Scope::parse(text).unwrap_or_default();
        let excess = |refusal: Refusal| refusal.answer().excess;
        let widened = |text: &str| Refusal::Chain(ChainError::Widened(Widening::Scope(scope(text))));
        assert_eq!(excess(widened("a b")).as_deref(), Some("a b"));
        assert_eq!(excess(Refusal::InvalidScope { excess: scope("") }), None);
        let long = "x".repeat(MAX_EXCESS_CHARS + 1);
        assert_eq!(excess(widened(&long)).map(|text| text.len()), Some(MAX_EXCESS_CHARS));
        assert_eq!(shown(&"a\"b\\c\n\u{e4}!~"), "a?b?c??!~");
    }

    #[test]
    fn the_list_is_complete() {
        // the match has no wildcard: a new refusal does not compile until it is counted here
        let ordinal = |refusal: &Refusal| -> u8 {
            use Refusal as R;
            match refusal {
                R::InvalidRequest => 0,
                R::NotFound => 1,
                R::MethodNotAllowed => 2,
                R::BodyTooLarge => 3,
                R::UnsupportedMediaType => 4,
                R::InvalidIdempotencyKey => 5,
                R::Unauthorized => 6,
                R::Forbidden => 7,
                R::UnknownOwner => 8,
                R::UnknownAgent => 9,
                R::UnknownTask => 10,
                R::AgentRevoked => 11,
                R::InvalidDid => 12,
                R::WeakKey => 13,
                R::InvalidRegistration => 14,
                R::ProofRequired => 15,
                R::DidRegistered => 16,
                R::UnknownClaim => 17,
                R::WrongCode => 18,
                R::AlreadyClaimed => 19,
                R::InvalidHandle => 20,
                R::HandleTaken => 21,
                R::HandleConfusable => 22,
                R::CodeUsed => 23,
                R::CodeExpired => 24,
                R::CodeVoid => 25,
                R::OtherOwnerExpected => 26,
                R::WrongConfirmation => 27,
                R::InvalidCeiling => 28,
                R::InvalidClient => 29,
                R::InvalidGrant(GrantFault::AgentRevoked) => 30,
                R::InvalidGrant(GrantFault::UnknownTask) => 31,
                R::InvalidGrant(GrantFault::TaskEnded) => 32,
                R::InvalidScope { .. } => 33,
                R::InvalidTarget => 34,
                R::InvalidAuthorizationDetails => 35,
                R::UnsupportedGrantType => 36,
                R::InvalidDpopProof => 37,
                R::UseDpopNonce => 38,
                R::TaskTooLong => 39,
                R::TooManyTasks => 40,
                R::SlowDown { .. } => 41,
                R::StoreUnavailable => 42,
                R::Overloaded => 43,
                R::InvalidGrant(GrantFault::TaskRevoked) => 44,
                R::InvalidEvidence => 45,
                R::AgentSuspended => 46,
                R::AgentRetired => 47,
                R::NotClaimed => 48,
                R::UnknownTransfer => 49,
                R::OwnerClosed => 50,
                R::InvalidVersion => 51,
                R::StaleStatement => 52,
                R::InvalidGrant(GrantFault::AgentSuspended) => 53,
                R::InvalidGrant(GrantFault::OwnerClosed) => 54,
                R::InvalidRotation => 55,
                R::StaleSequence => 56,
                R::KeyCompromised => 57,
                R::TooManyKeys => 58,
                R::UnknownRotation => 59,
                R::InvalidGrant(GrantFault::KeyCompromised) => 60,
                R::IdempotencyKeyReused => 61,
                R::IdempotencyInProgress => 62,
                R::InvalidEnrolment => 63,
                R::EnrolmentUsed => 64,
                R::EnrolmentExpired => 65,
                R::EnrolmentRevoked => 66,
                R::EnvironmentMismatch => 67,
                R::UnknownEnrolment => 68,
                R::Widened(widening) => 67 + widening_ordinal(widening),
                R::Chain(ChainError::Widened(widening)) => 73 + widening_ordinal(widening),
                R::Chain(error) => 79 + chain_ordinal(error),
                R::Delegation(fault) => 92 + (*fault as u8),
            }
        };
        let mut found: Vec<u8> = Refusal::every().iter().map(ordinal).collect();
        found.sort_unstable();
        assert_eq!(found, (0..109).collect::<Vec<u8>>());
    }

    #[test]
    fn words_fit_an_error_description() {
        // ERR-05: 0x20, 0x21, 0x23 to 0x5B, 0x5D to 0x7E
        let fits = |text: &str| text.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        for refusal in Refusal::every() {
            let answer = refusal.answer();
            assert!(fits(answer.title) && fits(answer.detail), "{refusal:?}");
            assert!(answer.reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{refusal:?}");
            assert!(!answer.title.ends_with('.') && !answer.detail.ends_with('.'), "{refusal:?}");
        }
    }

    #[test]
    fn only_the_registrys_own_trouble_is_a_503() {
        // P-17
        let ours: Vec<_> = Refusal::every().into_iter().filter(|refusal| refusal.answer().status >= 500).collect();
        assert_eq!(ours, [Refusal::StoreUnavailable, Refusal::Overloaded]);
    }

    #[test]
    fn a_reason_has_one_meaning() {
        // the same reason at two surfaces differs in status or OAuth error only where the surface demands it
        let mut meanings: HashMap<&str, Vec<u16>> = HashMap::new();
        for refusal in Refusal::every() {
            let answer = refusal.answer();
            meanings.entry(answer.reason).or_default().push(answer.status);
        }
        let mut shared: Vec<_> = meanings.into_iter().filter(|(_, statuses)| statuses.len() > 1).collect();
        shared.sort();
        let expected = [
            ("agent_retired", vec![409, 400]),
            ("agent_revoked", vec![409, 400, 400]),
            ("agent_suspended", vec![409, 400, 400]),
            ("budget_widened", vec![400, 400]),
            ("depth_invalid", vec![400, 400, 400]),
            ("details_widened", vec![400, 400]),
            ("environment_mismatch", vec![403, 400]),
            ("expiry_widened", vec![400, 400, 400]),
            ("key_compromised", vec![409, 400, 400]),
            ("owner_closed", vec![409, 400]),
            ("task_ended", vec![400, 400]),
            ("task_revoked", vec![400, 400]),
            ("unknown_task", vec![404, 400]),
        ];
        assert_eq!(shared, expected);
    }
}
