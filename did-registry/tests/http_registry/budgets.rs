//! A budget from the owner's ceiling to the last use: issued, passed on, exchanged, and counted where it is used.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use handfast_delegation::ChainText;
use handfast_dpop::{ContentHash, ProofRequest, Target};
use handfast_identity::OsRandom;
use handfast_middleware::{FixedFacts, Mode, NonceUse, ResourceServer, TrustedIssuer};
use handfast_testkit::Agent;
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Status};
use http::{Request, StatusCode};
use serde_json::json;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::bench::{API, claims_of};
use crate::delegation_bench::{Scene, scene_with, uses};

/// A resource server that knows the registry's keys and of no revocation.
async fn api(scene: &Scene) -> ResourceServer {
    let keys = scene.bench.get("/jwks.json").await.is(200);
    let trust = TrustedIssuer::single(&scene.bench.issuer, scene.bench.registry.feed_key());
    let facts = Facts::new([IssuerFacts {
        trust: Arc::new(trust),
        keys: Arc::new(KeySet::parse(keys.text.as_bytes()).unwrap()),
        status: Status::Known { set: Arc::default(), as_of: scene.bench.clock.now() },
    }]);
    let clock = scene.bench.clock.clone();
    let builder = ResourceServer::builder(API, API).facts(Arc::new(FixedFacts::new(facts)));
    // no nonces, so that nothing has to be asked twice
    let builder = builder.mode(Mode::Development).nonces(NonceUse::Off);
    builder.clock(move || clock.now()).start().await.unwrap()
}

/// The status of one request by `who`.
async fn ask(server: &ResourceServer, scene: &Scene, who: &Agent, token: &str, chain: Option<&str>) -> StatusCode {
    let target = Target::parse(&format!("{API}/echo")).unwrap();
    let proof = ProofRequest {
        method: "GET",
        target: &target,
        token_hash: Some(ContentHash::of(token.as_bytes())),
        nonce: None,
        delegation_hash: chain.map(|chain| ChainText::parse(chain, 32_768).unwrap().hash()),
        content_digest: None,
    };
    let proof = proof.sign(who.key(), scene.bench.clock.now(), &mut OsRandom).unwrap();
    let mut request = Request::get("/echo").header("authorization", format!("DPoP {token}")).header("dpop", proof);
    if let Some(chain) = chain {
        request = request.header("delegation", chain);
    }
    let handler = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let service = server.scope("echo:read").unwrap().layer(handler);
    service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn a_budget_of_the_ceiling_is_spent_where_it_is_used() {
    let scene = scene_with(json!({"resource": [API], "scope": "echo:read", "budget": {"max_uses": 3}})).await;
    let server = api(&scene).await;
    let root = scene.root().await;
    assert_eq!(claims_of(&root)["budget"], json!({"max_uses": 3}));
    assert_eq!(ask(&server, &scene, &scene.orchestrator, &root, None).await, StatusCode::OK);
    // the planner gets two of the three, and a token for them
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| hop.authority.budget = Some(uses(2)));
    let hop = hop.sign();
    let exchanged = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).str("access_token");
    assert_eq!(claims_of(&exchanged)["budget"], json!({"max_uses": 2}));
    let bundle = format!("{root},{hop}");
    for _ in 0..2 {
        assert_eq!(ask(&server, &scene, &scene.planner, &exchanged, Some(&bundle)).await, StatusCode::OK);
    }
    let again = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).str("access_token");
    let spent = ask(&server, &scene, &scene.planner, &again, Some(&bundle)).await;
    assert_eq!(spent, StatusCode::TOO_MANY_REQUESTS, "another token of the same hop");
    let spent = ask(&server, &scene, &scene.orchestrator, &root, None).await;
    assert_eq!(spent, StatusCode::TOO_MANY_REQUESTS, "the task paid all three");
    // a new token of the same task, and a new task of the agent's own
    scene.bench.clock.advance(1);
    let renewed = scene.root().await;
    assert_eq!(claims_of(&renewed)["task"]["id"], claims_of(&root)["task"]["id"]);
    assert_eq!(ask(&server, &scene, &scene.orchestrator, &renewed, None).await, StatusCode::TOO_MANY_REQUESTS);
    let own = scene.root_with(&[("resource", API), ("task_intent", "once more")]).await;
    assert_ne!(claims_of(&own)["task"]["id"], claims_of(&root)["task"]["id"]);
    assert_eq!(ask(&server, &scene, &scene.orchestrator, &own, None).await, StatusCode::TOO_MANY_REQUESTS);
    // the twin: a task that the owner asks for
    let body =
        json!({"agent": scene.orchestrator.did().as_str(), "intent": "read", "scope": "echo:read", "resource": [API]});
    let task = scene.bench.manage(&scene.owner.key, "owner:self", "POST", "/tasks", Some(body)).await.is(201).str("id");
    let asked = scene.root_with(&[("resource", API), ("task", task.as_str())]).await;
    assert_eq!(ask(&server, &scene, &scene.orchestrator, &asked, None).await, StatusCode::OK);
}
