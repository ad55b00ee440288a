//! A rotation in the middle of everything: real servers, an agent at work, and its delegate.
#![allow(clippy::unwrap_used)] // tests stop at the first surprise

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use handfast_client::reqwest_middleware::ClientWithMiddleware;
use handfast_client::{Agent, AgentHttp, DpopKey, KeyFile, KeyKind, Role, Rotated, TokenRequest};
use tokio::task::JoinSet;

use super::{Local, Ports, READ_SCOPE};

/// Requests that go on until they are stopped; all of them have to succeed.
struct Traffic {
    workers: JoinSet<BTreeSet<String>>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Traffic {
    fn start() -> Self {
        Self { workers: JoinSet::new(), stop: Arc::default(), done: Arc::default() }
    }

    /// One more caller of `url`; who it acted as is collected.
    fn add(&mut self, http: ClientWithMiddleware, url: String) {
        let (stop, done) = (Arc::clone(&self.stop), Arc::clone(&self.done));
        self.workers.spawn(async move {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::SeqCst) {
                let answer = http.get(&url).send().await.unwrap();
                let status = answer.status().as_u16();
                let text = answer.text().await.unwrap();
                assert_eq!(status, 200, "{text}");
                let body: serde_json::Value = serde_json::from_str(&text).unwrap();
                seen.insert(body.get("actors").unwrap().to_string());
                done.fetch_add(1, Ordering::SeqCst);
            }
            seen
        });
    }

    /// Lets `more` requests pass.
    async fn pass(&self, more: usize) {
        let until = self.done.load(Ordering::SeqCst).saturating_add(more);
        while self.done.load(Ordering::SeqCst) < until {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.workers.join_all().await.into_iter().flatten().collect()
    }
}

/// An agent of a new owner, with a key file in the servers' directory.
async fn agent_with_file(local: &Local) -> (Agent, std::path::PathBuf) {
    let admin = local.admin().await.unwrap().acting_as(Role::Admin).unwrap();
    let agent = local.claimed_agent("worker", DpopKey::generate(), &admin).await.unwrap();
    let path = local.directory.path().join("agent.json");
    agent.key_file().create(&path).unwrap();
    (Agent::load(&path).unwrap(), path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_across_a_rotation() {
    let local = Local::start(Ports::default()).await.unwrap();
    let (agent, path) = agent_with_file(&local).await;
    let old = agent.did();
    let tokens = Arc::new(agent.tokens(TokenRequest::new(local.api_origin(), &[READ_SCOPE]).unwrap()).unwrap());
    let own = AgentHttp::with_tokens(Arc::clone(&tokens)).build().unwrap();
    // an instance of the agent's works for it too, with what was passed on
    let instance = local.registry(DpopKey::generate()).unwrap();
    let delegate = instance.key();
    let signed = agent.delegate(Arc::clone(&tokens)).to(delegate.did()).scope(READ_SCOPE).instance().sign().await;
    let mut delegation = signed.unwrap();
    let delegated = instance.with_delegation(delegation.bundle().clone()).unwrap();

    let mut traffic = Traffic::start();
    for _ in 0..2 {
        traffic.add(own.clone(), local.echo_url());
        // each of these asks the registry for a token of its own, before, during and after
        traffic.add(agent.http(local.api_origin(), &[READ_SCOPE]).unwrap(), local.echo_url());
        traffic.add(delegated.exchange().build().unwrap(), local.echo_url());
    }
    traffic.pass(30).await;
    assert_eq!(agent.rotate(&path).await.unwrap(), Rotated::Done);
    let new = agent.did();
    assert_ne!(new, old);
    traffic.pass(30).await;
    // the delegation is signed anew, under a root and by a key that are the new ones
    assert!(delegation.refresh().await.unwrap());
    assert_eq!(delegation.bundle().hops().next().unwrap().delegator, new.as_str());
    delegated.renew(delegation.bundle().clone()).unwrap();
    traffic.add(delegated.exchange().build().unwrap(), local.echo_url());
    traffic.pass(30).await;
    let seen = traffic.end().await;
    let actors = |did: &handfast_identity::DidKey| format!("[\"{did}\"]");
    let through = |did: &handfast_identity::DidKey| format!("[\"{}\",\"{did}\"]", delegate.did());
    let expected = [actors(&old), actors(&new), through(&old), through(&new)];
    assert_eq!(seen, expected.into_iter().collect());
    // what is on the disk is the key that is good
    assert_eq!(KeyFile::load(&path).unwrap().key.did(), &new);
    assert!(agent.rotate(&path).await.unwrap_err().to_string().contains("slow_down"));
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_delegate_holds_is_proved_with_the_key_it_is_bound_to() {
    let local = Local::start(Ports::default()).await.unwrap();
    let owner = local.admin().await.unwrap().acting_as(Role::Owner).unwrap();
    let mut agents = Vec::new();
    for name in ["planner", "worker"] {
        let key = DpopKey::generate();
        let registry = local.registry(key.clone()).unwrap();
        let registered = registry.register_agent(&local.registration(name).unwrap()).await.unwrap();
        local.claim(&owner, key.did(), &registered.claim.unwrap()).await.unwrap();
        agents.push(local.agent(key).unwrap());
    }
    let (worker, planner) = (agents.pop().unwrap(), agents.pop().unwrap());
    let path = local.directory.path().join("worker.json");
    worker.key_file().create(&path).unwrap();
    let tokens = Arc::new(planner.tokens(TokenRequest::new(local.api_origin(), &[READ_SCOPE]).unwrap()).unwrap());
    let sign = |to: handfast_identity::DidKey| planner.delegate(Arc::clone(&tokens)).to(to).scope(READ_SCOPE).sign();
    let first = sign(worker.did()).await.unwrap();
    let delegated = worker.with_delegation(first.bundle().clone()).unwrap();
    let http = delegated.exchange().build().unwrap();
    let status = || async { http.get(local.echo_url()).send().await.unwrap().status().as_u16() };
    assert_eq!(status().await, 200);
    worker.rotate(&path).await.unwrap();
    assert_eq!(status().await, 200, "the token is bound to the former key, and good to its end");
    // the next one is for the new key
    let second = sign(worker.did()).await.unwrap();
    delegated.renew(second.bundle().clone()).unwrap();
    assert_eq!(
        delegated.exchange().build().unwrap().get(local.echo_url()).send().await.unwrap().status().as_u16(),
        200
    );
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_with_the_key_it_finds() {
    let local = Local::start(Ports::default()).await.unwrap();
    let (agent, path) = agent_with_file(&local).await;
    let other = Agent::load(&path).unwrap();
    let http = other.http(local.api_origin(), &[READ_SCOPE]).unwrap();
    let status = || async { http.get(local.echo_url()).send().await.unwrap().status().as_u16() };
    assert_eq!(status().await, 200);
    agent.rotate(&path).await.unwrap();
    // what it holds is good still, and proved with the key it is bound to
    assert_eq!(status().await, 200);
    assert!(other.reload(&path).await.unwrap());
    assert_eq!((status().await, other.did()), (200, agent.did()));
    // a key that is not the agent's is not taken
    let stranger = local.directory.path().join("stranger.json");
    KeyFile::new(KeyKind::Agent, DpopKey::generate()).create(&stranger).unwrap();
    assert!(!other.reload(&stranger).await.unwrap());
    assert_eq!(other.did(), agent.did());
    local.stop().await;
}
