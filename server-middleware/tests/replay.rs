//! One proof, one request: replays, restarts and nonces.

#![allow(clippy::unwrap_used)] // constants of the tests

mod common;

use std::sync::{Arc, Mutex};

use axum::extract::Request;
use common::{API, Answer, Api, refused, send, served, with_credentials};
use handfast_dpop::{
    ForeseenEntry, NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret, NonceSource, Receipt, ReplayEntry, ReplayError,
    ReplayLimits, ReplayStore,
};
use handfast_identity::{Seconds, UnixTime};
use handfast_middleware::NonceUse;

/// The same bytes once more.
fn copied(request: &Request) -> Request {
    let mut copy = Request::new(axum::body::Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn with_nonce(api: &Api, nonce: &str) -> Request {
    let token = api.token();
    let proof = api.agent.proof_with_nonce("GET", &format!("{API}/files"), &token, nonce, api.clock.now());
    with_credentials("GET", "/files", &token, &proof)
}

fn nonce_of(answer: &Answer) -> String {
    assert_eq!(answer.field("cache-control"), Some("no-store")); // DPOP-64
    answer.field("dpop-nonce").unwrap().to_owned()
}

#[tokio::test]
async fn a_proof_is_accepted_once_until_it_is_stale() {
    let api = Api::new().await;
    let request = api.request("GET", "/files");
    assert_eq!(api.send(copied(&request)).await.outcome(), served());
    assert_eq!(api.send(copied(&request)).await.outcome(), refused(401, "proof_replayed"));
    api.clock.advance(60); // TH28: the last second in which it is fresh
    assert_eq!(api.send(copied(&request)).await.outcome(), refused(401, "proof_replayed"));
    api.clock.advance(1);
    assert_eq!(api.send(request).await.outcome(), refused(401, "proof_stale"));
}

#[tokio::test]
async fn a_refused_proof_is_not_used_up() {
    let api = Api::new().await;
    let request = api.request("GET", "/files");
    api.facts.set_status(&api.issuer, handfast_verifier::trust::Status::Unknown);
    assert_eq!(api.send(copied(&request)).await.outcome(), refused(503, "status_unknown"));
    api.facts.set_status(&api.issuer, handfast_testkit::known(api.clock.now()));
    assert_eq!(api.send(request).await.outcome(), served());
}

/// A store that notes what it is told, in order.
#[derive(Debug, Default)]
struct Listening(Mutex<Vec<(&'static str, [u8; 32])>>);

impl ReplayStore for Listening {
    fn insert(&self, entry: &ReplayEntry, _: UnixTime) -> Result<Receipt, ReplayError> {
        self.0.lock().unwrap().push(("inserted", *entry.fingerprint()));
        Ok(Receipt::assertion(entry))
    }

    fn foresee(&self, entry: ForeseenEntry<'_>) {
        self.0.lock().unwrap().push(("foreseen", *entry.fingerprint()));
    }
}

#[tokio::test]
async fn the_store_hears_of_a_proof_before_its_signature_is_verified() {
    let store = Arc::new(Listening::default());
    let api = Api::with(|builder| builder.replay_store(store.clone())).await;
    let told = || std::mem::take(&mut *store.0.lock().unwrap());
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served());
    let calls = told();
    assert!(matches!(calls[..], [("foreseen", one), ("inserted", other)] if one == other), "{calls:?}");
    // DPOP-50: a bad signature is foreseen at most, a cheaper refusal not even that
    let token = api.token();
    let (good, other) = (api.proof("GET", "/files", &token), api.proof("GET", "/files", &token));
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    let answer = api.send(with_credentials("GET", "/files", &token, &forged)).await;
    assert_eq!(answer.outcome(), refused(401, "proof_signature"));
    assert!(matches!(told()[..], [("foreseen", _)]));
    let answer = api.send(with_credentials("GET", "/files/elsewhere", &token, &good)).await;
    assert_eq!(answer.outcome(), refused(401, "target_mismatch"));
    assert!(told().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_proof_on_many_tasks_at_once_is_served_once() {
    // TH26
    let api = Api::new().await;
    let app = api.app();
    for _ in 0..20 {
        let request = api.request("GET", "/files");
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (app, request) = (app.clone(), copied(&request));
                tokio::spawn(async move { send(&app, request).await.outcome() })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes.sort();
        let replayed = refused(401, "proof_replayed");
        assert_eq!(outcomes, [served(), replayed.clone(), replayed.clone(), replayed]);
    }
}

#[tokio::test]
async fn a_busy_key_fills_its_own_share_only() {
    // TH29
    let api = Api::with(|builder| builder.replay_limits(ReplayLimits { total: 10, per_key: 2 })).await;
    let first = api.request("GET", "/files");
    assert_eq!(api.send(copied(&first)).await.outcome(), served());
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served());
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), refused(503, "replay_share_full"));
    assert_eq!(api.send(first).await.outcome(), refused(401, "proof_replayed"));
    let other = handfast_testkit::Agent::numbered(2);
    let token = api.issuer.sign(&api.issuer.token_for(&other, API, "files:read", api.clock.now()));
    let proof = other.proof("GET", &format!("{API}/files"), &token, api.clock.now());
    assert_eq!(api.send(with_credentials("GET", "/files", &token, &proof)).await.outcome(), served());
}

#[tokio::test]
async fn a_restart_makes_no_used_proof_new() {
    // TH27
    let api = Api::new().await;
    let used = api.request("GET", "/files");
    assert_eq!(api.send(copied(&used)).await.outcome(), served());
    let restarted = api.restarted().await;
    let answer = restarted.send(copied(&used)).await;
    assert_eq!(answer.outcome(), refused(401, "nonce_required"));
    // the honest client repeats by itself
    let nonce = nonce_of(&answer);
    assert_eq!(restarted.send(with_nonce(&restarted, &nonce)).await.outcome(), served());
    restarted.clock.advance(60);
    assert_eq!(restarted.send(used).await.outcome(), refused(401, "nonce_required"));
    restarted.clock.advance(30);
    let late = restarted.send(restarted.request("GET", "/files")).await;
    assert_eq!(late.outcome(), refused(401, "nonce_required"), "the last second of the rule");
    restarted.clock.advance(1);
    assert_eq!(restarted.send(restarted.request("GET", "/files")).await.outcome(), served(), "the first after it");
}

#[tokio::test]
async fn nonces_of_the_process_before_are_unknown() {
    let api = Api::with(|builder| builder.nonces(NonceUse::Always)).await;
    let nonce = nonce_of(&api.send(api.request("GET", "/files")).await);
    let used = with_nonce(&api, &nonce);
    assert_eq!(api.send(copied(&used)).await.outcome(), served());
    let restarted = api.restarted().await;
    assert_eq!(restarted.send(used).await.outcome(), refused(401, "nonce_unknown"));
}

#[tokio::test]
async fn nonces_are_demanded_rotated_and_end() {
    let api = Api::with(|builder| builder.nonces(NonceUse::Always)).await;
    api.clock.set(handfast_testkit::START.saturating_add(Seconds::new(120))); // the first second of a step
    let answer = api.send(api.request("GET", "/files")).await;
    assert_eq!(answer.outcome(), refused(401, "nonce_required"));
    let challenge = answer.field("www-authenticate").unwrap();
    assert!(challenge.starts_with(r#"DPoP error="use_dpop_nonce", "#), "{challenge}");
    let first = nonce_of(&answer);
    // DPOP-63: good for many requests, and no new one while it is the newest
    for _ in 0..3 {
        let answer = api.send(with_nonce(&api, &first)).await;
        assert_eq!((answer.outcome(), answer.field("dpop-nonce")), (served(), None));
    }
    api.clock.advance(45); // DPOP-66: the last quarter of the step
    let answer = api.send(with_nonce(&api, &first)).await;
    assert_eq!(answer.outcome(), served());
    let second = nonce_of(&answer);
    assert_ne!(first, second);
    // DPOP-62: parallel requests with either pass around the rotation
    api.clock.advance(74);
    for nonce in [&first, &second] {
        assert_eq!(api.send(with_nonce(&api, nonce)).await.outcome(), served());
    }
    api.clock.advance(1); // TH24
    let answer = api.send(with_nonce(&api, &first)).await;
    assert_eq!(answer.outcome(), refused(401, "nonce_unknown"));
    assert_eq!(api.send(with_nonce(&api, &nonce_of(&answer))).await.outcome(), served());
}

#[tokio::test]
async fn a_nonce_of_the_other_role_is_unknown() {
    // TH25
    let secret = [7; 32];
    let keys = |role| NonceKeys::new(&NonceSecret::from_shared(&secret), role, NONCE_PERIOD).unwrap();
    let ours = Arc::new(keys(NonceRole::ResourceServer));
    let api = Api::with(|builder| builder.nonce_source(ours.clone())).await;
    let now = api.clock.now();
    let foreign = keys(NonceRole::AuthorizationServer).issue(now);
    assert_eq!(api.send(with_nonce(&api, foreign.as_str())).await.outcome(), refused(401, "nonce_unknown"));
    assert_eq!(api.send(with_nonce(&api, ours.issue(now).as_str())).await.outcome(), served());
}

#[tokio::test]
async fn a_wrong_client_clock_is_made_up_for_only_where_configured() {
    for (nonce_use, expected) in
        [(NonceUse::ReplacesClock, served()), (NonceUse::WhenSent, refused(401, "proof_stale"))]
    {
        let api = Api::with(|builder| builder.nonces(nonce_use)).await;
        let token = api.token();
        let long_ago = api.clock.now().saturating_sub(Seconds::new(3600));
        let behind = |nonce: Option<&str>| {
            let url = format!("{API}/files");
            let proof = match nonce {
                Some(nonce) => api.agent.proof_with_nonce("GET", &url, &token, nonce, long_ago),
                None => api.agent.proof("GET", &url, &token, long_ago),
            };
            with_credentials("GET", "/files", &token, &proof)
        };
        let answer = api.send(behind(None)).await;
        assert_eq!(answer.outcome(), refused(401, "proof_stale"));
        let request = behind(Some(&nonce_of(&answer)));
        assert_eq!(api.send(copied(&request)).await.outcome(), expected, "{nonce_use:?}");
        if nonce_use == NonceUse::ReplacesClock {
            assert_eq!(api.send(request).await.outcome(), refused(401, "proof_replayed"));
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_makes_no_old_proof_new() {
    // TH77
    let api = Api::new().await;
    let used = api.request("GET", "/files");
    let start = api.clock.now();
    assert_eq!(api.send(copied(&used)).await.outcome(), served());
    api.clock.advance(7200);
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served());
    api.clock.set(start);
    assert_eq!(api.send(used).await.outcome(), refused(503, "clock_went_back"));
}
