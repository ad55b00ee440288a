//! Requests that wait for a memory that is shared, and what is revoked meanwhile.

#![allow(clippy::unwrap_used)] // constants of the tests

mod common;

use std::sync::Arc;

use axum::extract::Request;
use common::slow_store::{SlowStore, Wait};
use common::{Api, refused, served};
use handfast_delegation::{Budget, TriggerKind};
use handfast_identity::Seconds;
use handfast_testkit::known;
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::{Facts, Status};

async fn slow() -> (Api, Arc<SlowStore>) {
    let store = Arc::new(SlowStore::new());
    let shared = Arc::clone(&store);
    (Api::with(|builder| builder.shared_store(shared)).await, store)
}

const TASK: &str = "task_1";

/// A request of a task that may be used so often.
fn paid(api: &Api, uses: u64) -> Request {
    let mut claims = api.claims();
    claims.authority.budget = Some(Budget::new(Some(uses), None).unwrap());
    let task = claims.task.as_mut().unwrap();
    (task.id, task.trigger.kind) = (TASK.into(), TriggerKind::Owner);
    api.request_with_token(&api.issuer.sign(&claims))
}

#[tokio::test]
async fn p11_what_is_revoked_while_a_request_waits_counts_for_it() {
    use RevocationKind::{Agent, IssuerKey, Owner, Task};
    for wait in [Wait::Proof, Wait::Budget] {
        for (kind, reason) in [
            (Agent, "agent_revoked"),
            (Owner, "principal_revoked"),
            (Task, "task_revoked"),
            (IssuerKey, "issuer_key_revoked"),
        ] {
            let (api, store) = slow().await;
            // the set that is held, as a feed that is followed adds to it
            let set = Arc::new(RevocationSet::default());
            api.facts.set_status(&api.issuer, Status::Known { set: Arc::clone(&set), as_of: api.clock.now() });
            assert_eq!(api.send(paid(&api, 9)).await.outcome(), served());
            let claims = api.claims();
            let id = match kind {
                Agent => claims.client_id,
                Owner => claims.subject,
                Task => TASK.into(),
                _ => api.issuer.kid().into(),
            };
            let name = RevocationName::of(api.issuer.url(), kind, &id);
            store.meanwhile(wait, move || set.insert(&FeedEvent { seq: 1, kind, name, cut: None, until: None }));
            assert_eq!(api.send(paid(&api, 9)).await.outcome(), refused(401, reason), "{wait:?}");
        }
    }
}

fn after(seconds: u64, api: &Api) -> Box<dyn FnOnce() + Send> {
    let clock = api.clock.clone();
    Box::new(move || clock.set(clock.now().saturating_add(Seconds::new(seconds))))
}

#[tokio::test]
async fn p17_what_is_no_longer_known_while_a_request_waits_lets_nothing_pass() {
    let check = async |change: fn(&Api) -> Box<dyn FnOnce() + Send>, expected| {
        let (api, store) = slow().await;
        let as_of = api.clock.now();
        api.facts.set_status(&api.issuer, known(as_of));
        store.meanwhile(Wait::Proof, change(&api));
        assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), expected);
    };
    // both sides of the limit
    check(|api| after(30, api), served()).await;
    check(|api| after(31, api), refused(503, "status_unknown")).await;
    check(
        |api| {
            let (facts, issuer) = (Arc::clone(&api.facts), api.issuer.clone());
            Box::new(move || facts.set_status(&issuer, Status::RolledBack))
        },
        refused(503, "feed_rolled_back"),
    )
    .await;
    // the issuer is trusted no more
    check(
        |api| {
            let facts = Arc::clone(&api.facts);
            Box::new(move || facts.set(|_| Facts::new([])))
        },
        refused(401, "issuer_not_trusted"),
    )
    .await;
}

#[tokio::test]
async fn a_task_that_is_stopped_here_while_a_request_waits_is_stopped_for_it() {
    let (api, store) = slow().await;
    let (claims, server) = (api.claims(), api.server.clone());
    let request = api.request_with_token(&api.issuer.sign(&claims));
    store.meanwhile(Wait::Proof, move || assert!(server.drift().halt(&claims.issuer, &claims.task.unwrap().id)));
    assert_eq!(api.send(request).await.outcome(), refused(401, "task_halted"));
}

#[tokio::test]
async fn a_request_that_was_refused_at_the_end_of_its_wait_has_used_its_proof_and_its_budget() {
    let (api, store) = slow().await;
    let (token, (facts, issuer)) = (api.token(), (Arc::clone(&api.facts), api.issuer.clone()));
    let proof = api.proof("GET", "/files", &token);
    let same = || common::with_credentials("GET", "/files", &token, &proof);
    store.meanwhile(Wait::Proof, move || facts.set_status(&issuer, Status::Unknown));
    assert_eq!(api.send(same()).await.outcome(), refused(503, "status_unknown"));
    api.facts.set_status(&api.issuer, known(api.clock.now()));
    assert_eq!(api.send(same()).await.outcome(), refused(401, "proof_replayed"));

    let (facts, issuer) = (Arc::clone(&api.facts), api.issuer.clone());
    store.meanwhile(Wait::Budget, move || facts.set_status(&issuer, Status::Unknown));
    assert_eq!(api.send(paid(&api, 1)).await.outcome(), refused(503, "status_unknown"));
    api.facts.set_status(&api.issuer, known(api.clock.now()));
    assert_eq!(api.send(paid(&api, 1)).await.outcome(), refused(429, "budget_spent"));
}
