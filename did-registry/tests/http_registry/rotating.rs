//! Keys that follow each other: `/agents/{…}/rotate`, `/recover`, `/keys`, and the `key` grain of `/revocations`.

use std::sync::Arc;

use handfast_identity::history::{Ground, KeyChangeKind, Succession, UnverifiedHistory, VerifiedHistory};
use handfast_identity::{ContentHash, DidKey, SigningKey};
use handfast_registry::ConfigFile;
use handfast_registry::store::{Batch, Table};
use handfast_testkit::Agent;
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName};
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, Owner, claims_of, config, with};
use crate::delegation_bench;

mod at_random;

const JWT: &str = "application/jwt";

/// A configuration whose strangers may try more often than the tests need.
fn patient() -> ConfigFile {
    let mut file = config();
    file.limits.registrations_per_source = 10_000;
    file.limits.registrations_in_total = 10_000;
    file
}

struct Scene {
    bench: Bench,
    owner: Owner,
    agent: Agent,
}

impl Scene {
    async fn new() -> Self {
        Self::of(Bench::with(&patient()).await, "dev").await
    }

    async fn of(bench: Bench, environment: &str) -> Self {
        let owner = bench.owner(100).await;
        let agent = Agent::numbered(1);
        let claims = with(bench.agent_claims(&agent), json!({"environment": environment}));
        let statement = crate::bench::statement("agent-registration+jwt", &claims, &agent);
        let answer = bench.post("/agents", JWT, statement).await.is(201);
        let claim = crate::bench::claim(&answer.json["claim"]);
        bench.approve(&owner, &claim, &crate::bench::approval(&claim)).await.is(200);
        Self { bench, owner, agent }
    }

    async fn history(&self, name: &str) -> Value {
        self.bench.get(&format!("/agents/{name}/keys")).await.is(200).json
    }

    async fn checked(&self) -> VerifiedHistory {
        let text = self.history(self.agent.did().as_str()).await.to_string();
        UnverifiedHistory::parse(text.as_bytes()).and_then(UnverifiedHistory::verify).unwrap()
    }

    /// The place behind the newest statement.
    async fn place(&self) -> Succession {
        let history = self.checked().await;
        Succession {
            audience: self.bench.issuer.clone(),
            issued_at: self.bench.clock.now(),
            statement_id: "j".into(),
            predecessor: history.current().clone(),
            after: history.number(),
            previous: history.newest(),
        }
    }

    async fn behind(&self, last_good: u16) -> Succession {
        let history = self.checked().await;
        let link = usize::from(last_good.saturating_sub(1));
        let predecessor = history.links()[link].did.clone();
        Succession { predecessor, after: last_good, previous: history.hash_of(last_good), ..self.place().await }
    }

    async fn rotate(&self, old: &Agent, new: &Agent) -> Answer {
        let statement = signed(&self.place().await, KeyChangeKind::Rotation, old, new);
        self.send(self.agent.did().as_str(), statement).await
    }

    async fn send(&self, name: &str, statement: String) -> Answer {
        self.bench.post(&format!("/agents/{name}/rotate"), JWT, statement).await
    }

    async fn owner_call(&self, path: &str, body: Value) -> Answer {
        let path = format!("/agents/{}/{path}", self.agent.did());
        self.bench.manage(&self.owner.key, "owner:self", "POST", &path, Some(body)).await
    }

    async fn recover(&self, last_good: u16, new: &Agent) -> Answer {
        let statement = signed(&self.behind(last_good).await, KeyChangeKind::Recovery, &self.owner.key, new);
        self.owner_call("recover", json!({"statement": statement, "reason": "stolen"})).await
    }

    /// The events of the feed behind number `known`.
    async fn told(&self, known: usize) -> Vec<FeedEvent> {
        let text = self.bench.get("/revocations/snapshot").await.is(200).text;
        let events: Vec<FeedEvent> = serde_json::from_value(claims_of(&text)["events"].clone()).unwrap();
        events[known..].to_vec()
    }

    fn name(&self, kind: RevocationKind, id: &str) -> RevocationName {
        RevocationName::of(&self.bench.issuer, kind, id)
    }

    fn key_name(&self, agent: &Agent) -> RevocationName {
        self.name(RevocationKind::Key, &agent.thumbprint().to_string())
    }

    async fn token_of(&self, agent: &Agent) -> Answer {
        self.bench.token_answer(agent, &[("resource", API)]).await
    }
}

fn signed(place: &Succession, kind: KeyChangeKind, signer: &Agent, new: &Agent) -> String {
    place.sign(kind, place.accept(new.key()).unwrap(), signer.key()).unwrap()
}

fn stranger() -> Agent {
    Agent::numbered(9)
}

#[tokio::test]
async fn an_agent_goes_on_under_another_key() {
    let scene = Scene::new().await;
    let (bench, new) = (&scene.bench, Agent::p256(2));
    let before = bench.token_answer(&scene.agent, &[("resource", API)]).await.is(200);
    let task = before.json["task"]["id"].clone();
    let own = bench.token(&scene.agent, &[("scope", "agent:self")]).await;
    let shown = bench.call(&scene.agent, &own, "GET", &format!("/agents/{}", scene.agent.did()), None).await.is(200);

    let answer = scene.rotate(&scene.agent, &new).await.is(200);
    let expected =
        json!({"status": "rotated", "did": new.did().as_str(), "key_number": 2, "handle": shown.json["handle"]});
    assert_eq!(answer.json, expected);
    // in the same commit, with a cut-off a little ahead
    let events = scene.told(0).await;
    let cut = Some(handfast_identity::UnixTime::from_secs(bench.now() + 5));
    assert_eq!(
        events,
        [FeedEvent { seq: 1, kind: RevocationKind::Key, name: scene.key_name(&scene.agent), cut, until: None }]
    );
    // the task, and everything the owner said, is the new key's
    let after = scene.token_of(&new).await.is(200);
    assert_eq!(after.json["task"]["id"], task);
    assert_eq!(scene.token_of(&scene.agent).await.oauth(), (401, "invalid_client", "invalid_client"));
    // what was issued before lives to its end, here as anywhere (DEL-40)
    let path = format!("/agents/{}", scene.agent.did());
    let seen = bench.call(&scene.agent, &own, "GET", &path, None).await.is(200).json;
    for member in ["handle", "owner", "ceiling", "created_at", "status"] {
        assert_eq!(seen[member], shown.json[member], "{member}");
    }
    assert_eq!((&seen["did"], &seen["key_number"]), (&json!(new.did().as_str()), &json!(2)));
    // a document is that of the DID asked for, or of none
    assert_eq!(bench.get(&format!("{path}/did.json")).await.problem(), (404, "unknown_agent"));
    for name in [new.did().to_string(), seen["handle"].as_str().unwrap().to_owned()] {
        let document = bench.get(&format!("/agents/{name}/did.json")).await.is(200);
        assert_eq!(document.json["id"], new.did().as_str());
    }
    // anybody can check that the new key descends from the first
    let history = scene.checked().await;
    assert_eq!(
        (history.issuer(), history.first(), history.current()),
        (&*bench.issuer, &scene.agent.did(), &new.did())
    );
    let public = scene.history(new.did().as_str()).await;
    let states: Vec<_> = public["keys"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["rotated_out", "current"]);
    assert!(!public.to_string().contains("billing"), "what an agent says of itself is not public");
}

#[tokio::test]
async fn what_follows_nothing_is_refused() {
    let scene = Scene::new().await;
    let (bench, new) = (&scene.bench, Agent::numbered(2));
    let other = bench.claimed(7, &scene.owner).await;
    let place = scene.place().await;
    let did = scene.agent.did().to_string();
    let rotation =
        |place: &Succession, signer: &Agent, new: &Agent| signed(place, KeyChangeKind::Rotation, signer, new);
    let before = bench.positions();
    // TH62: own valid keys, another's agent
    let handle = bench.get(&format!("/agents/{did}/keys")).await.json["did"].as_str().unwrap().to_owned();
    for signer in [&other, &stranger()] {
        let own = Succession { predecessor: signer.did(), ..place.clone() };
        let answer = scene.send(&handle, rotation(&own, signer, &new)).await;
        assert_eq!(answer.problem(), (403, "forbidden"));
    }
    for (statement, expected) in [
        // TH61
        (rotation(&Succession { after: 2, ..place.clone() }, &scene.agent, &new), (409, "stale_sequence")),
        (
            rotation(&Succession { previous: Some(ContentHash::of(b"x")), ..place.clone() }, &scene.agent, &new),
            (409, "stale_sequence"),
        ),
        (rotation(&place, &scene.agent, &other), (409, "did_registered")),
        (rotation(&place, &scene.agent, &scene.owner.key), (409, "did_registered")),
        (signed(&place, KeyChangeKind::Recovery, &stranger(), &new), (400, "invalid_rotation")),
        (
            rotation(&Succession { audience: "https://other.example".into(), ..place.clone() }, &scene.agent, &new),
            (400, "invalid_rotation"),
        ),
        ("a.b.c".to_owned(), (401, "proof_required")),
        (String::new(), (401, "proof_required")),
        (bench.agent_statement(&scene.agent), (400, "invalid_rotation")),
    ] {
        assert_eq!(scene.send(&did, statement.clone()).await.problem(), expected, "{statement}");
    }
    let nobody = stranger().did().to_string();
    assert_eq!(scene.send(&nobody, rotation(&place, &scene.agent, &new)).await.problem(), (404, "unknown_agent"));
    assert_eq!(bench.get(&format!("/agents/{nobody}/keys")).await.problem(), (404, "unknown_agent"));
    let unclaimed = Agent::numbered(8);
    bench.register(&unclaimed).await;
    let own = Succession { predecessor: unclaimed.did(), ..place.clone() };
    let answer = scene.send(unclaimed.did().as_str(), rotation(&own, &unclaimed, &new)).await;
    assert_eq!(answer.problem(), (409, "not_claimed"));
    let form = bench.post(&format!("/agents/{did}/rotate"), "application/json", "{}").await;
    assert_eq!(form.problem(), (415, "unsupported_media_type"));
    assert_eq!(bench.positions().feed_to, before.feed_to);

    // the same statement again is one rotation, and the one after the next is too soon
    let good = rotation(&place, &scene.agent, &new);
    let first = scene.send(&did, good.clone()).await.is(200);
    let positions = bench.positions();
    assert_eq!(scene.send(&did, good.clone()).await.is(200).json, first.json);
    assert_eq!(bench.positions(), positions);
    let next = Agent::numbered(3);
    let soon = scene.rotate(&new, &next).await;
    assert_eq!((soon.problem(), soon.header("retry-after")), ((429, "slow_down"), Some("60")));
    bench.clock.advance(60);
    assert_eq!(scene.rotate(&new, &scene.agent).await.problem(), (409, "did_registered"), "a key does not come back");
    // TH61, as it happens: the former key, in its own number
    let late = Succession { issued_at: bench.clock.now(), ..place };
    assert_eq!(scene.send(&did, rotation(&late, &scene.agent, &next)).await.problem(), (409, "stale_sequence"));
    scene.rotate(&new, &next).await.is(200);
    // strangers' tries are counted like those at registration
    let slow = Bench::new().await;
    for _ in 0..30 {
        assert_eq!(slow.post(&format!("/agents/{did}/rotate"), JWT, "a.b.c").await.problem(), (401, "proof_required"));
    }
    assert_eq!(slow.post(&format!("/agents/{did}/rotate"), JWT, "a.b.c").await.problem(), (429, "slow_down"));
}

#[tokio::test]
async fn in_prod_the_owner_answers() {
    let scene = Scene::of(Bench::with(&patient()).await, "prod").await;
    let (bench, new) = (&scene.bench, Agent::numbered(2));
    let waiting = scene.rotate(&scene.agent, &new).await.is(202);
    let expires = bench.now() + 3 * 24 * 60 * 60;
    assert_eq!(
        (&waiting.json["status"], &waiting.json["did"], &waiting.json["expires_at"]),
        (&json!("waiting"), &json!(new.did().as_str()), &json!(expires))
    );
    assert_eq!(scene.token_of(&new).await.oauth(), (401, "invalid_client", "invalid_client"));
    scene.token_of(&scene.agent).await.is(200);
    assert_eq!(scene.rotate(&scene.agent, &new).await.is(202).json, waiting.json, "the same key waits once");
    // the owner is told, with the words to compare
    let path = format!("/agents/{}", scene.agent.did());
    let shown = bench.manage(&scene.owner.key, "owner:self", "GET", &path, None).await.is(200);
    let words = handfast_identity::fingerprint(&new.did());
    let expected = json!({
        "did": new.did().as_str(), "fingerprint": words, "requested_at": bench.now(), "expires_at": expires,
    });
    assert_eq!(shown.json["rotation"], expected);

    let other = bench.owner(101).await;
    let body = json!({"did": new.did().as_str()});
    let by_other =
        bench.manage(&other.key, "owner:self", "POST", &format!("{path}/rotate/approve"), Some(body.clone())).await;
    assert_eq!(by_other.problem(), (403, "forbidden"));
    let itself =
        bench.manage(&scene.agent, "agent:self", "POST", &format!("{path}/rotate/approve"), Some(body.clone())).await;
    assert_eq!(itself.problem(), (403, "caller_not_permitted"));
    let unknown = scene.owner_call("rotate/approve", json!({"did": stranger().did().as_str()})).await;
    assert_eq!(unknown.problem(), (404, "unknown_rotation"));
    // TH67
    let more = with(body.clone(), json!({"force": true}));
    assert_eq!(scene.owner_call("rotate/approve", more).await.problem(), (400, "invalid_request"));

    let refused = scene.owner_call("rotate/refuse", with(body.clone(), json!({"reason": "not now"}))).await.is(200);
    assert_eq!(
        (&refused.json["status"], &refused.json["did"]),
        (&json!("refused"), &json!(scene.agent.did().as_str()))
    );
    assert_eq!(scene.owner_call("rotate/approve", body.clone()).await.problem(), (404, "unknown_rotation"));

    scene.rotate(&scene.agent, &new).await.is(202);
    let approved = scene.owner_call("rotate/approve", body.clone()).await.is(200);
    assert_eq!((&approved.json["status"], &approved.json["key_number"]), (&json!("rotated"), &json!(2)));
    assert_eq!(scene.owner_call("rotate/approve", body).await.is(200).json, approved.json);
    scene.token_of(&new).await.is(200);
    assert_eq!(scene.checked().await.current(), &new.did());
    let shown = bench.manage(&scene.owner.key, "owner:self", "GET", &path, None).await.is(200);
    assert_eq!(shown.json.get("rotation"), None);
}

#[tokio::test]
async fn whose_rotations_wait_is_configured() {
    let mut file = patient();
    file.rotation.owner_approval = vec![];
    let scene = Scene::of(Bench::with(&file).await, "prod").await;
    scene.rotate(&scene.agent, &Agent::numbered(2)).await.is(200);
    file.rotation.owner_approval = vec![handfast_delegation::Environment::Dev];
    let scene = Scene::of(Bench::with(&file).await, "dev").await;
    scene.rotate(&scene.agent, &Agent::numbered(2)).await.is(202);
}

#[tokio::test]
async fn recovery_beats_the_thief() {
    let scene = Scene::new().await;
    let (bench, thief) = (&scene.bench, Agent::numbered(66));
    let path = format!("/agents/{}", scene.agent.did());
    let before = bench.manage(&scene.owner.key, "owner:self", "GET", &path, None).await.is(200).json;
    // he has the key, and puts his own in its place
    let stolen = bench.token(&scene.agent, &[("scope", "agent:self")]).await;
    scene.rotate(&scene.agent, &thief).await.is(200);
    let his = bench.token(&thief, &[("scope", "agent:self")]).await;
    bench.call(&thief, &his, "GET", &path, None).await.is(200);
    let told = scene.told(0).await.len();

    // only the owner's own key recovers
    let new = Agent::numbered(2);
    let other = bench.owner(101).await;
    for (key, signer) in [(&other, &other.key), (&other, &scene.owner.key), (&scene.owner, &other.key)] {
        let statement = signed(&scene.behind(0).await, KeyChangeKind::Recovery, signer, &new);
        let body = json!({"statement": statement});
        let answer = bench.manage(&key.key, "owner:self", "POST", &format!("{path}/recover"), Some(body)).await;
        assert_eq!(answer.problem(), (403, "forbidden"));
    }
    let recovered = scene.recover(0, &new).await.is(200).json;
    assert_eq!((&recovered["did"], &recovered["key_number"]), (&json!(new.did().as_str()), &json!(3)));
    for member in ["handle", "status", "created_at", "claimed_at", "ceiling"] {
        assert_eq!(recovered[member], before[member], "{member}");
    }
    // everything he had is dead at once, by its key
    for (key, token) in [(&thief, &his), (&scene.agent, &stolen)] {
        assert_eq!(bench.call(key, token, "GET", &path, None).await.problem(), (401, "key_compromised"));
    }
    let events: Vec<_> = scene.told(told).await.into_iter().map(|event| (event.kind, event.name, event.cut)).collect();
    let dead = |agent: &Agent| (RevocationKind::Key, scene.key_name(agent), None);
    assert_eq!(events, [dead(&scene.agent), dead(&thief)]);
    assert_eq!(scene.token_of(&thief).await.oauth(), (401, "invalid_client", "invalid_client"));
    scene.token_of(&new).await.is(200);
    bench.clock.advance(60);
    let place = Succession { predecessor: thief.did(), ..scene.place().await };
    let vain = signed(&place, KeyChangeKind::Rotation, &thief, &Agent::numbered(67));
    assert_eq!(scene.send(&path["/agents/".len()..], vain).await.problem(), (409, "stale_sequence"));
    // a third party sees on whose word
    let history = scene.checked().await;
    assert_eq!(history.links()[2].ground, Ground::Recovered { by: scene.owner.key.did(), last_good: 0 });
    assert_eq!((history.links()[0].is_void, history.links()[1].is_void), (true, true));
    let states: Vec<_> = scene.history(new.did().as_str()).await["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    assert_eq!(states, [json!("compromised"), json!("compromised"), json!("current")]);
}

#[tokio::test]
async fn what_a_key_signed_before_it_was_replaced_is_good_and_nothing_after() {
    // DEL-40
    let scene = delegation_bench::scene_with(json!({"del_max_depth": 3})).await;
    let (bench, old, new) = (&scene.bench, &scene.orchestrator, Agent::numbered(20));
    let root = scene.root().await;
    let early = scene.hop(old, &root, &scene.planner).sign();
    let history = bench.get(&format!("/agents/{}/keys", old.did())).await.json.to_string();
    let history = UnverifiedHistory::parse(history.as_bytes()).and_then(UnverifiedHistory::verify).unwrap();
    let place = Succession {
        audience: bench.issuer.clone(),
        issued_at: bench.clock.now(),
        statement_id: "j".into(),
        predecessor: old.did(),
        after: 1,
        previous: history.newest(),
    };
    let statement = signed(&place, KeyChangeKind::Rotation, old, &new);
    bench.post(&format!("/agents/{}/rotate", old.did()), JWT, statement).await.is(200);
    // the delegate gets its token, and renews it
    scene.exchange(&scene.planner, &root, &[&early]).await.is(200);
    bench.clock.advance(5);
    let edge = scene.hop(old, &root, &scene.planner).sign();
    scene.exchange(&scene.planner, &root, &[&edge]).await.is(200);
    bench.clock.advance(1);
    let late = scene.hop(old, &root, &scene.planner).sign();
    let refused = scene.exchange(&scene.planner, &root, &[&late]).await;
    assert_eq!(refused.oauth(), (400, "invalid_request", "key_rotated_out"));
    scene.exchange(&scene.planner, &root, &[&early]).await.is(200);
    // nothing is made for the key any more: neither by its own root, nor as a delegate
    let narrower = [("subject_token", &*root), ("subject_token_type", delegation_bench::ACCESS_TOKEN)];
    let refused = scene.send(old, None, None, &narrower).await;
    assert_eq!(refused.oauth(), (400, "invalid_request", "key_rotated_out"));
    let other_root = bench.token(&new, &[("resource", API), ("scope", "echo:read")]).await;
    let to_former = scene.hop(&new, &other_root, old).sign();
    let refused = scene.exchange(old, &other_root, &[&to_former]).await;
    assert_eq!(refused.oauth(), (400, "invalid_request", "key_rotated_out"));
    let to_planner = scene.hop(&new, &other_root, &scene.planner).sign();
    scene.exchange(&scene.planner, &other_root, &[&to_planner]).await.is(200);

    // compromised: nothing at all
    let body = json!({"kind": "key", "id": old.did().as_str()});
    bench.manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    let refused = scene.exchange(&scene.planner, &root, &[&early]).await;
    assert_eq!(refused.oauth(), (400, "invalid_request", "key_compromised"));
    scene.exchange(&scene.planner, &other_root, &[&to_planner]).await.is(200);
}

#[tokio::test]
async fn a_compromised_key_is_stopped_and_the_owner_gives_another() {
    let scene = Scene::new().await;
    let (bench, did) = (&scene.bench, scene.agent.did().to_string());
    let token = bench.token(&scene.agent, &[("scope", "agent:self")]).await;
    let body = json!({"kind": "key", "id": did, "reason": "laptop lost"});
    let (other, admin) = (bench.owner(101).await, bench.admin(102).await);
    let post = |path: &'static str, body: Value| bench.manage(&scene.owner.key, "owner:self", "POST", path, Some(body));
    for path in ["/revocations", "/revocations/preview"] {
        let answer = bench.manage(&other.key, "owner:self", "POST", path, Some(body.clone())).await;
        assert_eq!(answer.problem(), (403, "forbidden"), "{path}");
        for (id, reason) in [("did:key:z6Mk", "invalid_request"), (scene.owner.key.did().as_str(), "invalid_request")] {
            assert_eq!(post(path, json!({"kind": "key", "id": id})).await.problem(), (400, reason), "{path} {id}");
        }
        let unknown = json!({"kind": "key", "id": stranger().did().as_str()});
        assert_eq!(post(path, unknown).await.problem(), (403, "forbidden"), "{path}");
    }
    let preview = post("/revocations/preview", body.clone()).await.is(200).json;
    assert_eq!(preview, json!({"kind": "key", "id": did, "agents": 1, "latest_expiry": bench.now() + 3600}));
    let positions = bench.positions();
    let answer = post("/revocations", body.clone()).await.is(200).json;
    let expected = json!({
        "kind": "key", "id": did, "status": "REVOKED", "revoked_at": bench.now(), "by": scene.owner.id, "reason": "laptop lost",
    });
    assert_eq!(answer, expected);
    assert_eq!(bench.positions().feed_to, positions.feed_to + 1);
    assert_eq!(post("/revocations", body).await.is(200).json, expected, "again is the first answer");
    assert_eq!(bench.positions().feed_to, positions.feed_to + 1);
    // everything by the key is dead, and it gets nothing new
    let path = format!("/agents/{did}");
    assert_eq!(bench.call(&scene.agent, &token, "GET", &path, None).await.problem(), (401, "key_compromised"));
    assert_eq!(scene.token_of(&scene.agent).await.oauth(), (400, "invalid_grant", "key_compromised"));
    assert_eq!(scene.rotate(&scene.agent, &Agent::numbered(2)).await.problem(), (409, "key_compromised"));
    let shown = bench.manage(&scene.owner.key, "owner:self", "GET", &path, None).await.is(200).json;
    assert_eq!((&shown["status"], &shown["key_compromised"]), (&json!("CLAIMED"), &json!(true)));
    assert_eq!(scene.recover(1, &Agent::numbered(2)).await.problem(), (409, "key_compromised"));
    let recovered = scene.recover(0, &Agent::numbered(2)).await.is(200).json;
    assert_eq!(recovered.get("key_compromised"), None);
    scene.token_of(&Agent::numbered(2)).await.is(200);
    // an admin may stop any key, an instance's too
    let any = json!({"kind": "key", "id": stranger().did().as_str()});
    bench.manage(&admin.key, "registry:admin", "POST", "/revocations", Some(any)).await.is(200);
    assert_eq!(scene.told(0).await.last().map(|event| event.name), Some(scene.key_name(&stranger())));
}

#[tokio::test]
async fn the_end_of_an_agent_names_every_did_it_had() {
    let scene = Scene::new().await;
    let (bench, new) = (&scene.bench, Agent::numbered(2));
    let own = bench.token(&scene.agent, &[("scope", "agent:self")]).await;
    scene.rotate(&scene.agent, &new).await.is(200);
    let told = scene.told(0).await.len();
    let body = json!({"kind": "agent", "id": scene.agent.did().as_str()});
    bench.manage(&scene.owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    let names: Vec<_> = scene.told(told).await.into_iter().map(|event| (event.kind, event.name)).collect();
    let agent = |agent: &Agent| (RevocationKind::Agent, scene.name(RevocationKind::Agent, agent.did().as_str()));
    assert_eq!(names, [agent(&new), agent(&scene.agent)]);
    let path = format!("/agents/{}", new.did());
    assert_eq!(bench.call(&scene.agent, &own, "GET", &path, None).await.problem(), (401, "agent_revoked"));
    bench.clock.advance(60);
    assert_eq!(scene.rotate(&new, &Agent::numbered(3)).await.problem(), (409, "agent_revoked"));
    assert_eq!(scene.recover(1, &Agent::numbered(3)).await.problem(), (409, "agent_revoked"));
    // its history stays to be read
    let history = scene.history(new.did().as_str()).await;
    assert_eq!((&history["status"], &history["keys"][1]["state"]), (&json!("REVOKED"), &json!("revoked")));
    let again = bench.post("/agents", JWT, bench.agent_statement(&scene.agent)).await;
    assert_eq!(again.problem(), (409, "did_registered"));
}

#[tokio::test]
async fn an_agent_keeps_its_own_affairs_behind_a_rotation() {
    let scene = Scene::new().await;
    let (bench, new) = (&scene.bench, Agent::numbered(2));
    let given = bench.token(&scene.agent, &[("resource", API)]).await;
    scene.rotate(&scene.agent, &new).await.is(200);
    // it gives up what it got under its former key
    let id = claims_of(&given)["jti"].as_str().unwrap().to_owned();
    let body = json!({"kind": "token", "id": id, "evidence": given});
    let stopped = bench.manage(&new, "agent:self", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(stopped.json["by"], new.did().as_str());
}

#[tokio::test]
async fn an_agent_from_before_there_was_rotation_rotates() {
    let scene = Scene::new().await;
    let (bench, agents) = (&scene.bench, Table::new(16, "agents"));
    let page = bench.store().page(agents, b"", None, 9).await.unwrap();
    let (key, found) = &page.records[0];
    let text = String::from_utf8(found.value.clone()).unwrap();
    let old = text.replace("\"v\":5", "\"v\":3").replace("\"handle\"", "\"former\":[],\"handle\"");
    assert!(!text.contains("key_number") && old != text, "the first key needs no number: {text}");
    let mut batch = Batch::new();
    batch.put(agents, key, old.as_bytes()).unwrap();
    bench.store().commit(batch).await.unwrap();
    scene.rotate(&scene.agent, &Agent::numbered(2)).await.is(200);
    bench.clock.advance(60);
    scene.rotate(&Agent::numbered(2), &Agent::numbered(3)).await.is(200);
    let (first, third) = (scene.agent.did(), Agent::numbered(3).did());
    let history = scene.checked().await;
    assert_eq!((history.first(), history.current(), history.number()), (&first, &third, 3));
}

/// Rotations of one agent to keys of their own, and its end, all at once: whatever order they came in, record, history and feed
/// tell one story.
async fn storm(rotations: u16) {
    let scene = Arc::new(Scene::new().await);
    let place = scene.place().await;
    let body = json!({"kind": "agent", "id": scene.agent.did().as_str()});
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..rotations {
        let seed = *ContentHash::of(&number.to_be_bytes()).as_bytes();
        let (scene, new) = (Arc::clone(&scene), Agent::with_key(SigningKey::from_ed25519_seed(&seed)));
        let statement = signed(&place, KeyChangeKind::Rotation, &scene.agent, &new);
        tasks.spawn(async move {
            let answer = scene.send(scene.agent.did().as_str(), statement).await;
            (answer.status, Some(new.did().to_string()))
        });
    }
    let token =
        scene.bench.token(&scene.owner.key, &[("scope", "owner:self"), ("resource", &scene.bench.issuer)]).await;
    for _ in 0..rotations / 10 {
        let (scene, token, body) = (Arc::clone(&scene), token.clone(), body.clone());
        tasks.spawn(async move {
            let answer = scene.bench.call(&scene.owner.key, &token, "POST", "/revocations", Some(body)).await;
            (answer.status, None)
        });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers.iter().filter_map(|(status, did)| did.clone().filter(|_| *status == 200)).collect();
    assert!(answers.iter().all(|(status, did)| matches!((status, did), (200, _) | (409, Some(_)))), "{answers:?}");
    assert!(winners.len() <= 1, "{winners:?}");
    let history = scene.checked().await;
    let expected = winners.first().map_or_else(|| scene.agent.did(), |did| DidKey::parse(did).unwrap());
    assert_eq!((history.current(), usize::from(history.number())), (&expected, 1 + winners.len()));
    let told = scene.told(0).await;
    let keys = told.iter().filter(|event| event.kind == RevocationKind::Key).count();
    let ends: Vec<_> =
        told.iter().filter(|event| event.kind == RevocationKind::Agent).map(|event| event.name).collect();
    let named: Vec<_> =
        history.links().iter().rev().map(|link| scene.name(RevocationKind::Agent, link.did.as_str())).collect();
    assert_eq!((keys, ends), (winners.len(), named));
    assert_eq!(scene.history(scene.agent.did().as_str()).await["status"], "REVOKED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_rotations_and_revocations_at_once_one_story_comes() {
    storm(1000).await;
}

#[tokio::test]
async fn what_stops_or_hands_over_a_rotated_agent_names_every_key_it_had() {
    let mut file = patient();
    file.rotation.owner_approval = vec![];
    let scene = Scene::of(Bench::with(&file).await, "dev").await;
    let (bench, new) = (&scene.bench, Agent::numbered(2));
    let (heir, admin) = (bench.owner(101).await, bench.admin(102).await);
    scene.rotate(&scene.agent, &new).await.is(200);
    let path = format!("/agents/{}", scene.agent.did());
    let by = async |who: &Owner, event: &str, body: Value| {
        bench.manage(&who.key, "owner:self", "POST", &format!("{path}/{event}"), Some(body)).await.is(200)
    };
    let ceiling = json!({"ceiling": {"scope": "", "resource": [API]}});
    let steps = [
        (&scene.owner, "suspend", json!({}), 2),
        (&scene.owner, "resume", json!({}), 2),
        (&scene.owner, "ceiling", ceiling, 2),
        (&scene.owner, "transfer", json!({"to": heir.id}), 0),
        (&heir, "transfer/accept", json!({}), 2),
    ];
    let both = [&new, &scene.agent].map(|key| scene.name(RevocationKind::Agent, key.did().as_str()));
    for (who, event, body, named) in steps {
        let known = scene.told(0).await.len();
        by(who, event, body).await;
        let names: Vec<_> = scene.told(known).await.iter().map(|event| event.name).collect();
        assert_eq!(names, both[..named], "{event}");
        bench.clock.advance(6);
    }
    // and an owner who leaves
    let known = scene.told(0).await.len();
    let offboarding = format!("/owners/{}/offboarding", heir.id);
    let body = Some(json!({"agents": "retire"}));
    bench.manage(&admin.key, "registry:admin", "POST", &offboarding, body).await.is(200);
    let told = scene.told(known).await;
    let names: Vec<_> =
        told.iter().filter(|event| event.kind == RevocationKind::Agent).map(|event| event.name).collect();
    assert_eq!(names, both);
}

#[tokio::test]
async fn a_rotation_that_waits_is_gone_from_the_record_once_the_agent_is_stopped() {
    let scene = Scene::of(Bench::with(&patient()).await, "prod").await;
    let new = Agent::numbered(2);
    scene.rotate(&scene.agent, &new).await.is(202);
    let path = format!("/agents/{}", scene.agent.did());
    let shown = async || scene.bench.manage(&scene.owner.key, "owner:self", "GET", &path, None).await.is(200).json;
    assert!(shown().await.get("rotation").is_some());
    scene.owner_call("suspend", json!({})).await.is(200);
    assert_eq!(shown().await.get("rotation"), None);
    scene.owner_call("resume", json!({})).await.is(200);
    let answer = scene.owner_call("rotate/approve", json!({"did": new.did().as_str()})).await;
    assert_eq!(answer.problem(), (404, "unknown_rotation"));
}
