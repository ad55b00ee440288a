//! A registry in memory, and callers of it who do everything right until a test breaks one part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use handfast_identity::SigningKey;
use handfast_registry::store::memory::{MemoryDisk, open_memory};
use handfast_registry::store::{EmbeddedStore, Positions, Store};
use handfast_registry::{
    ConfigFile, Parts, Registry, RegistryConfig, RegistryKeys, ResourceFile, Role, SharedClock, SharedRandom, feed_link,
};
use handfast_testkit::{Agent, CountedRandom, HandClock};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use crate::documented;

pub(crate) const ISSUER: &str = "http://127.0.0.1:4500";
pub(crate) const API: &str = "http://127.0.0.1:4600";
pub(crate) const FILES: &str = "http://127.0.0.1:4700";
const EPOCH: &str = "epoch-1";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A development configuration with two resources and one pre-claim scope.
pub(crate) fn config() -> ConfigFile {
    let mut file = ConfigFile::new(ISSUER, "127.0.0.1:4500".parse().unwrap());
    file.mode = "development".to_owned();
    file.pre_claim_scopes = vec!["echo:hello".to_owned()];
    file.resources = vec![
        ResourceFile::new(API, &["echo:hello", "echo:read", "echo:write"]),
        ResourceFile::new(FILES, &["files:read"]),
    ];
    file
}

/// A registry and what is around it.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) router: Router,
    pub(crate) clock: HandClock,
    pub(crate) disk: MemoryDisk,
    pub(crate) issuer: String,
    store: Arc<EmbeddedStore>,
    /// The newest nonce, as a client keeps it: one for the origin.
    nonce: Mutex<Option<String>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let status = response.status().as_u16();
        let fields = response.headers().iter();
        let headers = fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, json }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Status and reason of a problem, whose form is checked on the way.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.json["status"], self.status, "{self:?}");
        let reason = self.json["reason"].as_str().expect("a problem has a reason");
        assert_eq!(self.json["type"], format!("https://handfast.dev/problems/{reason}"));
        assert_eq!(self.json["title"], reason.replace('_', " "));
        assert!(self.json["detail"].is_string());
        assert_eq!(self.header("cache-control"), Some("no-store"));
        (self.status, reason)
    }

    /// Status, error and reason of an OAuth refusal, whose form is checked on the way.
    #[track_caller]
    pub(crate) fn oauth(&self) -> (u16, &str, &str) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let text = |member: &str| self.json[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {self:?}"));
        // ERR-05
        let fits = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(text("error_description").bytes().all(fits), "{self:?}");
        (self.status, text("error"), text("reason"))
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub(crate) fn str(&self, member: &str) -> String {
        self.json[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {self:?}")).to_owned()
    }
}

/// Somebody registered as an owner.
pub(crate) struct Owner {
    pub(crate) key: Agent,
    pub(crate) id: String,
}

/// An agent's open claim.
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) code: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(&config()).await
    }

    pub(crate) async fn with(file: &ConfigFile) -> Self {
        Self::on(MemoryDisk::default(), HandClock::default(), file).await
    }

    /// A registry on a disk that may have held one before.
    pub(crate) async fn on(disk: MemoryDisk, clock: HandClock, file: &ConfigFile) -> Self {
        Self::through(disk, clock, file, |store| store).await
    }

    /// The same, with something between the registry and its store.
    pub(crate) async fn through<S: Store + 'static>(
        disk: MemoryDisk,
        clock: HandClock,
        file: &ConfigFile,
        wrap: impl FnOnce(Arc<EmbeddedStore>) -> Arc<S>,
    ) -> Self {
        let config = RegistryConfig::new(file).unwrap();
        let store = Arc::new(open_memory(&disk, feed_link(config.issuer()), EPOCH).unwrap());
        let keys = keys();
        let turned = clock.clone();
        let parts = Parts {
            config,
            store: wrap(store.clone()),
            keys,
            clock: SharedClock::new(move || turned.now()),
            random: SharedRandom::new(CountedRandom::unshared()),
        };
        let registry = Registry::start(parts).await.unwrap();
        let issuer = file.issuer.clone();
        Self { router: registry.router(), registry, clock, disk, issuer, store, nonce: Mutex::default() }
    }

    /// Callers of a registry that a test made itself, which goes by the system's clock. Its store is not to be seen.
    pub(crate) fn of(registry: &Registry) -> Self {
        let (disk, issuer) = (MemoryDisk::default(), registry.config().issuer().to_owned());
        let store = Arc::new(open_memory(&disk, feed_link(&issuer), EPOCH).unwrap());
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let clock = HandClock::at(handfast_identity::UnixTime::from_secs(now));
        Self {
            router: registry.router(),
            registry: registry.clone(),
            clock,
            disk,
            issuer,
            store,
            nonce: Mutex::default(),
        }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn positions(&self) -> Positions {
        *self.store.positions().borrow()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let answer = Answer::read(self.router.clone().oneshot(request).await.unwrap()).await;
        documented::check(&self.router, &method, &path, &answer).await;
        if let Some(nonce) = answer.header("dpop-nonce") {
            *self.nonce.lock().unwrap() = Some(nonce.to_owned());
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path).header("content-type", media_type).body(body.into()).unwrap()).await
    }

    pub(crate) fn nonce(&self) -> Option<String> {
        self.nonce.lock().unwrap().clone()
    }

    /// A proof without a token, by `who`, with the newest nonce.
    pub(crate) fn bare_proof(&self, who: &Agent, method: &str, path: &str) -> String {
        let mut parts = who.proof_parts(method, &format!("{}{path}", self.issuer), None, self.clock.now());
        if let Some(nonce) = self.nonce() {
            parts.claims.insert("nonce".to_owned(), nonce.into());
        }
        who.sign(&parts)
    }

    /// Sends a request with a proof and no token; repeats once when asked for a nonce, as clients do.
    pub(crate) async fn prove(&self, who: &Agent, method: Method, path: &str, form: Option<&str>) -> Answer {
        let send = || {
            let proof = self.bare_proof(who, method.as_str(), path);
            let mut request = Request::builder().method(method.clone()).uri(path).header("dpop", proof);
            if form.is_some() {
                request = request.header("content-type", FORM);
            }
            self.send(request.body(Body::from(form.unwrap_or_default().to_owned())).unwrap())
        };
        let answer = send().await;
        if answer.json["reason"] == "nonce_required" || answer.json["reason"] == "nonce_unknown" {
            return send().await;
        }
        answer
    }

    /// The token endpoint's answer to `who`.
    pub(crate) async fn token_answer(&self, who: &Agent, parameters: &[(&str, &str)]) -> Answer {
        let did = who.did().to_string();
        let base = [("grant_type", "client_credentials"), ("client_id", did.as_str())];
        let form = encode(base.iter().chain(parameters));
        self.prove(who, Method::POST, "/oauth2/token", Some(&form)).await
    }

    /// An access token for `who`.
    pub(crate) async fn token(&self, who: &Agent, parameters: &[(&str, &str)]) -> String {
        self.token_answer(who, parameters).await.is(200).str("access_token")
    }

    /// A call with a token and a proof for it.
    pub(crate) async fn call(&self, who: &Agent, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(who, token, (method, path), &[], body).await
    }

    /// The same with further fields.
    pub(crate) async fn call_with(
        &self,
        who: &Agent,
        token: &str,
        (method, path): (&str, &str),
        fields: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let send = || {
            let target = path.split('?').next().unwrap();
            let mut parts = who.proof_parts(method, &format!("{}{target}", self.issuer), Some(token), self.clock.now());
            if let Some(nonce) = self.nonce() {
                parts.claims.insert("nonce".to_owned(), nonce.into());
            }
            let mut request = Request::builder().method(method).uri(path);
            request = request.header("authorization", format!("DPoP {token}")).header("dpop", who.sign(&parts));
            if body.is_some() {
                request = request.header("content-type", "application/json");
            }
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
            self.send(request.body(Body::from(body)).unwrap())
        };
        let answer = send().await;
        if answer.json["error"] == "use_dpop_nonce" { send().await } else { answer }
    }

    /// A management call of somebody with a token for `scope`.
    pub(crate) async fn manage(
        &self,
        who: &Agent,
        scope: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = self.token(who, &[("scope", scope), ("resource", &self.issuer)]).await;
        self.call(who, &token, method, path, body).await
    }

    /// An owner from nothing: the operator's code, then a statement.
    pub(crate) async fn enrol(&self, number: u8, role: Role) -> Owner {
        let code = self.registry.operator_code(role).await.unwrap();
        let key = Agent::numbered(number);
        let answer = self.post("/owners", "application/jwt", self.owner_statement(&key, code.expose())).await;
        Owner { key, id: answer.is(201).str("id") }
    }

    pub(crate) async fn owner(&self, number: u8) -> Owner {
        self.enrol(number, Role::Owner).await
    }

    pub(crate) async fn admin(&self, number: u8) -> Owner {
        self.enrol(number, Role::Admin).await
    }

    pub(crate) fn agent_claims(&self, agent: &Agent) -> Value {
        json!({
            "iss": agent.did().as_str(), "aud": self.issuer, "iat": self.now(), "jti": "j", "name": "billing",
            "version": "1.0", "purpose": "pays bills", "environment": "dev", "scope": "echo:read", "resource": [API],
        })
    }

    pub(crate) fn agent_statement(&self, agent: &Agent) -> String {
        statement("agent-registration+jwt", &self.agent_claims(agent), agent)
    }

    pub(crate) fn owner_statement(&self, key: &Agent, code: &str) -> String {
        let iss = key.did().to_string();
        let claims = json!({"iss": iss, "aud": self.issuer, "iat": self.now(), "jti": "j", "enrolment": code});
        statement("owner-registration+jwt", &claims, key)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().as_secs()
    }

    pub(crate) async fn register(&self, agent: &Agent) -> Claim {
        let answer = self.post("/agents", "application/jwt", self.agent_statement(agent)).await.is(201);
        claim(&answer.json["claim"])
    }

    /// Both steps of an approval.
    pub(crate) async fn approve(&self, owner: &Owner, claim: &Claim, body: &Value) -> Answer {
        let path = format!("/claims/{}/approve", claim.id);
        let first = self.manage(&owner.key, "owner:self", "POST", &path, Some(body.clone())).await.is(200);
        assert_eq!(first.json["status"], "confirm");
        let confirmed = with(body.clone(), json!({"confirm": first.json["fingerprint"]}));
        self.manage(&owner.key, "owner:self", "POST", &path, Some(confirmed)).await
    }

    /// A CLAIMED agent with key `number`, of `owner`, with everything at both resources.
    pub(crate) async fn claimed(&self, number: u8, owner: &Owner) -> Agent {
        let agent = Agent::numbered(number);
        let claim = self.register(&agent).await;
        self.approve(owner, &claim, &approval(&claim)).await.is(200);
        agent
    }
}

/// Keys that are the same for every registry of these tests.
pub(crate) fn keys() -> RegistryKeys {
    RegistryKeys::generate(&mut CountedRandom::default())
}

pub(crate) fn claim(json: &Value) -> Claim {
    let text = |member: &str| json[member].as_str().unwrap().to_owned();
    Claim { id: text("id"), code: text("user_code") }
}

/// The body of an approval of everything there is.
pub(crate) fn approval(claim: &Claim) -> Value {
    json!({
        "user_code": claim.code,
        "ceiling": {"scope": "echo:hello echo:read files:read", "resource": [API, FILES], "max_task_seconds": 7200},
    })
}

/// A statement of these claims, signed by `signer` under the key id of its own DID.
pub(crate) fn statement(typ: &str, claims: &Value, signer: &Agent) -> String {
    let kid = signer.did().key_id();
    signed(&json!({"typ": typ, "alg": signer.key().algorithm().as_str(), "kid": kid}), claims, signer.key())
}

pub(crate) fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    handfast_identity::jws::sign_with_header(header, claims, key).unwrap()
}

/// `base` with the members of `changes` put in; `null` takes one out.
pub(crate) fn with(mut base: Value, changes: Value) -> Value {
    let members: &mut Map<String, Value> = base.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name)
        } else {
            members.insert(name, value)
        };
    }
    base
}

/// A form, every byte of a value escaped that could have a meaning.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect()
    };
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

/// The claims of a token, unverified.
pub(crate) fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&handfast_identity::base64url::decode(payload).unwrap()).unwrap()
}
