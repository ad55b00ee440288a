//! `GET /1.0/identifiers/{did}` for the methods that are not an agent's: `did:jwk`, and `did:web`, for which somebody is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use handfast_middleware::server::{ServerLimits, serve};
use handfast_testkit::Agent;
use http::{Request, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{Answer, Bench, config, statement};

/// A web host that has documents, and counts who asks for them.
struct Party {
    port: u16,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Party {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let app = Router::new().fallback(document).with_state((port, Arc::clone(&asked)));
        tokio::spawn(serve(listener, app, ServerLimits::default(), std::future::pending()));
        Self { port, asked }
    }

    fn did(&self, path: &str) -> String {
        format!("did:web:localhost%3A{}{path}", self.port)
    }

    /// The path at a registry under which it resolves the DID.
    fn at(&self, path: &str) -> String {
        at(&self.did(path))
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().values().sum()
    }
}

type Asked = (u16, Arc<Mutex<BTreeMap<String, usize>>>);

async fn document(State((port, asked)): State<Asked>, uri: Uri) -> Response {
    *asked.lock().unwrap().entry(uri.path().to_owned()).or_default() += 1;
    let own = format!("did:web:localhost%3A{port}");
    let body = match uri.path() {
        "/.well-known/did.json" => json!({"id": own, "service": [{"id": format!("{own}#s"), "type": "X"}]}),
        "/other/did.json" => json!({"id": "did:web:victim.example"}),
        path if path.starts_with("/u") => {
            json!({"id": format!("{own}:{}", path.trim_start_matches('/').trim_end_matches("/did.json"))})
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([("content-type", "application/did+json"), ("cache-control", "max-age=3600")], body.to_string()).into_response()
}

fn at(did: &str) -> String {
    format!("/1.0/identifiers/{}", did.replace('%', "%25"))
}

/// A registry that resolves the party's DIDs for anybody.
async fn open_for(party: &Party) -> Bench {
    let mut file = config();
    file.did_web.hosts = vec![format!("localhost:{}", party.port)];
    Bench::with(&file).await
}

async fn whole(bench: &Bench, path: &str) -> Answer {
    let request = Request::get(path).header("accept", "application/did-resolution");
    bench.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[track_caller]
fn code(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), Some("application/did-resolution"), "{answer:?}");
    assert_eq!((&answer.json["didDocument"], &answer.json["didDocumentMetadata"]), (&Value::Null, &json!({})));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let error = &answer.json["didResolutionMetadata"]["error"];
    assert!(error["title"].is_string() && error["detail"].is_string(), "DR-07: {error}");
    (answer.status, error["type"].as_str().unwrap().strip_prefix("https://www.w3.org/ns/did#").unwrap())
}

#[tokio::test]
async fn a_did_jwk_is_resolved_and_no_agents_name() {
    let bench = Bench::new().await;
    let agent = Agent::numbered(1);
    let did = handfast_identity::DidJwk::from_public_key(agent.did().public_key().clone()).to_string();
    let answer = bench.get(&at(&did)).await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/did"));
    assert_eq!((&answer.json["id"], &answer.json["keyAgreement"]), (&json!(did), &json!([format!("{did}#0")])));
    // P-05: the same key under its other name is nobody here
    bench.post("/agents", "application/jwt", bench.agent_statement(&agent)).await.is(201);
    assert_eq!(bench.get(&format!("/agents/{did}/did.json")).await.problem().0, 404);
    let mut claims = bench.agent_claims(&Agent::numbered(2));
    claims["iss"] =
        handfast_identity::DidJwk::from_public_key(Agent::numbered(2).did().public_key().clone()).to_string().into();
    let body = statement("agent-registration+jwt", &claims, &Agent::numbered(2));
    assert_eq!(bench.post("/agents", "application/jwt", body).await.problem(), (400, "invalid_did"));
}

#[tokio::test]
async fn the_registry_knows_its_own_did_without_asking() {
    let bench = Bench::new().await;
    let own = bench.get("/.well-known/did.json").await.is(200);
    let resolved = bench.get(&at("did:web:localhost%3A4500")).await.is(200);
    assert_eq!(resolved.text, own.text);
}

#[tokio::test]
async fn documents_of_listed_hosts_are_found_for_anybody() {
    let party = Party::start().await;
    let bench = open_for(&party).await;
    let plain = bench.get(&party.at("")).await.is(200);
    assert_eq!(
        (plain.header("content-type"), plain.header("cache-control")),
        (Some("application/did"), Some("no-store"))
    );
    assert_eq!((&plain.json["id"], plain.json["service"][0]["type"].as_str()), (&json!(party.did("")), Some("X")));
    let answer = whole(&bench, &party.at("")).await.is(200);
    assert_eq!(answer.json["didDocument"], plain.json);
    assert_eq!(answer.json["didResolutionMetadata"], json!({"contentType": "application/did"}));
    assert_eq!(party.asked(), 1, "kept for a while");
    // DR-04, DR-06, DR-08, DR-11, DW-05
    assert_eq!(code(&bench.get(&party.at(":gone")).await), (404, "NOT_FOUND"));
    assert_eq!(code(&bench.get(&party.at(":other")).await), (500, "INVALID_DID_DOCUMENT"));
    assert_eq!(code(&bench.get(&format!("{}?noCache=true", party.at(""))).await), (501, "FEATURE_NOT_SUPPORTED"));
    assert_eq!(code(&bench.get(&at("did:web:127.0.0.1%3A1")).await), (400, "INVALID_DID"));
    assert_eq!(party.asked(), 3);
    // nothing is asked for what could not be answered
    let unreadable = Request::get(party.at(":u1")).header("accept", "text/html");
    let unreadable = bench.send(unreadable.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(code(&unreadable), (406, "REPRESENTATION_NOT_SUPPORTED"));
    assert_eq!(party.asked(), 3);
}

#[tokio::test]
async fn other_hosts_are_asked_for_owners_and_readers_only() {
    // the registry is nobody's way to hosts of a stranger's choice (P-22)
    let party = Party::start().await;
    let bench = Bench::new().await;
    assert_eq!(bench.get(&party.at("")).await.problem().0, 401);
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    assert_eq!(bench.manage(&agent, "agent:self", "GET", &party.at(""), None).await.problem().0, 403);
    assert_eq!(party.asked(), 0);
    let answer = bench.manage(&owner.key, "owner:self", "GET", &party.at(""), None).await.is(200);
    assert_eq!(answer.json["id"], party.did(""));
    assert_eq!(bench.manage(&owner.key, "owner:self", "GET", &party.at(":gone"), None).await.status, 404);
    let admin = bench.admin(101).await;
    bench.manage(&admin.key, "registry:read", "GET", &party.at(""), None).await.is(200);
    assert_eq!(party.asked(), 2);
    // what asks nobody is open as ever, and so is what is wrong
    bench.get(&at(agent.did().as_str())).await.is(200);
    assert_eq!(code(&bench.get(&at("did:web:a:..")).await), (400, "INVALID_DID"));
}

#[tokio::test]
async fn lookups_of_one_source_are_counted() {
    let party = Party::start().await;
    let bench = open_for(&party).await;
    for _ in 0..120 {
        bench.get(&party.at("")).await.is(200);
    }
    let answer = bench.get(&party.at("")).await;
    assert_eq!(answer.problem(), (429, "slow_down"));
    bench.get(&at(Agent::numbered(1).did().as_str())).await.is(200);
    bench.clock.advance(60);
    bench.get(&party.at("")).await.is(200);
    assert_eq!(party.asked(), 1);
}
