//! Wishes beyond a task: counted once a proof, acted on as the policy says, released by hand (spec/delegation.md, drift).

#![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

mod common;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use common::{API, Api, SCOPE, refused, send, served, with_credentials};
use handfast_delegation::{AccessToken, Budget, Rate, Tools, TriggerKind};
use handfast_identity::{ContentHash, Seconds};
use handfast_middleware::{Builder, DriftAction, DriftNotice, DriftPolicy};
use handfast_testkit::{Agent, Chain, Evidence};
use handfast_verifier::budget::RefuseBudgets;

const WRITE: &str = "files:write";

fn policy(suspend: u32, halt: u32) -> DriftPolicy {
    DriftPolicy { suspend_after: NonZeroU32::new(suspend), halt_after: NonZeroU32::new(halt) }
}

/// An API that keeps what it is told about drift.
struct Watched {
    api: Api,
    notices: Arc<Mutex<Vec<DriftNotice>>>,
}

impl Watched {
    async fn new(policy: DriftPolicy) -> Self {
        let notices: Arc<Mutex<Vec<DriftNotice>>> = Arc::default();
        let told = Arc::clone(&notices);
        let settings = move |builder: Builder| {
            builder.drift(policy).on_drift(move |notice| told.lock().unwrap().push(notice.clone()))
        };
        Self { api: Api::with(settings).await, notices }
    }

    /// `/files` for [`SCOPE`], `/write` for a scope that nobody here has.
    fn app(&self) -> Router {
        let server = &self.api.server;
        let route = |path, scope| Router::new().route(path, any(async || "done")).layer(server.scope(scope).unwrap());
        route("/files", SCOPE).merge(route("/write", WRITE))
    }

    async fn send(&self, request: Request) -> (u16, String) {
        send(&self.app(), request).await.outcome()
    }

    /// A request to `path` with the token of `claims`.
    async fn ask(&self, claims: &AccessToken, path: &str) -> (u16, String) {
        let token = self.api.issuer.sign(claims);
        self.send(with_credentials("GET", path, &token, &self.api.proof("GET", path, &token))).await
    }

    /// A request to `path` by `delegate`, with its chain.
    async fn ask_below(&self, delegate: &Agent, evidence: &Evidence, path: &str) -> (u16, String) {
        let proof = delegate.proof_with_chain("GET", &format!("{API}{path}"), evidence, self.api.clock.now());
        let mut request = with_credentials("GET", path, &evidence.token, &proof);
        request.headers_mut().insert("delegation", evidence.field.parse().unwrap());
        self.send(request).await
    }

    /// Number of wishes and action of each notice since the last look.
    fn told(&self) -> Vec<(u32, DriftAction)> {
        self.notices.lock().unwrap().drain(..).map(|notice| (notice.wishes, notice.action)).collect()
    }
}

fn too_small() -> (u16, String) {
    refused(403, "insufficient_scope")
}

fn halted() -> (u16, String) {
    refused(401, "task_halted")
}

fn suspended() -> (u16, String) {
    refused(401, "delegation_suspended")
}

fn task_of(claims: &AccessToken) -> String {
    claims.task.as_ref().unwrap().id.to_string()
}

#[tokio::test]
async fn by_default_wishes_are_counted_and_told_and_stop_nothing() {
    let watched = Watched::new(DriftPolicy::default()).await;
    let claims = watched.api.claims();
    for _ in 0..20 {
        assert_eq!(watched.ask(&claims, "/write").await, too_small());
    }
    assert_eq!(watched.ask(&claims, "/files").await, served());
    let expected: Vec<_> = (1..=20).map(|wishes| (wishes, DriftAction::Logged)).collect();
    assert_eq!(watched.told(), expected);
    let [record] = watched.api.server.drift().list().try_into().unwrap();
    assert_eq!((record.task, record.wishes), (task_of(&claims), 20));
    assert!(!record.is_halted && record.suspended.is_empty());
    let last = record.last.unwrap();
    assert_eq!((last.reason, last.client_id, last.hop), ("insufficient_scope", claims.client_id.to_string(), None));
    assert_eq!(last.intent, "tests");
}

#[tokio::test]
async fn a_proof_counts_once() {
    let watched = Watched::new(policy(0, 3)).await;
    let claims = watched.api.claims();
    let token = watched.api.issuer.sign(&claims);
    let proof = watched.api.proof("GET", "/write", &token);
    for _ in 0..10 {
        assert_eq!(watched.send(with_credentials("GET", "/write", &token, &proof)).await, too_small());
    }
    assert_eq!(watched.told(), [(1, DriftAction::Logged)]);
}

#[tokio::test]
async fn what_is_no_wish_of_a_caller_in_good_standing_does_not_count() {
    let watched = Watched::new(policy(0, 1)).await;
    let claims = watched.api.claims();
    // another's proof, a dead token, and no credentials at all
    let token = watched.api.issuer.sign(&claims);
    let stranger = Agent::numbered(9).proof("GET", &format!("{API}/write"), &token, watched.api.clock.now());
    let answer = watched.send(with_credentials("GET", "/write", &token, &stranger)).await;
    assert_eq!(answer, refused(401, "holder_mismatch"));
    let mut dead = claims.clone();
    dead.issued_at = dead.issued_at.saturating_sub(Seconds::new(100));
    dead.authority.expires_at = dead.issued_at.saturating_add(Seconds::new(50));
    assert_eq!(watched.ask(&dead, "/write").await, refused(401, "token_expired"));
    let owner = watched.api.issuer.owner_token(&watched.api.agent, API, SCOPE, watched.api.clock.now());
    assert_eq!(watched.ask(&owner, "/write").await, refused(403, "caller_not_permitted"));
    // a route that cannot tell tools says nothing about the task
    let mut tooled = claims.clone();
    let open = serde_json::json!([{"type": "attenuating_agent_token", "tools": {"read": {}}}]);
    tooled.authority.tools = Tools::from_details(&open).ok();
    assert_eq!(watched.ask(&tooled, "/files").await, refused(403, "tool_refused"));
    assert_eq!((watched.told(), watched.ask(&claims, "/files").await), (vec![], served()));
}

#[tokio::test]
async fn a_halted_task_is_refused_until_it_is_released_and_others_go_on() {
    let watched = Watched::new(policy(0, 2)).await;
    let (claims, other) = (watched.api.claims(), watched.api.claims());
    assert_eq!(watched.ask(&claims, "/write").await, too_small());
    assert_eq!(watched.ask(&claims, "/files").await, served());
    assert_eq!(watched.ask(&claims, "/write").await, too_small());
    assert_eq!(watched.told(), [(1, DriftAction::Logged), (2, DriftAction::Halted)]);
    assert_eq!(watched.ask(&claims, "/files").await, halted());
    // another token of the task is no way around it
    let renewed = AccessToken { token_id: "tok_renewed".into(), ..claims.clone() };
    assert_eq!(watched.ask(&renewed, "/files").await, halted());
    assert_eq!(watched.ask(&other, "/files").await, served());
    let drift = watched.api.server.drift();
    assert!(drift.list().iter().any(|record| record.task == task_of(&claims) && record.is_halted));
    assert!(!drift.release("https://another.example", &task_of(&claims)));
    assert_eq!(watched.ask(&claims, "/files").await, halted());
    assert!(drift.release(&claims.issuer, &task_of(&claims)));
    assert_eq!(watched.ask(&claims, "/files").await, served());
    assert_eq!(watched.ask(&claims, "/write").await, too_small());
    assert_eq!(watched.told(), [(1, DriftAction::Logged)], "counting begins anew");
}

#[tokio::test]
async fn a_suspended_hop_stops_what_is_below_it_and_nothing_else() {
    let watched = Watched::new(policy(2, 0)).await;
    let api = &watched.api;
    let [first, second, sibling] = [2, 3, 4].map(Agent::numbered);
    let upper = Chain::below(&api.issuer, &api.agent, api.claims()).to(&first);
    let lower = upper.clone().to(&second);
    let beside = upper.clone().to(&sibling);
    let now = api.clock.now();
    let forms = |chain: &Chain| [chain.offline(), chain.exchanged(&api.issuer, now)];
    for evidence in forms(&lower) {
        assert_eq!(watched.ask_below(&second, &evidence, "/write").await, too_small());
    }
    assert_eq!(watched.told(), [(1, DriftAction::Logged), (2, DriftAction::Suspended)]);
    for evidence in forms(&lower) {
        assert_eq!(watched.ask_below(&second, &evidence, "/files").await, suspended());
    }
    for (delegate, chain) in [(&first, &upper), (&sibling, &beside)] {
        for evidence in forms(chain) {
            assert_eq!(watched.ask_below(delegate, &evidence, "/files").await, served());
        }
    }
    // as many wishes above suspend that hop, and with it everything below
    for _ in 0..2 {
        assert_eq!(watched.ask_below(&first, &upper.offline(), "/files").await, served());
        assert_eq!(watched.ask_below(&first, &upper.offline(), "/write").await, too_small());
    }
    for (delegate, chain) in [(&first, &upper), (&sibling, &beside), (&second, &lower)] {
        assert_eq!(watched.ask_below(delegate, &chain.offline(), "/files").await, suspended());
    }
    let [record] = api.server.drift().list().try_into().unwrap();
    let mut expected = vec![lower.hop_name(2).unwrap(), upper.hop_name(1).unwrap()];
    let in_order = |names: &mut Vec<ContentHash>| names.sort_unstable_by_key(|name| *name.as_bytes());
    let mut found = record.suspended;
    in_order(&mut expected);
    in_order(&mut found);
    assert_eq!(found, expected);
    assert!(api.server.drift().release(&record.issuer, &record.task));
    assert_eq!(watched.ask_below(&second, &lower.offline(), "/files").await, served());
}

#[tokio::test]
async fn without_a_hop_to_suspend_the_task_is_halted() {
    let watched = Watched::new(policy(1, 0)).await;
    let claims = watched.api.claims();
    assert_eq!(watched.ask(&claims, "/write").await, too_small());
    assert_eq!(watched.told(), [(1, DriftAction::Halted)]);
    assert_eq!(watched.ask(&claims, "/files").await, halted());
}

#[tokio::test]
async fn an_agents_own_task_halts_its_other_own_tasks() {
    // design, decision 4: an agent that makes its own tasks cannot begin anew in the next
    let watched = Watched::new(policy(0, 1)).await;
    let own = || {
        let mut claims = watched.api.claims();
        claims.task.as_mut().unwrap().trigger.kind = TriggerKind::OnItsOwn;
        claims
    };
    let (first, next, asked) = (own(), own(), watched.api.claims());
    assert_eq!(watched.ask(&first, "/write").await, too_small());
    assert_eq!(watched.ask(&next, "/files").await, halted());
    assert_eq!(watched.ask(&asked, "/files").await, served(), "what its owner asked for goes on");
    assert!(!watched.api.server.drift().release(&next.issuer, &task_of(&next)), "the first task is the cause");
    assert!(watched.api.server.drift().release(&first.issuer, &task_of(&first)));
    assert_eq!(watched.ask(&next, "/files").await, served());
}

#[tokio::test]
async fn what_is_stopped_by_hand_stays_stopped() {
    let watched = Watched::new(DriftPolicy::default()).await;
    let api = &watched.api;
    let (claims, delegate) = (api.claims(), Agent::numbered(2));
    let chain = Chain::below(&api.issuer, &api.agent, claims.clone()).to(&delegate);
    let drift = api.server.drift();
    assert!(drift.suspend(&claims.issuer, &task_of(&claims), chain.hop_name(1).unwrap()));
    assert_eq!(watched.ask_below(&delegate, &chain.offline(), "/files").await, suspended());
    assert_eq!(watched.ask(&claims, "/files").await, served());
    assert!(drift.halt(&claims.issuer, &task_of(&claims)));
    assert_eq!(watched.ask(&claims, "/files").await, halted());
    assert!(drift.release(&claims.issuer, &task_of(&claims)));
    assert_eq!(watched.ask_below(&delegate, &chain.offline(), "/files").await, served());
}

#[tokio::test]
async fn a_spent_budget_is_a_wish_and_one_that_cannot_be_counted_is_none() {
    let watched = Watched::new(policy(0, 2)).await;
    let mut claims = watched.api.claims();
    claims.authority.budget = Budget::new(Some(1), None).ok();
    let spent = || refused(429, "budget_spent");
    assert_eq!(watched.ask(&claims, "/files").await, served());
    assert_eq!(watched.ask(&claims, "/files").await, spent());
    assert_eq!(watched.told(), [(1, DriftAction::Logged)]);
    assert_eq!(watched.ask(&claims, "/files").await, spent());
    assert_eq!(watched.told(), [(2, DriftAction::Halted)]);
    assert_eq!(watched.ask(&claims, "/files").await, halted());

    // a rate that will allow more is nobody's fault
    let quick = Watched::new(policy(0, 1)).await;
    let mut claims = quick.api.claims();
    claims.authority.budget = Budget::new(None, Some(Rate { uses: 1, seconds: 86_400 })).ok();
    assert_eq!([quick.ask(&claims, "/files").await, quick.ask(&claims, "/files").await], [served(), spent()]);
    assert_eq!((quick.told(), quick.api.server.drift().list().len()), (vec![], 0));

    let broken = Api::with(|builder| builder.drift(policy(0, 1)).budget_store(Arc::new(RefuseBudgets))).await;
    let token = broken.issuer.sign(&claims);
    let answer = broken.send(broken.request_with_token(&token)).await;
    assert_eq!(answer.outcome(), refused(503, "budget_store_unavailable"));
    assert!(broken.server.drift().list().is_empty(), "that was the server's own fault");
}
