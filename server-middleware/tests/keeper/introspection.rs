//! Issuers that are asked about each token, by a client of theirs (spec/introspection.md). A handfast registry that is asked by an
//! agent is in the registry's own tests.

#![allow(clippy::indexing_slicing)] // members of documents that the test made

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::routing::get;
use handfast_identity::Seconds;
use handfast_identity::json::Limits;
use handfast_identity::jws::UnverifiedJws;
use handfast_middleware::{Builder, Mode, Pace, ResourceServer, TrustedIssuer};
use handfast_testkit::{Agent, Chain, Evidence, keys};
use handfast_verifier::trust::{IntrospectionCaller, Profile, StatusSource};
use http::StatusCode;
use http_body::Frame;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use crate::common::slow_store::{SlowStore, Wait};
use crate::common::{API, Answer, Log, SCOPE, refused, send, served, with_credentials};
use crate::fake_registry::{BRISK, Follower, Registry};

const SOON: Duration = Duration::from_secs(10);
const SECRET: &str = "s:cret+1";
const JSON: &str = "application/json";
/// How long an answer counts.
const TTL: u64 = 5;

/// An API that asks a foreign issuer.
struct Asking {
    registry: Registry,
    api: Follower,
    _folder: TempDir,
}

fn file(name: &str, text: &str, mode: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn trust(registry: &Registry, secret_file: PathBuf, endpoint: Option<String>) -> TrustedIssuer {
    asked_by(registry, IntrospectionCaller::Client { id: "the api".to_owned(), secret_file }, endpoint)
}

fn asked_by(registry: &Registry, caller: IntrospectionCaller, endpoint: Option<String>) -> TrustedIssuer {
    registry.change(|says| TrustedIssuer {
        profile: Profile::Rfc9068,
        status: StatusSource::Introspection { caller, endpoint },
        ..says.issuer.trust()
    })
}

impl Asking {
    async fn new() -> Self {
        Self::with(|_| None).await
    }

    async fn paced(pace: Pace) -> Self {
        Self::of(|_| None, pace, |builder| builder).await
    }

    /// Asks where the operator says, or where the issuer does.
    async fn with(endpoint: impl FnOnce(&Registry) -> Option<String>) -> Self {
        Self::of(endpoint, BRISK, |builder| builder).await
    }

    async fn of(
        endpoint: impl FnOnce(&Registry) -> Option<String>,
        pace: Pace,
        settings: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let registry = Registry::running().await;
        registry.change(|says| {
            says.metadata["introspection_endpoint"] = json!(format!("{}/introspect", says.issuer.url()));
        });
        let (folder, secret) = file("secret", &format!("{SECRET}\n"), 0o600);
        let trust = trust(&registry, secret, endpoint(&registry));
        // the shortest staleness there is
        let settings = |builder: Builder| settings(builder.staleness(Seconds::new(10)).pace(pace));
        let api = Follower::trusting(&registry, trust, settings).await;
        api.server.ready().await;
        Self { registry, api, _folder: folder }
    }

    fn tell(&self, told: &Value) {
        self.registry.change(|says| says.told = (StatusCode::OK, JSON, told.to_string()));
    }

    fn asked(&self) -> usize {
        self.registry.change(|says| says.questions_of_tokens.len())
    }

    fn advance(&self, seconds: u64) {
        self.registry.change(|says| says.clock.advance(seconds));
    }

    async fn ask(&self, token: &str) -> Answer {
        self.api.ask(token).await
    }

    async fn ask_until(&self, token: &str, outcome: (u16, String)) {
        let asking = async {
            while self.ask(token).await.outcome() != outcome {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, asking).await.unwrap();
    }
}

#[tokio::test]
async fn p11_a_token_is_asked_about_again_when_its_answer_got_too_old_in_a_wait() {
    for (told, expected) in [(true, served()), (false, refused(401, "token_revoked"))] {
        let store = Arc::new(SlowStore::new());
        let shared = Arc::clone(&store);
        let asking = Asking::of(|_| None, BRISK, |builder| builder.shared_store(shared)).await;
        let token = asking.api.token();
        let registry = asking.registry.handle();
        store.meanwhile(Wait::Proof, move || {
            let mut says = registry.lock().unwrap();
            says.clock.advance(TTL + 1);
            says.told = (StatusCode::OK, JSON, json!({"active": told}).to_string());
        });
        assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (expected, 2));
    }
}

#[tokio::test]
async fn a_foreign_issuer_is_asked_about_each_token_as_one_of_its_clients() {
    let (log, _guard) = Log::of_this_thread();
    let asking = Asking::new().await;
    let (token, other) = (asking.api.token(), asking.api.token());
    for _ in 0..3 {
        assert_eq!(asking.ask(&token).await.outcome(), served());
    }
    let (by, form) = asking.registry.change(|says| says.questions_of_tokens.clone()).remove(0);
    // RFC 6749 2.3.1: `the+api:s%3Acret%2B1`
    assert_eq!(by, "Basic dGhlK2FwaTpzJTNBY3JldCUyQjE=");
    // INT-02
    assert_eq!(form, format!("token={token}&token_type_hint=access_token"));
    assert_eq!(asking.asked(), 1);
    // INT-06: for five seconds and no longer
    asking.tell(&json!({"active": false}));
    asking.advance(TTL);
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 1));
    assert_eq!((asking.ask(&other).await.outcome(), asking.asked()), (refused(401, "token_revoked"), 2));
    asking.advance(1);
    for _ in 0..3 {
        assert_eq!(asking.ask(&token).await.outcome(), refused(401, "token_revoked"));
    }
    assert_eq!(asking.asked(), 3);
    let counts = asking.api.server.introspection_counts().remove(0);
    assert_eq!((counts.held, counts.answered, counts.failed), (2, 3, 0));
    let log = log.take();
    assert!(!log.contains(SECRET) && !log.contains("dGhlK2Fw") && !log.contains(&token), "P-19: {log}");
}

/// What a form says, each name once.
fn pairs(form: &str) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let count = pairs.len();
    let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
    assert_eq!(pairs.len(), count, "{form}");
    pairs
}

/// RFC 7523, `private_key_jwt`: whoever has the key is the client, and nothing secret is sent.
#[tokio::test]
async fn a_client_with_a_key_signs_an_assertion_for_each_question() {
    for key in [keys::ed25519(9), keys::p256(9)] {
        let (log, _guard) = Log::of_this_thread();
        let registry = Registry::running().await;
        let (issuer, now) = registry.change(|says| {
            says.metadata["introspection_endpoint"] = json!(format!("{}/introspect", says.issuer.url()));
            (says.issuer.url().to_owned(), says.clock.clone())
        });
        let jwk = key.expose_private_jwk().to_string();
        let (_folder, key_file) = file("key", &format!(r#"{{"version":1,"key":{jwk}}}"#), 0o600);
        let caller = IntrospectionCaller::SigningClient { id: "the api".to_owned(), key_file };
        let api = Follower::trusting(&registry, asked_by(&registry, caller, None), |builder| builder).await;
        api.server.ready().await;
        let token = api.token();
        assert_eq!(api.ask(&token).await.outcome(), served());
        now.advance(TTL + 1);
        registry.change(|says| says.told.2 = r#"{"active":false}"#.to_owned());
        assert_eq!(api.ask(&token).await.outcome(), refused(401, "token_revoked"));
        let (logged, mut ids) = (log.take(), BTreeSet::new());
        for (place, (by, form)) in registry.change(|says| says.questions_of_tokens.clone()).into_iter().enumerate() {
            assert_eq!(by, "");
            let mut pairs = pairs(&form);
            let assertion = pairs.remove("client_assertion").unwrap();
            let rest = [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_id", "the api"),
                ("token", token.as_str()),
                ("token_type_hint", "access_token"),
            ];
            assert_eq!(pairs, rest.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
            let jws = UnverifiedJws::parse(&assertion, &Limits::plain(4096)).unwrap();
            // JB-03
            assert_eq!(jws.typ(), Some("client-authentication+jwt"));
            let mut claims: Value = jws.unverified_claims().unwrap();
            assert!(jws.verify(key.public()).is_ok());
            // JB-05: each is good once
            let id = claims["jti"].take();
            assert!(id.as_str().is_some_and(|id| id.len() == 22) && ids.insert(id.to_string()), "{id}");
            // JB-02, JB-04: for this issuer alone, and for a minute
            let at = now.now().as_secs() - if place == 0 { TTL + 1 } else { 0 };
            let expected =
                json!({"iss": "the api", "sub": "the api", "aud": issuer, "iat": at, "exp": at + 60, "jti": null});
            assert_eq!(claims, expected);
            assert!(!logged.contains(&assertion), "P-19");
        }
        assert_eq!(ids.len(), 2);
    }
}

#[tokio::test]
async fn int_06_an_answer_does_not_outlive_the_token() {
    let asking = Asking::new().await;
    let mut claims = asking.registry.change(|says| {
        let now = says.clock.now();
        says.issuer.token_for(asking.api.agent(), API, SCOPE, now)
    });
    claims.authority.expires_at = claims.issued_at.saturating_add(Seconds::new(2));
    let token = asking.registry.change(|says| says.issuer.sign(&claims));
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 1));
    asking.advance(2);
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 1));
    // within the leeway the issuer has the word
    asking.tell(&json!({"active": false}));
    asking.advance(1);
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (refused(401, "token_revoked"), 2));
}

#[tokio::test]
async fn requests_with_one_token_at_once_ask_once() {
    let asking = Asking::new().await;
    let token = asking.api.token();
    let gate = Arc::new(Barrier::new(2));
    asking.registry.change(|says| says.told_gate = Some(Arc::clone(&gate)));
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (app, request) = (asking.api.app.clone(), asking.api.request("/files", &token));
        asked.spawn(async move { send(&app, request).await.outcome() });
    }
    gate.wait().await;
    // one of them goes away, and takes the question with it from nobody
    asked.abort_all();
    while asked.join_next().await.is_some() {}
    for _ in 0..20 {
        let (app, request) = (asking.api.app.clone(), asking.api.request("/files", &token));
        asked.spawn(async move { send(&app, request).await.outcome() });
    }
    tokio::task::yield_now().await;
    gate.wait().await;
    while let Some(outcome) = asked.join_next().await {
        assert_eq!(outcome.unwrap(), served());
    }
    assert_eq!(asking.asked(), 1);
}

/// P-18: however many tokens are presented, 32 questions are under way at once, and the others wait for their turn.
#[tokio::test]
async fn an_issuer_is_asked_so_many_questions_at_once() {
    const AT_ONCE: usize = 32;
    const MORE: usize = 8;
    let asking = Asking::new().await;
    let allowance = Arc::new(Semaphore::new(0));
    asking.registry.change(|says| says.told_allowance = Some(Arc::clone(&allowance)));
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE + MORE {
        let (app, request) = (asking.api.app.clone(), asking.api.request("/files", &asking.api.token()));
        asked.spawn(async move { send(&app, request).await.outcome() });
    }
    let came_in = async |number: usize| {
        let waiting = async {
            while asking.asked() < number {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, waiting).await.unwrap();
        // long enough for another one to come in
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(asking.asked(), number);
    };
    came_in(AT_ONCE).await;
    allowance.add_permits(MORE);
    came_in(AT_ONCE + MORE).await;
    allowance.add_permits(AT_ONCE);
    while let Some(outcome) = asked.join_next().await {
        assert_eq!(outcome.unwrap(), served());
    }
}

/// What was revoked while the question was under way may be missing in its answer.
#[tokio::test]
async fn an_answer_is_as_old_as_its_question() {
    let asking = Asking::new().await;
    let token = asking.api.token();
    let gate = Arc::new(Barrier::new(2));
    asking.registry.change(|says| says.told_gate = Some(Arc::clone(&gate)));
    let answering = async {
        gate.wait().await;
        asking.advance(3);
        gate.wait().await;
    };
    assert_eq!(tokio::join!(asking.ask(&token), answering).0.outcome(), served());
    asking.advance(2);
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 1));
    asking.advance(1);
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 2));
}

#[tokio::test]
async fn after_a_failure_of_the_issuer_nobody_asks_for_a_while() {
    let pause = Duration::from_secs(60);
    let asking = Asking::paced(Pace { first_retry: pause, last_retry: pause, ..BRISK }).await;
    let (token, other) = (asking.api.token(), asking.api.token());
    // an answer that is none says nothing of other tokens
    asking.tell(&json!({}));
    for asked in 1..=2 {
        assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (refused(503, "status_unknown"), asked));
    }
    asking.tell(&json!({"active": true}));
    assert_eq!((asking.ask(&token).await.outcome(), asking.asked()), (served(), 3));
    asking.registry.change(|says| says.told.0 = StatusCode::BAD_GATEWAY);
    for _ in 0..3 {
        assert_eq!((asking.ask(&other).await.outcome(), asking.asked()), (refused(503, "status_unknown"), 4));
    }
    assert_eq!(asking.ask(&token).await.outcome(), served(), "what is known goes on to count");
}

/// P-17: what is no answer about this token is none.
#[tokio::test]
async fn what_is_no_answer_is_ours_and_never_a_pass() {
    let stranger = Registry::running().await;
    let of_stranger = stranger.change(|says| says.issuer.url().to_owned());
    let active = r#"{"active":true}"#;
    let wrong: Vec<(&str, (StatusCode, &'static str, String))> = vec![
        ("an error", (StatusCode::INTERNAL_SERVER_ERROR, JSON, active.to_owned())),
        ("another secret", (StatusCode::UNAUTHORIZED, JSON, r#"{"error":"invalid_client"}"#.to_owned())),
        ("too fast", (StatusCode::TOO_MANY_REQUESTS, JSON, active.to_owned())),
        ("created", (StatusCode::CREATED, JSON, active.to_owned())),
        ("elsewhere", (StatusCode::TEMPORARY_REDIRECT, JSON, active.to_owned())),
        ("a page", (StatusCode::OK, "text/html", active.to_owned())),
        ("a signed answer", (StatusCode::OK, "application/token-introspection+jwt", active.to_owned())),
        ("empty", (StatusCode::OK, JSON, String::new())),
        ("half", (StatusCode::OK, JSON, r#"{"active":tr"#.to_owned())),
        ("without a word", (StatusCode::OK, JSON, "{}".to_owned())),
        ("as text", (StatusCode::OK, JSON, r#"{"active":"true"}"#.to_owned())),
        ("twice", (StatusCode::OK, JSON, r#"{"active":false,"active":true}"#.to_owned())),
        ("of another issuer", (StatusCode::OK, JSON, json!({"active": true, "iss": of_stranger}).to_string())),
        ("of another token", (StatusCode::OK, JSON, json!({"active": true, "jti": "tok_other"}).to_string())),
        ("too long", (StatusCode::OK, JSON, format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(65_536)))),
    ];
    for (what, told) in wrong {
        let asking = Asking::new().await;
        let token = asking.api.token();
        asking.registry.change(|says| says.told = told.clone());
        let answer = asking.ask(&token).await;
        assert_eq!(answer.outcome(), refused(503, "status_unknown"), "{what}");
        assert_eq!(answer.field("retry-after"), Some("5"));
        assert_eq!(asking.asked(), 1, "{what}");
        assert_eq!(asking.api.server.introspection_counts().remove(0).failed, 1, "{what}");
        // it recovers by itself, and what was said before does not outlive its time
        asking.tell(&json!({"active": true}));
        asking.ask_until(&token, served()).await;
        asking.registry.change(|says| says.told = told);
        asking.advance(TTL + 1);
        assert_eq!(asking.ask(&token).await.outcome(), refused(503, "status_unknown"), "{what}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_down_or_late_is_ours_and_comes_back_by_itself() {
    let mut asking = Asking::new().await;
    let token = asking.api.token();
    assert_eq!(asking.ask(&token).await.outcome(), served());
    asking.registry.stop().await;
    asking.advance(TTL);
    assert_eq!(asking.ask(&token).await.outcome(), served());
    asking.advance(1);
    assert_eq!(asking.ask(&token).await.outcome(), refused(503, "status_unknown"));
    asking.registry.start().await;
    asking.ask_until(&token, served()).await;
    // it takes the question and says nothing
    let gate = Arc::new(Barrier::new(2));
    asking.registry.change(|says| says.told_gate = Some(Arc::clone(&gate)));
    asking.advance(TTL + 1);
    let begun = Instant::now();
    let asked = timeout(SOON, async { tokio::join!(asking.ask(&token), gate.wait()).0 }).await.unwrap();
    assert_eq!(asked.outcome(), refused(503, "status_unknown"));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    asking.ask_until(&token, served()).await;
}

/// An API that asks a handfast registry by an agent.
async fn by_an_agent() -> (Registry, Follower, TempDir) {
    let registry = Registry::running().await;
    let key = keys::ed25519(9).expose_private_jwk().to_string();
    let (folder, key_file) = file("key", &format!(r#"{{"version":1,"key":{key}}}"#), 0o600);
    let status = StatusSource::Introspection { caller: IntrospectionCaller::Agent { key_file }, endpoint: None };
    let trust = registry.change(|says| {
        let url = says.issuer.url().to_owned();
        says.metadata["introspection_endpoint"] = json!(format!("{url}/introspect"));
        says.metadata["token_endpoint"] = json!(format!("{url}/oauth2/token"));
        says.token_told = json!({"access_token": "a-token", "token_type": "DPoP", "expires_in": 300});
        TrustedIssuer { status, ..says.issuer.trust() }
    });
    let api = Follower::trusting(&registry, trust, |builder| builder).await;
    api.server.ready().await;
    (registry, api, folder)
}

#[tokio::test]
async fn a_chain_that_was_not_exchanged_is_refused_and_one_that_was_is_asked_about() {
    let (registry, api, _folder) = by_an_agent().await;
    let (issuer, now) = registry.change(|says| (says.issuer.clone(), says.clock.now()));
    let delegate = Agent::numbered(2);
    let root = issuer.token_for(api.agent(), API, SCOPE, now);
    let chain = Chain::below(&issuer, api.agent(), root).to(&delegate);
    let present = async |evidence: Evidence| {
        let proof = delegate.proof_with_chain("GET", &format!("{API}/files"), &evidence, now);
        let mut request = with_credentials("GET", "/files", &evidence.token, &proof);
        request.headers_mut().insert("delegation", evidence.field.parse().unwrap());
        send(&api.app, request).await.outcome()
    };
    assert_eq!(present(chain.offline()).await, refused(401, "offline_not_permitted"));
    let exchanged = chain.exchanged(&issuer, now);
    assert_eq!(present(exchanged.clone()).await, served());
    let asked = registry.change(|says| says.questions_of_tokens.clone());
    let of_token = |token: &str| asked.iter().filter(|(_, form)| form.contains(token)).count();
    assert_eq!(
        (of_token(&exchanged.token), of_token(&chain.offline().token)),
        (1, 1),
        "each is a good token by itself"
    );
}

/// DPOP-15: an agent asks with a token that is bound to its key, or not at all.
#[tokio::test]
async fn a_token_that_anybody_could_use_is_not_used_to_ask() {
    let (registry, api, _folder) = by_an_agent().await;
    let asked = || registry.change(|says| says.questions_of_tokens.len());
    for told in [
        json!({"access_token": "a-token", "token_type": "Bearer", "expires_in": 300}),
        json!({"access_token": "x".repeat(8193), "token_type": "DPoP", "expires_in": 300}),
        json!({"access_token": "a-token", "token_type": "DPoP"}),
        json!({"error": "invalid_client"}),
    ] {
        registry.change(|says| says.token_told = told.clone());
        tokio::time::sleep(BRISK.last_retry).await;
        assert_eq!((api.ask(&api.token()).await.outcome(), asked()), (refused(503, "status_unknown"), 0), "{told}");
    }
    registry
        .change(|says| says.token_told = json!({"access_token": "a-token", "token_type": "DPoP", "expires_in": 300}));
    tokio::time::sleep(BRISK.last_retry).await;
    assert_eq!((api.ask(&api.token()).await.outcome(), asked()), (served(), 1));
    assert_eq!(registry.change(|says| says.questions_of_tokens[0].0.clone()), "DPoP a-token");
}

/// INT-01: whoever nobody trusts has nothing asked, and no credentials are shown for it.
#[tokio::test]
async fn a_token_that_is_not_the_issuers_is_not_asked_about() {
    let asking = Asking::new().await;
    let (issuer, now) = asking.registry.change(|says| (says.issuer.clone(), says.clock.now()));
    let forger = handfast_testkit::Issuer::with_keys(issuer.url(), keys::ed25519(77), keys::ed25519(78));
    let token = forger.token_for(asking.api.agent(), API, SCOPE, now);
    let forged = token.sign(&issuer.kid(), forger.key()).unwrap();
    assert_eq!(asking.ask(&forged).await.outcome(), refused(401, "token_signature_invalid"));
    let elsewhere = issuer.sign(&issuer.token_for(asking.api.agent(), "https://other.example", SCOPE, now));
    assert_eq!(asking.ask(&elsewhere).await.outcome(), refused(401, "audience_mismatch"));
    assert_eq!(asking.asked(), 0);
}

/// P-22: metadata sends nobody, and no secret, elsewhere.
#[tokio::test]
async fn credentials_go_to_the_issuer_or_where_the_operator_said() {
    let stranger = Registry::running().await;
    let there = stranger.change(|says| format!("{}/introspect", says.issuer.url()));
    let asking = Asking::new().await;
    for place in [json!(there), json!("http://169.254.169.254/introspect"), json!(null), json!("x")] {
        asking.registry.change(|says| says.metadata["introspection_endpoint"] = place.clone());
        assert_eq!(asking.ask(&asking.api.token()).await.outcome(), refused(503, "status_unknown"), "{place}");
        tokio::time::sleep(BRISK.last_retry).await;
    }
    assert_eq!((asking.asked(), stranger.change(|says| says.questions_of_tokens.len())), (0, 0));
    // the twin: the operator chose it
    let asking = Asking::with(|_| Some(there)).await;
    assert_eq!(asking.ask(&asking.api.token()).await.outcome(), served());
    assert_eq!((asking.asked(), stranger.change(|says| says.questions_of_tokens.len())), (0, 1));
}

/// An answer that goes on: the token is asked about again and again.
#[tokio::test]
async fn a_stream_goes_on_while_the_issuer_says_so() {
    let mut asking = Asking::new().await;
    let silence = get(async || Body::new(Silence));
    let app = axum::Router::new().route("/silence", silence).layer(asking.api.server.scope(SCOPE).unwrap());
    let begin = async |asking: &Asking| {
        let request = asking.api.request("/silence", &asking.api.token());
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body()
    };
    let mut body = begin(&asking).await;
    let second = Duration::from_secs(1);
    let broken_off = async |body: &mut Body, within: Duration| match timeout(within, body.frame()).await {
        Ok(frame) => frame.unwrap().is_err(),
        Err(_) => false,
    };
    let before = asking.asked();
    asking.advance(TTL + 1);
    assert!(!broken_off(&mut body, 2 * second).await, "it is still active");
    assert!(asking.asked() > before);
    asking.tell(&json!({"active": false}));
    asking.advance(TTL + 1);
    assert!(broken_off(&mut body, 3 * second).await);
    // nobody to ask: as long as anything that is not known any more
    asking.tell(&json!({"active": true}));
    let mut body = begin(&asking).await;
    asking.registry.stop().await;
    asking.advance(TTL + 1);
    assert!(!broken_off(&mut body, 8 * second).await);
    assert!(broken_off(&mut body, 5 * second).await);
}

/// A body that is begun and never goes on.
struct Silence;

impl http_body::Body for Silence {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn what_shows_who_asks_is_read_at_the_start() {
    let registry = Registry::running().await;
    let error = async |mode: u32, text: &str| {
        let (_folder, path) = file("secret", text, mode);
        let trust = trust(&registry, path, None);
        let builder = ResourceServer::builder(API, API).mode(Mode::Development).pace(BRISK).trust(trust);
        builder.start().await.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(error(0o600, "secret").await, Ok(()));
    assert_eq!(error(0o440, "secret\n").await, Ok(()));
    for mode in [0o604, 0o602, 0o620] {
        assert!(error(mode, "secret").await.unwrap_err().contains("other users of this machine"), "{mode:o}");
    }
    for text in ["", "\n", "two\nlines", "nul\0"] {
        assert!(error(0o600, text).await.unwrap_err().contains("not one line of text"), "{text:?}");
    }
    assert!(error(0o600, &"x".repeat(17_000)).await.unwrap_err().contains("longer than"));
    let missing = trust(&registry, PathBuf::from("/nonexistent/secret"), None);
    let builder = ResourceServer::builder(API, API).mode(Mode::Development).trust(missing);
    assert!(builder.start().await.map(drop).unwrap_err().to_string().contains("/nonexistent/secret"));
    // as an agent, or as a client that signs
    type Made = fn(PathBuf) -> (Profile, IntrospectionCaller);
    let agent: Made = |key_file| (Profile::Handfast, IntrospectionCaller::Agent { key_file });
    let client: Made =
        |key_file| (Profile::Rfc9068, IntrospectionCaller::SigningClient { id: "api".to_owned(), key_file });
    for made in [agent, client] {
        let by_key = async |text: &str, mode: Mode| {
            let (_folder, key_file) = file("key", text, 0o600);
            let (profile, caller) = made(key_file);
            let status = StatusSource::Introspection { caller, endpoint: None };
            let issuer = "https://registry.example".to_owned();
            let trust = registry.change(|says| TrustedIssuer { issuer, status, profile, ..says.issuer.trust() });
            let pace = Pace { patience: Duration::ZERO, ..BRISK };
            let started = ResourceServer::builder(API, API).mode(mode).pace(pace).trust(trust).start().await;
            started.map(drop).map_err(|error| error.to_string())
        };
        let jwk = |seed: u8| keys::ed25519(seed).expose_private_jwk().to_string();
        let plain = |key: &str| format!(r#"{{"version":1,"kind":"agent","did":"did:key:z6Mk","key":{key}}}"#);
        assert_eq!(by_key(&plain(&jwk(9)), Mode::Development).await, Ok(()));
        assert!(by_key(&plain(&jwk(9)), Mode::Production).await.unwrap_err().contains("`introspection_key_file`"));
        for text in [r#"{"version":2,"kind":"agent","did":"did:key:z6Mk","sealed":{}}"#, "{}", "x", &jwk(9)] {
            let told = by_key(text, Mode::Development).await.unwrap_err();
            assert!(told.contains("not a key file with the secret in the clear"), "{told}");
        }
    }
    // in production nothing is asked over plain http
    let (_folder, path) = file("secret", "secret", 0o600);
    let endpoint = Some("http://127.0.0.1:1/introspect".to_owned());
    let trust = TrustedIssuer { issuer: "https://login.example".to_owned(), ..trust(&registry, path, endpoint) };
    let started = ResourceServer::builder(API, API).trust(trust).start().await;
    assert!(started.map(drop).unwrap_err().to_string().contains("`introspection_endpoint`"));
}
