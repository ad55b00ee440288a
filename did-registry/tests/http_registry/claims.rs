//! `/claims`: who gets an agent, and who does not.

use std::sync::Arc;

use handfast_registry::Role;
use handfast_testkit::Agent;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::{API, Answer, Bench, Claim, FORM, Owner, approval, statement, with};

const UNKNOWN_CLAIM: &str = "claim_0123456789abcdefghjkmnpqrs";

async fn act(bench: &Bench, owner: &Owner, claim: &str, verb: &str, body: Value) -> Answer {
    bench.manage(&owner.key, "owner:self", "POST", &format!("/claims/{claim}/{verb}"), Some(body)).await
}

/// An approval that is refused, and after which everything is as it was before.
async fn check(bench: &Bench, owner: &Owner, claim: &Claim, body: Value, expected: (u16, &str)) {
    let before = bench.positions();
    let answer = act(bench, owner, &claim.id, "approve", body).await;
    assert_eq!(answer.problem(), expected, "{}", answer.text);
    assert_eq!(bench.positions(), before, "a refusal writes nothing");
}

fn wrong(claim: &Claim) -> Value {
    let code = if claim.code == "BBBBBBBB" { "CCCCCCCC" } else { "BBBBBBBB" };
    with(approval(claim), json!({"user_code": code}))
}

/// The body of the second step.
async fn confirmed(bench: &Bench, owner: &Owner, claim: &Claim, body: &Value) -> Value {
    let answer = act(bench, owner, &claim.id, "approve", body.clone()).await.is(200);
    with(body.clone(), json!({"confirm": answer.json["fingerprint"]}))
}

#[tokio::test]
async fn an_owner_sees_whom_he_is_about_to_answer_for() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    // as a person types it
    let typed = format!("{}-{}", claim.code[..4].to_lowercase(), &claim.code[4..]);
    let body = with(approval(&claim), json!({"user_code": typed}));
    let answer = act(&bench, &owner, &claim.id, "approve", body).await.is(200);
    let mut shown = answer.json.clone();
    let handle = shown.as_object_mut().unwrap().remove("handle").unwrap();
    assert!(handle.is_string());
    let words = handfast_identity::fingerprint(&agent.did());
    let expected = json!({
        "status": "confirm", "did": agent.did().as_str(), "fingerprint": words, "name": "billing", "version": "1.0",
        "purpose": "pays bills", "environment": "dev", "requested": {"scope": "echo:read", "resource": [API]},
        "self_declared": ["name", "version", "purpose", "environment", "requested"],
    });
    assert_eq!(shown, expected);
    let wrong_words = with(approval(&claim), json!({"confirm": "acorn acorn acorn acorn acorn acorn"}));
    check(&bench, &owner, &claim, wrong_words, (403, "wrong_confirmation")).await;
    let right = with(approval(&claim), json!({"confirm": words}));
    let record = act(&bench, &owner, &claim.id, "approve", right.clone()).await.is(200);
    assert_eq!((&record.json["status"], &record.json["handle"]), (&json!("CLAIMED"), &handle));
    let ceiling = json!({
        "scope": "echo:hello echo:read files:read", "resource": [API, crate::bench::FILES], "max_task_seconds": 7200,
        "delegation": "exchange", "del_max_depth": 0, "instances": false,
    });
    assert_eq!(record.json["ceiling"], ceiling);
    assert_eq!(record.json["owner"], json!({"id": owner.id}));
    assert_eq!(record.json["claimed_at"], bench.now());
    check(&bench, &owner, &claim, right, (410, "code_used")).await;
}

#[tokio::test]
async fn claims_that_are_none() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let claim = bench.register(&Agent::numbered(1)).await;
    for id in [UNKNOWN_CLAIM, "x", "claim_", "%00"] {
        for verb in ["approve", "refuse"] {
            let body = if verb == "approve" { approval(&claim) } else { json!({"user_code": claim.code}) };
            let before = bench.positions();
            assert_eq!(act(&bench, &owner, id, verb, body).await.problem(), (404, "unknown_claim"), "{id} {verb}");
            assert_eq!(bench.positions(), before);
        }
    }
}

#[tokio::test]
async fn th58_wrong_codes_are_counted() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(100).await, bench.owner(101).await);
    let claim = bench.register(&Agent::numbered(1)).await;
    for _ in 0..5 {
        let leaves = bench.positions().log_size;
        let answer = act(&bench, &owner, &claim.id, "approve", wrong(&claim)).await;
        assert_eq!(answer.problem(), (403, "wrong_code"));
        assert_eq!(bench.positions().log_size, leaves + 1, "a try is counted, durably");
    }
    for body in [wrong(&claim), approval(&claim)] {
        let answer = act(&bench, &owner, &claim.id, "approve", body).await;
        assert_eq!((answer.problem(), answer.header("retry-after")), ((429, "slow_down"), Some("900")));
    }
    // the code stays good for others
    bench.approve(&other, &claim, &approval(&claim)).await.is(200);
}

#[tokio::test]
async fn fifty_wrong_tries_in_all_void_a_code() {
    let bench = Bench::new().await;
    let agent = Agent::p256(1);
    let claim = bench.register(&agent).await;
    for number in 100..110 {
        let owner = bench.owner(number).await;
        for _ in 0..5 {
            assert_eq!(
                act(&bench, &owner, &claim.id, "refuse", json!({"user_code": "B"})).await.problem(),
                (403, "wrong_code")
            );
        }
    }
    let owner = bench.owner(110).await;
    check(&bench, &owner, &claim, approval(&claim), (410, "code_void")).await;
    let new = crate::bench::claim(&bench.prove(&agent, Method::POST, "/claims", None).await.is(201).json);
    bench.approve(&owner, &new, &approval(&new)).await.is(200);
}

#[tokio::test]
async fn th59_of_two_who_confirm_at_once_one_gets_the_agent() {
    let bench = Arc::new(Bench::new().await);
    let claim = bench.register(&Agent::numbered(1)).await;
    let mut ready = Vec::new();
    for number in [100, 101] {
        let owner = bench.owner(number).await;
        let body = confirmed(&bench, &owner, &claim, &approval(&claim)).await;
        let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
        ready.push((owner, body, token));
    }
    let mut confirms = JoinSet::new();
    for (owner, body, token) in ready {
        let (bench, path) = (bench.clone(), format!("/claims/{}/approve", claim.id));
        confirms.spawn(async move { bench.call(&owner.key, &token, "POST", &path, Some(body)).await });
    }
    let mut answers = confirms.join_all().await;
    answers.sort_by_key(|answer| answer.status);
    assert_eq!((answers[0].status, &answers[0].json["status"]), (200, &json!("CLAIMED")));
    assert_eq!(answers[1].problem(), (409, "already_claimed"));
}

#[tokio::test]
async fn a_hundred_parallel_claims_have_one_winner() {
    // P-13
    let mut file = crate::bench::config();
    file.limits.registrations_per_source = 1000;
    let bench = Arc::new(Bench::with(&file).await);
    let agent = Agent::p256(1);
    let claim = Arc::new(bench.register(&agent).await);
    let mut claims = JoinSet::new();
    for number in 0..100 {
        let owner = bench.owner(number).await;
        let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
        let (bench, claim) = (bench.clone(), claim.clone());
        let words = handfast_identity::fingerprint(&agent.did());
        claims.spawn(async move {
            let path = format!("/claims/{}/approve", claim.id);
            let mut statuses = Vec::new();
            for body in [approval(&claim), with(approval(&claim), json!({"confirm": words}))] {
                // busy is no verdict: clients come again
                let mut answer = bench.call(&owner.key, &token, "POST", &path, Some(body.clone())).await;
                while answer.status == 503 {
                    assert_eq!(answer.problem(), (503, "overloaded"));
                    answer = bench.call(&owner.key, &token, "POST", &path, Some(body.clone())).await;
                }
                statuses.push((answer.status, answer.json["status"] == "CLAIMED"));
            }
            (owner.id, statuses)
        });
    }
    let mut winners = Vec::new();
    for (owner, statuses) in claims.join_all().await {
        assert!(statuses.iter().all(|(status, _)| [200, 409, 410].contains(status)), "{statuses:?}");
        winners.extend(statuses.contains(&(200, true)).then_some(owner));
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let record = bench.manage(&agent, "agent:self", "GET", &format!("/agents/{}", agent.did()), None).await.is(200);
    assert_eq!(record.json["owner"]["id"], winners[0]);
}

#[tokio::test]
async fn th63_claiming_revives_nobody() {
    let bench = Bench::new().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(101).await);
    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    let body = json!({"kind": "agent", "id": agent.did().as_str()});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(body)).await.is(200);
    check(&bench, &owner, &claim, approval(&claim), (409, "agent_revoked")).await;
    assert_eq!(bench.prove(&agent, Method::POST, "/claims", None).await.problem(), (409, "agent_revoked"));
    let poll = bench.prove(&agent, Method::GET, &format!("/claims/{}", claim.id), None).await;
    assert_eq!(poll.problem(), (409, "agent_revoked"));
}

#[tokio::test]
async fn codes_end() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let (agent, twin) = (Agent::numbered(1), Agent::numbered(2));
    let (claim, good) = (bench.register(&agent).await, bench.register(&twin).await);
    bench.clock.advance(899);
    bench.approve(&owner, &good, &approval(&good)).await.is(200);
    bench.clock.advance(1);
    check(&bench, &owner, &claim, approval(&claim), (410, "code_expired")).await;
    let poll = |id: &str| format!("/claims/{id}");
    assert_eq!(
        bench.prove(&agent, Method::GET, &poll(&claim.id), None).await.is(200).json,
        json!({"status": "expired"})
    );
    // the agent asks for another, which takes the place of the one before, and another
    let second = crate::bench::claim(&bench.prove(&agent, Method::POST, "/claims", None).await.is(201).json);
    let soon = bench.prove(&agent, Method::POST, "/claims", None).await;
    assert_eq!((soon.problem(), soon.header("retry-after")), ((429, "slow_down"), Some("5"))); // P-18
    bench.clock.advance(5);
    let third = crate::bench::claim(&bench.prove(&agent, Method::POST, "/claims", None).await.is(201).json);
    check(&bench, &owner, &second, approval(&second), (404, "unknown_claim")).await;
    let mixed = with(approval(&third), json!({"user_code": second.code}));
    let answer = act(&bench, &owner, &third.id, "approve", mixed).await;
    assert_eq!(answer.problem(), (403, "wrong_code"), "a code is checked against its own claim only");
    act(&bench, &owner, &third.id, "refuse", json!({"user_code": third.code})).await.is(200);
    check(&bench, &owner, &third, approval(&third), (410, "code_used")).await;
    assert_eq!(
        bench.prove(&agent, Method::GET, &poll(&third.id), None).await.is(200).json,
        json!({"status": "refused"})
    );
}

#[tokio::test]
async fn th55_th56_handles() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let claim = bench.register(&Agent::numbered(1)).await;
    let named = |claim: &Claim, handle: &str| with(approval(claim), json!({"handle": handle}));
    for handle in ["agent_\u{43e}ne", "agent one", "agent\u{200b}one", "", "ab", "Billing", "admin", "r00t", "a--b"] {
        check(&bench, &owner, &claim, named(&claim, handle), (422, "invalid_handle")).await;
    }
    bench.approve(&owner, &claim, &named(&claim, "billing")).await.is(200);
    let second = bench.register(&Agent::numbered(2)).await;
    check(&bench, &owner, &second, named(&second, "billing"), (409, "handle_taken")).await;
    for alike in ["bi11ing", "bil1ing"] {
        check(&bench, &owner, &second, named(&second, alike), (409, "handle_confusable")).await;
    }
    bench.approve(&owner, &second, &named(&second, "filing")).await.is(200);
    // a look-alike finds nobody either
    let admin = bench.admin(101).await;
    let show = |handle: &'static str| bench.manage(&admin.key, "registry:read", "GET", handle, None);
    show("/agents/billing").await.is(200);
    assert_eq!(show("/agents/bi11ing").await.problem(), (404, "unknown_agent"));
}

#[tokio::test]
async fn ceilings_hold_what_the_registry_knows_and_people_keep_what_is_theirs() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let claim = bench.register(&Agent::numbered(1)).await;
    let ceiling = |change: Value| {
        let ceiling = with(approval(&claim)["ceiling"].clone(), change);
        with(approval(&claim), json!({"ceiling": ceiling}))
    };
    for (change, expected) in [
        (json!({"scope": "echo:read owner:self"}), (400, "invalid_scope")),
        (json!({"scope": "agent:self"}), (400, "invalid_scope")),
        (json!({"scope": "echo:read nobody:knows"}), (400, "invalid_scope")),
        (json!({"resource": ["https://foreign.example"]}), (400, "invalid_target")),
        (json!({"resource": [bench.issuer]}), (400, "invalid_target")),
        (json!({"max_task_seconds": 86_401}), (400, "invalid_ceiling")),
        (json!({"max_task_seconds": 59}), (400, "invalid_ceiling")),
        (json!({"delegation": "all"}), (400, "invalid_ceiling")),
        (json!({"del_max_depth": 9}), (400, "invalid_ceiling")),
        (json!({"authorization_details": []}), (400, "invalid_authorization_details")),
        (json!({"budget": {"max_uses": 0}}), (400, "invalid_request")),
        (json!({"instances": "true"}), (400, "invalid_request")),
        (json!({"unknown": 1}), (400, "invalid_request")),
        (json!({"resource": null}), (400, "invalid_request")),
    ] {
        check(&bench, &owner, &claim, ceiling(change), expected).await;
    }
    let answer = act(&bench, &owner, &claim.id, "approve", ceiling(json!({"scope": "echo:read x y"}))).await;
    assert_eq!((answer.problem(), &answer.json["scope"]), ((400, "invalid_scope"), &json!("x y")));
    bench.approve(&owner, &claim, &ceiling(json!({"max_task_seconds": 86_400, "delegation": "none"}))).await.is(200);
}

#[tokio::test]
async fn an_agent_may_say_who_is_to_claim_it() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(100).await, bench.owner(101).await);
    let agent = Agent::numbered(1);
    let claims = with(bench.agent_claims(&agent), json!({"expected_owner": owner.id}));
    let answer = bench.post("/agents", "application/jwt", statement("agent-registration+jwt", &claims, &agent)).await;
    let claim = crate::bench::claim(&answer.is(201).json["claim"]);
    check(&bench, &other, &claim, approval(&claim), (403, "other_owner_expected")).await;
    bench.approve(&owner, &claim, &approval(&claim)).await.is(200);
}

#[tokio::test]
async fn only_the_agent_itself_asks() {
    let bench = Bench::new().await;
    let (agent, stranger) = (Agent::numbered(1), Agent::numbered(2));
    let claim = bench.register(&agent).await;
    let path = format!("/claims/{}", claim.id);
    let before = bench.positions();
    assert_eq!(bench.prove(&stranger, Method::GET, &path, None).await.problem(), (403, "forbidden"));
    assert_eq!(bench.prove(&stranger, Method::POST, "/claims", None).await.problem(), (404, "unknown_agent"));
    let owner_less = bench.get(&path).await;
    assert_eq!(owner_less.problem(), (401, "proof_missing"));
    let challenge = owner_less.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP error=\"invalid_dpop_proof\""), "{challenge}");
    let unknown = bench.prove(&agent, Method::GET, &format!("/claims/{UNKNOWN_CLAIM}"), None).await;
    assert_eq!(unknown.problem(), (404, "unknown_claim"));
    // a nonce is asked for in a field of its own
    let proof = agent.sign(&agent.proof_parts("GET", &format!("{}{path}", bench.issuer), None, bench.clock.now()));
    let request = http::Request::get(&path).header("dpop", proof).body(axum::body::Body::empty()).unwrap();
    let answer = bench.send(request).await;
    assert_eq!(answer.problem(), (401, "nonce_required"));
    assert!(answer.header("dpop-nonce").is_some());
    assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP error=\"use_dpop_nonce\""));
    // one proof, one answer
    let proof = bench.bare_proof(&agent, "GET", &path);
    let send = || bench.send(http::Request::get(&path).header("dpop", &proof).body(axum::body::Body::empty()).unwrap());
    assert_eq!(send().await.is(200).header("cache-control"), Some("no-store"));
    assert_eq!(send().await.problem(), (401, "proof_replayed"));
    assert_eq!(bench.positions(), before, "asking writes nothing");
    assert_eq!(bench.prove(&agent, Method::POST, "/claims?x=1", Some("a=b")).await.problem(), (400, "invalid_request"));
}

#[tokio::test]
async fn th60_another_sites_form_has_nothing_to_ride_on() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let claim = bench.register(&Agent::numbered(1)).await;
    let path = format!("/claims/{}/approve", claim.id);
    let before = bench.positions();
    let form = format!("user_code={}", claim.code);
    let plain = bench.post(&path, FORM, form.clone()).await;
    assert_eq!(plain.problem(), (401, "credentials_missing"));
    let request = http::Request::post(&path).header("cookie", "session=1").header("origin", "https://evil.example");
    let with_cookie = bench.send(request.header("content-type", FORM).body(form.clone().into()).unwrap()).await;
    assert_eq!(with_cookie.problem(), (401, "credentials_missing"));
    // even with credentials a form is no body
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let url = format!("{}{path}", bench.issuer);
    let nonce = bench.nonce().unwrap();
    let proof = owner.key.proof_with_nonce("POST", &url, &token, &nonce, bench.clock.now());
    let request = http::Request::post(&path).header("content-type", FORM).header("dpop", proof);
    let answer = bench.send(request.header("authorization", format!("DPoP {token}")).body(form.into()).unwrap()).await;
    assert_eq!(answer.problem(), (415, "unsupported_media_type"));
    assert_eq!(bench.positions(), before);
}

#[tokio::test]
async fn claiming_is_for_owners_in_person() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let admin = bench.enrol(101, Role::Admin).await;
    let claim = bench.register(&Agent::numbered(2)).await;
    let path = format!("/claims/{}/approve", claim.id);
    let own = bench.manage(&agent, "agent:self", "POST", &path, Some(approval(&claim))).await;
    assert_eq!(own.problem(), (403, "caller_not_permitted"));
    let reader = bench.manage(&admin.key, "registry:read", "POST", &path, Some(approval(&claim))).await;
    assert_eq!(reader.problem(), (403, "insufficient_scope"));
    assert!(reader.header("www-authenticate").unwrap().contains("scope=\"owner:self\""));
}
