//! Every request vector through the tower layer, as real HTTP requests.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a vector that cannot be sent should stop the test")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use handfast_conformance::parts::bytes;
use handfast_conformance::surface::{Surface, run};
use handfast_conformance::vector::{Expected, Keys, NonceSetting, Setting, Step, Stopped, Vector, read_folder};
use handfast_conformance::vectors_folder;
use handfast_delegation::Environment;
use handfast_identity::{ContentHash, UnixTime};
use handfast_middleware::{FixedFacts, Mode, NonceUse, ResourceServer};
use http::{HeaderValue, Request, StatusCode};
use tokio::runtime::Runtime;
use tower::{Layer, ServiceExt, service_fn};

/// Long before everything, so that the rule for the time after a start is over when a vector begins.
const LONG_AGO: u64 = 1_000_000_000;

/// `handfast-middleware` around a handler that says yes.
struct Middleware(Runtime);

impl Surface for Middleware {
    fn name(&self) -> &'static str {
        "middleware"
    }

    fn check(&self, vector: &Vector) -> Vec<Expected> {
        self.0.block_on(answers(vector))
    }
}

async fn answers(vector: &Vector) -> Vec<Expected> {
    let clock = Arc::new(AtomicU64::new(LONG_AGO));
    let server = server(&vector.setting, &clock).await;
    let mut answers = Vec::new();
    for step in &vector.steps {
        clock.store(step.now, Ordering::Relaxed);
        let handler = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
        let service = server.protect(vector.setting.route_rule()).layer(handler);
        answers.push(expected_of(service.oneshot(request(step)).await.unwrap()).await);
    }
    answers
}

async fn server(setting: &Setting, clock: &Arc<AtomicU64>) -> ResourceServer {
    // nonces can be turned off in development only
    let builder = ResourceServer::builder(&setting.resource, &setting.public_base).mode(Mode::Development);
    let (nonce_use, shown) = (nonce_use(&setting.nonces), Arc::clone(clock));
    let mut builder = builder
        .facts(Arc::new(FixedFacts::new(setting.facts())))
        .window(setting.proof_window())
        .nonces(nonce_use)
        .replay_store(setting.replay_store())
        .budget_store(setting.budget_store())
        .delegation(setting.chain_policy())
        .clock(move || UnixTime::from_secs(shown.load(Ordering::Relaxed)));
    if let Some(environment) = setting.environment::<Environment>() {
        builder = builder.environment(environment);
    }
    if let Some(keys) = setting.nonces.keys() {
        clock.store(keys.started.unwrap_or(LONG_AGO), Ordering::Relaxed);
        builder = builder.nonce_source(Arc::new(Keys::source(keys)));
    }
    let server = builder.start().await.unwrap();
    for Stopped { task, hop } in &setting.stopped {
        let issuer = &setting.issuers.first().unwrap().trust.issuer;
        let is_kept = match hop {
            None => server.drift().halt(issuer, task),
            Some(hop) => server.drift().suspend(issuer, task, ContentHash::from_claim(hop).unwrap()),
        };
        assert!(is_kept);
    }
    server
}

const fn nonce_use(setting: &NonceSetting) -> NonceUse {
    match setting {
        NonceSetting::Off => NonceUse::Off,
        NonceSetting::Adds(_) => NonceUse::WhenSent,
        NonceSetting::Required(_) => NonceUse::Always,
        NonceSetting::ReplacesClock(_) => NonceUse::ReplacesClock,
    }
}

fn request(step: &Step) -> Request<Body> {
    let mut request = Request::builder().method(step.method.as_str()).uri(step.path.as_str());
    for (name, value) in &step.headers {
        request = request.header(name, HeaderValue::from_bytes(&bytes(value)).unwrap());
    }
    request.body(step.body.clone().map_or_else(Body::empty, Body::from)).unwrap()
}

/// The members of a refusal's body that a vector tells.
#[derive(serde::Deserialize)]
struct Problem {
    status: u16,
    reason: String,
    error: Option<String>,
}

async fn expected_of(response: Response) -> Expected {
    let (parts, body) = response.into_parts();
    let nonces = parts.headers.get_all("dpop-nonce").iter().count();
    if parts.status == StatusCode::OK {
        assert!(nonces <= 1, "two nonces");
        return Expected::Accepted;
    }
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let Problem { status, reason, error } = serde_json::from_slice(&body).unwrap();
    let field = |name: &str| {
        let mut lines = parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned());
        let first = lines.next();
        assert!(lines.next().is_none(), "{name} stands twice");
        first
    };
    assert_eq!(field("content-type").as_deref(), Some("application/problem+json"));
    assert_eq!(status, parts.status.as_u16(), "ERR-11");
    assert_eq!(nonces == 1, error.as_deref() == Some("use_dpop_nonce"), "DPOP-57, DPOP-58");
    match status {
        503 => assert!(field("retry-after").is_some(), "P-17"),
        429 => {} // only a rate allows more later
        _ => assert_eq!(field("retry-after"), None),
    }
    let challenge = field("www-authenticate");
    assert_eq!(challenge.is_some(), matches!(status, 401 | 403), "DPOP-106");
    let challenge = challenge.unwrap_or_default();
    let parameter = |name: &str| {
        let rest = challenge.split(&format!("{name}=\"")).nth(1)?;
        Some(rest.split('"').next().unwrap_or_default().to_owned())
    };
    if matches!(status, 401 | 403) {
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert_eq!(parameter("algs").as_deref(), Some("EdDSA Ed25519 ES256"), "DPOP-107");
        assert_eq!(parameter("error"), error, "DPOP-108");
    }
    Expected::Refused { reason, status, error, scope: parameter("scope") }
}

#[test]
fn the_middleware_gives_every_answer() {
    let surface = Middleware(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let vectors = read_folder(&vectors_folder().join("request"));
    let wrong: Vec<_> = vectors.iter().filter_map(|(name, vector)| run(&surface, name, vector).err()).collect();
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}
