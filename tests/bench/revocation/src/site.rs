//! A registry with an owner and an agent, and three servers of one resource that follow it: all on loopback, all as they are deployed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use handfast_identity::{DidKey, fingerprint, jws};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Mode, ResourceServer, TrustedIssuer};
use handfast_registry::{ConfigFile, Registry, ResourceFile};
use handfast_testkit::Agent;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::{Peer, now};

/// The resource that the three servers are.
const API: &str = "https://api.example";
const SERVERS: usize = 3;
const JSON: &str = "application/json";

/// A registry that can be taken off the network and put back.
pub struct Home {
    directory: tempfile::TempDir,
    address: SocketAddr,
    /// What resource servers pin.
    pub feed_key: DidKey,
    admin_code: String,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Home {
    /// A new one, running.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let mut config = ConfigFile::new(&format!("http://{address}"), address);
        // one owner stops everything here, and faster than one should
        config.limits.revocations_per_owner = 100_000;
        config.mode = "development".to_owned();
        config.resources = vec![ResourceFile::new(API, &["files:read"])];
        config.lifetimes.token_seconds = 900;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registry");
        let made = handfast_registry::init(&path, &config).await.expect("a registry");
        let admin_code = made.admin_code.expose().to_owned();
        let mut home = Self { address, feed_key: made.feed_key, admin_code, running: None, directory };
        home.serve(listener).await;
        home
    }

    /// Its issuer URL.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn path(&self) -> impl AsRef<Path> {
        self.directory.path().join("registry")
    }

    async fn serve(&mut self, listener: TcpListener) {
        let registry: Registry = handfast_registry::open(self.path()).await.expect("the registry opens");
        let (stop, mut stopped) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
            registry.serve(listener, stopped).await;
        });
        self.running = Some((stop, serving));
    }

    /// Off the network, its store closed.
    pub async fn stop(&mut self) {
        if let Some((stop, serving)) = self.running.take() {
            stop.send_replace(true);
            serving.await.expect("it ends well");
        }
    }

    /// Back, at the same address and with the same store.
    pub async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the address is free");
        self.serve(listener).await;
    }
}

/// Everybody.
pub struct Site {
    /// The registry.
    pub home: Home,
    /// The registry, as clients reach it.
    pub registry: Arc<Peer>,
    /// The three servers, as clients reach them.
    pub servers: Vec<Arc<Peer>>,
    /// The agent that works.
    pub agent: Agent,
    owner: Agent,
}

fn statement(typ: &str, claims: &Value, who: &Agent) -> String {
    let header = json!({"typ": typ, "alg": "EdDSA", "kid": who.did().key_id()});
    jws::sign_with_header(&header, claims, who.key()).expect("a statement can be written")
}

impl Site {
    /// Everybody, ready.
    pub async fn new() -> Self {
        let home = Home::new().await;
        let issuer = home.issuer();
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
            let origin = format!("http://{}", listener.local_addr().expect("an address"));
            let trust = TrustedIssuer::single(&issuer, home.feed_key.clone());
            let builder = ResourceServer::builder(API, &origin).trust(trust).mode(Mode::Development);
            let server = builder.start().await.expect("a server");
            server.ready().await;
            let app = Router::new()
                .route("/files", get(|| async { "ok" }))
                .layer(server.scope("files:read").expect("a scope"));
            tokio::spawn(async move {
                // dropping the server ends its keeper
                let _server = server;
                serve(listener, app, ServerLimits::default(), std::future::pending()).await;
            });
            servers.push(Arc::new(Peer::new(&origin)));
        }
        let registry = Arc::new(Peer::new(&issuer));
        let site = Self { home, registry, servers, agent: Agent::numbered(1), owner: Agent::numbered(2) };
        site.people().await;
        site
    }

    /// An owner, and an agent that he claimed.
    async fn people(&self) {
        let (issuer, iat) = (self.home.issuer(), now().as_secs());
        let claims = json!({
            "iss": self.owner.did().as_str(), "aud": issuer, "iat": iat, "jti": "o", "enrolment": self.home.admin_code
        });
        let text = statement("owner-registration+jwt", &claims, &self.owner);
        self.registry.post("/owners", "application/jwt", text).await.good();
        let claims = json!({
            "iss": self.agent.did().as_str(), "aud": issuer, "iat": iat, "jti": "a", "name": "bench", "version": "1",
            "purpose": "works", "environment": "dev", "scope": "files:read", "resource": [API]
        });
        let text = statement("agent-registration+jwt", &claims, &self.agent);
        let registered = self.registry.post("/agents", "application/jwt", text).await.good();
        let claim = &registered["claim"];
        let path = format!("/claims/{}/approve", claim["id"].as_str().expect("an id"));
        let ceiling = json!({"scope": "files:read", "resource": [API], "max_task_seconds": 7200});
        let mut body = json!({"user_code": claim["user_code"], "ceiling": ceiling});
        self.manage(&path, &body).await;
        body["confirm"] = fingerprint(&self.agent.did()).into();
        self.manage(&path, &body).await;
    }

    async fn token_of(&self, who: &Agent, form: &str) -> String {
        let did = who.did().as_str().replace(':', "%3A");
        let form = format!("grant_type=client_credentials&client_id={did}&{form}");
        let body = Some(("application/x-www-form-urlencoded", form));
        let answer = self.registry.signed(who, None, (Method::POST, "/oauth2/token"), body).await;
        answer.expect("the registry answers").good()["access_token"].as_str().expect("a token").to_owned()
    }

    /// The owner's own token.
    pub async fn owner_token(&self) -> String {
        self.token_of(&self.owner, "scope=owner%3Aself").await
    }

    async fn manage(&self, path: &str, body: &Value) -> Value {
        self.manage_with(&self.owner_token().await, path, body).await
    }

    /// A call of the owner's.
    pub async fn manage_with(&self, token: &str, path: &str, body: &Value) -> Value {
        let body = Some((JSON, body.to_string()));
        let answer = self.registry.signed(&self.owner, Some(token), (Method::POST, path), body).await;
        answer.expect("the registry answers").good()
    }

    /// A task of the agent's, and a token for it.
    pub async fn work(&self, owner_token: &str) -> (String, String) {
        let body = json!({"agent": self.agent.did().as_str(), "intent": "bench", "scope": "files:read"});
        let task = self.manage_with(owner_token, "/tasks", &body).await;
        let id = task["id"].as_str().expect("an id").to_owned();
        let token = self.token_of(&self.agent, &format!("scope=files%3Aread&task={id}")).await;
        (id, token)
    }
}
