//! What is logged of a decision and of a feed, and what never is (DPOP-138, P-19).
//!
//! Every test here collects its own log: a thread that collects none could switch events off for all.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

mod common;
mod fake_registry;

use std::num::NonZeroU32;

use axum::Router;
use axum::routing::any;
use common::{API, Api, Log, refused, send, served, with_credentials};
use fake_registry::{Follower, Registry};
use handfast_delegation::AccessToken;
use handfast_dpop::ContentHash;
use handfast_middleware::{DriftPolicy, NonceUse};
use handfast_testkit::{Agent, Chain, Issuer, facts_of, known};
use handfast_verifier::revocation::RevocationKind;
use handfast_verifier::trust::Facts;

#[tokio::test]
async fn decisions_are_logged_without_tokens_proofs_and_nonces() {
    let (log, _guard) = Log::of_this_thread();
    let api = Api::with(|builder| builder.nonces(NonceUse::Always)).await;

    let claims = api.claims();
    let token = api.issuer.sign(&claims);
    let answer = api.send(api.request_with_token(&token)).await;
    let nonce = answer.field("dpop-nonce").unwrap();
    let url = format!("{API}/files");
    let mut parts = api.agent.proof_parts("GET", &url, Some(&token), api.clock.now());
    parts.claims.insert("nonce".into(), nonce.into());
    let proof = api.agent.sign(&parts);
    let ask = || api.send(with_credentials("GET", "/files", &token, &proof));
    assert_eq!((ask().await.status.as_u16(), ask().await.status.as_u16()), (200, 401));

    let text = log.take();
    let proof_id = parts.claims.get("jti").and_then(serde_json::Value::as_str).unwrap();
    let jkt = format!("jkt={}", api.agent.thumbprint());
    let hash = ContentHash::of(proof_id.as_bytes()).to_string();
    let lines: Vec<_> = text.lines().collect();
    let [no_nonce, accepted, replayed] = lines.as_slice() else { unreachable!("three decisions: {text}") };
    assert!(no_nonce.contains(r#"decision="refused" reason="nonce_required""#), "{no_nonce}");
    for part in [r#"decision="accepted""#, jkt.as_str(), claims.token_id.as_str(), hash.as_str(), api.issuer.url()] {
        assert!(accepted.contains(part), "{part} in {accepted}");
    }
    assert!(replayed.contains(r#"decision="refused" reason="proof_replayed""#), "{replayed}");
    assert!(replayed.contains(&jkt) && replayed.contains(&hash), "{replayed}");
    for secret in [token.as_str(), proof.as_str(), nonce, proof_id] {
        for piece in secret.split('.') {
            assert!(!text.contains(piece), "{piece} in {text}");
        }
    }
}

#[tokio::test]
async fn a_decision_says_for_whom_and_through_whom() {
    let (log, _guard) = Log::of_this_thread();
    let api = Api::new().await;
    let (claims, delegate, stranger) = (api.claims(), Agent::numbered(41), Agent::numbered(42));
    let chain = Chain::below(&api.issuer, &api.agent, claims.clone()).to(&delegate);
    let evidence = chain.offline();
    let by = |agent: &Agent, path: &str| {
        let proof = agent.proof_with_chain("GET", &format!("{API}{path}"), &evidence, api.clock.now());
        let mut request = with_credentials("GET", path, &evidence.token, &proof);
        request.headers_mut().insert("delegation", evidence.field.parse().unwrap());
        request
    };
    let layer = |scope| api.server.scope(scope).unwrap();
    let app = Router::new()
        .route("/files", any(async || "").layer(layer(common::SCOPE)))
        .route("/write", any(async || "").layer(layer("files:write")));
    assert_eq!(send(&app, by(&delegate, "/files")).await.outcome(), served());
    assert_eq!(send(&app, by(&delegate, "/write")).await.outcome(), refused(403, "insufficient_scope"));
    assert_eq!(send(&app, by(&stranger, "/files")).await.outcome(), refused(401, "holder_mismatch"));

    let text = log.take();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("handfast::decision")).collect();
    let [accepted, denied, unknown] = lines.as_slice() else { unreachable!("three decisions: {text}") };
    assert!(accepted.contains(r#"decision="accepted""#), "{accepted}");
    assert!(denied.contains(r#"decision="refused" reason="insufficient_scope""#), "{denied}");
    let task = claims.task.as_ref().unwrap();
    let expected = [
        format!("issuer=\"{}\"", api.issuer.url()),
        format!("sub=\"{}\"", claims.subject),
        format!("client_id=\"{}\"", delegate.did()),
        format!("actors=\"{} {}\"", delegate.did(), api.agent.did()),
        format!("task=\"{}\"", task.id),
        format!("trigger=\"{} {}\"", task.trigger.kind, task.trigger.by),
        format!("hops=\"{}\"", chain.hop_name(1).unwrap()),
        format!("token_id=\"{}\"", claims.token_id),
    ];
    for part in &expected {
        assert!(accepted.contains(part) && denied.contains(part), "{part} in {accepted} and {denied}");
    }
    // the evidence is good and the key is not the one it names: nothing is said of whom the evidence speaks
    assert!(unknown.ends_with(r#"decision="refused" reason="holder_mismatch""#), "{unknown}");
}

#[tokio::test]
async fn decisions_of_two_issuers_are_told_apart() {
    let (log, _guard) = Log::of_this_thread();
    let api = Api::new().await;
    // the same keys, key ids, owner, agent, task and token id: nothing differs but the name
    let (first, other) = (api.claims(), Issuer::at("https://other.example"));
    let second = AccessToken { issuer: other.url().into(), ..first.clone() };
    let issuer = api.issuer.clone();
    api.facts.set(move |now| {
        let of = |issuer: &Issuer| facts_of(issuer, known(now)).issuers().cloned().collect::<Vec<_>>();
        Facts::new([of(&issuer), of(&other)].concat())
    });
    for claims in [&first, &second] {
        assert_eq!(api.send(api.request_with_token(&api.issuer.sign(claims))).await.outcome(), served());
        let text = log.take();
        let decision = text.lines().find(|line| line.contains("handfast::decision")).unwrap();
        assert!(decision.contains(&format!("issuer=\"{}\"", claims.issuer)), "{decision}");
    }
}

#[tokio::test]
async fn a_feed_that_went_back_is_reported_once() {
    let (log, _guard) = Log::of_this_thread();
    let registry = Registry::running().await;
    registry.change(|says| says.feed.revoke(RevocationKind::Token, "tok_1"));
    let api = Follower::of(&registry).await;
    registry.change(|says| says.feed = says.issuer.feed());
    api.ask_until(refused(503, "feed_rolled_back")).await;
    // it is asked all the same, for its operator may begin a new epoch
    for _ in 0..3 {
        registry.heard().await;
    }
    assert_eq!(api.ask(&api.token()).await.outcome(), refused(503, "feed_rolled_back"));
    let text = log.take();
    let errors: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
    let [error] = errors.as_slice() else { unreachable!("one error: {errors:?}") };
    for expected in ["issuer=", "epoch=\"1\"", "seq=1", "begin a new epoch"] {
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[tokio::test]
async fn a_log_says_who_drifts_and_what_was_done() {
    let (log, _guard) = Log::of_this_thread();
    let halting = DriftPolicy { halt_after: NonZeroU32::new(2), ..DriftPolicy::default() };
    let api = Api::with(|builder| builder.drift(halting)).await;
    let claims = AccessToken { token_id: "tok_of_a_drifter".into(), ..api.claims() };
    let token = api.issuer.sign(&claims);
    let app = Router::new().route("/files", any(async || "")).layer(api.server.scope("files:write").unwrap());
    for _ in 0..2 {
        let answer = send(&app, api.request_with_token(&token)).await;
        assert_eq!(answer.outcome(), refused(403, "insufficient_scope"));
    }
    let text = log.take();
    let task = &claims.task.as_ref().unwrap().id;
    for expected in ["a task drifts", "a task is halted", task, &claims.client_id, "insufficient_scope"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
