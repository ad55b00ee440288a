//! spec/lifecycle.md over HTTP: its table, cell by cell, and what becomes of tokens, chains and tasks.

use std::sync::Arc;

use handfast_identity::ContentHash;
use handfast_identity::history::{KeyChangeKind, Succession};
use handfast_registry::{ConfigFile, Role};
use handfast_testkit::Agent;
use http::Method;
use serde_json::{Value, json};

use crate::bench::{API, Answer, Bench, Claim, Owner, approval, claims_of, statement, with};
use crate::lifecycle_table::{Cell, cells};

/// A registry with everybody of the table's second column.
struct People {
    bench: Bench,
    owner: Owner,
    heir: Owner,
    other: Owner,
    admin: Owner,
}

impl People {
    async fn new() -> Self {
        Self::of(&crate::bench::config()).await
    }

    async fn of(file: &ConfigFile) -> Self {
        let bench = Bench::with(file).await;
        let (owner, heir, other) = (bench.owner(100).await, bench.owner(101).await, bench.owner(102).await);
        let admin = bench.enrol(103, Role::Admin).await;
        Self { bench, owner, heir, other, admin }
    }

    /// A call about an agent by an owner.
    async fn owned(&self, who: &Owner, agent: &Agent, event: &str, body: Value) -> Answer {
        let path = format!("/agents/{}/{event}", agent.did());
        self.bench.manage(&who.key, "owner:self", "POST", &path, Some(body)).await
    }

    async fn by_admin(&self, agent: &Agent, event: &str) -> Answer {
        let path = format!("/agents/{}/{event}", agent.did());
        self.bench.manage(&self.admin.key, "registry:admin", "POST", &path, Some(json!({}))).await
    }

    async fn revoke(&self, who: &Owner, scope: &str, agent: &Agent) -> Answer {
        let body = json!({"kind": "agent", "id": agent.did().as_str()});
        self.bench.manage(&who.key, scope, "POST", "/revocations", Some(body)).await
    }

    async fn revoke_key(&self, who: &Owner, scope: &str, agent: &Agent) -> Answer {
        let body = json!({"kind": "key", "id": agent.did().as_str()});
        self.bench.manage(&who.key, scope, "POST", "/revocations", Some(body)).await
    }

    /// The next key of an agent that never had another takes its place, by the word of `signer`.
    async fn key_statement(&self, kind: KeyChangeKind, agent: &Agent, signer: &Agent) -> String {
        let history = self.bench.get(&format!("/agents/{}/keys", agent.did())).await;
        let first = history.json["keys"][0]["statement_hash"].as_str();
        let place = Succession {
            audience: self.bench.issuer.clone(),
            issued_at: self.bench.clock.now(),
            statement_id: "j".into(),
            predecessor: agent.did().clone(),
            after: 1,
            previous: Some(first.map_or_else(|| ContentHash::of(b""), |hash| ContentHash::from_claim(hash).unwrap())),
        };
        place.sign(kind, place.accept(next(agent).key()).unwrap(), signer.key()).unwrap()
    }

    async fn rotate(&self, agent: &Agent) -> Answer {
        let statement = self.key_statement(KeyChangeKind::Rotation, agent, agent).await;
        self.bench.post(&format!("/agents/{}/rotate", agent.did()), "application/jwt", statement).await
    }

    async fn task(&self, who: &Owner, agent: &Agent) -> Answer {
        let body = json!({"agent": agent.did().as_str(), "intent": "work", "scope": "echo:read"});
        self.bench.manage(&who.key, "owner:self", "POST", "/tasks", Some(body)).await
    }

    async fn version(&self, agent: &Agent, version: &str) -> Answer {
        let claims = json!({"iss": agent.did().as_str(), "aud": self.bench.issuer, "iat": self.bench.now(), "jti": "j",
                            "version": version});
        let path = format!("/agents/{}/version", agent.did());
        self.bench.post(&path, "application/jwt", statement("agent-version+jwt", &claims, agent)).await
    }

    /// The agent with key `number`, in this state.
    async fn agent(&self, number: u8, state: &str) -> (Agent, Claim) {
        let agent = Agent::numbered(number);
        if state == "none" {
            return (agent, Claim { id: "claim_0123456789abcdefghjkmnpqrs".into(), code: "BCDFGHJK".into() });
        }
        let claim = self.bench.register(&agent).await;
        if state == "UNCLAIMED" {
            return (agent, claim);
        }
        self.bench.approve(&self.owner, &claim, &approval(&claim)).await.is(200);
        match state {
            "offered" => drop(self.owned(&self.owner, &agent, "transfer", json!({"to": self.heir.id})).await.is(200)),
            "suspended" => drop(self.owned(&self.owner, &agent, "suspend", json!({})).await.is(200)),
            "retired" => drop(self.owned(&self.owner, &agent, "retire", json!({})).await.is(200)),
            "REVOKED" => drop(self.revoke(&self.owner, "owner:self", &agent).await.is(200)),
            _ => {}
        }
        (agent, claim)
    }

    /// What the table calls an agent, as its record shows it to an admin.
    async fn state(&self, agent: &Agent) -> String {
        let path = format!("/agents/{}", agent.did());
        let answer = self.bench.manage(&self.admin.key, "registry:admin", "GET", &path, None).await;
        if answer.status == 404 {
            return "none".to_owned();
        }
        let has = |member: &str| answer.json.get(member).is_some();
        match answer.str("status").as_str() {
            "CLAIMED" if has("retired_at") => "retired".to_owned(),
            "CLAIMED" if has("suspended_at") => "suspended".to_owned(),
            "CLAIMED" if has("transfer") => "offered".to_owned(),
            status => status.to_owned(),
        }
    }

    async fn meets(&self, event: &str, agent: &Agent, claim: &Claim) -> Answer {
        let ceiling = |scope: &str| json!({"ceiling": {"scope": scope, "resource": [API], "max_task_seconds": 7200}});
        let wider = json!({"ceiling": {"scope": "echo:hello echo:read echo:write files:read",
            "resource": [API, crate::bench::FILES], "max_task_seconds": 7200}});
        let (owner, heir) = (&self.owner, &self.heir);
        match event {
            "register" => self.bench.post("/agents", "application/jwt", self.bench.agent_statement(agent)).await,
            "new_code" => self.bench.prove(agent, Method::POST, "/claims", None).await,
            "claim" => {
                let path = format!("/claims/{}/approve", claim.id);
                let first = self.bench.manage(&owner.key, "owner:self", "POST", &path, Some(approval(claim))).await;
                if first.status != 200 { first } else { self.bench.approve(owner, claim, &approval(claim)).await }
            }
            "token" => self.bench.token_answer(agent, &[("scope", "agent:self")]).await,
            "task" => self.task(owner, agent).await,
            "version" => self.version(agent, "2.0").await,
            "suspend" | "resume" | "retire" => self.owned(owner, agent, event, json!({})).await,
            "suspend_by_admin" | "resume_by_admin" | "retire_by_admin" => {
                self.by_admin(agent, event.trim_end_matches("_by_admin")).await
            }
            "offer" => self.owned(owner, agent, "transfer", json!({"to": heir.id})).await,
            "withdraw" => self.owned(owner, agent, "transfer/withdraw", json!({})).await,
            "decline" => self.owned(heir, agent, "transfer/withdraw", json!({})).await,
            "accept" => self.owned(heir, agent, "transfer/accept", json!({})).await,
            "wider_ceiling" => self.owned(owner, agent, "ceiling", wider).await,
            "lower_ceiling" => self.owned(owner, agent, "ceiling", ceiling("echo:read")).await,
            "environment" => self.owned(owner, agent, "environment", json!({"environment": "prod"})).await,
            "revoke" => self.revoke(owner, "owner:self", agent).await,
            "revoke_by_admin" => self.revoke(&self.admin, "registry:admin", agent).await,
            "rotate" => self.rotate(agent).await,
            "approve_rotation" | "refuse_rotation" => {
                self.rotate(agent).await;
                let path = format!("rotate/{}", event.trim_end_matches("_rotation"));
                self.owned(owner, agent, &path, json!({"did": next(agent).did().as_str()})).await
            }
            "approve_rotation_by_admin" | "refuse_rotation_by_admin" => {
                self.rotate(agent).await;
                let answer = event.trim_end_matches("_rotation_by_admin");
                let path = format!("/agents/{}/rotate/{answer}", agent.did());
                let body = Some(json!({"did": next(agent).did().as_str()}));
                self.bench.manage(&self.admin.key, "registry:admin", "POST", &path, body).await
            }
            "recover" => {
                let statement = self.key_statement(KeyChangeKind::Recovery, agent, &owner.key).await;
                self.owned(owner, agent, event, json!({"statement": statement})).await
            }
            "revoke_key" => self.revoke_key(owner, "owner:self", agent).await,
            "revoke_key_by_admin" => self.revoke_key(&self.admin, "registry:admin", agent).await,
            "stranger" => self.stranger(agent).await,
            other => panic!("the table has an event `{other}` that nobody tries"),
        }
    }

    /// Every event of an owner, by another: all get the same answer.
    async fn stranger(&self, agent: &Agent) -> Answer {
        let ceiling = json!({"ceiling": {"scope": "echo:read", "resource": [API]}});
        let bodies = [
            ("suspend", json!({})),
            ("resume", json!({})),
            ("retire", json!({})),
            ("transfer", json!({"to": self.heir.id})),
            ("ceiling", ceiling),
            ("environment", json!({"environment": "prod"})),
        ];
        let mut answers = vec![self.task(&self.other, agent).await];
        answers.push(self.revoke(&self.other, "owner:self", agent).await);
        for (event, body) in bodies {
            answers.push(self.owned(&self.other, agent, event, body).await);
        }
        let last = answers.pop().unwrap();
        assert!(answers.iter().all(|answer| answer.problem() == last.problem()), "{answers:?}");
        last
    }
}

/// The key that is to follow that of one of the first agents.
fn next(agent: &Agent) -> Agent {
    let number = (1..=7).find(|number| Agent::numbered(*number).did() == agent.did()).unwrap();
    Agent::numbered(number + 20)
}

/// A configuration in which a row of the table meets no rate, and rotations wait if the row is about the answer to one.
fn config_for(event: &str) -> ConfigFile {
    let mut file = crate::bench::config();
    file.limits.registrations_per_source = 10_000;
    file.limits.registrations_in_total = 10_000;
    if event.contains("_rotation") {
        file.rotation.owner_approval = vec![handfast_delegation::Environment::Dev];
    }
    file
}

async fn check(people: &People, number: u8, cell: &Cell) {
    let (agent, claim) = people.agent(number, cell.state).await;
    let before = people.bench.positions();
    let answer = people.meets(&cell.event, &agent, &claim).await;
    let reason = answer.json.get("reason").and_then(Value::as_str).filter(|_| answer.status >= 400);
    assert_eq!((answer.status, reason.map(str::to_owned)), (cell.status, cell.reason.clone()), "{cell:?}: {answer:?}");
    if cell.reason.is_some() {
        assert_eq!(people.bench.positions(), before, "a refusal writes nothing: {cell:?}");
    }
    assert_eq!(people.state(&agent).await, cell.after, "{cell:?}");
}

#[tokio::test]
async fn every_event_in_every_state_has_the_answer_of_the_table() {
    // a registry for each row, so that no rate is met
    for row in cells().chunks(7) {
        let people = People::of(&config_for(&row[0].event)).await;
        for (number, cell) in (1..).zip(row) {
            check(&people, number, cell).await;
        }
    }
}

/// Status and reason at the registry's own guard, which follows the feed as any resource server does.
async fn guarded(bench: &Bench, agent: &Agent, token: &str) -> (u16, String) {
    let path = format!("/agents/{}", agent.did());
    let answer = bench.call(agent, token, "GET", &path, None).await;
    (answer.status, answer.json["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn suspend_resume_old_token_dead() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    let bench = &people.bench;
    let old = bench.token(&agent, &[("scope", "agent:self")]).await;
    let task = claims_of(&old)["task"]["id"].as_str().unwrap().to_owned();
    assert_eq!(guarded(bench, &agent, &old).await.0, 200);
    bench.clock.advance(3);
    people.owned(&people.owner, &agent, "suspend", json!({"reason": "mails everybody"})).await.is(200);
    assert_eq!(guarded(bench, &agent, &old).await, (401, "agent_revoked".to_owned()));
    bench.clock.advance(3);
    people.owned(&people.owner, &agent, "resume", json!({})).await.is(200);
    assert_eq!(guarded(bench, &agent, &old).await, (401, "agent_revoked".to_owned()), "the cut-off");
    let early = bench.token_answer(&agent, &[("task", &task), ("scope", "agent:self")]).await;
    assert_eq!((early.oauth(), early.header("retry-after")), ((429, "slow_down", "slow_down"), Some("1")));
    bench.clock.advance(1);
    let new = bench.token(&agent, &[("task", &task), ("scope", "agent:self")]).await;
    assert_eq!(guarded(bench, &agent, &new).await.0, 200);
    assert_eq!(guarded(bench, &agent, &old).await.0, 401);
    // and after a restart
    let later = Bench::on(bench.disk.clone(), bench.clock.clone(), &crate::bench::config()).await;
    assert_eq!(guarded(&later, &agent, &new).await.0, 200);
    assert_eq!(guarded(&later, &agent, &old).await.0, 401);
}

#[tokio::test]
async fn what_is_dead_stays_dead_over_a_restart_a_resumption_and_a_transfer() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    let bench = &people.bench;
    let (owner, heir) = (&people.owner, &people.heir);
    let mut dead = vec![bench.token(&agent, &[("scope", "agent:self")]).await];
    let ceiling = json!({"ceiling": {"scope": "echo:read", "resource": [API]}});
    let steps: [(&Owner, &str, Value); 7] = [
        (owner, "ceiling", ceiling.clone()),
        (owner, "environment", json!({"environment": "prod"})),
        (owner, "suspend", json!({})),
        (owner, "resume", json!({})),
        (owner, "transfer", json!({"to": heir.id})),
        (heir, "transfer/accept", json!({})),
        (heir, "ceiling", ceiling),
    ];
    for (who, event, body) in steps {
        people.owned(who, &agent, event, body).await.is(200);
        let ends_nothing = event == "transfer" || (event == "ceiling" && who.id == heir.id);
        let restarted = Bench::on(bench.disk.clone(), bench.clock.clone(), &crate::bench::config()).await;
        for (place, bench) in [("here", bench), ("restarted", &restarted)] {
            for (number, token) in dead.iter().enumerate() {
                let is_last = number + 1 == dead.len();
                if is_last && ends_nothing {
                    continue;
                }
                let (status, reason) = guarded(bench, &agent, token).await;
                assert_eq!((status, reason.as_str()), (401, "agent_revoked"), "{event} {place} {number}");
            }
        }
        bench.clock.advance(6);
        if event != "suspend" {
            let next = bench.token(&agent, &[("scope", "agent:self")]).await;
            assert_eq!(guarded(bench, &agent, &next).await.0, 200, "{event}");
            dead.push(next);
        }
    }
}

#[tokio::test]
async fn a_stopped_agent_is_neither_root_nor_delegate_of_an_exchange() {
    for (event, reason) in [("suspend", "agent_suspended"), ("retire", "agent_retired")] {
        for stopped in ["orchestrator", "planner"] {
            let scene = crate::delegation_bench::scene().await;
            let root = scene.root().await;
            let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
            scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
            let agent = if stopped == "planner" { &scene.planner } else { &scene.orchestrator };
            let path = format!("/agents/{}/{event}", agent.did());
            let body = Some(json!({}));
            scene.bench.manage(&scene.owner.key, "owner:self", "POST", &path, body.clone()).await.is(200);
            let refused = scene.exchange(&scene.planner, &root, &[&hop]).await;
            assert_eq!(refused.oauth(), (400, "invalid_request", reason), "{event} {stopped}");
            if event == "suspend" {
                let path = format!("/agents/{}/resume", agent.did());
                scene.bench.manage(&scene.owner.key, "owner:self", "POST", &path, body).await.is(200);
                scene.bench.clock.advance(1);
                let old = scene.exchange(&scene.planner, &root, &[&hop]).await;
                assert_eq!(old.oauth(), (400, "invalid_request", "agent_revoked"), "the cut-off: {stopped}");
                let root = scene.root().await;
                let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
                scene.exchange(&scene.planner, &root, &[&hop]).await.is(200);
            }
        }
    }
}

#[tokio::test]
async fn a_retired_agent_has_no_document_and_keeps_its_handle() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    let document = format!("/agents/{}/did.json", agent.did());
    people.bench.get(&document).await.is(200);
    let shown = people.owned(&people.owner, &agent, "retire", json!({"reason": "done"})).await.is(200);
    assert_eq!((shown.str("status"), &shown.json["retired_at"]), ("CLAIMED".to_owned(), &json!(people.bench.now())));
    people.bench.get(&document).await.is(404);
    let claim = people.bench.register(&Agent::numbered(2)).await;
    let body = with(approval(&claim), json!({"handle": shown.str("handle")}));
    let path = format!("/claims/{}/approve", claim.id);
    let taken = people.bench.manage(&people.owner.key, "owner:self", "POST", &path, Some(body)).await;
    assert_eq!(taken.problem(), (409, "handle_taken"));
}

#[tokio::test]
async fn bodies_of_life_are_read_strictly() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    let before = people.bench.positions();
    for (event, body) in [
        ("suspend", json!({"why": "x"})),
        ("suspend", json!([])),
        ("resume", json!({"reason": 1})),
        ("retire", json!({"reason": "x".repeat(257)})),
        ("transfer", json!({})),
        ("transfer", json!({"to": "owner:x"})),
        ("transfer", json!({"to": people.owner.id})),
        ("transfer", json!({"to": "owner:0123456789abcdefghjkmnpqrs"})),
        ("transfer/accept", json!({"to": people.heir.id})),
        ("ceiling", json!({"scope": "echo:read", "resource": [API]})),
        ("ceiling", json!({"ceiling": ["echo:read", [API]]})),
        ("environment", json!({"environment": "moon"})),
    ] {
        let refused = people.owned(&people.owner, &agent, event, body.clone()).await;
        assert_eq!(refused.problem(), (400, "invalid_request"), "{event} {body}");
    }
    let unknown = json!({"ceiling": {"scope": "echo:read", "resource": ["https://elsewhere.example"]}});
    assert_eq!(people.owned(&people.owner, &agent, "ceiling", unknown).await.problem(), (400, "invalid_target"));
    let management = json!({"ceiling": {"scope": "owner:self", "resource": [API]}});
    assert_eq!(people.owned(&people.owner, &agent, "ceiling", management).await.problem(), (400, "invalid_scope"));
    assert_eq!(people.bench.positions(), before);
}

#[tokio::test]
async fn th65_nothing_says_that_it_happened_unless_it_did() {
    for (event, member) in [("suspend", "suspended_at"), ("retire", "retired_at"), ("ceiling", "ceiling")] {
        let people = People::new().await;
        let (agent, _) = people.agent(1, "CLAIMED").await;
        let token = people.bench.token(&people.owner.key, &[("scope", "owner:self")]).await;
        people.bench.disk.fail_syncs();
        let body = match event {
            "ceiling" => json!({"ceiling": {"scope": "echo:read", "resource": [API]}}),
            _ => json!({}),
        };
        let path = format!("/agents/{}/{event}", agent.did());
        let answer = people.bench.call(&people.owner.key, &token, "POST", &path, Some(body)).await;
        assert_eq!(answer.problem(), (503, "store_unavailable"), "{event}");
        assert_eq!(answer.json.get(member), None);
        assert_eq!(people.bench.positions().feed_to, 0);
    }
}

#[tokio::test]
async fn an_admins_suspension_is_not_the_owners_to_end() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    people.by_admin(&agent, "suspend").await.is(200);
    assert_eq!(people.owned(&people.owner, &agent, "resume", json!({})).await.problem(), (403, "forbidden"));
    people.by_admin(&agent, "resume").await.is(200);
}

#[tokio::test]
async fn versions_are_told_by_the_agent_and_kept() {
    let people = People::new().await;
    let (agent, _) = people.agent(1, "CLAIMED").await;
    let path = format!("/agents/{}/versions", agent.did());
    let list = async |who: &Owner| people.bench.manage(&who.key, "owner:self", "GET", &path, None).await;
    let registered = people.bench.now();
    assert_eq!(list(&people.owner).await.is(200).json["versions"], json!([{"version": "1.0", "since": registered}]));
    people.bench.clock.advance(5);
    let stated = json!({"version": "1.1", "since": registered + 5});
    assert_eq!(people.version(&agent, "1.1").await.is(200).json, stated);
    let expected = json!([{"version": "1.1", "since": registered + 5}, {"version": "1.0", "since": registered}]);
    assert_eq!(list(&people.owner).await.is(200).json["versions"], expected);
    assert_eq!(list(&people.other).await.problem(), (403, "forbidden"));
    let own = people.bench.manage(&agent, "agent:self", "GET", &path, None).await.is(200);
    assert_eq!(own.json["versions"], expected);
    assert_eq!(people.version(&agent, "1.2").await.problem(), (409, "stale_statement"));
    assert_eq!(people.version(&agent, "").await.problem(), (400, "invalid_version"));
    // again is the first answer, and tells whoever repeats a statement nothing of the record
    people.bench.clock.advance(1);
    assert_eq!(people.version(&agent, "1.1").await.is(200).json, stated);
    // a statement at another agent's address
    let (second, _) = people.agent(2, "CLAIMED").await;
    let claims = json!({"iss": second.did().as_str(), "aud": people.bench.issuer, "iat": people.bench.now(), "jti": "j",
                        "version": "9"});
    let elsewhere = format!("/agents/{}/version", agent.did());
    let text = statement("agent-version+jwt", &claims, &second);
    assert_eq!(people.bench.post(&elsewhere, "application/jwt", text).await.problem(), (404, "unknown_agent"));
}

/// A few lines that know what must be so, for sequences over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Held,
    Suspended,
    Retired,
}

/// Steps of a sequence: numbers from a generator that needs no crate.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test]
async fn any_sequence_over_http_keeps_what_is_dead_dead() {
    for seed in 1..=6 {
        let people = People::new().await;
        let (agent, _) = people.agent(1, "CLAIMED").await;
        let bench = &people.bench;
        let (mut dice, mut known, mut owners) = (Dice(seed), Known::Held, [&people.owner, &people.heir]);
        let (mut dead, mut living): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        // the ceiling of the approval can be lowered once; what comes after it, and after a transfer, is the same or wider
        let mut is_lowered = false;
        for step in 0..25 {
            let [owner, heir] = owners;
            let (who, event, body) = match dice.roll(10) {
                0 | 1 => (owner, "suspend", json!({})),
                2 | 3 => (owner, "resume", json!({})),
                4 => (owner, "ceiling", json!({"ceiling": {"scope": "", "resource": [API]}})),
                5 => (owner, "environment", json!({"environment": "dev"})),
                6 | 7 => (owner, "transfer", json!({"to": heir.id})),
                8 if step > 15 => (owner, "retire", json!({})),
                _ => (heir, "transfer/accept", json!({})),
            };
            let answer = people.owned(who, &agent, event, body).await;
            let expected: &[u16] = match event {
                "transfer/accept" => &[200, 404],
                "retire" => &[200],
                _ if known == Known::Retired => &[409],
                _ => &[200],
            };
            assert!(expected.contains(&answer.status), "seed {seed} step {step}: {event} {answer:?}");
            if answer.status == 200 {
                let before = known;
                let mut ends = false;
                match event {
                    "suspend" => known = Known::Suspended,
                    "resume" => known = Known::Held,
                    "retire" => known = Known::Retired,
                    "ceiling" => ends = !std::mem::replace(&mut is_lowered, true),
                    "transfer/accept" => (owners, is_lowered, ends) = ([heir, owner], true, true),
                    _ => {}
                }
                if ends || before != known {
                    dead.append(&mut living);
                }
            }
            bench.clock.advance(6);
            let next = bench.token_answer(&agent, &[("scope", "agent:self")]).await;
            assert_eq!(next.status == 200, known == Known::Held, "seed {seed} step {step}: {event} {next:?}");
            for (tokens, status) in [(&dead, 401), (&living, if known == Known::Held { 200 } else { 401 })] {
                for token in tokens {
                    let found = guarded(bench, &agent, token).await;
                    assert_eq!(found.0, status, "seed {seed} step {step}: {event} {found:?}");
                }
            }
            if next.status == 200 {
                living.push(next.str("access_token"));
            }
        }
        people.revoke(owners[0], "owner:self", &agent).await.is(200);
        for token in dead.iter().chain(&living) {
            assert_eq!(guarded(bench, &agent, token).await.0, 401);
        }
    }
}

#[tokio::test]
async fn p13_a_thousand_at_once_have_one_winner_and_feed_and_state_agree() {
    let bench = Arc::new(Bench::new().await);
    let admin = bench.enrol(200, Role::Admin).await;
    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    let path = format!("/claims/{}/approve", claim.id);
    let mut owners = Vec::new();
    for number in 100..108 {
        let owner = bench.owner(number).await;
        let first = bench.manage(&owner.key, "owner:self", "POST", &path, Some(approval(&claim))).await.is(200);
        let confirmed = with(approval(&claim), json!({"confirm": first.json["fingerprint"]}));
        let token = bench.token(&owner.key, &[("scope", "owner:self"), ("resource", &bench.issuer)]).await;
        owners.push((owner, token, confirmed));
    }
    let stopping = bench.token(&admin.key, &[("scope", "registry:admin"), ("resource", &bench.issuer)]).await;
    let did = agent.did().to_string();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..1000_usize {
        let bench = Arc::clone(&bench);
        let (owner, token, confirmed) = &owners[number % owners.len()];
        let (who, token, path, body) = match number % 10 {
            8 => (&admin.key, &stopping, format!("/agents/{did}/suspend"), json!({})),
            // the last ones, so that there is something to stop
            9 if number > 500 => {
                (&admin.key, &stopping, "/revocations".to_owned(), json!({"kind": "agent", "id": did}))
            }
            _ => (&owner.key, token, path.clone(), confirmed.clone()),
        };
        let (who, token, id) = (who.clone(), token.clone(), owner.id.clone());
        calls.spawn(async move { (path.clone(), id, bench.call(&who, &token, "POST", &path, Some(body)).await) });
    }
    let mut winners = Vec::new();
    let mut is_revoked = false;
    while let Some(call) = calls.join_next().await {
        let (path, id, answer) = call.unwrap();
        assert!(matches!(answer.status, 200 | 403 | 409 | 410 | 503), "{path} {answer:?}");
        is_revoked |= path == "/revocations" && answer.status == 200;
        if path.ends_with("/approve") && answer.status == 200 {
            assert_eq!(answer.str("status"), "CLAIMED");
            winners.push(id);
        }
    }
    assert!(winners.len() <= 1, "{winners:?}");
    let shown = bench.manage(&admin.key, "registry:admin", "GET", &format!("/agents/{did}"), None).await.is(200);
    let holder = shown.json["owner"]["id"].as_str().map(str::to_owned);
    assert_eq!(holder, winners.pop(), "whoever won has it");
    assert_eq!(shown.json["status"] == "REVOKED", is_revoked);
    // the feed: a state for each of suspended and REVOKED, in the order of their commits, and nothing that ends one
    let events = claims_of(&bench.get("/revocations/snapshot").await.is(200).text)["events"].clone();
    let events: Vec<_> = events.as_array().unwrap().iter().filter(|event| event["kind"] == "agent").collect();
    assert!(events.iter().all(|event| event.get("cut").is_none()), "{events:?}");
    assert!((1..=2).contains(&events.len()) && is_revoked, "{events:?}");
    let refused = bench.token_answer(&agent, &[("scope", "agent:self")]).await;
    assert_eq!(refused.oauth(), (400, "invalid_grant", "agent_revoked"));
}
