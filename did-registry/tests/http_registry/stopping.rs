//! `POST /revocations` for other things than agents, and what a resource server makes of it.

use std::future::pending;
use std::time::Duration;

use handfast_delegation::UnverifiedHop;
use handfast_testkit::Agent;
use handfast_verifier::revocation::{RevocationKind, RevocationName};
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{API, Answer, Bench, Owner, approval, claims_of, config, encode, with};
use crate::delegation_bench::{ACCESS_TOKEN, Scene, scene};
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
async fn p11_a_suspended_agent_stops_at_a_resource_server_and_goes_on_with_new_tokens() {
    let live = Live::new().await;
    let old = live.token("one").await;
    assert_eq!(live.status(&old).await, 200);
    let life = async |event: &str| {
        let path = format!("/agents/{}/{event}", live.api.agent.did());
        live.bench.manage(&live.owner.key, "owner:self", "POST", &path, Some(json!({}))).await.is(200);
    };
    life("suspend").await;
    assert_eq!(live.api.refuses(&old, &live.nonce).await, 401);
    life("resume").await;
    live.bench.clock.advance(1);
    let new = live.token("two").await;
    // the resource server reads of it within the second
    let mut status = live.status(&new).await;
    for _ in 0..50 {
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = live.status(&new).await;
    }
    assert_eq!((status, live.status(&old).await), (200, 401), "the old one stays dead");
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
async fn a_preview_of_an_agent_is_for_whoever_may_revoke_it_and_shows_what_goes_on() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let agent = bench.claimed(1, &owner).await;
    let wanted = json!({"kind": "agent", "id": agent.did().as_str()});
    let before = bench.positions();
    assert_eq!(preview(&bench, &other, wanted.clone()).await.problem(), (403, "forbidden"));
    let unknown = json!({"kind": "agent", "id": Agent::numbered(9).did().as_str()});
    assert_eq!(preview(&bench, &owner, unknown).await.problem(), (404, "unknown_agent"));
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations/preview", Some(wanted.clone())).await.is(200);
    assert_eq!(bench.positions(), before, "looking changes nothing");
    let tasks = async || preview(&bench, &owner, wanted.clone()).await.is(200).json["tasks"].clone();
    assert_eq!(tasks().await, 0);
    let one = task_of(&bench.token(&agent, &[("scope", "agent:self")]).await);
    let body = json!({"agent": agent.did().as_str(), "intent": "work", "scope": "echo:read", "task_seconds": 60});
    bench.manage(&owner.key, "owner:self", "POST", "/tasks", Some(body)).await.is(201);
    assert_eq!(tasks().await, 2);
    bench.clock.advance(59);
    assert_eq!(tasks().await, 2);
    bench.clock.advance(1);
    assert_eq!(tasks().await, 1, "past its deadline");
    revoke(&bench, &owner, json!({"kind": "task", "id": one})).await.is(200);
    assert_eq!(tasks().await, 0);
    revoke(&bench, &owner, wanted.clone()).await.is(200);
    assert_eq!(preview(&bench, &owner, wanted.clone()).await.is(200).json["revoked_at"], bench.now());
}

#[tokio::test]
async fn p18_an_owner_stops_so_many_single_things_an_hour_and_has_bigger_words() {
    let mut file = config();
    file.limits.revocations_per_owner = 2;
    let bench = Bench::with(&file).await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let (agent, others) = (bench.claimed(1, &owner).await, bench.claimed(2, &other).await);
    let task = async |owner: &Owner, agent: &Agent| {
        let body = json!({"agent": agent.did().as_str(), "intent": "work", "scope": "echo:read"});
        let made = bench.manage(&owner.key, "owner:self", "POST", "/tasks", Some(body)).await.is(201);
        json!({"kind": "task", "id": made.str("id")})
    };
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(task(&owner, &agent).await);
    }
    for one in &tasks[..2] {
        revoke(&bench, &owner, one.clone()).await.is(200);
    }
    let before = bench.positions();
    let refused = revoke(&bench, &owner, tasks[2].clone()).await;
    assert_eq!(refused.problem(), (429, "slow_down"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(bench.positions(), before);
    // what was stopped before is no new entry; others, admins and bigger words are not counted
    revoke(&bench, &owner, tasks[0].clone()).await.is(200);
    revoke(&bench, &other, task(&other, &others).await).await.is(200);
    for one in [&tasks[2], &tasks[4], &tasks[5]] {
        bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(one.clone())).await.is(200);
    }
    revoke(&bench, &owner, json!({"kind": "agent", "id": agent.did().as_str()})).await.is(200);
    bench.clock.advance(wait);
    revoke(&bench, &owner, tasks[3].clone()).await.is(200);
    revoke(&bench, &owner, json!({"kind": "owner", "id": owner.id})).await.is(200);
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

fn token_body(token: &str) -> Value {
    json!({"kind": "token", "id": claims_of(token)["jti"], "evidence": token})
}

#[tokio::test]
async fn p11_a_token_stops_at_a_resource_server_and_its_sibling_does_not() {
    let live = Live::new().await;
    let one = live.token("one").await;
    // of the same task
    let form = [("scope", "echo:read"), ("resource", API), ("task", &task_of(&one))];
    let other = live.bench.token(&live.api.agent, &form).await;
    assert_eq!((live.status(&one).await, live.status(&other).await), (200, 200));
    live.bench.manage(&live.api.agent, "agent:self", "POST", "/revocations", Some(token_body(&one))).await.is(200);
    assert_eq!(live.api.refuses(&one, &live.nonce).await, 401);
    assert_eq!(live.status(&other).await, 200);
}

#[tokio::test]
async fn a_token_is_stopped_by_its_client_its_owner_and_admins() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let (agent, sister) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    let fresh = || bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]);
    let token = fresh().await;
    bench.token(&sister, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    let before = bench.positions();
    for (who, scope) in [(&sister, "agent:self"), (&other.key, "owner:self"), (&admin.key, "owner:self")] {
        for path in ["/revocations", "/revocations/preview"] {
            let answer = bench.manage(who, scope, "POST", path, Some(token_body(&token))).await;
            assert_eq!(answer.problem(), (403, "forbidden"), "{scope} {path}");
        }
    }
    assert_eq!(bench.positions(), before);
    let made = bench.now();
    for (who, scope, by) in [
        (&agent, "agent:self", agent.did().to_string()),
        (&owner.key, "owner:self", owner.id.clone()),
        (&admin.key, "registry:admin", admin.id.clone()),
    ] {
        let token = fresh().await;
        let id = claims_of(&token)["jti"].clone();
        let answer = bench.manage(who, scope, "POST", "/revocations", Some(token_body(&token))).await.is(200);
        let expected = json!({
            "kind": "token", "id": id, "status": "REVOKED", "revoked_at": made, "by": by, "until": made + 300 + 60,
        });
        assert_eq!(answer.json, expected);
        let (entry, count) = newest(&bench).await;
        let named = name(&bench, RevocationKind::Token, id.as_str().unwrap());
        assert_eq!(entry, json!({"seq": count, "kind": "token", "name": named, "until": made + 360}));
        let before = bench.positions();
        let again = bench.manage(who, scope, "POST", "/revocations", Some(token_body(&token))).await.is(200);
        assert_eq!((again.json, bench.positions()), (expected, before));
    }
}

#[tokio::test]
async fn a_token_has_to_be_shown_and_to_be_the_registrys() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let another = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{flipped}{}", &signature[1..]);
    let before = bench.positions();
    let body = token_body(&token);
    for wrong in [
        with(body.clone(), json!({"evidence": null})),
        with(body.clone(), json!({"evidence": another})),
        with(body.clone(), json!({"evidence": forged})),
        with(body.clone(), json!({"evidence": ""})),
        with(body.clone(), json!({"id": "tok_x"})),
    ] {
        assert_eq!(revoke(&bench, &owner, wrong.clone()).await.problem(), (400, "invalid_evidence"), "{wrong}");
    }
    let task = json!({"kind": "task", "id": task_of(&token), "evidence": token});
    assert_eq!(revoke(&bench, &owner, task).await.problem(), (400, "invalid_request"));
    // past its end there is nothing to stop
    bench.clock.advance(300 + 61);
    assert_eq!(revoke(&bench, &owner, body.clone()).await.problem(), (400, "invalid_evidence"));
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn a_revoked_root_takes_what_was_passed_on_below_it_along() {
    let scene = scene().await;
    let (bench, owner) = (&scene.bench, &scene.owner);
    let root = scene.root().await;
    let sibling = scene.root_with(&[("resource", API), ("task", &task_of(&root))]).await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let other = scene.hop(&scene.orchestrator, &sibling, &scene.browser).sign();
    scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
    scene.exchange(&scene.browser, &sibling, &[&other]).await.is(200);
    let reach = json!({
        "kind": "token", "id": claims_of(&root)["jti"], "agents": 2, "tasks": 1, "delegations": 1,
        "latest_expiry": claims_of(&root)["exp"],
    });
    assert_eq!(preview(bench, owner, token_body(&root)).await.is(200).json, reach);
    revoke(bench, owner, token_body(&root)).await.is(200);
    let before = bench.positions();
    let refused = (400, "invalid_request", "token_revoked");
    scene.check(&before, &scene.exchange(&scene.planner, &root, &[&hop]).await, refused);
    let form = [("subject_token", root.as_str()), ("subject_token_type", ACCESS_TOKEN)];
    scene.check(&before, &scene.send(&scene.orchestrator, None, None, &form).await, refused);
    scene.exchange(&scene.browser, &sibling, &[&other]).await.is(200);
}

#[tokio::test]
async fn p18_an_agent_stops_sixty_things_an_hour() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let session = bench.token(&agent, &[("scope", "agent:self")]).await;
    let mut last = String::new();
    for n in 0..=60 {
        last = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
        let answer = bench.call(&agent, &session, "POST", "/revocations", Some(token_body(&last))).await;
        assert_eq!(answer.status, if n < 60 { 200 } else { 429 }, "{n}");
    }
    let before = bench.positions();
    let refused = bench.call(&agent, &session, "POST", "/revocations", Some(token_body(&last))).await;
    assert_eq!((refused.problem(), bench.positions()), ((429, "slow_down"), before));
    revoke(&bench, &owner, token_body(&last)).await.is(200);
}

/// RFC 7009 as `who`, for the token `text`.
async fn give_up(bench: &Bench, who: &Agent, text: &str, more: &[(&str, &str)]) -> Answer {
    let did = who.did().to_string();
    let base = [("client_id", did.as_str()), ("token", text)];
    let form = encode(base.iter().chain(more));
    bench.prove(who, Method::POST, "/oauth2/revoke", Some(&form)).await
}

#[tokio::test]
async fn rev_a_client_gives_its_own_tokens_up_and_hears_nothing_of_others() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let (agent, sister) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    let token = bench.token(&agent, &[("scope", "agent:self")]).await;
    let before = bench.positions();
    let (signed, _) = token.rsplit_once('.').unwrap();
    for (who, text) in [(&sister, token.as_str()), (&agent, "x"), (&agent, &format!("{signed}.AAAA"))] {
        let answer = give_up(&bench, who, text, &[]).await.is(200);
        assert_eq!((answer.text.as_str(), bench.positions()), ("", before), "{text}");
    }
    for (more, expected) in [
        (("client_secret", "x"), (401, "invalid_client", "invalid_client")),
        (("token", "y"), (400, "invalid_request", "invalid_request")),
    ] {
        assert_eq!(give_up(&bench, &agent, &token, &[more]).await.oauth(), expected);
    }
    assert_eq!(give_up(&bench, &agent, "", &[]).await.oauth(), (400, "invalid_request", "invalid_request"));
    let stranger = give_up(&bench, &Agent::numbered(9), &token, &[]).await;
    assert_eq!(stranger.oauth(), (401, "invalid_client", "invalid_client"));
    let form = encode(&[("client_id", agent.did().as_str()), ("token", token.as_str())]);
    let borrowed = bench.prove(&sister, Method::POST, "/oauth2/revoke", Some(&form)).await;
    assert_eq!(borrowed.oauth(), (401, "invalid_client", "invalid_client"));
    assert_eq!(bench.positions(), before);

    let path = format!("/agents/{}", agent.did());
    bench.call(&agent, &token, "GET", &path, None).await.is(200);
    give_up(&bench, &agent, &token, &[("token_type_hint", "refresh_token")]).await.is(200);
    assert_eq!(bench.call(&agent, &token, "GET", &path, None).await.problem(), (401, "token_revoked"));
    let before = bench.positions();
    give_up(&bench, &agent, &token, &[]).await.is(200);
    assert_eq!(bench.positions(), before);
    // an owner's own token too
    let session = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    give_up(&bench, &owner.key, &session, &[]).await.is(200);
    assert_eq!(bench.call(&owner.key, &session, "GET", "/agents", None).await.problem(), (401, "token_revoked"));
}

#[tokio::test]
async fn rev_06_a_registry_that_cannot_write_says_so_and_the_token_lives() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "agent:self")]).await;
    bench.disk.fail_syncs();
    let answer = give_up(&bench, &agent, &token, &[]).await;
    assert_eq!(answer.oauth(), (503, "temporarily_unavailable", "store_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("5"));
}

fn hop_name(hop: &str) -> String {
    UnverifiedHop::parse(hop).unwrap().name().to_string()
}

fn hop_body(hop: &str) -> Value {
    json!({"kind": "hop", "id": hop_name(hop)})
}

#[tokio::test]
async fn a_hop_stops_with_all_below_it_and_its_sibling_does_not() {
    let scene = scene().await;
    let (bench, owner) = (&scene.bench, &scene.owner);
    let root = scene.root().await;
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second = scene.hop(&scene.planner, &first, &scene.browser).sign();
    let sibling = scene.hop(&scene.orchestrator, &root, &scene.browser).sign();
    let all = [("scope", "echo:read"), ("resource", API)];
    let below = scene.exchange_with(&scene.browser, &root, &[&first, &second], &all).await.is(200);
    scene.exchange(&scene.browser, &root, &[&sibling]).await.is(200);
    let body = hop_body(&first);
    let exp = claims_of(&first)["exp"].clone();
    let reach = json!({
        "kind": "hop", "id": hop_name(&first), "agents": 2, "tasks": 1, "delegations": 2, "latest_expiry": exp,
    });
    assert_eq!(preview(bench, owner, body.clone()).await.is(200).json, reach);
    assert_eq!(preview(bench, owner, hop_body(&second)).await.is(200).json["delegations"], 1);
    // of the agent it began at: itself and two delegates, its one task, all three hops
    let agent = json!({"kind": "agent", "id": scene.orchestrator.did().as_str()});
    let counts = json!({"agents": 3, "tasks": 1, "delegations": 3, "latest_expiry": bench.now() + 3600});
    assert_eq!(preview(bench, owner, agent.clone()).await.is(200).json, with(agent, counts));
    // of those in between: what was passed on to them, with all below it
    for (party, agents, delegations) in [(&scene.planner, 2, 2), (&scene.browser, 1, 2)] {
        let agent = json!({"kind": "agent", "id": party.did().as_str()});
        let counts = json!({
            "agents": agents, "tasks": 1, "delegations": delegations, "latest_expiry": bench.now() + 3600,
        });
        assert_eq!(preview(bench, owner, agent.clone()).await.is(200).json, with(agent, counts));
    }

    // by its delegator, who need not show what the registry knows
    let made = bench.now();
    let told =
        bench.manage(&scene.orchestrator, "agent:self", "POST", "/revocations", Some(body.clone())).await.is(200);
    let until = exp.as_u64().unwrap() + 60;
    let by = scene.orchestrator.did().to_string();
    let expected = json!({
        "kind": "hop", "id": hop_name(&first), "status": "REVOKED", "revoked_at": made, "by": by, "until": until,
    });
    assert_eq!(told.json, expected);
    let named = name(bench, RevocationKind::Hop, &hop_name(&first));
    assert_eq!(newest(bench).await, (json!({"seq": 1, "kind": "hop", "name": named, "until": until}), 1));
    let before = bench.positions();
    assert_eq!(revoke(bench, owner, body).await.is(200).json, expected);
    assert_eq!(bench.positions(), before);

    let refused = (400, "invalid_request", "hop_revoked");
    scene.check(&before, &scene.exchange(&scene.browser, &root, &[&first, &second]).await, refused);
    scene.check(&before, &scene.exchange(&scene.planner, &root, &[&first]).await, refused);
    scene.exchange(&scene.browser, &root, &[&sibling]).await.is(200);
    assert!(claims_of(&below.str("access_token"))["hops"].as_array().unwrap().contains(&json!(hop_name(&first))));
}

#[tokio::test]
async fn p11_a_token_made_from_a_hop_stops_at_a_resource_server_with_it() {
    let live = Live::new().await;
    let orchestrator = Agent::numbered(5);
    let claim = live.bench.register(&orchestrator).await;
    let ceiling = json!({
        "scope": "echo:read", "resource": [API], "max_task_seconds": 3600, "del_max_depth": 1, "delegation": "exchange",
    });
    let body = with(approval(&claim), json!({"ceiling": ceiling}));
    live.bench.approve(&live.owner, &claim, &body).await.is(200);
    let Live { bench, owner, api, nonce } = live;
    let (planner, browser) = (api.agent.clone(), api.agent.clone());
    let scene = Scene { bench, owner, orchestrator, planner, browser };
    let root = scene.root().await;
    let mut tokens = Vec::new();
    for id in ["one", "other"] {
        let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).change(|hop| hop.hop_id = id.into()).sign();
        let token = scene.exchange(&scene.planner, &root, &[&hop]).await.is(200).str("access_token");
        tokens.push((format!("{root},{hop}"), token, hop));
    }
    let [(evidence, token, hop), (other_evidence, other, _)] = &tokens[..] else { panic!("two of them") };
    assert_eq!(api.ask_with(token, Some(&nonce), Some(evidence)).await.status, 200);
    assert_eq!(api.ask_with(other, Some(&nonce), Some(other_evidence)).await.status, 200);
    revoke(&scene.bench, &scene.owner, hop_body(hop)).await.is(200);
    assert_eq!(api.refuses_with(token, &nonce, Some(evidence)).await, 401);
    assert_eq!(api.ask_with(other, Some(&nonce), Some(other_evidence)).await.status, 200);
}

#[tokio::test]
async fn a_hop_that_was_never_exchanged_is_shown() {
    let scene = scene().await;
    let (bench, owner) = (&scene.bench, &scene.owner);
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner);
    let text = hop.sign();
    let named = name(bench, RevocationKind::Hop, &hop_name(&text));
    let shown = with(hop_body(&text), json!({"evidence": text}));
    let another = hop.clone().change(|hop| hop.hop_id = "another".into()).sign();
    let strange = hop.clone().change(|hop| hop.task = "task_0123456789abcdefghjkmnpqrs".into()).sign();
    let (input, _) = text.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", another.rsplit_once('.').unwrap().1);
    for agent in [&scene.orchestrator, &scene.planner] {
        bench.token(agent, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    }
    let before = bench.positions();
    for wrong in [
        hop_body(&text),
        with(shown.clone(), json!({"evidence": another})),
        with(shown.clone(), json!({"evidence": forged})),
        with(shown.clone(), json!({"evidence": root})),
        with(shown.clone(), json!({"id": "x"})),
        with(hop_body(&strange), json!({"evidence": strange})),
    ] {
        assert_eq!(revoke(bench, owner, wrong.clone()).await.problem(), (400, "invalid_evidence"), "{wrong}");
    }
    let by_delegate = bench.manage(&scene.planner, "agent:self", "POST", "/revocations", Some(shown.clone())).await;
    assert_eq!(by_delegate.problem(), (403, "forbidden"));
    assert_eq!(bench.positions(), before);
    let reach = preview(bench, owner, shown.clone()).await.is(200);
    assert_eq!((&reach.json["agents"], &reach.json["delegations"]), (&json!(1), &json!(0)));
    bench.manage(&scene.orchestrator, "agent:self", "POST", "/revocations", Some(shown)).await.is(200);
    let before = bench.positions();
    let refused = scene.exchange(&scene.planner, &root, &[&text]).await;
    scene.check(&before, &refused, (400, "invalid_request", "hop_revoked"));
    assert_eq!(newest(bench).await.0["name"], named);
}

#[tokio::test]
async fn a_hop_is_its_delegators_its_owners_and_the_admins_to_stop() {
    let scene = scene().await;
    let bench = &scene.bench;
    let (other, admin) = (bench.owner(101).await, bench.admin(102).await);
    let root = scene.root().await;
    let first = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    let second = scene.hop(&scene.planner, &first, &scene.browser).sign();
    scene.exchange(&scene.browser, &root, &[&first, &second]).await.is(200);
    for agent in [&scene.planner, &scene.browser] {
        bench.token(agent, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    }
    let before = bench.positions();
    for (who, scope, hop) in [
        (&scene.browser, "agent:self", &second),
        (&scene.planner, "agent:self", &first),
        // who passed on to the delegator stops that hop, not this one
        (&scene.orchestrator, "agent:self", &second),
        (&other.key, "owner:self", &second),
        (&admin.key, "owner:self", &second),
    ] {
        for path in ["/revocations", "/revocations/preview"] {
            let answer = bench.manage(who, scope, "POST", path, Some(hop_body(hop))).await;
            assert_eq!(answer.problem(), (403, "forbidden"), "{scope} {path}");
        }
    }
    assert_eq!(bench.positions(), before);
    bench.manage(&scene.planner, "agent:self", "POST", "/revocations", Some(hop_body(&second))).await.is(200);
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(hop_body(&first))).await.is(200);
}

#[tokio::test]
async fn everything_for_an_owner_stops_and_goes_on_with_new_tokens() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(100).await, bench.owner(101).await);
    let (agent, sister) = (bench.claimed(1, &owner).await, bench.claimed(2, &other).await);
    let own = bench.token(&agent, &[("scope", "agent:self")]).await;
    let sisters = bench.token(&sister, &[("scope", "agent:self")]).await;
    let task = task_of(&own);
    let body = json!({"kind": "owner", "id": owner.id, "reason": "laptop stolen"});
    let made = bench.now();
    let reach = json!({
        "kind": "owner", "id": owner.id, "agents": 1, "tasks": 1, "delegations": 0, "latest_expiry": made + 3600,
    });
    assert_eq!(preview(&bench, &owner, body.clone()).await.is(200).json, reach);
    let session = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let told = bench.call(&owner.key, &session, "POST", "/revocations", Some(body.clone())).await.is(200);
    let expected = json!({
        "kind": "owner", "id": owner.id, "status": "REVOKED", "revoked_at": made, "by": owner.id, "reason": "laptop stolen",
        "cut": made + 5, "until": made + 5 + 3600 + 60,
    });
    assert_eq!(told.json, expected);
    let named = name(&bench, RevocationKind::Owner, &owner.id);
    let entry = json!({"seq": 1, "kind": "owner", "name": named, "cut": made + 5, "until": made + 3665});
    assert_eq!(newest(&bench).await, (entry, 1));

    let (path, sisters_path) = (format!("/agents/{}", agent.did()), format!("/agents/{}", sister.did()));
    let dead = (401, "principal_revoked");
    assert_eq!(bench.call(&agent, &own, "GET", &path, None).await.problem(), dead);
    assert_eq!(bench.call(&owner.key, &session, "GET", "/agents", None).await.problem(), dead);
    bench.call(&sister, &sisters, "GET", &sisters_path, None).await.is(200);
    // nothing is issued that would be dead
    let form = [("scope", "agent:self"), ("task", task.as_str())];
    for ahead in [0, 5] {
        bench.clock.advance(ahead);
        let before = bench.positions();
        let wait = (6 - ahead).to_string();
        for answer in [
            bench.token_answer(&agent, &form).await,
            bench.token_answer(&agent, &[("task_intent", "new"), ("resource", API)]).await,
            bench.token_answer(&owner.key, &[("scope", "owner:self")]).await,
        ] {
            assert_eq!((answer.oauth(), answer.header("retry-after")), ((429, "slow_down", "slow_down"), Some(&*wait)));
        }
        assert_eq!(bench.positions(), before);
        bench.token(&sister, &[("scope", "agent:self")]).await;
    }
    bench.clock.advance(1);
    let fresh = bench.token(&agent, &form).await;
    bench.call(&agent, &fresh, "GET", &path, None).await.is(200);
    assert_eq!(bench.call(&agent, &own, "GET", &path, None).await.problem(), dead);
    // behind the cut-off it is another act
    revoke(&bench, &owner, body).await.is(200);
    assert_eq!(newest(&bench).await.1, 2);
    assert_eq!(bench.call(&agent, &fresh, "GET", &path, None).await.problem(), dead);
}

#[tokio::test]
async fn an_owner_is_stopped_by_themselves_and_admins_alone() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let agent = bench.claimed(1, &owner).await;
    bench.token(&agent, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    let body = json!({"kind": "owner", "id": owner.id});
    let before = bench.positions();
    for path in ["/revocations", "/revocations/preview"] {
        for (who, scope) in [(&other.key, "owner:self"), (&admin.key, "owner:self"), (&agent, "agent:self")] {
            let answer = bench.manage(who, scope, "POST", path, Some(body.clone())).await;
            assert_eq!(answer.problem(), (403, "forbidden"), "{scope} {path}");
        }
        for id in ["owner:0123456789abcdefghjkmnpqrs", "x"] {
            let nobody = json!({"kind": "owner", "id": id});
            let answer = bench.manage(&admin.key, "registry:admin", "POST", path, Some(nobody)).await;
            assert_eq!(answer.problem(), (400, "invalid_request"), "{id} {path}");
        }
    }
    assert_eq!(bench.positions(), before);
    let told = bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(told.json["by"], json!(admin.id));
}

#[tokio::test]
async fn p11_everything_for_an_owner_stops_at_a_resource_server() {
    let live = Live::new().await;
    let other = live.bench.owner(101).await;
    let sister = live.bench.claimed(2, &other).await;
    let sisters = live.bench.token(&sister, &[("scope", "echo:read"), ("resource", API)]).await;
    let sister = Api { address: live.api.address, agent: sister, now: live.api.now };
    let token = live.token("one").await;
    assert_eq!(live.status(&token).await, 200);
    revoke(&live.bench, &live.owner, json!({"kind": "owner", "id": live.owner.id})).await.is(200);
    assert_eq!(live.api.refuses(&token, &live.nonce).await, 401);
    assert_eq!(sister.ask(&sisters, Some(&live.nonce)).await.status, 200);
}

#[tokio::test]
async fn nothing_below_a_root_of_before_the_cut_is_exchanged() {
    let scene = scene().await;
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    revoke(&scene.bench, &scene.owner, json!({"kind": "owner", "id": scene.owner.id})).await.is(200);
    scene.bench.clock.advance(6);
    let before = scene.bench.positions();
    let refused = scene.exchange(&scene.planner, &root, &[&hop]).await;
    scene.check(&before, &refused, (400, "invalid_request", "principal_revoked"));
    let root = scene.root().await;
    let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
    scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
}
