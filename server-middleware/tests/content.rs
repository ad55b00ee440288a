//! Body binding over HTTP: content that the proof does not cover does not reach a handler that asked for that.

#![allow(clippy::unwrap_used)] // constants of the tests

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use common::{API, Answer, Api, SCOPE, refused, send, with_credentials};
use handfast_delegation::Scope;
use handfast_dpop::{ContentDigest, ContentHash, ProofRequest, Target};
use handfast_identity::OsRandom;
use handfast_middleware::RouteRule;

const CONTENT: &str = "the content";

fn app(api: &Api) -> Router {
    let rule = RouteRule::agents(Scope::parse(SCOPE).unwrap());
    let route =
        |path: &str, rule| Router::new().route(path, any(async |body: String| body)).layer(api.server.protect(rule));
    route("/bound", rule.clone().bind_content()).merge(route("/plain", rule))
}

/// A request whose proof has `claim` and whose field is `field`.
fn request(api: &Api, path: &str, claim: Option<&ContentDigest>, field: Option<&ContentDigest>, body: &str) -> Request {
    let (token, target) = (api.token(), Target::parse(&format!("{API}{path}")).unwrap());
    let proof = ProofRequest {
        method: "POST",
        target: &target,
        token_hash: Some(ContentHash::of(token.as_bytes())),
        nonce: None,
        delegation_hash: None,
        content_digest: claim,
    };
    let proof = proof.sign(api.agent.key(), api.clock.now(), &mut OsRandom).unwrap();
    let mut request = with_credentials("POST", path, &token, &proof).map(|_| Body::from(body.to_owned()));
    if let Some(field) = field {
        request.headers_mut().insert("content-digest", field.as_str().parse().unwrap());
    }
    request
}

fn challenge_of(answer: &Answer) -> &str {
    answer.field("www-authenticate").unwrap_or_default()
}

#[tokio::test]
async fn content_is_what_the_proof_covers() {
    let api = Api::new().await;
    let app = app(&api);
    let (own, other) = (ContentDigest::of(CONTENT.as_bytes()), ContentDigest::of(b"other"));
    let (required, mismatch) = (refused(401, "content_digest_required"), refused(401, "content_digest_mismatch"));
    for (claim, field, body, expected) in [
        (Some(&own), Some(&own), CONTENT, refused(200, "")),
        (None, None, CONTENT, required.clone()),
        (None, Some(&own), CONTENT, required.clone()),
        (Some(&own), None, CONTENT, required),
        (Some(&own), Some(&own), "The content", mismatch.clone()),
        (Some(&own), Some(&own), "", mismatch.clone()),
        (Some(&other), Some(&own), CONTENT, mismatch.clone()),
        (Some(&own), Some(&other), "other", mismatch),
    ] {
        let answer = send(&app, request(&api, "/bound", claim, field, body)).await;
        assert_eq!(answer.outcome(), expected, "{claim:?} {field:?} {body}");
        if answer.status == 200 {
            assert_eq!(answer.body, CONTENT);
        } else {
            assert!(challenge_of(&answer).contains(r#"error="invalid_dpop_proof""#));
            assert!(challenge_of(&answer).ends_with(r#", content_digest="sha-256""#), "{}", challenge_of(&answer));
        }
    }
    let nothing = ContentDigest::of(b"");
    assert_eq!(send(&app, request(&api, "/bound", Some(&nothing), Some(&nothing), "")).await.status, 200);
}

#[tokio::test]
async fn a_route_that_does_not_ask_looks_at_neither() {
    let api = Api::new().await;
    let other = ContentDigest::of(b"other");
    for (claim, field) in [(None, None), (Some(&other), None), (None, Some(&other))] {
        assert_eq!(send(&app(&api), request(&api, "/plain", claim, field, CONTENT)).await.body, CONTENT);
    }
    let answer = send(&app(&api), Request::post("/plain").body(Body::empty()).unwrap()).await;
    assert!(!challenge_of(&answer).contains("content_digest"));
    let answer = send(&app(&api), Request::post("/bound").body(Body::empty()).unwrap()).await;
    assert_eq!(challenge_of(&answer), r#"DPoP algs="EdDSA Ed25519 ES256", content_digest="sha-256""#);
}

#[tokio::test]
async fn a_server_may_ask_everywhere_and_for_no_more_than_its_limit() {
    let limit = CONTENT.len();
    let api = Api::with(|builder| builder.bind_content().content_limit(limit)).await;
    let app = app(&api);
    let answer = send(&app, request(&api, "/plain", None, None, CONTENT)).await;
    assert_eq!(answer.outcome(), refused(401, "content_digest_required"));
    for (body, expected) in [(CONTENT, refused(200, "")), ("the content.", refused(413, "body_too_large"))] {
        let digest = ContentDigest::of(body.as_bytes());
        let answer = send(&app, request(&api, "/plain", Some(&digest), Some(&digest), body)).await;
        assert_eq!(answer.outcome(), expected, "{body}");
    }
}
