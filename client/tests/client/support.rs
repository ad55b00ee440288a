//! Servers that note every request and answer as told, a clock that is turned by hand, and an agent between them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use handfast_client::{Agent, Clock, DpopKey, KeyFile, KeyKind};
use handfast_identity::UnixTime;
use handfast_identity::json::Limits;
use handfast_identity::jws::UnverifiedJws;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// When all tests begin.
pub(crate) const NOW: u64 = 1_795_262_400;
/// Seconds the fake registry's tokens live.
pub(crate) const LIFE: u64 = 300;

/// A clock that is turned by hand.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) delegation: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_digest: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: String,
    /// Header and claims of the proof, whose signature was verified under its own key.
    pub(crate) proof: Option<(Value, Value)>,
}

impl Seen {
    async fn of(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let field = |name: &str| {
            let mut values = parts.headers.get_all(name).iter();
            let value = values.next().map(|value| value.to_str().unwrap().to_owned());
            assert!(values.next().is_none(), "two `{name}` fields");
            value
        };
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            authorization: field("authorization"),
            delegation: field("delegation"),
            content_type: field("content-type"),
            content_digest: field("content-digest"),
            idempotency_key: field("idempotency-key"),
            proof: field("dpop").map(|proof| read_proof(&proof)),
            body: String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap(),
        }
    }

    pub(crate) fn claim(&self, name: &str) -> Option<&Value> {
        self.proof.as_ref().unwrap().1.get(name)
    }

    pub(crate) fn nonce(&self) -> Option<&str> {
        self.claim("nonce").map(|nonce| nonce.as_str().unwrap())
    }

    pub(crate) fn proof_id(&self) -> String {
        self.claim("jti").unwrap().as_str().unwrap().to_owned()
    }

    /// The values of a form parameter.
    pub(crate) fn form(&self, name: &str) -> Vec<String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.body)).unwrap();
        url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    }
}

fn read_proof(text: &str) -> (Value, Value) {
    let jws = UnverifiedJws::parse(text, &Limits::plain(4096)).unwrap();
    let _valid = jws.verify(&jws.jwk().unwrap().try_into().unwrap()).unwrap();
    let header = handfast_identity::base64url::decode(text.split('.').next().unwrap()).unwrap();
    (serde_json::from_slice(&header).unwrap(), jws.unverified_claims().unwrap())
}

/// What a server answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: String::new() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { body: body.to_string(), ..Self::status(status).with("content-type", "application/json") }
    }

    /// A resource's refusal.
    pub(crate) fn challenge(error: &str) -> Self {
        Self::status(401).with("www-authenticate", &format!(r#"DPoP error="{error}", algs="EdDSA Ed25519 ES256""#))
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        if !self.fields.iter().any(|(name, _)| *name == "date") {
            response = response.header("date", date(NOW));
        }
        for (name, value) in self.fields {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).unwrap()
    }
}

/// A `Date` field's value.
pub(crate) fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A running server and what it has seen.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the `n`th request (from 0) with `answer(n, request)`.
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, noted) = (Arc::new(answer), Arc::clone(&seen));
        let app = Router::new().fallback(move |request: Request| {
            let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
            async move {
                let request = Seen::of(request).await;
                let number = {
                    let mut noted = noted.lock().unwrap();
                    noted.push(request.clone());
                    noted.len() - 1
                };
                answer(number, &request).into_response()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen }
    }

    /// Everything it has seen so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// A registry that gives numbered tokens and answers everything else with `other`, which gets the path's request number.
pub(crate) struct FakeRegistry {
    pub(crate) server: Server,
}

impl FakeRegistry {
    pub(crate) async fn start() -> Self {
        Self::answering(|n, _| token(n, "DPoP", "task_1"), |_, _| Reply::status(404)).await
    }

    /// A registry whose token endpoint gives the `n`th answer, and its other paths `other`'s.
    pub(crate) async fn answering(
        tokens: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
        other: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let url: Arc<Mutex<String>> = Arc::default();
        let known = Arc::clone(&url);
        let (asked, called) = (AtomicU64::new(0), AtomicU64::new(0));
        let number = |count: &AtomicU64| usize::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap();
        let server = Server::start(move |_, request| match request.path.as_str() {
            "/.well-known/oauth-authorization-server" => Reply::json(200, &metadata(&known.lock().unwrap())),
            "/oauth2/token" => tokens(number(&asked), request),
            _ => other(number(&called), request),
        })
        .await;
        *url.lock().unwrap() = server.url.clone();
        Self { server }
    }

    /// The token requests so far.
    pub(crate) fn asked(&self) -> Vec<Seen> {
        self.at("/oauth2/token")
    }

    /// The requests at a path so far.
    pub(crate) fn at(&self, path: &str) -> Vec<Seen> {
        self.server.seen().into_iter().filter(|seen| seen.path == path).collect()
    }
}

pub(crate) fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "dpop_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
        "something_new": true,
    })
}

/// The `n`th token.
pub(crate) fn token(n: usize, token_type: &str, task: &str) -> Reply {
    let body = json!({
        "access_token": format!("token-{n}"), "token_type": token_type, "expires_in": LIFE, "scope": "echo:read", "task": {"id": task},
    });
    Reply::json(200, &body)
}

/// A key file of an agent at `registry`.
pub(crate) fn key_file(registry: &FakeRegistry) -> KeyFile {
    KeyFile { issuer: Some(registry.server.url.clone()), ..KeyFile::new(KeyKind::Agent, DpopKey::generate()) }
}

/// An agent at `registry`, by `clock`.
pub(crate) fn agent(registry: &FakeRegistry, clock: &Arc<HandClock>) -> Agent {
    let clock: Arc<dyn Clock> = Arc::<HandClock>::clone(clock);
    Agent::with_clock(key_file(registry), clock).unwrap()
}
