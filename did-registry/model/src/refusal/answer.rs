//! The one way from a refusal to the wire.

use handfast_delegation::Scope;
use handfast_identity::Seconds;

use super::{Feature, GrantFault, Refusal};

/// What a client is told. The texts are constant and hold nothing that came from the request (ERR-14).
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
    /// The scope that was too much, for `invalid_scope`.
    pub excess: Option<Scope>,
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
        let (excess, retry_after) = match self {
            Self::InvalidScope { excess } => (Some(excess.clone()), None),
            Self::SlowDown { retry_after } => (None, Some(*retry_after)),
            _ => (None, None),
        };
        RefusalAnswer { status, error, reason, title, detail, excess, retry_after }
    }

    #[rustfmt::skip] // a table: one row a refusal
    fn row(&self) -> Row {
        match self {
            Self::InvalidRequest => (400, Some(OauthError::InvalidRequest), "invalid_request", "the request is not what this call takes", "check the members: unknown, missing, repeated and ill-formed ones are refused"),
            Self::NotFound => (404, None, "not_found", "nothing lives here", "check the path"),
            Self::MethodNotAllowed => (405, None, "method_not_allowed", "this path has no such method", "see the Allow field"),
            Self::BodyTooLarge => (413, None, "body_too_large", "the body is larger than allowed", "send at most 64 KiB"),
            Self::UnsupportedMediaType => (415, None, "unsupported_media_type", "the body is not of the media type this call takes", "see the Accept field"),
            Self::NotSupported(Feature::AuthorizationDetails) => (400, None, "not_supported", "this version cannot apply `authorization_details`", "leave `authorization_details` out and use scopes"),
            Self::NotSupported(Feature::DelegationDepth) => (400, None, "not_supported", "this version cannot apply delegation", "set `del_max_depth` to 0 or leave it out"),
            Self::NotSupported(Feature::AgentEnrolment) => (400, None, "not_supported", "this version cannot enrol agents", "leave `enrolment` out and claim the agent by its code"),
            Self::Unauthorized => (401, None, "unauthorized", "an access token is needed", "get a token for the registry and send it with a DPoP proof"),
            Self::Forbidden => (403, None, "forbidden", "the access token does not allow this", "ask the agent's owner or a registry admin"),
            Self::UnknownOwner => (403, None, "unknown_owner", "the token's owner is not known here", "register the owner with an enrolment code"),
            Self::UnknownAgent => (404, None, "unknown_agent", "no such agent", "check the DID or handle; an unclaimed agent expires when unused"),
            Self::UnknownTask => (404, None, "unknown_task", "no such task", "check the task id"),
            Self::AgentRevoked => (409, None, "agent_revoked", "the agent is revoked", "revocation is final: register a new agent with a new key"),
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
            Self::InvalidClient => (401, Some(OauthError::InvalidClient), "invalid_client", "unknown client, or the proof is not by its key", "sign the proof with the key of the DID in client_id, and register it first"),
            Self::InvalidGrant(GrantFault::AgentRevoked) => (400, Some(OauthError::InvalidGrant), "agent_revoked", "the agent is revoked", "revocation is final: register a new agent with a new key"),
            Self::InvalidGrant(GrantFault::UnknownTask) => (400, Some(OauthError::InvalidGrant), "unknown_task", "no such task of this agent", "check the task id, or leave it out"),
            Self::InvalidGrant(GrantFault::TaskEnded) => (400, Some(OauthError::InvalidGrant), "task_ended", "the task has ended", "start a new task"),
            Self::InvalidScope { .. } => (400, Some(OauthError::InvalidScope), "invalid_scope", "more scope than may be had there", "ask for less, or ask the owner to raise the ceiling"),
            Self::InvalidTarget => (400, Some(OauthError::InvalidTarget), "invalid_target", "not one resource this client may have a token for", "name exactly one resource of the ceiling"),
            Self::InvalidAuthorizationDetails => (400, Some(OauthError::InvalidAuthorizationDetails), "invalid_authorization_details", "no type of `authorization_details` is supported", "leave `authorization_details` out and use scopes"),
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

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn every_refusal_has_an_answer_of_its_own() {
        let mut seen = HashSet::new();
        for refusal in Refusal::every() {
            let answer = refusal.answer();
            assert!((400..600).contains(&answer.status), "{refusal:?}");
            assert!(seen.insert((answer.status, answer.error, answer.title)), "{refusal:?} repeats another");
        }
        assert_eq!(seen.len(), Refusal::every().len());
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
                R::NotSupported(Feature::AuthorizationDetails) => 5,
                R::NotSupported(Feature::DelegationDepth) => 6,
                R::NotSupported(Feature::AgentEnrolment) => 7,
                R::Unauthorized => 8,
                R::Forbidden => 9,
                R::UnknownOwner => 10,
                R::UnknownAgent => 11,
                R::UnknownTask => 12,
                R::AgentRevoked => 13,
                R::InvalidDid => 14,
                R::WeakKey => 15,
                R::InvalidRegistration => 16,
                R::ProofRequired => 17,
                R::DidRegistered => 18,
                R::UnknownClaim => 19,
                R::WrongCode => 20,
                R::AlreadyClaimed => 21,
                R::InvalidHandle => 22,
                R::HandleTaken => 23,
                R::HandleConfusable => 24,
                R::CodeUsed => 25,
                R::CodeExpired => 26,
                R::CodeVoid => 27,
                R::OtherOwnerExpected => 28,
                R::WrongConfirmation => 29,
                R::InvalidCeiling => 30,
                R::InvalidClient => 31,
                R::InvalidGrant(GrantFault::AgentRevoked) => 32,
                R::InvalidGrant(GrantFault::UnknownTask) => 33,
                R::InvalidGrant(GrantFault::TaskEnded) => 34,
                R::InvalidScope { .. } => 35,
                R::InvalidTarget => 36,
                R::InvalidAuthorizationDetails => 37,
                R::UnsupportedGrantType => 38,
                R::InvalidDpopProof => 39,
                R::UseDpopNonce => 40,
                R::TaskTooLong => 41,
                R::TooManyTasks => 42,
                R::SlowDown { .. } => 43,
                R::StoreUnavailable => 44,
                R::Overloaded => 45,
            }
        };
        let found: Vec<u8> = Refusal::every().iter().map(ordinal).collect();
        assert_eq!(found, (0..46).collect::<Vec<u8>>());
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
            ("agent_revoked", vec![409, 400]),
            ("not_supported", vec![400, 400, 400]),
            ("unknown_task", vec![404, 400]),
        ];
        assert_eq!(shared, expected);
    }
}
