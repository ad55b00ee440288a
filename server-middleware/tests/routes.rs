//! Targets as clients see them, layers in the wrong number, and form bodies.

#![allow(clippy::unwrap_used, clippy::panic)] // constants of the tests, and what must not happen

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get, post};
use common::{API, Api, SETTLED, refused, send, served, with_credentials};
use handfast_middleware::{Caller, MAX_FORM_BYTES, Mode, ResourceServer};
use handfast_testkit::{Agent, Issuer, facts_of, known};

/// An app whose public address is `base`, `mounted` under a prefix in its router, asked for `path` with a proof for `htu`.
async fn asked(base: &str, mounted: &str, path: &str, htu: &str) -> (u16, String) {
    asked_with(base, mounted, path, htu, &[]).await
}

async fn asked_with(base: &str, mounted: &str, path: &str, htu: &str, extra: &[(&str, &str)]) -> (u16, String) {
    let api = Api::new().await;
    let (facts, clock) = (api.facts.clone(), api.clock.clone());
    let builder = ResourceServer::builder(API, base).facts(facts).clock(move || clock.now()).mode(Mode::Development);
    let server = builder.start().await.unwrap();
    api.clock.advance(SETTLED);
    let handler = any(|caller: Caller| async move { caller.client_id().to_owned() });
    let inner =
        Router::new().route("/x", handler.clone()).route("/a%2Fb", handler.clone()).route("/~user", handler.clone());
    let inner = inner.fallback(handler).layer(server.scope("files:read").unwrap());
    let app = if mounted.is_empty() { inner } else { Router::new().nest(mounted, inner) };
    let token = api.token();
    let mut request = with_credentials("GET", path, &token, &api.agent.proof("GET", htu, &token, api.clock.now()));
    for (name, value) in extra {
        request.headers_mut().insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    send(&app, request).await.outcome()
}

#[tokio::test]
async fn the_target_is_the_public_one() {
    let mismatch = || refused(401, "target_mismatch");
    let cases = [
        (API, "", "/x", "https://api.example/x", served()),
        (API, "", "/x?page=2", "https://api.example/x", served()),
        (API, "", "/x", "https://api.example/x?page=2#f", served()),
        (API, "", "/x", "https://api.example:443/x", served()), // TH19
        (API, "", "/~user", "https://api.example/%7Euser", served()), // TH20
        (API, "", "/%7euser", "https://api.example/~user", served()),
        (API, "", "/a%2fb", "https://api.example/a%2Fb", served()),
        (API, "", "/a/b", "https://api.example/a%2Fb", mismatch()),
        (API, "", "/x/", "https://api.example/x", mismatch()),
        (API, "", "//x", "https://api.example/x", mismatch()),
        // TH22: a nested router, one and two levels down
        (API, "/api", "/api/x", "https://api.example/api/x", served()),
        (API, "/api", "/api/x", "https://api.example/x", mismatch()),
        (API, "/api/v1", "/api/v1/x", "https://api.example/api/v1/x", served()),
        // TH17: the inner address is nobody's target; a proxy that strips a prefix has it in the base
        ("https://api.example/v1", "", "/x", "https://api.example/v1/x", served()),
        ("https://api.example/v1", "", "/x", "http://10.0.0.5:8080/x", mismatch()),
        ("https://api.example/v1", "", "/x", "https://api.example/x", mismatch()),
        ("https://api.example/v1", "", "/../x", "https://api.example/x", mismatch()),
        // absolute-form of the request line: the authority in it has no say
        (API, "", "https://evil.example/x", "https://api.example/x", served()),
        (API, "", "https://evil.example/x", "https://evil.example/x", mismatch()),
    ];
    for (base, mounted, path, htu, expected) in cases {
        assert_eq!(asked(base, mounted, path, htu).await, expected, "{base} {mounted} {path} {htu}");
    }
}

#[tokio::test]
async fn no_field_of_the_request_changes_the_target() {
    // P-03, TH18
    let forged = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "8080"),
        ("x-forwarded-prefix", "/v2"),
        ("x-original-uri", "/other"),
        ("x-rewrite-url", "/other"),
        ("forwarded", "host=evil.example;proto=http"),
    ];
    for (name, value) in forged {
        let good = asked_with(API, "", "/x", "https://api.example/x", &[(name, value)]).await;
        assert_eq!(good, served(), "{name}");
        for htu in
            ["https://evil.example/x", "http://api.example/x", "https://api.example/v2/x", "https://api.example/other"]
        {
            let relayed = asked_with(API, "", "/x", htu, &[(name, value)]).await;
            assert_eq!(relayed, refused(401, "target_mismatch"), "{name} {htu}");
        }
    }
}

#[tokio::test]
async fn faults_of_form_come_before_a_target_that_is_none() {
    let api = Api::new().await;
    let app = Router::new().fallback(any(|| async { "ok" })).layer(api.server.scope("").unwrap());
    let mut request = Request::builder().method("OPTIONS").uri("*").body(Body::empty()).unwrap();
    assert_eq!(send(&app, request).await.outcome(), refused(401, "credentials_missing"));
    let token = api.token();
    request = with_credentials("OPTIONS", "*", &token, &api.proof("OPTIONS", "/", &token));
    assert_eq!(send(&app, request).await.outcome(), refused(401, "target_mismatch"));
}

#[tokio::test]
async fn a_proof_is_for_one_method() {
    let api = Api::new().await;
    for (asked, proved) in [("HEAD", "GET"), ("POST", "GET"), ("GET", "HEAD")] {
        let token = api.token();
        let request = with_credentials(asked, "/files", &token, &api.proof(proved, "/files", &token));
        let answer = api.send(request).await;
        assert_eq!(answer.status, 401, "{asked} with a proof for {proved}");
        assert_eq!(api.send(api.request(asked, "/files")).await.status, 200, "the twin");
    }
}

#[tokio::test]
async fn a_handler_without_a_layer_does_not_run() {
    let app = Router::new().route("/open", get(|_: Caller| async { "served" }));
    let answer = send(&app, Request::get("/open").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.outcome(), refused(503, "route_not_protected"));
}

#[tokio::test]
async fn two_layers_around_one_route_are_noticed() {
    let api = Api::new().await;
    let app = api.app().layer(api.server.scope("").unwrap());
    assert_eq!(send(&app, api.request("GET", "/files")).await.outcome(), refused(503, "route_guarded_twice"));
}

#[tokio::test]
async fn routes_of_different_scopes_live_in_one_router() {
    let api = Api::new().await;
    let read = Router::new().route("/files", get(|| async { "read" })).layer(api.server.scope("files:read").unwrap());
    let write =
        Router::new().route("/files", post(|| async { "written" }).layer(api.server.scope("files:write").unwrap()));
    let app = read.merge(write).route("/health", get(|| async { "fine" }));
    assert_eq!(send(&app, api.request("GET", "/files")).await.body, "read");
    assert_eq!(send(&app, api.request("POST", "/files")).await.outcome(), refused(403, "insufficient_scope"));
    assert_eq!(send(&app, Request::get("/health").body(Body::empty()).unwrap()).await.body, "fine");
}

/// A form of these bytes, with good credentials, at a handler that gives back what it got.
async fn form(content_type: &str, bytes: Vec<u8>) -> (u16, String) {
    let api = Api::new().await;
    let mut request = api.request("POST", "/files").map(|_| Body::from(bytes));
    request.headers_mut().insert("content-type", content_type.parse().unwrap());
    let answer = api.send(request).await;
    if answer.status == 200 { (200, answer.body.split(' ').next_back().unwrap().to_owned()) } else { answer.outcome() }
}

#[tokio::test]
async fn a_token_in_a_form_is_refused_and_other_forms_arrive_whole() {
    const FORM: &str = "application/x-www-form-urlencoded";
    // TH15
    for body in ["access_token=x", "a=1&access%5ftoken=x", "access_token"] {
        assert_eq!(form(FORM, body.into()).await, refused(400, "token_misplaced"), "{body}");
        let mixed = form("Application/X-WWW-form-urlencoded; charset=utf-8", body.into()).await;
        assert_eq!(mixed, refused(400, "token_misplaced"), "{body}");
    }
    assert_eq!(form(FORM, "a=1&b=access_token".into()).await, (200, "a=1&b=access_token".to_owned()));
    assert_eq!(form("text/plain", "access_token=x".into()).await, (200, "access_token=x".to_owned()));
    assert_eq!(form(FORM, vec![b'a'; MAX_FORM_BYTES + 1]).await, refused(413, "body_too_large"));
    assert_eq!(form(FORM, vec![b'a'; MAX_FORM_BYTES]).await.1.len(), MAX_FORM_BYTES);
    assert_eq!(form("text/plain", vec![b'a'; MAX_FORM_BYTES + 1]).await.1.len(), MAX_FORM_BYTES + 1);
}

#[tokio::test]
async fn a_form_without_credentials_is_not_read() {
    let api = Api::new().await;
    let never = Body::new(Never);
    let request =
        Request::post("/files").header("content-type", "application/x-www-form-urlencoded").body(never).unwrap();
    assert_eq!(api.send(request).await.outcome(), refused(401, "credentials_missing"));
}

/// A body that is not to be asked for.
struct Never;

impl http_body::Body for Never {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        panic!("the body was asked for")
    }
}

#[tokio::test]
async fn a_key_of_the_other_kind_works_the_same() {
    let api = Api::new().await;
    let agent = Agent::p256(3);
    let token = api.issuer.sign(&api.issuer.token_for(&agent, API, "files:read", api.clock.now()));
    let proof = agent.proof("GET", &format!("{API}/files"), &token, api.clock.now());
    assert_eq!(api.send(with_credentials("GET", "/files", &token, &proof)).await.outcome(), served());
}

#[tokio::test]
async fn the_same_names_at_another_issuer_are_nobody() {
    let api = Api::new().await;
    let other = Issuer::at("https://other.example");
    let token = other.sign(&other.token_for(&api.agent, API, "files:read", api.clock.now()));
    assert_eq!(api.send(api.request_with_token(&token)).await.outcome(), refused(401, "issuer_not_trusted"));
    let trusted = other.clone();
    api.facts.set(move |now| facts_of(&trusted, known(now)));
    assert_eq!(api.send(api.request_with_token(&token)).await.outcome(), served(), "the twin");
}
