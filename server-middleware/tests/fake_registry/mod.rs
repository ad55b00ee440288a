//! A registry on loopback that says what a test wants it to, and an API that follows it.

#![allow(dead_code)] // each test file uses its part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot set itself up should stop

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use handfast_identity::DidKey;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Builder, Mode, Pace, ResourceServer, TrustedIssuer};
use handfast_testkit::{Agent, Feed, HandClock, Issuer};
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::common::{API, Answer, SETTLED, send, with_credentials};

/// Long enough for whatever is waited for, on a busy machine too.
const SOON: Duration = Duration::from_secs(10);

/// What the registry says now.
pub(crate) struct Says {
    pub(crate) issuer: Issuer,
    pub(crate) clock: HandClock,
    pub(crate) feed: Feed,
    /// What it says about its feed key.
    pub(crate) statement: Option<String>,
    /// The feed keys that are over.
    pub(crate) replaced: Vec<DidKey>,
    pub(crate) metadata: Value,
    /// What stands at `/.well-known/did.json`.
    pub(crate) did_document: Value,
    pub(crate) key_set: String,
    pub(crate) key_set_asked: u64,
    /// Where the next question for the key set waits twice: when it came in, and before it is answered.
    pub(crate) key_set_gate: Option<Arc<Barrier>>,
    /// Answers to the next questions for news, before the feed's own.
    pub(crate) script: VecDeque<Response>,
    /// How often the whole was asked for.
    pub(crate) snapshots: u64,
    questions: watch::Sender<u64>,
    /// Where streams of news are written to; without it there are none.
    pub(crate) pushes: Option<Vec<mpsc::UnboundedSender<Bytes>>>,
    /// Numbers from which streams were asked for.
    pub(crate) streams: Vec<String>,
    /// Status lists by number: media type and text. Any other is not there.
    pub(crate) lists: HashMap<u64, (&'static str, String)>,
    /// How often lists were asked for.
    pub(crate) lists_asked: u64,
    /// What is said of tokens: status, media type and text.
    pub(crate) told: (StatusCode, &'static str, String),
    /// Who asked about which tokens: `Authorization` and form.
    pub(crate) questions_of_tokens: Vec<(String, String)>,
    /// What the token endpoint answers.
    pub(crate) token_told: Value,
    /// Where the next such question waits twice: when it came in, and before it is answered.
    pub(crate) told_gate: Option<Arc<Barrier>>,
    /// How many of them may be answered, if that is counted.
    pub(crate) told_allowance: Option<Arc<Semaphore>>,
}

impl Says {
    /// How often revocations were asked for.
    pub(crate) fn asked(&self) -> u64 {
        *self.questions.borrow()
    }
}

type Shared = Arc<Mutex<Says>>;

/// The registry. Dropping it takes it off the network.
pub(crate) struct Registry {
    says: Shared,
    address: SocketAddr,
    running: Option<JoinHandle<()>>,
}

impl Registry {
    /// A registry with an address that nobody listens at yet.
    pub(crate) async fn stopped() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self::named(address, &format!("http://{address}"))
    }

    /// A registry that calls itself by a name of this machine.
    pub(crate) async fn at_localhost() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut registry = Self::named(address, &format!("http://localhost:{}", address.port()));
        registry.start().await;
        registry
    }

    fn named(address: SocketAddr, url: &str) -> Self {
        let issuer = Issuer::at(url);
        let says = Says {
            clock: HandClock::default(),
            feed: issuer.feed(),
            statement: None,
            replaced: Vec::new(),
            metadata: issuer.metadata(),
            did_document: Value::Null,
            key_set: issuer.jwks(),
            key_set_asked: 0,
            key_set_gate: None,
            script: VecDeque::new(),
            snapshots: 0,
            questions: watch::Sender::new(0),
            pushes: None,
            streams: Vec::new(),
            lists: HashMap::new(),
            lists_asked: 0,
            told: (StatusCode::OK, "application/json", r#"{"active":true}"#.to_owned()),
            questions_of_tokens: Vec::new(),
            token_told: Value::Null,
            told_gate: None,
            told_allowance: None,
            issuer,
        };
        Self { says: Arc::new(Mutex::new(says)), address, running: None }
    }

    pub(crate) async fn running() -> Self {
        let mut registry = Self::stopped().await;
        registry.start().await;
        registry
    }

    pub(crate) async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/.well-known/did.json", get(did_document))
            .route("/jwks.json", get(key_set))
            .route("/revocations", get(news))
            .route("/revocations/snapshot", get(snapshot))
            .route("/revocations/stream", get(stream))
            .route("/revocations/key", get(feed_key))
            .route("/status-lists/{number}", get(list))
            .route("/introspect", post(introspect))
            .route("/oauth2/token", post(token))
            .with_state(Arc::clone(&self.says));
        self.running = Some(tokio::spawn(serve(listener, app, ServerLimits::default(), std::future::pending())));
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            assert!(running.await.is_err());
        }
    }

    /// What it says, for whoever changes it from elsewhere.
    pub(crate) fn handle(&self) -> Arc<Mutex<Says>> {
        Arc::clone(&self.says)
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Says) -> T) -> T {
        change(&mut self.says.lock().unwrap())
    }

    /// Pushes a message of its own to every stream.
    pub(crate) fn push(&self, message: &str) {
        let bytes = Bytes::from(format!("id: 0\ndata: {message}\n\n"));
        self.change(|says| says.pushes.iter().flatten().for_each(|stream| drop(stream.send(bytes.clone()))));
    }

    /// Lets news be pushed, and waits until so many follow them.
    pub(crate) async fn pushing(&self, streams: usize) {
        let open = |says: &mut Says| {
            let pushes = says.pushes.get_or_insert_default();
            pushes.retain(|stream| !stream.is_closed());
            pushes.len()
        };
        let waiting = async {
            while self.change(open) < streams {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.unwrap();
    }

    /// Waits until whatever was changed before has been heard: one question may have been under way, the next is answered
    /// with the change, and the one after that is asked when its answer was taken in.
    pub(crate) async fn heard(&self) {
        let mut questions = self.change(|says| says.questions.subscribe());
        let goal = *questions.borrow_and_update() + 3;
        questions.wait_for(|asked| *asked >= goal).await.unwrap();
    }

    /// As [`Self::heard`], when every scripted answer was given.
    pub(crate) async fn script_heard(&self) {
        while self.change(|says| !says.script.is_empty()) {
            self.heard().await;
        }
        self.heard().await;
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}

async fn metadata(State(says): State<Shared>) -> Json<Value> {
    Json(says.lock().unwrap().metadata.clone())
}

async fn did_document(State(says): State<Shared>) -> Json<Value> {
    Json(says.lock().unwrap().did_document.clone())
}

async fn key_set(State(says): State<Shared>) -> Response {
    let gate = says.lock().unwrap().key_set_gate.take();
    if let Some(gate) = gate {
        gate.wait().await;
        gate.wait().await;
    }
    let mut says = says.lock().unwrap();
    says.key_set_asked += 1;
    ([("content-type", "application/jwk-set+json")], says.key_set.clone()).into_response()
}

async fn list(State(says): State<Shared>, Path(number): Path<u64>) -> Response {
    let mut says = says.lock().unwrap();
    says.lists_asked += 1;
    match says.lists.get(&number) {
        Some((media_type, text)) => ([("content-type", *media_type)], text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn token(State(says): State<Shared>) -> Json<Value> {
    Json(says.lock().unwrap().token_told.clone())
}

async fn introspect(State(says): State<Shared>, headers: HeaderMap, form: String) -> Response {
    let (gate, allowance) = {
        let mut says = says.lock().unwrap();
        let by = headers.get("authorization").map(|field| field.to_str().unwrap().to_owned());
        says.questions_of_tokens.push((by.unwrap_or_default(), form));
        (says.told_gate.take(), says.told_allowance.clone())
    };
    if let Some(gate) = gate {
        gate.wait().await;
        gate.wait().await;
    }
    if let Some(allowance) = allowance {
        allowance.acquire().await.unwrap().forget();
    }
    let (status, media_type, text) = says.lock().unwrap().told.clone();
    let location = [("location", "/introspect".to_owned()), ("content-type", media_type.to_owned())];
    (status, location, text).into_response()
}

async fn snapshot(State(says): State<Shared>) -> Response {
    let mut says = says.lock().unwrap();
    says.snapshots += 1;
    says.questions.send_modify(|asked| *asked += 1);
    jwt(&says.feed.snapshot(says.clock.now()))
}

async fn feed_key(State(says): State<Shared>) -> Response {
    let statement = says.lock().unwrap().statement.clone();
    statement.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |statement| jwt(&statement))
}

async fn stream(State(says): State<Shared>, headers: HeaderMap) -> Response {
    let mut says = says.lock().unwrap();
    says.streams.extend(headers.get("last-event-id").map(|last| last.to_str().unwrap().to_owned()));
    let Some(pushes) = &mut says.pushes else { return StatusCode::NOT_FOUND.into_response() };
    let (sender, messages) = mpsc::unbounded_channel();
    pushes.push(sender);
    ([("content-type", "text/event-stream")], Body::new(Pushed(messages))).into_response()
}

/// What is pushed from now on, and the end when nothing is any more.
struct Pushed(mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Pushed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn news(State(says): State<Shared>, Query(query): Query<HashMap<String, u64>>) -> Response {
    let mut says = says.lock().unwrap();
    says.questions.send_modify(|asked| *asked += 1);
    if let Some(scripted) = says.script.pop_front() {
        return scripted;
    }
    match (query.get("after"), query.get("wait")) {
        (Some(after), Some(_)) => jwt(&says.feed.since(*after, says.clock.now())),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

pub(crate) fn jwt(message: &str) -> Response {
    ([("content-type", "application/jwt")], message.to_owned()).into_response()
}

/// A pace at which tests need not wait.
pub(crate) const BRISK: Pace = Pace {
    patience: Duration::from_secs(5),
    key_age: Duration::from_secs(300),
    key_cool_down: Duration::from_secs(60),
    feed_wait: Duration::ZERO,
    feed_pause: Duration::from_millis(2),
    stream_silence: Duration::from_secs(5),
    stream_retry: Duration::from_secs(60),
    first_retry: Duration::from_millis(2),
    last_retry: Duration::from_millis(10),
};

/// An API that trusts the registry.
pub(crate) struct Follower {
    pub(crate) server: ResourceServer,
    pub(crate) app: Router,
    agent: Agent,
    issuer: Issuer,
    clock: HandClock,
}

impl Follower {
    pub(crate) async fn of(registry: &Registry) -> Self {
        Self::with(registry, |builder| builder).await
    }

    pub(crate) async fn with(registry: &Registry, settings: impl FnOnce(Builder) -> Builder) -> Self {
        let follower = Self::started(registry, settings).await;
        if registry.running.is_some() {
            follower.server.ready().await;
            registry.heard().await;
        }
        follower
    }

    /// An API past the rule for the time after its start, which may not know anything yet.
    pub(crate) async fn started(registry: &Registry, settings: impl FnOnce(Builder) -> Builder) -> Self {
        let trust = registry.change(|says| says.issuer.trust());
        Self::trusting(registry, trust, settings).await
    }

    /// The same with a trust record of the test's own.
    pub(crate) async fn trusting(
        registry: &Registry,
        trust: TrustedIssuer,
        settings: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let (issuer, clock) = registry.change(|says| (says.issuer.clone(), says.clock.clone()));
        Self::built(issuer, clock, |builder| settings(builder.trust(trust))).await
    }

    /// An API that trusts whom a file names, and an agent of one of them.
    pub(crate) async fn by_file(path: std::path::PathBuf, issuer: Issuer, clock: HandClock) -> Self {
        Self::built(issuer, clock, |builder| builder.trust_file(path)).await
    }

    async fn built(issuer: Issuer, clock: HandClock, settings: impl FnOnce(Builder) -> Builder) -> Self {
        let shown = clock.clone();
        let builder = ResourceServer::builder(API, API).mode(Mode::Development).pace(BRISK).clock(move || shown.now());
        let server = settings(builder).start().await.unwrap();
        clock.advance(SETTLED);
        let app = Router::new().route("/files", get(|| async { "ok" })).layer(server.scope("files:read").unwrap());
        Self { server, app, agent: Agent::numbered(1), issuer, clock }
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// A good token.
    pub(crate) fn token(&self) -> String {
        self.token_of(&self.issuer)
    }

    pub(crate) fn token_of(&self, issuer: &Issuer) -> String {
        issuer.sign(&issuer.token_for(&self.agent, API, "files:read", self.clock.now()))
    }

    /// Asks until the outcome is this one.
    pub(crate) async fn ask_until(&self, outcome: (u16, String)) {
        let asking = async {
            while self.ask(&self.token()).await.outcome() != outcome {
                tokio::task::yield_now().await; // let the keeper on
            }
        };
        tokio::time::timeout(SOON, asking).await.unwrap();
    }

    /// Asks with `token` and a fresh proof.
    pub(crate) async fn ask(&self, token: &str) -> Answer {
        send(&self.app, self.request("/files", token)).await
    }

    /// A request with `token` and a fresh proof.
    pub(crate) fn request(&self, path: &str, token: &str) -> Request {
        let proof = self.agent.proof("GET", &format!("{API}{path}"), token, self.clock.now());
        with_credentials("GET", path, token, &proof)
    }
}
