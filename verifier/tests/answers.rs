//! The answers on the wire, and what a handler is told.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod support;

use handfast_delegation::ChainError;
use handfast_dpop::{ProofError, Receipt, Remedy, ReplayEntry, ReplayError};
use handfast_identity::Seconds;
use handfast_verifier::budget::{BudgetError, Spent};
use handfast_verifier::{ChallengeTerms, Rejection, RouteRule};
use support::*;

fn check(rejection: &Rejection, status: u16, challenge: Option<&str>) {
    let answer = rejection.answer();
    assert_eq!(
        (answer.status, answer.challenge(&ChallengeTerms::default()).as_deref()),
        (status, challenge),
        "{rejection:?}"
    );
    assert_eq!(answer.reason, rejection.reason());
    assert_eq!(rejection.to_string(), answer.description);
    // ERR-05, DPOP-113
    let allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(answer.description.bytes().all(allowed) && !answer.description.is_empty());
}

#[test]
fn challenges_are_constant_texts() {
    check(&Rejection::CredentialsMissing, 401, Some(r#"DPoP algs="EdDSA Ed25519 ES256""#));
    check(&Rejection::SchemeUnsupported, 401, Some(r#"DPoP algs="EdDSA Ed25519 ES256""#));
    check(
        &Rejection::TokenExpired,
        401,
        Some(
            r#"DPoP error="invalid_token", error_description="the access token has expired", algs="EdDSA Ed25519 ES256""#,
        ),
    );
    check(
        &Rejection::Proof(ProofError::Method),
        401,
        Some(
            r#"DPoP error="invalid_dpop_proof", error_description="the DPoP proof was refused", algs="EdDSA Ed25519 ES256""#,
        ),
    );
    check(
        &Rejection::Proof(ProofError::NonceMissing),
        401,
        Some(
            r#"DPoP error="use_dpop_nonce", error_description="repeat with a proof that carries the nonce given", algs="EdDSA Ed25519 ES256""#,
        ),
    );
    check(
        &Rejection::ScopeInsufficient { wanted: scope("files:read files:list") },
        403,
        Some(
            r#"DPoP error="insufficient_scope", error_description="the access token's scope is too small", scope="files:list files:read", algs="EdDSA Ed25519 ES256""#,
        ),
    );
    check(&Rejection::CredentialsRepeated, 400, None);
    check(&Rejection::Chain(ChainError::TooLong), 431, None);
    check(&Rejection::StatusUnknown, 503, None);
    check(&Rejection::Replay(ReplayError::Full), 503, None);
    check(&Rejection::ReceiptMismatch, 503, None);
    check(&Rejection::Budget(BudgetError::Full), 503, None);
    check(&Rejection::Budget(BudgetError::Spent { retry_after: None }), 429, None);
}

#[test]
fn a_spent_budget_says_when_a_rate_allows_more() {
    for retry_after in [None, Some(1), Some(86_400)] {
        let spent = BudgetError::Spent { retry_after: retry_after.map(|wait| Seconds::new(u64::from(wait))) };
        let answer = Rejection::Budget(spent).answer();
        assert_eq!((answer.status, answer.error, answer.reason), (429, None, "budget_spent"));
        assert_eq!(answer.retry_after, retry_after);
    }
}

#[test]
fn the_configured_metadata_url_stands_in_the_challenge() {
    let url = "https://api.example/.well-known/oauth-protected-resource";
    let terms = ChallengeTerms { resource_metadata: Some(url), ..ChallengeTerms::default() };
    let challenge = Rejection::CredentialsMissing.answer().challenge(&terms);
    assert_eq!(challenge.unwrap(), format!(r#"DPoP algs="EdDSA Ed25519 ES256", resource_metadata="{url}""#));
}

#[test]
fn a_time_that_a_nonce_could_mend_is_answered_with_one() {
    for (remedy, error, needs_nonce) in
        [(Remedy::Nonce, "use_dpop_nonce", true), (Remedy::Clock, "invalid_dpop_proof", false)]
    {
        for rejection in [ProofError::Stale(remedy), ProofError::FromFuture(remedy)].map(Rejection::Proof) {
            let answer = rejection.answer();
            assert_eq!((answer.status, answer.error, answer.needs_nonce), (401, Some(error), needs_nonce));
        }
    }
}

#[test]
fn what_is_ours_can_be_tried_again_and_blames_nobody() {
    for rejection in [
        Rejection::StatusUnknown,
        Rejection::StatusListMissing { uri: "https://registry.example/status-lists/0".to_owned() },
        Rejection::IntrospectionMissing,
        Rejection::FeedRolledBack,
        Rejection::ReceiptMismatch,
        Rejection::Replay(ReplayError::Full),
        Rejection::Replay(ReplayError::KeyShareFull),
        Rejection::Replay(ReplayError::Unavailable),
        Rejection::Replay(ReplayError::ClockWentBack),
        Rejection::Budget(BudgetError::Full),
        Rejection::Budget(BudgetError::ShareFull),
        Rejection::Budget(BudgetError::Unavailable),
        Rejection::Budget(BudgetError::ClockWentBack),
    ] {
        let answer = rejection.answer();
        assert_eq!((answer.status, answer.error), (503, Some("temporarily_unavailable")), "{rejection:?}"); // P-17
        assert!(answer.retry_after.is_some() && !answer.needs_nonce);
    }
}

#[test]
fn a_handler_is_told_who_acts_for_whom() {
    let claims = claims(&agent());
    let authorized = Server::new().answer(&Request::with(&claims, &agent())).unwrap();
    let did = did(&agent()).to_string();
    assert_eq!((authorized.issuer(), authorized.subject(), authorized.client_id()), (ISSUER, OWNER, did.as_str()));
    assert_eq!(authorized.actors().map(handfast_delegation::ActorChain::current), Some(did.as_str()));
    assert_eq!(authorized.task().map(|task| task.id.as_str()), Some("task_1"));
    assert_eq!(authorized.scope(), &scope("files:read"));
    assert_eq!((authorized.key(), authorized.is_owner()), (agent().public().thumbprint(), false));
    assert_eq!((authorized.token_id(), authorized.handle()), ("tok_1", Some("amber-falcon-00042")));
    assert_eq!(authorized.expires_at(), at(240));
    assert!(!authorized.proof_id().is_empty());
}

#[test]
fn an_owner_in_person_is_told_apart() {
    let mut claims = claims(&agent());
    (claims.actors, claims.task, claims.delegability, claims.environment) = (None, None, None, None);
    let mut server = Server::new();
    server.route = RouteRule::owners(scope("files:read"));
    let authorized = server.answer(&Request::with(&claims, &agent())).unwrap();
    assert!(authorized.is_owner() && authorized.actors().is_none() && authorized.task().is_none());
}

#[test]
fn a_receipt_admits_the_request_it_is_for() {
    use handfast_delegation::ResourceId;
    use handfast_dpop::{NoncePolicy, ProofWindow, Target};
    use handfast_verifier::tools::RequestContent;
    use handfast_verifier::{
        CLOCK_LEEWAY, ChainPolicy, DEFAULT_STALENESS, EnforcementPoint, NoStops, NoVerdicts, RequestParts,
        UnverifiedRequest,
    };

    let request = Request::with(&claims(&agent()), &agent());
    let (resource, target) = (ResourceId::parse(RESOURCE).unwrap(), Target::parse(URI).unwrap());
    let server = Server::new();
    let point = EnforcementPoint {
        resource: &resource,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
        leeway: CLOCK_LEEWAY,
        staleness: DEFAULT_STALENESS,
        environment: None,
        chain: ChainPolicy::default(),
        verdicts: &NoVerdicts,
        stops: &NoStops,
    };
    let bound = || {
        let parts = RequestParts {
            method: "GET",
            target: &target,
            authorization: request.authorization.iter().map(String::as_bytes).collect(),
            proofs: request.proofs.iter().map(String::as_bytes).collect(),
            delegation: [].into(),
            has_misplaced_token: false,
        };
        UnverifiedRequest::parse(&parts, &point.chain)
            .unwrap()
            .verify(&point, &server.facts, at(0))
            .unwrap()
            .bind(&server.route, &RequestContent::default())
            .unwrap()
    };
    let other = ReplayEntry::new(RESOURCE, agent().public().thumbprint(), "another", at(90));
    let refused = bound().admit(Receipt::assertion(&other), Spent::nothing()).map(|_| ());
    assert_eq!(refused, Err(Rejection::ReceiptMismatch));
    let own = bound();
    let receipt = Receipt::assertion(own.replay_entry());
    assert!(own.admit(receipt, Spent::nothing()).is_ok());
}

#[test]
fn a_wish_is_proven_by_the_receipt_of_its_own_proof() {
    let mut server = Server::new();
    server.route = RouteRule::agents(scope("files:write"));
    let request = Request::with(&claims(&agent()), &agent());
    let drift = || server.deny(&request).drift.unwrap();
    let other = ReplayEntry::new(RESOURCE, agent().public().thumbprint(), "another", at(90));
    assert!(drift().prove(Receipt::assertion(&other)).is_none());
    let own = drift();
    let receipt = Receipt::assertion(own.replay_entry());
    assert_eq!(own.prove(receipt).unwrap().wish().reason, "insufficient_scope");
}
