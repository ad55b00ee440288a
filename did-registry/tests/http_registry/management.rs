//! Routes behind a token: who may call them, and what they show.

use handfast_testkit::Agent;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, FILES, Owner, with};

async fn call(bench: &Bench, who: &Agent, scope: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    bench.manage(who, scope, method, path, body).await
}

#[tokio::test]
async fn every_managed_route_asks_for_credentials() {
    let bench = Bench::new().await;
    let routes = [
        ("GET", "/agents"),
        ("GET", "/agents/x"),
        ("POST", "/claims/x/approve"),
        ("POST", "/claims/x/refuse"),
        ("POST", "/owners/codes"),
        ("GET", "/enrolments"),
        ("POST", "/enrolments"),
        ("POST", "/enrolments/x/revoke"),
        ("POST", "/tasks"),
        ("GET", "/tasks/x"),
        ("POST", "/tasks/x/complete"),
        ("POST", "/revocations"),
        ("POST", "/revocations/preview"),
    ];
    for (method, path) in routes {
        let request = http::Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        let answer = bench.send(request).await;
        assert_eq!(answer.problem(), (401, "credentials_missing"), "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), Some("DPoP algs=\"EdDSA Ed25519 ES256\""));
    }
    let owner = bench.owner(100).await;
    let token = bench.token(&owner.key, &[]).await;
    // DPOP-60: no proof passes without a nonce of this process, long after its start as well
    bench.clock.advance(240);
    let proof = owner.key.sign(&owner.key.proof_parts(
        "GET",
        &format!("{}/agents", bench.issuer),
        Some(&token),
        bench.clock.now(),
    ));
    let request = http::Request::get("/agents").header("authorization", format!("DPoP {token}")).header("dpop", proof);
    let bare = bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(bare.problem(), (401, "nonce_required"));
    assert!(bare.header("dpop-nonce").is_some());
    let request = http::Request::get("/agents").header("authorization", format!("Bearer {token}"));
    let downgraded = bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(downgraded.problem(), (401, "bearer_downgrade"));
    let replayed = bench.call(&owner.key, &token, "GET", "/agents", None).await;
    replayed.is(200);
}

#[tokio::test]
async fn a_token_for_a_resource_is_none_for_the_registry() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("resource", API)]).await;
    let answer = bench.call(&agent, &token, "GET", &format!("/agents/{}", agent.did()), None).await;
    assert_eq!(answer.problem(), (401, "audience_mismatch"));
    let stolen = bench.token(&agent, &[("scope", "agent:self")]).await;
    let answer = bench.call(&owner.key, &stolen, "GET", &format!("/agents/{}", agent.did()), None).await;
    assert_eq!(answer.problem(), (401, "holder_mismatch"));
}

struct Cast {
    bench: Bench,
    owner: Owner,
    other: Owner,
    admin: Owner,
    agent: Agent,
    sibling: Agent,
    unclaimed: Agent,
}

async fn cast() -> Cast {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    let (agent, sibling, unclaimed) =
        (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await, Agent::numbered(3));
    bench.register(&unclaimed).await;
    Cast { bench, owner, other, admin, agent, sibling, unclaimed }
}

#[tokio::test]
async fn records_are_shown_to_those_concerned() {
    let cast = cast().await;
    let Cast { bench, owner, other, admin, agent, sibling, unclaimed } = &cast;
    let path = format!("/agents/{}", agent.did());
    for (who, scope, expected) in [
        (agent, "agent:self", Ok(())),
        (&owner.key, "owner:self", Ok(())),
        (&admin.key, "registry:read", Ok(())),
        (&admin.key, "registry:admin", Ok(())),
        (sibling, "agent:self", Err((403, "forbidden"))),
        (&other.key, "owner:self", Err((403, "forbidden"))),
        (&admin.key, "owner:self", Err((403, "forbidden"))),
        (unclaimed, "agent:self", Err((403, "forbidden"))),
    ] {
        let answer = call(bench, who, scope, "GET", &path, None).await;
        match expected {
            Ok(()) => assert_eq!(answer.is(200).json["did"], agent.did().as_str()),
            Err(expected) => assert_eq!(answer.problem(), expected, "{scope}"),
        }
    }
    let record = call(bench, agent, "agent:self", "GET", &path, None).await.is(200);
    let by_handle = call(bench, agent, "agent:self", "GET", &format!("/agents/{}", record.str("handle")), None).await;
    assert_eq!(by_handle.is(200).json, record.json);
    let own = call(bench, unclaimed, "agent:self", "GET", &format!("/agents/{}", unclaimed.did()), None).await.is(200);
    assert_eq!((&own.json["status"], own.json.get("owner"), own.json.get("claim")), (&json!("UNCLAIMED"), None, None));
    for name in [
        "nobody-here",
        "did:key:z6Mk",
        "did:web:id.example",
        Agent::numbered(9).did().as_str(),
        owner.key.did().as_str(),
        "%ff",
    ] {
        let answer = call(bench, &admin.key, "registry:read", "GET", &format!("/agents/{name}"), None).await;
        assert_eq!(answer.problem().0, 404, "{name}");
    }
}

#[tokio::test]
async fn lists_are_paged_by_key() {
    let cast = cast().await;
    let Cast { bench, owner, other, admin, agent, .. } = &cast;
    let dids = |answer: &Answer| -> Vec<String> {
        answer.json["agents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|agent| agent["did"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = call(bench, &admin.key, "registry:read", "GET", "/agents", None).await.is(200);
    assert_eq!((dids(&all).len(), all.json.get("next")), (3, None));
    let own = call(bench, &owner.key, "owner:self", "GET", "/agents", None).await.is(200);
    assert_eq!(dids(&own).len(), 2);
    assert!(
        call(bench, &other.key, "owner:self", "GET", "/agents", None).await.is(200).json["agents"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let page_by_page = |who: Agent, scope: &'static str| async move {
        let mut found = Vec::new();
        let mut path = "/agents?limit=1".to_owned();
        loop {
            let page = call(bench, &who, scope, "GET", &path, None).await.is(200);
            assert_eq!(dids(&page).len(), 1);
            found.extend(dids(&page));
            let Some(next) = page.json["next"].as_str() else { return found };
            path = format!("/agents?limit=1&after={next}");
        }
    };
    assert_eq!(page_by_page(admin.key.clone(), "registry:read").await, dids(&all));
    assert_eq!(page_by_page(owner.key.clone(), "owner:self").await, dids(&own));
    let refused = call(bench, agent, "agent:self", "GET", "/agents", None).await;
    assert_eq!(refused.problem(), (403, "caller_not_permitted"));
    for query in
        ["limit=0", "limit=201", "limit=x", "limit=1&limit=1", "after=x", "after=agent_", "offset=1", "after=%00"]
    {
        let answer = call(bench, &owner.key, "owner:self", "GET", &format!("/agents?{query}"), None).await;
        assert_eq!(answer.problem(), (400, "invalid_request"), "{query}");
    }
    call(bench, &owner.key, "owner:self", "GET", "/agents?limit=200", None).await.is(200);
}

#[tokio::test]
async fn an_unused_agent_is_as_one_that_never_was() {
    let cast = cast().await;
    let Cast { bench, admin, agent, unclaimed, .. } = &cast;
    bench.clock.advance(30 * 24 * 3600);
    let shown = call(bench, &admin.key, "registry:read", "GET", &format!("/agents/{}", unclaimed.did()), None).await;
    assert_eq!(shown.problem(), (404, "unknown_agent"));
    assert_eq!(bench.get(&format!("/agents/{}/did.json", unclaimed.did())).await.problem(), (404, "unknown_agent"));
    let all = call(bench, &admin.key, "registry:read", "GET", "/agents", None).await.is(200);
    assert_eq!(all.json["agents"].as_array().unwrap().len(), 2);
    let denied = bench.token_answer(unclaimed, &[("scope", "agent:self")]).await;
    assert_eq!(denied.oauth(), (401, "invalid_client", "invalid_client"));
    bench.token(agent, &[("scope", "agent:self")]).await;
    bench.register(unclaimed).await;
}

#[tokio::test]
async fn codes_for_owners_come_from_admins() {
    let cast = cast().await;
    let Cast { bench, owner, admin, agent, .. } = &cast;
    let path = "/owners/codes";
    let body = || Some(json!({"role": "owner"}));
    bench.token(agent, &[("scope", "agent:self")]).await; // its default task, which is a write of its own
    for (who, scope, expected) in [
        (&owner.key, "owner:self", (403, "insufficient_scope")),
        (&admin.key, "registry:read", (403, "insufficient_scope")),
        (agent, "agent:self", (403, "caller_not_permitted")),
    ] {
        let before = bench.positions();
        assert_eq!(call(bench, who, scope, "POST", path, body()).await.problem(), expected);
        assert_eq!(bench.positions(), before);
    }
    for wrong in [
        json!({}),
        json!({"role": "root"}),
        json!({"role": "owner", "admin": true}),
        json!({"role": "owner", "name": 5}),
    ] {
        let answer = call(bench, &admin.key, "registry:admin", "POST", path, Some(wrong)).await;
        assert_eq!(answer.problem(), (400, "invalid_request"));
    }
    let code = call(bench, &admin.key, "registry:admin", "POST", path, body()).await.is(201).str("code");
    let post = |key: Agent, code: String| {
        let statement = bench.owner_statement(&key, &code);
        async move { bench.post("/owners", "application/jwt", statement).await }
    };
    assert_eq!(
        post(Agent::numbered(110), "enrol_0123456789abcdefghjkmnpqrs".into()).await.problem(),
        (403, "wrong_code")
    );
    assert_eq!(post(agent.clone(), code.clone()).await.problem(), (409, "did_registered"));
    let view = post(Agent::numbered(110), code.clone()).await.is(201);
    assert_eq!(view.json["role"], "owner");
    assert_eq!(post(Agent::numbered(111), code).await.problem(), (410, "code_used"));
    let late = call(bench, &admin.key, "registry:admin", "POST", path, body()).await.is(201).str("code");
    bench.clock.advance(24 * 3600);
    let before = bench.positions();
    assert_eq!(post(Agent::numbered(111), late).await.problem(), (410, "code_expired"));
    let junk = bench.post("/owners", "application/jwt", "junk").await;
    assert_eq!(junk.problem(), (401, "proof_required"));
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn owners_give_tasks_to_agents_of_theirs() {
    let cast = cast().await;
    let Cast { bench, owner, other, admin, agent, sibling, unclaimed } = &cast;
    let body = json!({"agent": agent.did().as_str(), "intent": "pay March", "scope": "echo:read"});
    let create = |who: &Agent, scope: &'static str, body: Value| {
        let who = who.clone();
        async move { call(bench, &who, scope, "POST", "/tasks", Some(body)).await }
    };
    let of = |agent: &Agent| with(body.clone(), json!({"agent": agent.did().as_str()}));
    for (answer, expected) in [
        (create(&other.key, "owner:self", body.clone()).await, (403, "forbidden")),
        (create(&admin.key, "owner:self", body.clone()).await, (403, "forbidden")),
        (create(agent, "agent:self", body.clone()).await, (403, "caller_not_permitted")),
        (create(&owner.key, "owner:self", of(unclaimed)).await, (403, "forbidden")),
        (create(&owner.key, "owner:self", of(&Agent::numbered(9))).await, (404, "unknown_agent")),
        (
            create(&owner.key, "owner:self", with(body.clone(), json!({"scope": "echo:write"}))).await,
            (400, "invalid_scope"),
        ),
        (
            create(&owner.key, "owner:self", with(body.clone(), json!({"resource": ["urn:x"]}))).await,
            (400, "invalid_target"),
        ),
        (
            create(&owner.key, "owner:self", with(body.clone(), json!({"task_seconds": 7201}))).await,
            (400, "task_too_long"),
        ),
        (
            create(&owner.key, "owner:self", with(body.clone(), json!({"trigger": "owner"}))).await,
            (400, "invalid_request"),
        ),
        (create(&owner.key, "owner:self", with(body.clone(), json!({"intent": ""}))).await, (400, "invalid_request")),
    ] {
        assert_eq!(answer.problem(), expected, "{}", answer.text);
    }
    let whole = with(
        body.clone(),
        json!({"scope": "echo:read files:read", "resource": [API, FILES], "ref": "T-1", "task_seconds": 600}),
    );
    let task = create(&owner.key, "owner:self", whole).await.is(201);
    let now = bench.now();
    let id = task.str("id");
    let expected = json!({
        "id": id, "agent": agent.did().as_str(), "sub": owner.id, "status": "open", "intent": "pay March",
        "trigger": {"type": "owner", "by": owner.id, "ref": "T-1"}, "scope": "echo:read files:read", "resource": [API, FILES],
        "created_at": now, "deadline": now + 600, "leaf": bench.positions().log_size - 1,
    });
    assert_eq!(task.json, expected);
    let path = format!("/tasks/{id}");
    for (who, scope, seen) in [
        (&owner.key, "owner:self", true),
        (agent, "agent:self", true),
        (&admin.key, "registry:read", true),
        (&other.key, "owner:self", false),
        (sibling, "agent:self", false),
    ] {
        let answer = call(bench, who, scope, "GET", &path, None).await;
        if seen {
            assert_eq!(answer.is(200).json, expected);
        } else {
            assert_eq!(answer.problem(), (404, "unknown_task"), "tasks are not public, and so is their existence");
        }
    }
    let complete = format!("{path}/complete");
    let reading = call(bench, &admin.key, "registry:read", "POST", &complete, None).await;
    assert_eq!(reading.problem(), (403, "insufficient_scope"));
    for who in [sibling, &other.key] {
        let scope = if who.did() == sibling.did() { "agent:self" } else { "owner:self" };
        assert_eq!(call(bench, who, scope, "POST", &complete, None).await.problem(), (404, "unknown_task"));
    }
    let done = call(bench, &owner.key, "owner:self", "POST", &complete, Some(json!({}))).await.is(200);
    assert_eq!((&done.json["status"], &done.json["completed_at"]), (&json!("completed"), &json!(now)));
    let before = bench.positions();
    call(bench, agent, "agent:self", "POST", &complete, None).await.is(200);
    assert_eq!(bench.positions(), before, "done is done");
    let odd = call(bench, agent, "agent:self", "POST", &complete, Some(json!({"why": "x"}))).await;
    assert_eq!(odd.problem(), (400, "invalid_request"));
    for id in ["task_0123456789abcdefghjkmnpqrs", "x"] {
        let answer = call(bench, &owner.key, "owner:self", "GET", &format!("/tasks/{id}"), None).await;
        assert_eq!(answer.problem(), (404, "unknown_task"));
    }
}
