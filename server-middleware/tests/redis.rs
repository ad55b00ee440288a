//! Servers that share a memory in Redis: one proof, one request, and one budget, whichever server is asked.
//!
//! Runs a `redis-server` of its own (Debian package redis-server).

#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot set itself up should stop

mod common;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::Request;
use common::{Answer, Api, refused, send, served, with_credentials};
use handfast_delegation::{Budget, Rate, TriggerKind};
use handfast_dpop::ReplayLimits;
use handfast_identity::UnixTime;
use handfast_middleware::ConfigError;
use handfast_middleware::store::redis::{RedisSettings, RedisStore};
use handfast_testkit::HandClock;
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::Status;
use tempfile::TempDir;

/// A node, which ends with the test.
struct Node {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(port: u16, folder: &TempDir, settings: &[&str]) -> Child {
    let port = port.to_string();
    let fixed = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--logfile", "log"];
    let mut command = Command::new("redis-server");
    command.args(fixed).args(settings).current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("redis-server (Debian package redis-server) does not start: {error}"))
}

impl Node {
    async fn with(settings: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let node = Self { process: start(port, &folder, settings), port, folder };
        node.answers().await;
        node
    }

    /// A node that began long ago.
    async fn new() -> Self {
        let node = Self::with(&[]).await;
        node.began(3600).await;
        node
    }

    /// Another process in the place of this one, which is killed.
    async fn killed_and_started(&mut self, settings: &[&str]) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = start(self.port, &self.folder, settings);
        self.answers().await;
    }

    fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn command(&self, arguments: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.address())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(arguments.first().unwrap()).arg(arguments.get(1..).unwrap()).query_async(&mut connection).await
    }

    async fn answers(&self) {
        for _ in 0..500 {
            if self.command(&["PING"]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not answer");
    }

    /// Says that its memory began so many seconds ago.
    async fn began(&self, seconds: u64) {
        self.began_before(now(), seconds).await;
    }

    /// Says that its memory began so many seconds before `time`: a server's clock stands still while a node is started.
    async fn began_before(&self, time: UnixTime, seconds: u64) {
        self.command(&["SET", "handfast:began", &(time.as_secs() - seconds).to_string()]).await.unwrap();
    }

    fn store(&self, change: impl FnOnce(&mut RedisSettings)) -> Arc<RedisStore> {
        let mut settings = RedisSettings::default();
        change(&mut settings);
        Arc::new(RedisStore::new(&self.address(), settings).unwrap())
    }

    /// A server that shares it, in its first second.
    async fn server(&self) -> Api {
        self.server_with(|_| {}).await
    }

    async fn server_with(&self, change: impl FnOnce(&mut RedisSettings)) -> Api {
        let store = self.store(change);
        // the node goes by the time of the machine
        Api::started_by(HandClock::at(now()), |builder| builder.shared_store(store)).await
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

/// A request of its own, each time it is called, of a task with this budget.
fn paid(api: &Api, task: &str, budget: Budget) -> Request {
    let mut claims = api.claims();
    claims.authority.budget = Some(budget);
    let of_token = claims.task.as_mut().unwrap();
    (of_token.id, of_token.trigger.kind) = (task.into(), TriggerKind::Owner);
    api.request_with_token(&api.issuer.sign(&claims))
}

fn uses(max: u64) -> Budget {
    Budget::new(Some(max), None).unwrap()
}

async fn ask(api: &Api) -> (u16, String) {
    api.send(api.request("GET", "/files")).await.outcome()
}

async fn pay(api: &Api, max: u64) -> Answer {
    api.send(paid(api, "task_1", uses(max))).await
}

/// The same bytes to each of the servers.
async fn repeat(api: &Api, token: &str, proof: &str) -> (u16, String) {
    api.send(with_credentials("GET", "/files", token, proof)).await.outcome()
}

fn unavailable() -> (u16, String) {
    refused(503, "replay_store_unavailable")
}

fn replayed() -> (u16, String) {
    refused(401, "proof_replayed")
}

#[tokio::test]
async fn a_proof_is_good_at_one_of_the_servers_once() {
    let node = Node::new().await;
    let (one, two) = (node.server().await, node.server().await);
    let token = one.token();
    let proof = one.proof("GET", "/files", &token);
    assert_eq!(repeat(&one, &token, &proof).await, served());
    assert_eq!(repeat(&two, &token, &proof).await, replayed());
    // a server that has just started remembers, and asks for no nonce of its own
    assert_eq!(repeat(&node.server().await, &token, &proof).await, replayed());
    assert_eq!(ask(&node.server().await).await, served());
    // the twin: servers of another namespace share nothing with these
    node.command(&["SET", "other:began", "1"]).await.unwrap();
    let other = node.server_with(|settings| settings.namespace = "other".into()).await;
    assert_eq!(repeat(&other, &token, &proof).await, served());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_proof_and_one_budget_at_all_servers_at_once() {
    const ALL: usize = 25;
    let node = Node::new().await;
    let servers = [node.server().await, node.server().await, node.server().await];
    let first = servers.first().unwrap();
    let token = first.token();
    let proof = first.proof("GET", "/files", &token);
    let (mut proofs, mut budgets) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for api in servers.iter().cycle().take(60) {
        let (app, same, own) =
            (api.app(), with_credentials("GET", "/files", &token, &proof), paid(api, "task_1", uses(ALL as u64)));
        let other = app.clone();
        proofs.spawn(async move { send(&app, same).await.outcome() });
        budgets.spawn(async move { send(&other, own).await.outcome() });
    }
    let count = |all: &[(u16, String)], wanted: (u16, String)| all.iter().filter(|one| **one == wanted).count();
    let (proofs, budgets) = (proofs.join_all().await, budgets.join_all().await);
    assert_eq!((count(&proofs, served()), count(&proofs, replayed())), (1, 59));
    let spent = refused(429, "budget_spent");
    assert_eq!((count(&budgets, served()), count(&budgets, spent)), (ALL, 60 - ALL));
}

#[tokio::test]
async fn totals_and_rates_are_counted_together_and_all_or_none() {
    let node = Node::new().await;
    let (one, two) = (node.server().await, node.server().await);
    let both = Budget::new(Some(3), Some(Rate { uses: 2, seconds: 3600 })).unwrap();
    let send = async |api: &Api| api.send(paid(api, "task_1", both)).await;
    assert_eq!(send(&one).await.outcome(), served());
    assert_eq!(send(&two).await.outcome(), served());
    let answer = send(&one).await;
    assert_eq!(answer.outcome(), refused(429, "budget_spent"));
    let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 3600 - one.clock.now().as_secs() % 3600);
    // what was refused for the rate is not counted in the total: one use of three is left
    assert_eq!(pay(&two, 3).await.outcome(), served());
    let answer = pay(&one, 3).await;
    assert_eq!((answer.outcome(), answer.field("retry-after")), (refused(429, "budget_spent"), None));
    // the twin: another task
    assert_eq!(one.send(paid(&one, "task_2", uses(1))).await.outcome(), served());
}

#[tokio::test]
async fn one_key_and_one_owner_have_their_shares() {
    let node = Node::new().await;
    let api = node.server_with(|settings| (settings.proofs_per_key, settings.counts_per_owner) = (4, 2)).await;
    for task in ["task_1", "task_2"] {
        assert_eq!(api.send(paid(&api, task, uses(5))).await.outcome(), served());
    }
    assert_eq!(api.send(paid(&api, "task_3", uses(5))).await.outcome(), refused(503, "budget_share_full"));
    assert_eq!(api.send(paid(&api, "task_2", uses(5))).await.outcome(), served(), "what is known goes on");
    assert_eq!(ask(&api).await, refused(503, "replay_share_full"));
    // the twin: as many as there may be by default
    assert_eq!(RedisSettings::default().proofs_per_key, ReplayLimits::default().per_key);
    assert_eq!(ask(&node.server().await).await, served());
}

#[tokio::test]
async fn a_memory_that_was_lost_repeats_nothing() {
    let mut node = Node::new().await;
    let api = node.server().await;
    let token = api.token();
    let proof = api.proof("GET", "/files", &token);
    assert_eq!(repeat(&api, &token, &proof).await, served());
    node.killed_and_started(&[]).await;
    // it begins anew with the first question, and from then on knows what it may have forgotten
    for _ in 0..3 {
        assert_eq!(repeat(&api, &token, &proof).await, unavailable());
        assert_eq!(pay(&api, 1).await.outcome(), unavailable());
    }
    // its last good second is in 90, and it may have been used up to 240 seconds before that
    node.began_before(api.clock.now(), 150).await;
    assert_eq!(ask(&api).await, unavailable());
    node.began_before(api.clock.now(), 151).await;
    assert_eq!(ask(&api).await, served());
}

#[tokio::test]
async fn a_node_with_a_log_remembers_across_its_own_end() {
    let keeps = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut node = Node::with(&keeps).await;
    node.began(3600).await;
    let api = node.server().await;
    let token = api.token();
    let proof = api.proof("GET", "/files", &token);
    assert_eq!(repeat(&api, &token, &proof).await, served());
    assert_eq!(pay(&api, 1).await.outcome(), served());
    node.killed_and_started(&keeps).await;
    assert_eq!(repeat(&node.server().await, &token, &proof).await, replayed());
    assert_eq!(pay(&node.server().await, 1).await.outcome(), refused(429, "budget_spent"));
}

#[tokio::test]
async fn a_node_that_is_away_stops_requests_and_nothing_else() {
    let mut node = Node::new().await;
    let api = node.server().await;
    assert_eq!(ask(&api).await, served());
    node.process.kill().unwrap();
    node.process.wait().unwrap();
    assert_eq!(ask(&api).await, unavailable());
    assert_eq!(api.send(api.request_with_token("x.y.z")).await.outcome(), refused(401, "token_malformed"));
    node.killed_and_started(&[]).await;
    node.began(3600).await;
    // it reconnects by itself
    for _ in 0..100 {
        if ask(&api).await == served() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the store did not come back: {:?}", ask(&api).await);
}

#[tokio::test]
async fn p11_a_revocation_that_comes_while_a_request_waits_for_the_node_counts_for_it() {
    let node = Node::new().await;
    let api = node.server().await;
    let set = Arc::new(RevocationSet::default());
    api.facts.set_status(&api.issuer, Status::Known { set: Arc::clone(&set), as_of: api.clock.now() });
    assert_eq!(ask(&api).await, served());
    let agent = RevocationName::of(api.issuer.url(), RevocationKind::Agent, api.agent.did().to_string());
    node.command(&["CLIENT", "PAUSE", "200", "ALL"]).await.unwrap();
    let revoking = async {
        // the request waits by then: it was asked first, on this thread
        tokio::time::sleep(Duration::from_millis(10)).await;
        set.insert(&FeedEvent { seq: 1, kind: RevocationKind::Agent, name: agent, cut: None, until: None });
    };
    let (outcome, ()) = tokio::join!(ask(&api), revoking);
    // a machine that is so slow that the node is given up lets nothing pass either
    assert!(outcome == refused(401, "agent_revoked") || outcome == unavailable(), "{outcome:?}");
}

#[tokio::test]
async fn a_node_that_forgets_or_is_full_is_not_used() {
    let evicting = Node::with(&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]).await;
    evicting.began(3600).await;
    assert_eq!(ask(&evicting.server().await).await, unavailable());
    // the twin: told to evict nothing, at run time
    evicting.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await.unwrap();
    let api = evicting.server().await;
    assert_eq!(ask(&api).await, served());
    evicting.command(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    assert_eq!(ask(&api).await, refused(503, "replay_store_full"));
}

#[tokio::test]
async fn clocks_that_are_apart_are_noticed() {
    let node = Node::new().await;
    let api = node.server().await;
    let token = api.token();
    for (seconds, expected) in [(25, served()), (35, unavailable())] {
        api.clock.set(now().saturating_add(handfast_identity::Seconds::new(seconds)));
        let proof = api.proof("GET", "/files", &token);
        assert_eq!(repeat(&api, &token, &proof).await, expected, "{seconds}");
    }
}

#[tokio::test]
async fn one_memory_is_enough() {
    let store = Node::new().await.store(|_| {});
    let api = Api::new().await;
    let builder = handfast_middleware::ResourceServer::builder(common::API, common::API).facts(api.facts.clone());
    let own = Arc::new(handfast_dpop::MemoryReplay::new(ReplayLimits::default()));
    let refused = builder.shared_store(store).replay_store(own).start().await.err();
    assert!(matches!(refused, Some(ConfigError::TwoStores)), "{refused:?}");
}
