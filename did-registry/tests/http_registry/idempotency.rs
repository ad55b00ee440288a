//! `Idempotency-Key`: what creates something is done once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use handfast_registry::store::memory::MemoryDisk;
use handfast_registry::store::{
    Batch, CommitFuture, EmbeddedStore, FormerEpoch, Page, Positions, Record, Store, StoreFuture, Table,
};
use handfast_testkit::{Agent, HandClock};
use http::Request;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::bench::{API, Answer, Bench, Owner, config, statement, with};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

async fn call(bench: &Bench, who: &Agent, scope: &str, path: &str, key: &str, body: &Value) -> Answer {
    let token = bench.token(who, &[("scope", scope), ("resource", &bench.issuer)]).await;
    bench.call_with(who, &token, ("POST", path), &[("idempotency-key", key)], Some(body.clone())).await
}

async fn post(bench: &Bench, path: &str, key: &str, statement: String) -> Answer {
    let request = Request::post(path).header("content-type", "application/jwt").header("idempotency-key", key);
    bench.send(request.body(Body::from(statement)).unwrap()).await
}

fn task(agent: &Agent) -> Value {
    json!({"agent": agent.did().as_str(), "intent": "pay March", "scope": "echo:read"})
}

async fn create(bench: &Bench, owner: &Owner, key: &str, body: &Value) -> Answer {
    call(bench, &owner.key, "owner:self", "/tasks", key, body).await
}

#[tokio::test]
async fn the_same_again_gets_the_first_answer_and_creates_nothing() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let first = create(&bench, &owner, KEY, &task(&agent)).await.is(201);
    let positions = bench.positions();
    // quoted, as the draft has it, is the same key
    for key in [KEY, &format!("\"{KEY}\"")] {
        let again = create(&bench, &owner, key, &task(&agent)).await.is(201);
        assert_eq!(again.text, first.text);
    }
    // what became of it since is another question
    let path = format!("/tasks/{}/complete", first.str("id"));
    bench.manage(&owner.key, "owner:self", "POST", &path, None).await.is(200);
    let completed = bench.positions();
    assert_eq!(completed.log_size, positions.log_size + 1);
    assert_eq!(create(&bench, &owner, KEY, &task(&agent)).await.is(201).text, first.text);
    assert_eq!(bench.positions(), completed);
    // another key, and none, are other calls
    let other = create(&bench, &owner, "another", &task(&agent)).await.is(201);
    let none = bench.manage(&owner.key, "owner:self", "POST", "/tasks", Some(task(&agent))).await.is(201);
    assert!(other.str("id") != first.str("id") && none.str("id") != other.str("id"));
}

#[tokio::test]
async fn a_key_is_of_one_caller_one_route_and_one_request() {
    let bench = Bench::new().await;
    let (owner, other) = (bench.owner(100).await, bench.owner(101).await);
    let (agent, others) = (bench.claimed(1, &owner).await, bench.claimed(2, &other).await);
    let first = create(&bench, &owner, KEY, &task(&agent)).await.is(201);
    let before = bench.positions();
    let changed = create(&bench, &owner, KEY, &with(task(&agent), json!({"intent": "pay April"}))).await;
    assert_eq!(changed.problem(), (422, "idempotency_key_reused"));
    assert_eq!(bench.positions(), before);
    // a refusal creates nothing, and is not kept
    let refused = create(&bench, &owner, "later", &with(task(&agent), json!({"scope": "echo:fly"}))).await;
    assert_eq!(refused.problem(), (400, "invalid_scope"));
    create(&bench, &owner, "later", &task(&agent)).await.is(201);
    // of another caller, and at another route, the same key is another
    let theirs = create(&bench, &other, KEY, &task(&others)).await.is(201);
    assert_ne!(theirs.str("id"), first.str("id"));
    let enrolment = json!({"ceiling": {"scope": "echo:read", "resource": [API]}});
    call(&bench, &owner.key, "owner:self", "/enrolments", KEY, &enrolment).await.is(201);
    for wrong in ["", "a b", "\"open", "a\\b", &"k".repeat(129)] {
        let answer = create(&bench, &owner, wrong, &task(&agent)).await;
        assert_eq!(answer.problem(), (400, "invalid_idempotency_key"), "{wrong}");
    }
}

#[tokio::test]
async fn a_day_later_it_is_as_if_nothing_had_been_asked() {
    let bench = Bench::new().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let first = create(&bench, &owner, KEY, &task(&agent)).await.is(201);
    create(&bench, &owner, "second", &task(&agent)).await.is(201);
    bench.clock.advance(24 * 3600 - 1);
    assert_eq!(create(&bench, &owner, KEY, &task(&agent)).await.is(201).text, first.text);
    assert_eq!(bench.registry.forget_answers().await, 0);
    bench.clock.advance(1);
    // past its time, before it is forgotten and behind it
    let second = create(&bench, &owner, KEY, &task(&agent)).await.is(201);
    assert_ne!(second.str("id"), first.str("id"));
    assert_eq!(bench.registry.forget_answers().await, 1, "the other one");
    assert_eq!(create(&bench, &owner, KEY, &task(&agent)).await.is(201).text, second.text);
    bench.clock.advance(24 * 3600);
    assert_eq!(bench.registry.forget_answers().await, 1);
    for table in [Table::new(83, ""), Table::new(84, ""), Table::new(85, "")] {
        assert!(bench.store().page(table, b"", None, 10).await.unwrap().records.is_empty(), "{table:?}");
    }
    assert_ne!(create(&bench, &owner, KEY, &task(&agent)).await.is(201).str("id"), second.str("id"));
}

#[tokio::test]
async fn of_a_secret_there_is_one_and_the_newest() {
    let bench = Bench::new().await;
    let (owner, admin) = (bench.owner(100).await, bench.admin(102).await);
    let enrolment = json!({"ceiling": {"scope": "echo:read", "resource": [API]}});
    let make = async || call(&bench, &owner.key, "owner:self", "/enrolments", KEY, &enrolment).await.is(201);
    let (first, second) = (make().await, make().await);
    let without = |answer: &Answer| with(answer.json.clone(), json!({"token": null}));
    assert_eq!(without(&first), without(&second));
    let register = async |number: u8, token: &str| {
        let agent = Agent::numbered(number);
        let claims = with(bench.agent_claims(&agent), json!({"enrolment": token}));
        bench.post("/agents", "application/jwt", statement("agent-registration+jwt", &claims, &agent)).await
    };
    assert_eq!(register(1, &first.str("token")).await.problem(), (403, "invalid_enrolment"));
    register(1, &second.str("token")).await.is(201);
    let used = call(&bench, &owner.key, "owner:self", "/enrolments", KEY, &enrolment).await;
    assert_eq!(used.problem(), (410, "enrolment_used"));

    let body = json!({"role": "owner", "name": "Ada"});
    let make = async || call(&bench, &admin.key, "registry:admin", "/owners/codes", KEY, &body).await;
    let codes = [make().await.is(201).str("code"), make().await.is(201).str("code"), make().await.is(201).str("code")];
    let join = async |code: &str| {
        let key = Agent::numbered(110);
        bench.post("/owners", "application/jwt", bench.owner_statement(&key, code)).await
    };
    for code in &codes[..2] {
        assert_eq!(join(code).await.problem(), (403, "wrong_code"));
    }
    assert_eq!(join(&codes[2]).await.is(201).str("name"), "Ada");
    assert_eq!(make().await.problem(), (410, "code_used"));
}

#[tokio::test]
async fn statements_are_repeated_signed_anew() {
    let bench = Bench::new().await;
    let agent = Agent::numbered(1);
    let signed = |id: &str, changes: Value| {
        let claims = with(with(bench.agent_claims(&agent), json!({"jti": id})), changes);
        statement("agent-registration+jwt", &claims, &agent)
    };
    let first = post(&bench, "/agents", KEY, signed("one", json!({}))).await.is(201);
    let before = bench.positions();
    bench.clock.advance(3600);
    let again = post(&bench, "/agents", KEY, signed("two", json!({}))).await.is(201);
    assert_eq!(again.header("location"), first.header("location"));
    // the code is not repeated: the agent asks for another by its proof, and the first is void
    assert_eq!(again.json, with(first.json.clone(), json!({"claim": null})));
    assert_eq!(bench.positions(), before);
    let renamed = post(&bench, "/agents", KEY, signed("three", json!({"name": "other"}))).await;
    assert_eq!(renamed.problem(), (422, "idempotency_key_reused"));
    let unkeyed = bench.post("/agents", "application/jwt", signed("four", json!({}))).await;
    assert_eq!(unkeyed.problem(), (409, "did_registered"));
    // somebody else's statement with the same key is another call
    let other = Agent::numbered(2);
    post(&bench, "/agents", KEY, bench.agent_statement(&other)).await.is(201);

    let code = bench.registry.operator_code(handfast_registry::Role::Owner).await.unwrap();
    let key = Agent::numbered(100);
    let made = post(&bench, "/owners", KEY, bench.owner_statement(&key, code.expose())).await.is(201);
    let before = bench.positions();
    let again = post(&bench, "/owners", KEY, bench.owner_statement(&key, code.expose())).await.is(201);
    assert_eq!((again.text, bench.positions()), (made.text, before));
}

/// A store whose answers do not arrive, and one that has forgotten what it knows of keys.
struct Mute {
    store: Arc<EmbeddedStore>,
    is_mute: AtomicBool,
    hides_keys: AtomicBool,
}

impl fmt::Debug for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mute")
    }
}

impl Store for Mute {
    fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            if table == Table::new(83, "idempotency") && self.hides_keys.swap(false, Ordering::SeqCst) {
                return Ok(None);
            }
            self.store.get(table, key).await
        })
    }

    fn page<'a>(
        &'a self,
        table: Table,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        self.store.page(table, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> CommitFuture<'_> {
        Box::pin(async move {
            let committed = self.store.commit(batch).await;
            if self.is_mute.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            committed
        })
    }

    fn positions(&self) -> watch::Receiver<Positions> {
        self.store.positions()
    }

    fn former_epochs(&self) -> &[FormerEpoch] {
        self.store.former_epochs()
    }

    fn epoch(&self) -> &str {
        self.store.epoch()
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        self.store.health()
    }
}

async fn scene(disk: MemoryDisk, clock: HandClock) -> (Bench, Arc<Mute>) {
    let mut mute = None;
    let bench = Bench::through(disk, clock, &config(), |store| {
        let made = Arc::new(Mute { store, is_mute: AtomicBool::new(false), hides_keys: AtomicBool::new(false) });
        mute = Some(made.clone());
        made
    })
    .await;
    (bench, mute.unwrap())
}

#[tokio::test]
async fn th75_what_was_committed_before_a_crash_is_answered_after_it_and_not_done_twice() {
    let (disk, clock) = (MemoryDisk::default(), HandClock::default());
    let (bench, mute) = scene(disk.clone(), clock.clone()).await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&owner.key, &[("scope", "owner:self"), ("resource", &bench.issuer)]).await;
    let before = bench.positions().log_size;
    mute.is_mute.store(true, Ordering::SeqCst);
    {
        let fields = [("idempotency-key", KEY)];
        let body = task(&agent);
        let mut unanswered = Box::pin(bench.call_with(&owner.key, &token, ("POST", "/tasks"), &fields, Some(body)));
        let mut positions = bench.store().positions();
        // the commit is durable, and its answer never comes
        tokio::select! {
            answer = &mut unanswered => panic!("{answer:?}"),
            moved = positions.wait_for(|positions| positions.log_size > before) => drop(moved.unwrap()),
        }
        // meanwhile the key is in use
        let meanwhile = bench.call_with(&owner.key, &token, ("POST", "/tasks"), &fields, Some(task(&agent))).await;
        assert_eq!(meanwhile.problem(), (409, "idempotency_in_progress"));
    }
    drop(bench);
    let (bench, mute) = scene(disk, clock).await;
    let again = create(&bench, &owner, KEY, &task(&agent)).await.is(201);
    assert_eq!((bench.positions().log_size, again.json["leaf"].as_u64()), (before + 1, Some(before)));
    let shown = bench.manage(&owner.key, "owner:self", "GET", &format!("/tasks/{}", again.str("id")), None).await;
    assert_eq!(shown.is(200).json, again.json);
    // a call whose caller went away may be committed behind the back of the next one
    mute.hides_keys.store(true, Ordering::SeqCst);
    let overtaken = create(&bench, &owner, KEY, &task(&agent)).await;
    assert_eq!(overtaken.problem(), (409, "idempotency_in_progress"));
    assert_eq!(bench.positions().log_size, before + 1);
    assert_eq!(create(&bench, &owner, KEY, &task(&agent)).await.is(201).text, again.text);
}

#[tokio::test]
async fn of_fifty_at_once_one_creates() {
    let bench = Arc::new(Bench::new().await);
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&owner.key, &[("scope", "owner:self"), ("resource", &bench.issuer)]).await;
    let before = bench.positions().log_size;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (bench, key, token, body) = (Arc::clone(&bench), owner.key.clone(), token.clone(), task(&agent));
        calls.spawn(async move {
            let fields = [("idempotency-key", KEY)];
            let answer = bench.call_with(&key, &token, ("POST", "/tasks"), &fields, Some(body)).await;
            (answer.status, answer.json["id"].as_str().map(str::to_owned))
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(bench.positions().log_size, before + 1);
    let mut ids: Vec<_> = answers.iter().filter_map(|(_, id)| id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(status, _)| matches!(status, 201 | 409)), "{answers:?}");
}
