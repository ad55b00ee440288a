//! An owner leaves, and the review of who uses what.

use handfast_registry::Role;
use handfast_testkit::Agent;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, Owner, config};

async fn step(bench: &Bench, admin: &Owner, owner: &str, body: &Value) -> Answer {
    let path = format!("/owners/{owner}/offboarding");
    bench.manage(&admin.key, "registry:admin", "POST", &path, Some(body.clone())).await
}

#[tokio::test]
async fn an_owner_leaves_in_steps_that_a_crash_does_not_lose() {
    let bench = Bench::new().await;
    let admin = bench.enrol(200, Role::Admin).await;
    let (owner, heir) = (bench.owner(201).await, bench.owner(202).await);
    let mut agents = Vec::new();
    for number in 1..=35 {
        // registrations are bounded by the hour
        bench.clock.advance(if number % 20 == 0 { 3700 } else { 0 });
        agents.push(bench.claimed(number, &owner).await);
    }
    let token = bench.token(&agents[0], &[("scope", "agent:self")]).await;
    let own = bench.token(&owner.key, &[("scope", "owner:self"), ("resource", &bench.issuer)]).await;
    let body = json!({"agents": "transfer", "to": heir.id, "reason": "left"});
    let begun = bench.now();
    let first = step(&bench, &admin, &owner.id, &body).await.is(200);
    let expected = json!({"owner": owner.id, "status": "running", "agents": 32, "to": heir.id, "by": admin.id,
                          "reason": "left", "begun_at": begun});
    assert_eq!(first.json, expected);
    // at once: nothing for the owner is alive, and nothing more is issued
    let path = format!("/agents/{}", agents[0].did());
    let refused = bench.call(&agents[0], &token, "GET", &path, None).await;
    assert_eq!(refused.problem(), (401, "principal_revoked"));
    let refused = bench.call(&owner.key, &own, "GET", "/agents", None).await;
    assert_eq!(refused.problem(), (401, "principal_revoked"));
    let closed = bench.token_answer(&owner.key, &[("scope", "owner:self"), ("resource", &bench.issuer)]).await;
    assert_eq!(closed.oauth(), (400, "invalid_grant", "owner_closed"));
    let closed = bench.token_answer(&agents[34], &[("scope", "agent:self")]).await;
    let is_left = closed.json["reason"] == "owner_closed" || closed.json["reason"] == "slow_down";
    assert!(is_left, "{closed:?}");
    // the process dies; another one and another admin go on
    let later = Bench::on(bench.disk.clone(), bench.clock.clone(), &config()).await;
    let second = later.enrol(203, Role::Admin).await;
    let shown = format!("/owners/{}/offboarding", owner.id);
    let progress = later.manage(&second.key, "registry:admin", "GET", &shown, None).await.is(200);
    assert_eq!(progress.json, expected);
    let next = step(&later, &second, &owner.id, &body).await.is(200);
    assert_eq!((next.str("status").as_str(), &next.json["agents"]), ("running", &json!(35)));
    let early = step(&later, &second, &owner.id, &body).await.is(200);
    assert_eq!(early.str("status"), "running", "an approval may be under way");
    later.clock.advance(6);
    let done = step(&later, &second, &owner.id, &body).await.is(200);
    assert_eq!((done.str("status").as_str(), &done.json["done_at"]), ("done", &json!(later.now())));
    let before = later.positions();
    assert_eq!(step(&later, &second, &owner.id, &body).await.is(200).json, done.json);
    assert_eq!(later.positions(), before);
    let otherwise = json!({"agents": "retire"});
    assert_eq!(step(&later, &second, &owner.id, &otherwise).await.problem(), (409, "owner_closed"));
    let list = later.manage(&heir.key, "owner:self", "GET", "/agents?limit=200", None).await.is(200);
    assert_eq!(list.json["agents"].as_array().unwrap().len(), 35);
    assert_eq!(list.json["agents"][0]["ceiling"]["scope"], "");
    // what belongs to the new owner lives, with nothing but itself
    later.token(&agents[0], &[("scope", "agent:self")]).await;
}

#[tokio::test]
async fn agents_of_an_owner_who_leaves_may_be_retired() {
    let bench = Bench::new().await;
    let admin = bench.enrol(200, Role::Admin).await;
    let owner = bench.owner(201).await;
    let agent = bench.claimed(1, &owner).await;
    let body = json!({"agents": "retire"});
    assert_eq!(step(&bench, &admin, &owner.id, &body).await.is(200).json["agents"], 1);
    bench.clock.advance(6);
    assert_eq!(step(&bench, &admin, &owner.id, &body).await.is(200).str("status"), "done");
    let path = format!("/agents/{}", agent.did());
    let shown = bench.manage(&admin.key, "registry:admin", "GET", &path, None).await.is(200);
    assert!(shown.json["retired_at"].is_u64(), "{shown:?}");
    // stopping the owner again is no news, and no way back
    let stop = json!({"kind": "owner", "id": owner.id});
    let again = bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(stop)).await.is(200);
    assert_eq!(again.json.get("cut"), None);
}

#[tokio::test]
async fn only_an_admin_and_nobody_themselves() {
    let bench = Bench::new().await;
    let (owner, heir) = (bench.owner(201).await, bench.owner(202).await);
    let admin = bench.enrol(200, Role::Admin).await;
    let before = bench.positions();
    let retire = json!({"agents": "retire"});
    let path = format!("/owners/{}/offboarding", owner.id);
    let refused = bench.manage(&heir.key, "owner:self", "POST", &path, Some(retire.clone())).await;
    assert_eq!(refused.problem(), (403, "insufficient_scope"));
    assert_eq!(step(&bench, &admin, &admin.id, &retire).await.problem(), (400, "invalid_request"));
    for (id, body) in [
        ("owner:0123456789abcdefghjkmnpqrs", retire.clone()),
        (owner.id.as_str(), json!({})),
        (owner.id.as_str(), json!({"agents": "transfer"})),
        (owner.id.as_str(), json!({"agents": "retire", "to": heir.id})),
        (owner.id.as_str(), json!({"agents": "transfer", "to": owner.id})),
        (owner.id.as_str(), json!({"agents": "sell"})),
    ] {
        assert_eq!(step(&bench, &admin, id, &body).await.problem(), (400, "invalid_request"), "{body}");
    }
    let shown = bench.manage(&admin.key, "registry:admin", "GET", &path, None).await;
    assert_eq!(shown.problem(), (404, "not_found"));
    assert_eq!(bench.positions(), before);
}

async fn review(bench: &Bench, who: &Owner, query: &str) -> Vec<Value> {
    let path = format!("/review{query}");
    let answer = bench.manage(&who.key, "owner:self", "GET", &path, None).await.is(200);
    answer.json["agents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_review_shows_the_last_use_of_each_scope_and_who_is_stale() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(201).await, bench.owner(202).await);
    let (busy, idle): (Agent, Agent) = (bench.claimed(1, &owner).await, bench.claimed(2, &owner).await);
    bench.claimed(3, &other).await;
    bench.clock.advance(31 * 24 * 3600);
    let at = bench.now();
    bench.token(&busy, &[("scope", "echo:read"), ("resource", API)]).await;
    let find = |rows: &[Value], agent: &Agent| -> Value {
        rows.iter().find(|row| row["did"] == agent.did().as_str()).cloned().unwrap_or_default()
    };
    let rows = review(&bench, &owner, "").await;
    assert_eq!(rows.len(), 2, "one's own");
    let (one, two) = (find(&rows, &busy), find(&rows, &idle));
    assert_eq!((&one["last_seen"], &one["stale"], &one["age_days"]), (&json!(at), &json!(false), &json!(31)));
    let scopes = json!([{"scope": "echo:hello", "last_used": null}, {"scope": "echo:read", "last_used": at},
                        {"scope": "files:read", "last_used": null}]);
    assert_eq!(one["scopes"], scopes);
    assert_eq!((two.get("last_seen"), &two["stale"]), (None, &json!(true)));
    let stale = review(&bench, &owner, "?only=stale").await;
    assert_eq!((stale.len(), &stale[0]["did"]), (1, &json!(idle.did().as_str())));
    assert_eq!(review(&bench, &owner, "?only=stale&stale_days=60").await.len(), 0);
    // pages by key
    let first = bench.manage(&owner.key, "owner:self", "GET", "/review?limit=1", None).await.is(200);
    let after = first.str("next");
    assert_eq!(review(&bench, &owner, &format!("?after={after}")).await.len(), 1);
    for wrong in ["?only=x", "?stale_days=0", "?stale_days=x", "?limit=0", "?x=1"] {
        let refused = bench.manage(&owner.key, "owner:self", "GET", &format!("/review{wrong}"), None).await;
        assert_eq!(refused.problem(), (400, "invalid_request"), "{wrong}");
    }
    // written down it outlives the process; what was not is lost, and only that
    let log = bench.positions();
    bench.registry.note_uses().await;
    assert_eq!(bench.positions(), log, "no leaf and no feed entry");
    bench.clock.advance(10);
    bench.token(&busy, &[("scope", "files:read"), ("resource", crate::bench::FILES)]).await;
    let later = Bench::on(bench.disk.clone(), bench.clock.clone(), &config()).await;
    assert_eq!(find(&review(&later, &owner, "").await, &busy)["scopes"], scopes);
    bench.registry.note_uses().await;
    let all = find(&review(&bench, &owner, "").await, &busy);
    assert_eq!((&all["scopes"][1]["last_used"], &all["scopes"][2]["last_used"]), (&json!(at), &json!(at + 10)));
}

#[tokio::test]
async fn agents_never_go_to_somebody_who_left_meanwhile() {
    let bench = Bench::new().await;
    let admin = bench.enrol(200, Role::Admin).await;
    let (owner, heir, third) = (bench.owner(201).await, bench.owner(202).await, bench.owner(203).await);
    let mut agents = Vec::new();
    for number in 1..=33 {
        bench.clock.advance(if number % 20 == 0 { 3700 } else { 0 });
        agents.push(bench.claimed(number, &owner).await);
    }
    let to = |to: &Owner| json!({"agents": "transfer", "to": to.id});
    assert_eq!(step(&bench, &admin, &owner.id, &to(&heir)).await.is(200).json["agents"], 32);
    assert_eq!(step(&bench, &admin, &owner.id, &to(&third)).await.problem(), (409, "owner_closed"), "decided");
    step(&bench, &admin, &heir.id, &json!({"agents": "retire"})).await.is(200);
    let before = bench.positions();
    assert_eq!(step(&bench, &admin, &owner.id, &to(&heir)).await.problem(), (409, "owner_closed"));
    assert_eq!(bench.positions(), before);
    let rest = step(&bench, &admin, &owner.id, &to(&third)).await.is(200);
    assert_eq!((&rest.json["agents"], &rest.json["to"]), (&json!(33), &json!(third.id)));
    let list = bench.manage(&third.key, "owner:self", "GET", "/agents?limit=200", None).await.is(200);
    assert_eq!(list.json["agents"].as_array().unwrap().len(), 1);
    assert_eq!(step(&bench, &admin, &owner.id, &to(&heir)).await.problem(), (409, "owner_closed"));
}
