//! `POST /oauth2/introspect` (RFC 7662): who may ask about what, and what is told.

use axum::body::Body;
use handfast_registry::ResourceFile;
use handfast_testkit::Agent;
use http::Request;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, FILES, FORM, Owner, approval, claims_of, config, encode, with};
use crate::delegation_bench::{Scene, at};

const PATH: &str = "/oauth2/introspect";
const LIFETIME: u64 = 300;

/// Both resources ask: `introspect` is among their scopes.
pub(crate) fn file() -> handfast_registry::ConfigFile {
    let mut file = config();
    file.resources = vec![
        ResourceFile::new(API, &["echo:hello", "echo:read", "echo:write", "introspect"]).applying_details(),
        ResourceFile::new(FILES, &["files:read", "introspect"]),
    ];
    file
}

/// A registry, and an agent that is the API's own: it may ask about tokens for the API.
struct Asking {
    scene: Scene,
    api: Agent,
    token: String,
}

impl Asking {
    async fn new() -> Self {
        let scene = at(Bench::with(&file()).await, json!({})).await;
        let api = server(&scene.bench, &scene.owner, 9).await;
        let token = scene.bench.token(&api, &[("scope", "introspect"), ("resource", API)]).await;
        Self { scene, api, token }
    }

    fn bench(&self) -> &Bench {
        &self.scene.bench
    }

    async fn ask(&self, token: &str) -> Answer {
        ask(self.bench(), &self.api, &self.token, &encode(&[("token", token)])).await
    }

    #[track_caller]
    fn is_inactive(answer: &Answer) {
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"active":false}"#));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// An agent that may introspect at the API, and nothing else.
pub(crate) async fn server(bench: &Bench, owner: &Owner, number: u8) -> Agent {
    let agent = Agent::numbered(number);
    let claim = bench.register(&agent).await;
    let ceiling = json!({"scope": "introspect", "resource": [API], "max_task_seconds": 7200});
    bench.approve(owner, &claim, &with(approval(&claim), json!({"ceiling": ceiling}))).await.is(200);
    agent
}

/// A request by `who` with `token` and a proof for it; repeated once for a nonce.
async fn ask(bench: &Bench, who: &Agent, token: &str, form: &str) -> Answer {
    let answer = bench.send(request(bench, who, token, form)).await;
    if answer.json["error"] == "use_dpop_nonce" { bench.send(request(bench, who, token, form)).await } else { answer }
}

fn request(bench: &Bench, who: &Agent, token: &str, form: &str) -> Request<Body> {
    let mut parts = who.proof_parts("POST", &format!("{}{PATH}", bench.issuer), Some(token), bench.clock.now());
    if let Some(nonce) = bench.nonce() {
        parts.claims.insert("nonce".to_owned(), nonce.into());
    }
    let request = Request::post(PATH).header("content-type", FORM).header("dpop", who.sign(&parts));
    request.header("authorization", format!("DPoP {token}")).body(Body::from(form.to_owned())).unwrap()
}

#[tokio::test]
async fn a_good_token_is_told_as_far_as_it_concerns_the_resource() {
    let asking = Asking::new().await;
    let bench = asking.bench();
    // for both resources, since it may be passed on
    let root = bench.token(&asking.scene.orchestrator, &[("resource", API), ("resource", FILES)]).await;
    let claims = claims_of(&root);
    assert_eq!(claims["scope"], "echo:hello echo:read files:read");
    let mut expected = json!({"active": true, "token_type": "DPoP", "aud": [API], "scope": "echo:hello echo:read"});
    for member in ["iss", "sub", "client_id", "cnf", "act", "task", "env", "handle", "iat", "exp", "jti"] {
        expected[member] = claims[member].clone();
    }
    expected["del_depth"] = json!(0);
    expected["del_max_depth"] = json!(2);
    let answer = asking.ask(&root).await.is(200);
    assert_eq!(answer.json, expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("dpop-nonce").is_some());
    // INT-07
    let hinted = encode(&[("token", root.as_str()), ("token_type_hint", "refresh_token")]);
    assert_eq!(ask(bench, &asking.api, &asking.token, &hinted).await.is(200).json, expected);
}

#[tokio::test]
async fn what_is_not_good_here_and_now_is_all_the_same() {
    let asking = Asking::new().await;
    let bench = asking.bench();
    let agent = &asking.scene.planner;
    let good = bench.token(agent, &[("scope", "echo:read"), ("resource", API)]).await;
    assert_eq!(asking.ask(&good).await.json["active"], true);
    let elsewhere = bench.token(agent, &[("scope", "files:read"), ("resource", FILES)]).await;
    let of_the_registry = bench.token(agent, &[("scope", "agent:self"), ("resource", &bench.issuer)]).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let turned = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{head}.{turned}{}", &signature[1..]);
    for token in [elsewhere.as_str(), &of_the_registry, &forged, "x", "a.b.c", &"x".repeat(9000)] {
        Asking::is_inactive(&asking.ask(token).await);
    }
    // of its task, and so of every token in it
    let task = claims_of(&good)["task"]["id"].clone();
    let body = json!({"kind": "task", "id": task});
    bench.manage(&asking.scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    Asking::is_inactive(&asking.ask(&good).await);
}

#[tokio::test]
async fn an_end_has_no_leeway() {
    let asking = Asking::new().await;
    let bench = asking.bench();
    let good = bench.token(&asking.scene.planner, &[("scope", "echo:read"), ("resource", API)]).await;
    bench.clock.advance(LIFETIME);
    let token = bench.token(&asking.api, &[("scope", "introspect"), ("resource", API)]).await;
    let form = encode(&[("token", good.as_str())]);
    assert_eq!(ask(bench, &asking.api, &token, &form).await.json["active"], true, "its last second");
    bench.clock.advance(1);
    Asking::is_inactive(&ask(bench, &asking.api, &token, &form).await);
}

#[tokio::test]
async fn an_exchanged_token_is_told_until_a_hop_behind_it_is_stopped() {
    let asking = Asking::new().await;
    let Asking { scene, .. } = &asking;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner);
    let exchanged = scene.exchange(&scene.planner, &root, &[&hop.sign()]).await.is(200).str("access_token");
    let told = asking.ask(&exchanged).await.is(200).json;
    assert_eq!((&told["active"], &told["act"]), (&json!(true), &claims_of(&exchanged)["act"]));
    assert_eq!((&told["hops"], &told["root_jti"]), (&claims_of(&exchanged)["hops"], &claims_of(&root)["jti"]));
    let body = json!({"kind": "hop", "id": told["hops"][0]});
    let path = "/revocations";
    scene.bench.manage(&scene.owner.key, "owner:self", "POST", path, Some(body)).await.is(200);
    Asking::is_inactive(&asking.ask(&exchanged).await);
}

#[tokio::test]
async fn only_a_resource_itself_may_ask() {
    let asking = Asking::new().await;
    let bench = asking.bench();
    let good = bench.token(&asking.scene.planner, &[("scope", "echo:read"), ("resource", API)]).await;
    let form = encode(&[("token", good.as_str())]);
    let refused = async |who: &Agent, token: &str| {
        let answer = ask(bench, who, token, &form).await;
        let (status, _, reason) = answer.oauth();
        assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "));
        (status, reason.to_owned())
    };
    let is = |status: u16, reason: &str| (status, reason.to_owned());
    assert_eq!(refused(&asking.scene.planner, &good).await, is(403, "insufficient_scope"));
    assert_eq!(refused(&asking.scene.planner, &asking.token).await, is(401, "holder_mismatch"));
    let own = bench.token(&asking.api, &[("scope", "agent:self"), ("resource", &bench.issuer)]).await;
    assert_eq!(refused(&asking.api, &own).await, is(403, "insufficient_scope"));
    let bare = Request::post(PATH).header("content-type", FORM).body(Body::from(form.clone())).unwrap();
    assert_eq!(bench.send(bare).await.oauth(), (401, "invalid_request", "credentials_missing"));
    let proof = request(bench, &asking.api, &asking.token, &form).headers()["dpop"].clone();
    let again = async || {
        let request = Request::post(PATH).header("content-type", FORM).header("dpop", proof.clone());
        let request = request.header("authorization", format!("DPoP {}", asking.token));
        bench.send(request.body(Body::from(form.clone())).unwrap()).await
    };
    again().await.is(200);
    assert_eq!(again().await.oauth(), (401, "invalid_dpop_proof", "proof_replayed"));
    // its own token in the form as well, under the name that tokens have elsewhere
    let misplaced = encode(&[("token", good.as_str()), ("access_token", asking.token.as_str())]);
    assert_eq!(
        ask(bench, &asking.api, &asking.token, &misplaced).await.oauth(),
        (400, "invalid_request", "token_misplaced")
    );
    // stopped itself
    let body = json!({"kind": "agent", "id": asking.api.did().as_str()});
    bench.manage(&asking.scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(refused(&asking.api, &asking.token).await, is(401, "agent_revoked"));
}

#[tokio::test]
async fn the_form_is_strict() {
    let asking = Asking::new().await;
    let bench = asking.bench();
    for form in ["", "token=", "token=a&token=b", "token=a&token_type_hint=b&token_type_hint=c", "token=%zz"] {
        let answer = ask(bench, &asking.api, &asking.token, form).await;
        assert_eq!(answer.oauth(), (400, "invalid_request", "invalid_request"), "{form}");
    }
    let answer = bench.post(PATH, "application/json", Value::Null.to_string()).await;
    assert_eq!(answer.oauth().0, 415);
    assert_eq!(bench.get(PATH).await.oauth().0, 405);
}

#[tokio::test]
async fn of_two_resources_only_the_one_with_the_scope_is_asked_about() {
    let mut file = config();
    let scopes = ["echo:hello", "echo:read", "echo:write"];
    file.resources = vec![
        ResourceFile::new(API, &scopes).applying_details(),
        ResourceFile::new(FILES, &["files:read", "introspect"]),
    ];
    let scene = at(Bench::with(&file).await, json!({})).await;
    let bench = &scene.bench;
    let both = Agent::numbered(9);
    let claim = bench.register(&both).await;
    let ceiling = json!({"scope": "echo:read introspect", "resource": [API, FILES], "max_task_seconds": 7200, "del_max_depth": 1});
    bench.approve(&scene.owner, &claim, &with(approval(&claim), json!({"ceiling": ceiling}))).await.is(200);
    let two = [("scope", "echo:read introspect"), ("resource", API), ("resource", FILES)];
    let token = bench.token(&both, &two).await;
    let told = async |scope, resource| {
        let good = bench.token(&scene.planner, &[("scope", scope), ("resource", resource)]).await;
        ask(bench, &both, &token, &encode(&[("token", good.as_str())])).await.is(200)
    };
    Asking::is_inactive(&told("echo:read", API).await);
    assert_eq!(told("files:read", FILES).await.json["aud"], json!([FILES]));
}
