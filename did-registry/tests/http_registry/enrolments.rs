//! `/enrolments`, and registrations with one.

use std::sync::Arc;

use handfast_testkit::Agent;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, Owner, config, statement, with};

const TYP: &str = "agent-registration+jwt";

fn wanted() -> Value {
    json!({"ceiling": {"scope": "echo:read", "resource": [API], "max_task_seconds": 600}, "label": "runners"})
}

async fn made(bench: &Bench, owner: &Owner, body: Value) -> Answer {
    bench.manage(&owner.key, "owner:self", "POST", "/enrolments", Some(body)).await
}

async fn token(bench: &Bench, owner: &Owner) -> String {
    made(bench, owner, wanted()).await.is(201).str("token")
}

async fn enrol(bench: &Bench, agent: &Agent, token: &str, changes: Value) -> Answer {
    let claims = with(with(bench.agent_claims(agent), json!({"enrolment": token})), changes);
    bench.post("/agents", "application/jwt", statement(TYP, &claims, agent)).await
}

#[tokio::test]
async fn an_agent_is_claimed_as_it_registers() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let made = made(&bench, &owner, with(wanted(), json!({"environment": "dev", "expires_in": 3600}))).await.is(201);
    let (id, token) = (made.str("id"), made.str("token"));
    assert!(token.starts_with(&format!("{id}.")), "{token}");
    let ceiling = json!({"scope": "echo:read", "resource": [API], "max_task_seconds": 600, "delegation": "exchange",
                         "del_max_depth": 0, "instances": false});
    let shown = json!({"id": id, "owner": owner.id, "status": "open", "label": "runners", "environment": "dev",
                       "ceiling": ceiling, "created_at": bench.now(), "expires_at": bench.now() + 3600});
    assert_eq!(with(made.json.clone(), json!({"token": null})), shown);
    let agent = Agent::numbered(1);
    let leaves = bench.positions().log_size;
    let record = enrol(&bench, &agent, &token, json!({})).await.is(201);
    assert_eq!(bench.positions().log_size, leaves + 1, "one act, one leaf");
    assert_eq!(record.header("location"), Some(format!("{}/agents/{}", bench.issuer, agent.did()).as_str()));
    let handle = record.str("handle");
    let expected = json!({
        "did": agent.did().as_str(), "handle": handle, "status": "CLAIMED", "organisation": "default", "name": "billing",
        "version": "1.0", "purpose": "pays bills", "environment": "dev", "created_at": bench.now(),
        "claimed_at": bench.now(), "owner": {"id": owner.id}, "ceiling": ceiling,
    });
    assert_eq!(record.json, expected);
    // at once, what its ceiling allows
    bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    let list = bench.manage(&owner.key, "owner:self", "GET", "/enrolments", None).await.is(200);
    let used = json!({"status": "used", "agent": agent.did().as_str(), "used_at": bench.now()});
    assert_eq!(list.json, json!({"enrolments": [with(shown, used)]}));
    let mine = bench.manage(&owner.key, "owner:self", "GET", "/agents", None).await.is(200);
    assert_eq!(mine.json["agents"][0]["did"], agent.did().as_str());
}

#[tokio::test]
async fn every_refusal_says_why_and_changes_nothing() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(100).await, bench.owner(101).await);
    let (good, expired) = (token(&bench, &owner).await, token(&bench, &owner).await);
    let revoked = made(&bench, &owner, wanted()).await.is(201);
    let path = format!("/enrolments/{}/revoke", revoked.str("id"));
    let answer = bench.manage(&owner.key, "owner:self", "POST", &path, Some(json!({"reason": "lost"}))).await.is(200);
    assert_eq!((answer.str("status"), answer.json["revoked_at"].as_u64()), ("revoked".into(), Some(bench.now())));
    let agent = Agent::numbered(1);
    let check = async |token: &str, changes: Value, expected: (u16, &str)| {
        let before = bench.positions();
        let answer = enrol(&bench, &agent, token, changes).await;
        assert_eq!(answer.problem(), expected, "{}", answer.text);
        assert_eq!(bench.positions(), before, "a refusal writes nothing");
    };
    check("junk", json!({}), (403, "invalid_enrolment")).await;
    check(&good.replace('.', ".0"), json!({}), (403, "invalid_enrolment")).await;
    check(&format!("{good}00"), json!({}), (400, "invalid_registration")).await;
    check(&revoked.str("token"), json!({}), (410, "enrolment_revoked")).await;
    check(&good, json!({"expected_owner": other.id}), (403, "other_owner_expected")).await;
    let prod = made(&bench, &owner, with(wanted(), json!({"environment": "prod"}))).await.is(201).str("token");
    check(&prod, json!({}), (403, "environment_mismatch")).await;
    enrol(&bench, &agent, &good, json!({"expected_owner": owner.id})).await.is(201);
    check(&expired, json!({}), (409, "did_registered")).await;
    let second = Agent::numbered(2);
    assert_eq!(enrol(&bench, &second, &good, json!({})).await.problem(), (410, "enrolment_used"));
    bench.clock.advance(24 * 3600);
    assert_eq!(enrol(&bench, &second, &expired, json!({})).await.problem(), (410, "enrolment_expired"));
    for (body, expected) in [
        (json!({}), (400, "invalid_request")),
        (with(wanted(), json!({"expires_in": 59})), (400, "invalid_request")),
        (with(wanted(), json!({"uses": 5})), (400, "invalid_request")),
        (json!({"ceiling": {"scope": "echo:read", "resource": ["urn:x"]}}), (400, "invalid_target")),
        (json!({"ceiling": {"scope": "agent:self", "resource": [API]}}), (400, "invalid_scope")),
        (json!({"ceiling": {"scope": "a", "resource": [], "del_max_depth": 9}}), (400, "invalid_ceiling")),
    ] {
        assert_eq!(made(&bench, &owner, body).await.problem(), expected);
    }
    let used = format!("/enrolments/{}/revoke", good.split('.').next().unwrap());
    for (who, scope, path, expected) in [
        (&owner, "owner:self", used.as_str(), (410, "enrolment_used")),
        (&other, "owner:self", path.as_str(), (404, "unknown_enrolment")),
        (&owner, "owner:self", "/enrolments/x/revoke", (404, "unknown_enrolment")),
    ] {
        let answer = bench.manage(&who.key, scope, "POST", path, Some(json!({}))).await;
        assert_eq!(answer.problem(), expected, "{path}");
    }
    bench.manage(&owner.key, "owner:self", "POST", &path, Some(json!({}))).await.is(200);
}

#[tokio::test]
async fn what_was_made_in_the_name_of_an_owner_ends_with_it() {
    let bench = Bench::new().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(102).await);
    let before = token(&bench, &owner).await;
    let stop = json!({"kind": "owner", "id": owner.id, "reason": "key stolen"});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(stop)).await.is(200);
    bench.clock.advance(10);
    let agent = Agent::numbered(1);
    assert_eq!(enrol(&bench, &agent, &before, json!({})).await.problem(), (410, "enrolment_revoked"));
    let after = token(&bench, &owner).await;
    let path = format!("/owners/{}/offboarding", owner.id);
    let leave = json!({"agents": "retire"});
    bench.manage(&admin.key, "registry:admin", "POST", &path, Some(leave)).await.is(200);
    assert_eq!(enrol(&bench, &agent, &after, json!({})).await.problem(), (409, "owner_closed"));
}

#[tokio::test]
async fn p13_of_a_hundred_agents_with_one_enrolment_one_has_it() {
    let mut file = config();
    file.limits.registrations_per_source = 1000;
    file.limits.registrations_in_total = 1000;
    let bench = Arc::new(Bench::with(&file).await);
    let owner = bench.owner(100).await;
    let token = token(&bench, &owner).await;
    let leaves = bench.positions().log_size;
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (bench, token) = (Arc::clone(&bench), token.clone());
        tries.spawn(async move {
            let answer = enrol(&bench, &Agent::numbered(number), &token, json!({})).await;
            (answer.status, answer.json["reason"].as_str().map(str::to_owned))
        });
    }
    let outcomes = tries.join_all().await;
    let won = outcomes.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(won, 1);
    assert!(
        outcomes
            .iter()
            .all(|(status, reason)| *status == 201 || (*status, reason.as_deref()) == (410, Some("enrolment_used"))),
        "{outcomes:?}"
    );
    assert_eq!(bench.positions().log_size, leaves + 1);
}

#[tokio::test]
async fn tries_are_counted_by_source() {
    let mut file = config();
    file.limits.registrations_per_source = 3;
    let bench = Bench::with(&file).await;
    for _ in 0..3 {
        let answer = enrol(&bench, &Agent::numbered(1), "junk", json!({})).await;
        assert_eq!(answer.problem(), (403, "invalid_enrolment"));
    }
    let answer = enrol(&bench, &Agent::numbered(1), "junk", json!({})).await;
    assert_eq!(answer.problem(), (429, "slow_down"));
}

#[tokio::test]
async fn lists_are_an_owners_own_or_everybodys_for_readers() {
    let bench = Bench::new().await;
    let (owner, other, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
    for owner in [&owner, &owner, &other] {
        token(&bench, owner).await;
    }
    let count = |answer: &Answer| answer.json["enrolments"].as_array().unwrap().len();
    let list = async |who: &Owner, scope: &str, query: &str| {
        bench.manage(&who.key, scope, "GET", &format!("/enrolments{query}"), None).await
    };
    assert_eq!(count(&list(&owner, "owner:self", "").await.is(200)), 2);
    assert_eq!(count(&list(&other, "owner:self", "").await.is(200)), 1);
    assert_eq!(count(&list(&admin, "registry:read", "").await.is(200)), 3);
    for (who, scope, whole) in [(&owner, "owner:self", 2), (&admin, "registry:read", 3)] {
        let (mut found, mut query) = (0, "?limit=1".to_owned());
        loop {
            let page = list(who, scope, &query).await.is(200);
            assert!(!page.text.contains("token"), "{}", page.text);
            found += count(&page);
            let Some(next) = page.json["next"].as_str() else { break };
            query = format!("?limit=1&after={next}");
        }
        assert_eq!(found, whole);
    }
    for query in ["?limit=0", "?after=x", "?status=open", "?limit=1&limit=1"] {
        assert_eq!(list(&owner, "owner:self", query).await.problem(), (400, "invalid_request"), "{query}");
    }
    let agent = bench.claimed(1, &owner).await;
    let refused = bench.manage(&agent, "agent:self", "POST", "/enrolments", Some(wanted())).await;
    assert_eq!(refused.problem(), (403, "caller_not_permitted"));
    let refused = bench.manage(&admin.key, "registry:admin", "POST", "/enrolments", Some(wanted())).await;
    assert_eq!(refused.problem(), (403, "insufficient_scope"));
}
