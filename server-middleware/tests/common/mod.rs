//! An API behind the layer, with a clock turned by hand and facts set by hand.

#![allow(dead_code)] // each test file uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot set itself up should stop
#![allow(clippy::indexing_slicing)] // members of answers that are compared anyway

pub(crate) mod slow_store;

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use handfast_delegation::AccessToken;
use handfast_dpop::Target;
use handfast_identity::UnixTime;
use handfast_middleware::{Builder, Caller, FactsSource, Mode, ResourceServer};
use handfast_testkit::{Agent, HandClock, Issuer, facts_of, known};
use handfast_verifier::trust::{Facts, Status};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

pub(crate) const API: &str = "https://api.example";
pub(crate) const SCOPE: &str = "files:read";
pub(crate) const CHALLENGE: &str = r#"DPoP algs="EdDSA Ed25519 ES256""#;
/// Longer than the rule for the time after a start lasts.
pub(crate) const SETTLED: u64 = 91;

type Known = Box<dyn Fn(UnixTime) -> Facts + Send>;

/// Facts that a test sets.
pub(crate) struct HandFacts(Mutex<Known>);

impl HandFacts {
    pub(crate) fn set(&self, known: impl Fn(UnixTime) -> Facts + Send + 'static) {
        *self.0.lock().unwrap() = Box::new(known);
    }

    pub(crate) fn set_status(&self, issuer: &Issuer, status: Status) {
        let facts = facts_of(issuer, status);
        self.set(move |_| facts.clone());
    }
}

impl FactsSource for HandFacts {
    fn facts(&self, now: UnixTime) -> Arc<Facts> {
        Arc::new((self.0.lock().unwrap())(now))
    }
}

/// One resource server and somebody who may use it.
pub(crate) struct Api {
    pub(crate) issuer: Issuer,
    pub(crate) agent: Agent,
    pub(crate) clock: HandClock,
    pub(crate) facts: Arc<HandFacts>,
    pub(crate) server: ResourceServer,
}

impl Api {
    /// A server some time after its start.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// The same with other settings.
    pub(crate) async fn with(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let api = Self::just_started(settings).await;
        api.clock.advance(SETTLED);
        api
    }

    /// A server in its first second.
    pub(crate) async fn just_started(settings: impl FnOnce(Builder) -> Builder) -> Self {
        Self::started_by(HandClock::default(), settings).await
    }

    /// The same by this clock.
    pub(crate) async fn started_by(clock: HandClock, settings: impl FnOnce(Builder) -> Builder) -> Self {
        let issuer = Issuer::example();
        let facts = {
            let issuer = issuer.clone();
            Arc::new(HandFacts(Mutex::new(Box::new(move |now| facts_of(&issuer, known(now))))))
        };
        let shown = clock.clone();
        let builder = ResourceServer::builder(API, API).facts(facts.clone()).clock(move || shown.now());
        let server = settings(builder.mode(Mode::Development)).start().await.unwrap();
        Self { issuer, agent: Agent::numbered(1), clock, facts, server }
    }

    /// Another process with the same settings and clock.
    pub(crate) async fn restarted(&self) -> Self {
        let shown = self.clock.clone();
        let builder = ResourceServer::builder(API, API).facts(self.facts.clone()).clock(move || shown.now());
        let server = builder.mode(Mode::Development).start().await.unwrap();
        let Self { issuer, agent, clock, facts, .. } = self;
        Self { issuer: issuer.clone(), agent: agent.clone(), clock: clock.clone(), facts: facts.clone(), server }
    }

    /// `/files` and what lies below it, for agents with [`SCOPE`].
    pub(crate) fn app(&self) -> Router {
        let layer = self.server.scope(SCOPE).unwrap();
        Router::new().route("/files", any(echo)).route("/files/{*rest}", any(echo)).layer(layer)
    }

    pub(crate) fn claims(&self) -> AccessToken {
        self.issuer.token_for(&self.agent, API, SCOPE, self.clock.now())
    }

    pub(crate) fn token(&self) -> String {
        self.issuer.sign(&self.claims())
    }

    /// A good request to `path` of the API.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let token = self.token();
        let proof = self.proof(method, path, &token);
        with_credentials(method, path, &token, &proof)
    }

    pub(crate) fn proof(&self, method: &str, path: &str, token: &str) -> String {
        self.agent.proof(method, &format!("{API}{path}"), token, self.clock.now())
    }

    /// A request for `GET /files` with `token` and a good proof for it.
    pub(crate) fn request_with_token(&self, token: &str) -> Request {
        with_credentials("GET", "/files", token, &self.proof("GET", "/files", token))
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        send(&self.app(), request).await
    }
}

/// What a handler saw: caller, target, method and body.
async fn echo(caller: Caller, Extension(target): Extension<Target>, request: Request) -> String {
    let method = request.method().clone();
    let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    format!("{} {method} {target} {}", caller.client_id(), String::from_utf8_lossy(&body))
}

pub(crate) fn with_credentials(method: &str, path: &str, token: &str, proof: &str) -> Request {
    let builder = Request::builder().method(method).uri(path);
    builder.header("authorization", format!("DPoP {token}")).header("dpop", proof).body(Body::empty()).unwrap()
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) rejection: Option<handfast_middleware::Rejection>,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, body, rejection: parts.extensions.get().cloned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or("none").to_owned()
    }

    /// The value of a field that may stand once at most.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let value = lines.next().map(|value| value.to_str().unwrap());
        assert!(lines.next().is_none(), "two lines of `{name}`");
        value
    }

    pub(crate) fn outcome(&self) -> (u16, String) {
        (self.status.as_u16(), if self.status.is_success() { String::new() } else { self.reason() })
    }
}

pub(crate) async fn send(app: &Router, request: Request) -> Answer {
    Answer::of(app.clone().oneshot(request).await.unwrap()).await
}

/// What [`Answer::outcome`] is for a refusal.
pub(crate) fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

/// What [`Answer::outcome`] is for a request that was served.
pub(crate) fn served() -> (u16, String) {
    (200, String::new())
}

/// Everything logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to collect, until the guard is dropped.
    pub(crate) fn of_this_thread() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone());
        (log, tracing::subscriber::set_default(subscriber.finish()))
    }

    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
