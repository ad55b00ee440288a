//! Two issuers that use the same keys, key ids, owners, agents, tasks and token ids: what is known of one says nothing of the other.
//!
//! Each test fails if the issuer is left out of one key. Replay is not among them: a proof is a statement of one key, and may be
//! used once whatever token it came with.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use handfast_delegation::{AccessToken, Budget, Scope};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller, SpeaksFor, TrustedIssuer};
use handfast_testkit::{Issuer, known};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::{Facts, IssuerFacts, Status};

use crate::common::{Answer, Api, SCOPE, refused, send, served, with_credentials};

const OTHER: &str = "https://other.example";

/// The same statement by both, which differ in nothing but their name.
struct Two {
    api: Api,
    app: Router,
    first: AccessToken,
    second: AccessToken,
}

fn facts(issuer: &Issuer, scopes: &str, status: Status) -> IssuerFacts {
    let trust = TrustedIssuer { scopes: SpeaksFor::Only(Scope::parse(scopes).unwrap()), ..issuer.trust() };
    IssuerFacts { trust: Arc::new(trust), keys: Arc::new(issuer.key_set()), status }
}

impl Two {
    async fn with(change: impl FnOnce(&mut AccessToken)) -> Self {
        let api = Api::new().await;
        let mut first = api.claims();
        change(&mut first);
        let second = AccessToken { issuer: OTHER.into(), ..first.clone() };
        let whose = async |caller: Caller| format!("{} {}", caller.issuer(), caller.subject());
        let app = Router::new().route("/files", any(whose)).layer(api.server.scope(SCOPE).unwrap());
        let two = Self { api, app, first, second };
        two.know(known, known);
        two
    }

    /// What is known of each from now on.
    fn know(
        &self,
        first: impl Fn(UnixTime) -> Status + Send + 'static,
        second: impl Fn(UnixTime) -> Status + Send + 'static,
    ) {
        let issuer = self.api.issuer.clone();
        self.api.facts.set(move |now| {
            let other = Issuer::at(OTHER);
            Facts::new([facts(&issuer, SCOPE, first(now)), facts(&other, SCOPE, second(now))])
        });
    }

    async fn ask(&self, claims: &AccessToken) -> Answer {
        // both sign with the same key under the same id
        let token = self.api.issuer.sign(claims);
        let proof = self.api.agent.proof("GET", "https://api.example/files", &token, self.api.clock.now());
        send(&self.app, with_credentials("GET", "/files", &token, &proof)).await
    }
}

#[tokio::test]
async fn identities_are_pairs_of_issuer_and_subject() {
    let two = Two::with(|_| ()).await;
    for claims in [&two.first, &two.second] {
        let answer = two.ask(claims).await;
        assert_eq!((answer.outcome(), answer.body), (served(), format!("{} {}", claims.issuer, claims.subject)));
    }
}

#[tokio::test]
async fn what_is_remembered_of_a_token_is_its_own_issuers() {
    let two = Two::with(|_| ()).await;
    for claims in [&two.first, &two.second, &two.first, &two.second] {
        assert_eq!(two.ask(claims).await.outcome(), served());
    }
    // the second is trusted with less from now on, the first with as much as before
    let issuer = two.api.issuer.clone();
    two.api.facts.set(move |now| {
        Facts::new([facts(&issuer, SCOPE, known(now)), facts(&Issuer::at(OTHER), "files:list", known(now))])
    });
    assert_eq!(two.ask(&two.second).await.outcome(), refused(401, "issuer_not_trusted"));
    assert_eq!(two.ask(&two.first).await.outcome(), served());
    // and a name that nobody trusts is not known by the signature alone
    let third = AccessToken { issuer: "https://third.example".into(), ..two.first.clone() };
    assert_eq!(two.ask(&third).await.outcome(), refused(401, "issuer_not_trusted"));
}

#[tokio::test]
async fn revocations_of_one_are_none_of_the_other() {
    let two = Two::with(|_| ()).await;
    let task = two.first.task.as_ref().unwrap().id.clone();
    let names = [
        (RevocationKind::IssuerKey, two.api.issuer.kid(), "issuer_key_revoked"),
        (RevocationKind::Token, two.first.token_id.to_string(), "token_revoked"),
        (RevocationKind::Task, task.to_string(), "task_revoked"),
        (RevocationKind::Owner, two.first.subject.to_string(), "principal_revoked"),
        (RevocationKind::Agent, two.first.client_id.to_string(), "agent_revoked"),
        (RevocationKind::Key, two.api.agent.thumbprint().to_string(), "key_compromised"),
    ];
    for (kind, id, reason) in names {
        let revoked = move |now| {
            let set = RevocationSet::default();
            // both names are in one set, as if sets were shared: whose they are is in the name
            let name = RevocationName::of("https://registry.example", kind, &id);
            set.insert(&FeedEvent { seq: 1, kind, name, cut: None, until: None });
            Status::Known { set: Arc::new(set), as_of: now }
        };
        let again = revoked.clone();
        two.know(revoked, again);
        assert_eq!(two.ask(&two.first).await.outcome(), refused(401, reason));
        assert_eq!(two.ask(&two.second).await.outcome(), served(), "{reason}");
    }
}

#[tokio::test]
async fn budgets_are_counted_for_each() {
    let once = Budget::new(Some(1), None).unwrap();
    let two = Two::with(|claims| claims.authority.budget = Some(once)).await;
    assert_eq!(two.ask(&two.first).await.outcome(), served());
    assert_eq!(two.ask(&two.first).await.outcome(), refused(429, "budget_spent"));
    assert_eq!(two.ask(&two.second).await.outcome(), served());
    assert_eq!(two.ask(&two.second).await.outcome(), refused(429, "budget_spent"), "the twin");
}

#[tokio::test]
async fn tasks_are_halted_for_each() {
    let two = Two::with(|_| ()).await;
    let task = two.first.task.as_ref().unwrap().id.clone();
    let drift = two.api.server.drift();
    assert!(drift.halt(&two.first.issuer, &task));
    assert_eq!(two.ask(&two.first).await.outcome(), refused(401, "task_halted"));
    assert_eq!(two.ask(&two.second).await.outcome(), served());
    assert!(!drift.release(OTHER, &task), "nothing to release at the other");
    assert!(drift.release(&two.first.issuer, &task));
    assert_eq!(two.ask(&two.first).await.outcome(), served(), "the twin");
}

#[tokio::test]
async fn a_proof_is_used_once_whatever_token_it_came_with() {
    let two = Two::with(|_| ()).await;
    let ask = async |claims: &AccessToken| {
        let token = two.api.issuer.sign(claims);
        let mut parts =
            two.api.agent.proof_parts("GET", "https://api.example/files", Some(&token), two.api.clock.now());
        parts.claims.insert("jti".into(), "one".into());
        let proof = two.api.agent.sign(&parts);
        send(&two.app, with_credentials("GET", "/files", &token, &proof)).await.outcome()
    };
    assert_eq!(ask(&two.first).await, served());
    assert_eq!(ask(&two.second).await, refused(401, "proof_replayed"));
}
