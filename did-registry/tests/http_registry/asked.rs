//! A resource server that asks this registry about each token it is shown (spec/introspection.md).

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use axum::Router;
use axum::routing::get;
use handfast_middleware::server::{ServerLimits, serve};
use handfast_middleware::{Caller, Mode, NonceUse, ResourceServer, TrustedIssuer};
use handfast_testkit::Agent;
use handfast_verifier::trust::{IntrospectionCaller, StatusSource};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::bench::{API, Answer, Bench, FILES, claims_of};
use crate::delegation_bench::{Scene, at, echo};
use crate::introspection::{file, server};

/// How long an answer counts.
const TTL: u64 = 5;

/// A registry on the network, and an API that asks it by an agent of its own.
struct Asked {
    scene: Scene,
    api: Agent,
    server: ResourceServer,
    app: Router,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Asked {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut file = file();
        file.issuer = format!("http://{}", listener.local_addr().unwrap());
        let scene = at(Bench::with(&file).await, json!({"delegation": "offline"})).await;
        let bench = &scene.bench;
        let serving =
            tokio::spawn(serve(listener, bench.router.clone(), ServerLimits::default(), std::future::pending()));
        let api = server(bench, &scene.owner, 9).await;
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("api.json");
        // as the command line writes it (spec/key-file.md)
        let key = api.key().expose_private_jwk();
        let text = format!(r#"{{"version":1,"kind":"agent","did":"{}","key":{}}}"#, api.did(), key.as_str());
        std::fs::write(&key_file, text).unwrap();
        std::fs::set_permissions(&key_file, Permissions::from_mode(0o600)).unwrap();
        let status = StatusSource::Introspection { caller: IntrospectionCaller::Agent { key_file }, endpoint: None };
        let trust = TrustedIssuer { status, ..TrustedIssuer::single(&bench.issuer, bench.registry.feed_key()) };
        let clock = bench.clock.clone();
        let server = ResourceServer::builder(API, API).mode(Mode::Development).trust(trust);
        let server = server.nonces(NonceUse::Off).clock(move || clock.now()).start().await.unwrap();
        server.ready().await;
        let answer = async |caller: Caller| caller.subject().to_owned();
        let app = Router::new().route("/echo", get(answer)).layer(server.scope("echo:read").unwrap());
        Self { scene, api, server, app, serving, _folder: folder }
    }

    fn bench(&self) -> &Bench {
        &self.scene.bench
    }

    async fn token(&self) -> String {
        self.bench().token(&self.scene.planner, &[("scope", "echo:read"), ("resource", API)]).await
    }

    /// What the API answers: the status, and the reason of a refusal.
    async fn call(&self, by: &Agent, token: &str, evidence: Option<&str>) -> (u16, String) {
        let request = echo(by, token, evidence, self.bench().clock.now());
        let answer = Answer::read(self.app.clone().oneshot(request).await.unwrap()).await;
        (answer.status, answer.json["reason"].as_str().unwrap_or_default().to_owned())
    }

    async fn revoke(&self, body: serde_json::Value) {
        let key = &self.scene.owner.key;
        self.bench().manage(key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    }

    fn later(&self, seconds: u64) {
        self.bench().clock.advance(seconds);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn served() -> (u16, String) {
    (200, String::new())
}

fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn a_registry_is_asked_by_an_agent_of_the_resource() {
    let asked = Asked::new().await;
    let by = &asked.scene.planner;
    let token = asked.token().await;
    for _ in 0..3 {
        assert_eq!(asked.call(by, &token, None).await, served());
    }
    assert_eq!(asked.server.introspection_counts().remove(0).answered, 1);
    asked.revoke(json!({"kind": "token", "id": claims_of(&token)["jti"], "evidence": token})).await;
    assert_eq!(asked.call(by, &token, None).await, served(), "INT-06: as long as the answer counts");
    asked.later(TTL + 1);
    assert_eq!(asked.call(by, &token, None).await, refused(401, "token_revoked"));
    // its own token ends, and it gets another
    asked.later(400);
    let token = asked.token().await;
    assert_eq!(asked.call(by, &token, None).await, served());
    // one that is for somewhere else too is this resource's business as far as it is for it
    let both = [("scope", "echo:read"), ("resource", API), ("resource", FILES)];
    let root = asked.bench().token(&asked.scene.orchestrator, &both).await;
    assert_eq!(asked.call(&asked.scene.orchestrator, &root, None).await, served());
}

#[tokio::test]
async fn what_was_exchanged_is_answered_for_and_what_was_not_is_refused() {
    let asked = Asked::new().await;
    let Asked { scene, .. } = &asked;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    // the registry has never heard of the hop
    assert_eq!(asked.call(&scene.planner, &root, Some(&hop)).await, refused(401, "offline_not_permitted"));
    let exchanged = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).str("access_token");
    let evidence = format!("{root},{hop}");
    assert_eq!(asked.call(&scene.planner, &exchanged, Some(&evidence)).await, served());
    asked.revoke(json!({"kind": "hop", "id": claims_of(&exchanged)["hops"][0]})).await;
    asked.later(TTL + 1);
    assert_eq!(asked.call(&scene.planner, &exchanged, Some(&evidence)).await, refused(401, "token_revoked"));
    // the root it came from lives on
    assert_eq!(asked.call(&scene.orchestrator, &root, None).await, served());
}

/// P-17
#[tokio::test]
async fn who_may_not_ask_learns_nothing_and_lets_nobody_in() {
    let asked = Asked::new().await;
    let token = asked.token().await;
    assert_eq!(asked.call(&asked.scene.planner, &token, None).await, served());
    asked.revoke(json!({"kind": "agent", "id": asked.api.did().as_str()})).await;
    asked.later(TTL + 1);
    assert_eq!(asked.call(&asked.scene.planner, &token, None).await, refused(503, "status_unknown"));
}
