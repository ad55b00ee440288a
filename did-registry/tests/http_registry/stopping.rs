//! `POST /revocations` for what is smaller than an agent, and what a resource server makes of it.

use std::future::pending;

use handfast_testkit::Agent;
use handfast_verifier::revocation::{RevocationKind, RevocationName};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{API, Answer, Bench, Owner, claims_of, config, with};
use crate::delegation_bench::{ACCESS_TOKEN, scene};
use crate::story::{Api, serve_api};

async fn revoke(bench: &Bench, owner: &Owner, body: Value) -> Answer {
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await
}

async fn preview(bench: &Bench, owner: &Owner, body: Value) -> Answer {
    bench.manage(&owner.key, "owner:self", "POST", "/revocations/preview", Some(body)).await
}

fn task_of(token: &str) -> String {
    claims_of(token)["task"]["id"].as_str().unwrap().to_owned()
}

/// The newest entry of the feed, and how many there are.
async fn newest(bench: &Bench) -> (Value, usize) {
    let events = claims_of(&bench.get("/revocations/snapshot").await.is(200).text)["events"].clone();
    let events = events.as_array().unwrap();
    (events.last().cloned().unwrap_or_default(), events.len())
}

fn name(bench: &Bench, kind: RevocationKind, id: &str) -> Value {
    json!(RevocationName::of(&bench.issuer, kind, id).to_string())
}

/// A registry on a socket, an owner, and an agent of theirs at an API that follows the registry's feed.
struct Live {
    bench: Bench,
    owner: Owner,
    api: Api,
    nonce: String,
}

impl Live {
    async fn new() -> Self {
        let registry = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut file = config();
        file.issuer = format!("http://{}", registry.local_addr().unwrap());
        let bench = Bench::with(&file).await;
        let served = bench.registry.clone();
        tokio::spawn(async move { served.serve(registry, pending()).await });
        let owner = bench.owner(100).await;
        let agent = bench.claimed(1, &owner).await;
        let api = Api { address: serve_api(&bench).await, agent, now: bench.clock.now() };
        let token = bench.token(&api.agent, &[("scope", "echo:read"), ("resource", API)]).await;
        let nonce = api.ask(&token, None).await.nonce.expect("the rule after a start asks for a nonce");
        Self { bench, owner, api, nonce }
    }

    async fn token(&self, intent: &str) -> String {
        let form = [("scope", "echo:read"), ("resource", API), ("task_intent", intent)];
        self.bench.token(&self.api.agent, &form).await
    }

    async fn status(&self, token: &str) -> u16 {
        self.api.ask(token, Some(&self.nonce)).await.status
    }
}

#[tokio::test]
async fn p11_a_task_stops_at_a_resource_server_and_its_sibling_does_not() {
    let live = Live::new().await;
    let (one, other) = (live.token("one").await, live.token("other").await);
    assert_eq!((live.status(&one).await, live.status(&other).await), (200, 200));
    revoke(&live.bench, &live.owner, json!({"kind": "task", "id": task_of(&one)})).await.is(200);
    assert_eq!(live.api.refuses(&one, &live.nonce).await, 401);
    assert_eq!(live.status(&other).await, 200);
}

#[tokio::test]
async fn a_task_is_revoked_once_and_the_first_answer_stays() {
    let bench = Bench::new().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(101).await);
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let (task, made) = (task_of(&token), bench.now());
    bench.clock.advance(5);
    let body = json!({"kind": "task", "id": task, "reason": "wrong one"});
    let first = revoke(&bench, &owner, body).await.is(200);
    let expected = json!({
        "kind": "task", "id": task, "status": "REVOKED", "revoked_at": made + 5, "by": owner.id, "reason": "wrong one",
        "until": made + 3600 + 60,
    });
    assert_eq!(first.json, expected);
    let entry =
        json!({"seq": 1, "kind": "task", "name": name(&bench, RevocationKind::Task, &task), "until": made + 3660});
    assert_eq!(newest(&bench).await, (entry, 1));
    let before = bench.positions();
    bench.clock.advance(5);
    let again = json!({"kind": "task", "id": task, "reason": "another"});
    assert_eq!(revoke(&bench, &owner, again.clone()).await.is(200).json, expected);
    let by_admin = bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(again)).await.is(200);
    assert_eq!(by_admin.json, expected);
    assert_eq!(bench.positions(), before);
    let shown = bench.manage(&owner.key, "owner:self", "GET", &format!("/tasks/{task}"), None).await.is(200);
    assert_eq!((&shown.json["status"], &shown.json["revoked_at"]), (&json!("revoked"), &json!(made + 5)));
    let refused = bench.token_answer(&agent, &[("task", &task), ("resource", API)]).await;
    assert_eq!(refused.oauth(), (400, "invalid_grant", "task_revoked"));
}

#[tokio::test]
async fn a_task_is_stopped_by_its_owner_and_admins_alone() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let agent = bench.claimed(1, &owner).await;
    let task = task_of(&bench.token(&agent, &[("scope", "agent:self")]).await);
    let before = bench.positions();
    let body = json!({"kind": "task", "id": task});
    for path in ["/revocations", "/revocations/preview"] {
        let ask = async |who: &Agent, scope: &str, body: &Value| {
            bench.manage(who, scope, "POST", path, Some(body.clone())).await
        };
        assert_eq!(ask(&other.key, "owner:self", &body).await.problem(), (404, "unknown_task"));
        assert_eq!(ask(&admin.key, "owner:self", &body).await.problem(), (404, "unknown_task"));
        assert_eq!(ask(&admin.key, "registry:read", &body).await.problem(), (403, "insufficient_scope"));
        assert_eq!(ask(&agent, "agent:self", &body).await.status, 403);
        for id in ["task_0123456789abcdefghjkmnpqrs", "x", ""] {
            let unknown = json!({"kind": "task", "id": id});
            assert_eq!(ask(&owner.key, "owner:self", &unknown).await.problem(), (404, "unknown_task"));
        }
        for wrong in [
            json!({"kind": "task"}),
            json!({"kind": "key", "id": task}),
            json!({"kind": "task", "id": "x".repeat(129)}),
        ] {
            assert_eq!(ask(&owner.key, "owner:self", &wrong).await.problem(), (400, "invalid_request"));
        }
    }
    assert_eq!(bench.positions(), before);
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations/preview", Some(body.clone())).await.is(200);
    assert_eq!(bench.positions(), before, "looking changes nothing");
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
}

#[tokio::test]
async fn a_revoked_task_ends_its_tokens_at_the_registry_and_what_was_passed_on() {
    let scene = scene().await;
    let (bench, owner) = (&scene.bench, &scene.owner);
    let root = scene.root().await;
    let task = task_of(&root);
    let own = bench.token(&scene.orchestrator, &[("scope", "agent:self"), ("task", &task)]).await;
    let sibling = bench.token(&scene.orchestrator, &[("scope", "agent:self"), ("task_intent", "another")]).await;
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second = scene.hop(&scene.planner, &first, &scene.browser).sign();
    scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
    let body = json!({"kind": "task", "id": task});
    let deadline = bench.now() + 3600;
    let reach =
        json!({"kind": "task", "id": task, "agents": 3, "tasks": 1, "delegations": 2, "latest_expiry": deadline});
    assert_eq!(preview(bench, owner, body.clone()).await.is(200).json, reach);

    revoke(bench, owner, body.clone()).await.is(200);
    let path = format!("/agents/{}", scene.orchestrator.did());
    let refused = bench.call(&scene.orchestrator, &own, "GET", &path, None).await;
    assert_eq!(refused.problem(), (401, "task_revoked"));
    bench.call(&scene.orchestrator, &sibling, "GET", &path, None).await.is(200);
    let before = bench.positions();
    let task_revoked = (400, "invalid_request", "task_revoked");
    scene.check(&before, &scene.exchange(&scene.browser, &root, &[&first, &second]).await, task_revoked);
    let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    scene.check(&before, &scene.send(&scene.orchestrator, None, None, &form).await, task_revoked);
    assert_eq!(preview(bench, owner, body).await.is(200).json, with(reach, json!({"revoked_at": bench.now()})));
}

#[tokio::test]
async fn th65_a_task_is_revoked_only_if_it_is_so_in_the_store() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let task = task_of(&bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await);
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    bench.disk.fail_syncs();
    let body = json!({"kind": "task", "id": task});
    let answer = bench.call(&owner.key, &token, "POST", "/revocations", Some(body)).await;
    assert_eq!(answer.problem(), (503, "store_unavailable"));
    assert_eq!(bench.positions().feed_to, 0);
}

#[tokio::test]
async fn parallel_revocations_of_a_task_are_one() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let task = task_of(&bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await);
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let stop = |n: usize| {
        let body = json!({"kind": "task", "id": task, "reason": n.to_string()});
        bench.call(&owner.key, &token, "POST", "/revocations", Some(body))
    };
    let (one, two, three) = tokio::join!(stop(1), stop(2), stop(3));
    assert!(one.status == 200 && one.json == two.json && two.json == three.json, "{one:?} {two:?} {three:?}");
    assert_eq!(newest(&bench).await.1, 1);
}
