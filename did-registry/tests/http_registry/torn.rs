//! TH59: records of one decision are loaded one after the other, and somebody else commits in between.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use handfast_registry::ConfigFile;
use handfast_registry::store::memory::MemoryDisk;
use handfast_registry::store::{
    Batch, CommitFuture, EmbeddedStore, FormerEpoch, Page, Positions, Record, Store, StoreError, StoreFuture, Table,
};
use handfast_testkit::{Agent, HandClock};
use serde_json::json;
use tokio::sync::{Notify, watch};

use crate::bench::{API, Bench, approval, claims_of, config, with};
use crate::delegation_bench;

type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store that lets something happen just before the next load of a handle, or hides handles.
struct Between {
    store: Arc<EmbeddedStore>,
    act: Mutex<Option<Act>>,
    hides_handles: Mutex<bool>,
    /// What happens just before the next commit.
    before_commit: Mutex<Option<Act>>,
    /// What happens when it was done, before anybody hears of it.
    after_commit: Mutex<Option<Act>>,
    /// Whether no page can be read.
    is_unreadable: Mutex<bool>,
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Between")
    }
}

impl Store for Between {
    fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            if table == Table::new(18, "handles") {
                let act = self.act.lock().unwrap().take();
                if let Some(act) = act {
                    act.await;
                }
                if *self.hides_handles.lock().unwrap() {
                    return Ok(None);
                }
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
        if *self.is_unreadable.lock().unwrap() {
            return Box::pin(async { Err(StoreError::Unavailable { reason: "for a test".to_owned() }) });
        }
        self.store.page(table, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> CommitFuture<'_> {
        let before = self.before_commit.lock().unwrap().take();
        let after = self.after_commit.lock().unwrap().take();
        Box::pin(async move {
            if let Some(act) = before {
                act.await;
            }
            let committed = self.store.commit(batch).await;
            if let Some(act) = after {
                act.await;
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

impl Between {
    /// The places in status lists that are somebody's.
    async fn places(&self) -> Vec<Vec<u8>> {
        let page = self.store.page(Table::new(60, "status_places"), &[], None, 16).await.unwrap();
        page.records.into_iter().map(|(key, _)| key).collect()
    }
}

async fn scene() -> (Arc<Bench>, Arc<Between>) {
    let (bench, between) = opened(&config()).await;
    (Arc::new(bench), between)
}

async fn opened(file: &ConfigFile) -> (Bench, Arc<Between>) {
    let mut between = None;
    let bench = Bench::through(MemoryDisk::default(), HandClock::default(), file, |store| {
        let made = Arc::new(Between {
            store,
            act: Mutex::default(),
            hides_handles: Mutex::default(),
            before_commit: Mutex::default(),
            after_commit: Mutex::default(),
            is_unreadable: Mutex::default(),
        });
        between = Some(made.clone());
        made
    })
    .await;
    (bench, between.unwrap())
}

#[tokio::test]
async fn an_approval_between_two_loads_of_another_is_no_fault_of_ours() {
    let (bench, between) = scene().await;
    let (owner, faster) = (bench.owner(100).await, bench.owner(101).await);
    let agent = Agent::numbered(1);
    let claim = bench.register(&agent).await;
    let path = format!("/claims/{}/approve", claim.id);
    let words = json!({"confirm": handfast_identity::fingerprint(&agent.did())});
    // another handle: the generated one, which the slower owner would take over, is let go
    let named = with(approval(&claim), json!({"handle": "billing"}));
    for (who, body) in [(&owner, approval(&claim)), (&faster, named.clone())] {
        bench.manage(&who.key, "owner:self", "POST", &path, Some(body)).await.is(200);
    }
    let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let confirms = {
        let (bench, path, body) = (bench.clone(), path.clone(), with(named, words.clone()));
        async move {
            let claimed = bench.manage(&faster.key, "owner:self", "POST", &path, Some(body)).await.is(200);
            assert_eq!(claimed.json["status"], "CLAIMED");
        }
    };
    *between.act.lock().unwrap() = Some(Box::pin(confirms));
    let answer = bench.call(&owner.key, &token, "POST", &path, Some(with(approval(&claim), words))).await;
    assert_eq!(answer.problem(), (409, "already_claimed"));
    assert!(between.act.lock().unwrap().is_none(), "it did happen in between");
}

#[tokio::test]
async fn an_agent_whose_handle_is_gone_for_good_is_damaged() {
    let (bench, between) = scene().await;
    let owner = bench.owner(100).await;
    let claim = bench.register(&Agent::numbered(1)).await;
    let path = format!("/claims/{}/approve", claim.id);
    *between.hides_handles.lock().unwrap() = true;
    let approve = || bench.manage(&owner.key, "owner:self", "POST", &path, Some(approval(&claim)));
    let answer = approve().await;
    assert_eq!(answer.problem(), (503, "store_unavailable"));
    assert!(answer.str("detail").ends_with("not certain whether anything was changed"), "{}", answer.text);
    *between.hides_handles.lock().unwrap() = false;
    approve().await.is(200);
}

/// DEL-39: whoever passed on is revoked after the exchange was decided and before its hop is recorded.
#[tokio::test]
async fn a_revocation_before_the_hop_is_recorded_ends_the_exchange() {
    for place in 0..2 {
        let (bench, between) = opened(&delegation_bench::config_with_tools()).await;
        let scene = Arc::new(delegation_bench::at(bench, json!({})).await);
        let root = scene.root().await;
        let hop = scene.hop(&scene.orchestrator, &root, &scene.planner).sign();
        let revokes = {
            let scene = scene.clone();
            async move { scene.revoke([&scene.orchestrator, &scene.planner][place]).await }
        };
        *between.before_commit.lock().unwrap() = Some(Box::pin(revokes));
        let answer = scene.exchange(&scene.planner, &root, &[&hop]).await;
        assert_eq!(answer.oauth(), (400, "invalid_request", "agent_revoked"));
        assert!(between.before_commit.lock().unwrap().is_none(), "it did happen in between");
    }
}

/// What was issued while a cut-off was being written would have escaped it.
#[tokio::test]
async fn a_cut_off_that_was_past_when_it_was_written_is_made_again() {
    for (seconds, cut, entries) in [(5, 5, 1), (6, 11, 2)] {
        let (bench, between) = scene().await;
        let owner = bench.owner(100).await;
        let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
        let (clock, made) = (bench.clock.clone(), bench.now());
        *between.before_commit.lock().unwrap() = Some(Box::pin(async move { clock.advance(seconds) }));
        let body = json!({"kind": "owner", "id": owner.id});
        let told = bench.call(&owner.key, &token, "POST", "/revocations", Some(body)).await.is(200);
        assert!(between.before_commit.lock().unwrap().is_none(), "it did happen in between");
        assert_eq!((&told.json["cut"], bench.positions().feed_to), (&json!(made + cut), entries), "{seconds}");
    }
}

/// The same for an agent's cut-off, in whichever event it is set; that of going on has nothing to escape it.
#[tokio::test]
async fn an_agents_cut_off_that_was_past_when_it_was_written_is_set_again() {
    let lower = json!({"ceiling": {"scope": "", "resource": []}});
    let events = [("ceiling", lower, 1), ("environment", json!({"environment": "prod"}), 1), ("resume", json!({}), 2)];
    for (event, body, before) in events {
        for (seconds, again) in [(5, 0), (6, 1)] {
            let (bench, between) = scene().await;
            let owner = bench.owner(100).await;
            let agent = bench.claimed(1, &owner).await;
            let path = |event: &str| format!("/agents/{}/{event}", agent.did());
            if event == "resume" {
                bench.manage(&owner.key, "owner:self", "POST", &path("suspend"), Some(json!({}))).await.is(200);
            }
            let token = bench.token(&owner.key, &[("scope", "owner:self")]).await;
            let clock = bench.clock.clone();
            *between.before_commit.lock().unwrap() = Some(Box::pin(async move { clock.advance(seconds) }));
            bench.call(&owner.key, &token, "POST", &path(event), Some(body.clone())).await.is(200);
            assert!(between.before_commit.lock().unwrap().is_none(), "it did happen in between");
            let entries = if event == "resume" { before } else { before + again };
            assert_eq!(bench.positions().feed_to, entries, "{event} after {seconds} s");
        }
    }
}

/// And of an agent that goes to another owner because its own one leaves.
#[tokio::test]
async fn the_cut_off_of_an_off_boarded_agent_is_set_again_too() {
    for (seconds, again) in [(5, 0), (6, 1)] {
        let (bench, between) = scene().await;
        let (owner, heir, admin) = (bench.owner(100).await, bench.owner(101).await, bench.admin(102).await);
        bench.claimed(1, &owner).await;
        let token = bench.token(&admin.key, &[("scope", "registry:admin")]).await;
        let (clock, next) = (bench.clock.clone(), between.clone());
        // the first commit is the beginning, the second the agent's
        *between.before_commit.lock().unwrap() = Some(Box::pin(async move {
            *next.before_commit.lock().unwrap() = Some(Box::pin(async move { clock.advance(seconds) }));
        }));
        let body = json!({"agents": "transfer", "to": heir.id});
        let path = format!("/owners/{}/offboarding", owner.id);
        let told = bench.call(&admin.key, &token, "POST", &path, Some(body)).await.is(200);
        assert_eq!(told.json["agents"], 1);
        assert!(between.before_commit.lock().unwrap().is_none(), "it did happen in between");
        assert_eq!(bench.positions().feed_to, 2 + again, "{seconds}");
    }
}

/// TSL-32: whoever asked for a token went away when its place was written and before the answer. The place is the task's all the same.
#[tokio::test]
async fn a_place_whose_caller_went_away_can_be_stopped() {
    let (bench, between) = scene().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let wanted = [("scope", "echo:read"), ("resource", API)];
    let committed = Arc::new(Notify::new());
    let told = committed.clone();
    *between.after_commit.lock().unwrap() = Some(Box::pin(async move {
        told.notify_one();
        std::future::pending::<()>().await;
    }));
    tokio::select! {
        token = bench.token(&agent, &wanted) => panic!("{token}"),
        () = committed.notified() => {}
    }
    let places = between.places().await;
    assert_eq!(places.len(), 1, "it was written");
    let token = bench.token(&agent, &wanted).await;
    assert_eq!(between.places().await, places, "and is used");
    assert_eq!(bench.listed(&token).await, 0);
    let body = json!({"kind": "task", "id": claims_of(&token)["task"]["id"]});
    bench.manage(&owner.key, "owner:self", "POST", "/revocations", Some(body)).await.is(200);
    assert_eq!(bench.listed(&token).await, 1);
}

/// P-17: a list that might lack what was revoked is not told.
#[tokio::test]
async fn where_what_was_revoked_cannot_be_read_no_list_is_told() {
    let (bench, between) = scene().await;
    let owner = bench.owner(100).await;
    let agent = bench.claimed(1, &owner).await;
    let token = bench.token(&agent, &[("scope", "echo:read"), ("resource", API)]).await;
    assert_eq!(bench.listed(&token).await, 0);
    let owners = bench.token(&owner.key, &[("scope", "owner:self")]).await;
    let unreadable = {
        let between = between.clone();
        async move { *between.is_unreadable.lock().unwrap() = true }
    };
    *between.after_commit.lock().unwrap() = Some(Box::pin(unreadable));
    let body = json!({"kind": "task", "id": claims_of(&token)["task"]["id"]});
    bench.call(&owner.key, &owners, "POST", "/revocations", Some(body)).await;
    let answer = bench.get("/status-lists/0").await;
    assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "store_unavailable"), Some("5")));
    *between.is_unreadable.lock().unwrap() = false;
    assert_eq!(bench.listed(&token).await, 1);
}
