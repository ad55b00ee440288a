//! Budgets over HTTP: counted after everything else, by one server or several, and answered with 429.

#![allow(clippy::unwrap_used, clippy::panic)] // constants of the tests, and what must not happen

mod common;

use std::sync::Arc;

use axum::extract::Request;
use common::{Answer, Api, refused, served, with_credentials};
use handfast_delegation::{AccessToken, Budget, Rate, TriggerKind};
use handfast_middleware::Rejection;
use handfast_verifier::budget::{BudgetError, BudgetLimits, MemoryBudgets, RefuseBudgets};

fn uses(max: u64) -> Budget {
    Budget::new(Some(max), None).unwrap()
}

fn rate(uses: u64, seconds: u64) -> Budget {
    Budget::new(None, Some(Rate { uses, seconds })).unwrap()
}

/// A token of a task that the owner asked for.
fn claims(api: &Api, task: &str, budget: Budget) -> AccessToken {
    let mut claims = api.claims();
    claims.authority.budget = Some(budget);
    let of_token = claims.task.as_mut().unwrap();
    (of_token.id, of_token.trigger.kind) = (task.into(), TriggerKind::Owner);
    claims
}

/// A request of its own, each time it is called, with a token that has this budget.
fn request(api: &Api, budget: Budget) -> Request {
    api.request_with_token(&api.issuer.sign(&claims(api, "task_1", budget)))
}

/// The whole answer to a refusal for a spent budget.
fn check_spent(answer: &Answer, retry_after: Option<&str>) {
    assert_eq!(answer.outcome(), refused(429, "budget_spent"));
    assert_eq!(answer.field("retry-after"), retry_after);
    assert_eq!((answer.field("cache-control"), answer.field("www-authenticate")), (Some("no-store"), None));
    assert_eq!(answer.json().get("error"), None);
    assert!(matches!(answer.rejection, Some(Rejection::Budget(BudgetError::Spent { .. }))));
}

#[tokio::test]
async fn a_spent_total_is_429_without_a_time_to_wait() {
    let api = Api::new().await;
    for _ in 0..3 {
        assert_eq!(api.send(request(&api, uses(3))).await.outcome(), served());
    }
    for _ in 0..2 {
        check_spent(&api.send(request(&api, uses(3))).await, None);
    }
    assert_eq!(api.send(api.request("GET", "/files")).await.outcome(), served(), "a token without a budget");
    let decisions = api.server.decisions();
    assert_eq!(decisions.accepted(), 4);
    assert!(decisions.refused().iter().any(|count| (count.reason, count.requests) == ("budget_spent", 2)));
}

#[tokio::test]
async fn a_spent_rate_says_when_it_begins_anew() {
    let api = Api::new().await;
    let send = async || api.send(request(&api, rate(2, 60))).await;
    // the first second of a minute
    api.clock.advance(60 - api.clock.now().as_secs() % 60);
    assert_eq!(send().await.outcome(), served());
    api.clock.advance(10);
    assert_eq!(send().await.outcome(), served());
    check_spent(&send().await, Some("50"));
    api.clock.advance(49);
    check_spent(&send().await, Some("1"));
    api.clock.advance(1);
    assert_eq!(send().await.outcome(), served());
}

#[tokio::test]
async fn what_is_refused_before_costs_nothing() {
    let api = Api::new().await;
    let token = api.issuer.sign(&claims(&api, "task_1", uses(2)));
    let proof = api.proof("GET", "/files", &token);
    let repeated = || with_credentials("GET", "/files", &token, &proof);
    assert_eq!(api.send(repeated()).await.outcome(), served());
    for _ in 0..3 {
        assert_eq!(api.send(repeated()).await.outcome(), refused(401, "proof_replayed"));
    }
    let mut small = claims(&api, "task_1", uses(2));
    small.authority.scope = handfast_delegation::Scope::parse("files").unwrap();
    let small = api.issuer.sign(&small);
    assert_eq!(api.send(api.request_with_token(&small)).await.outcome(), refused(403, "insufficient_scope"));
    assert_eq!(api.send(request(&api, uses(2))).await.outcome(), served(), "the second use");
    check_spent(&api.send(request(&api, uses(2))).await, None);
}

#[tokio::test]
async fn servers_that_share_a_store_count_together() {
    let store = Arc::new(MemoryBudgets::new(BudgetLimits::default()));
    let one = Api::with(|builder| builder.budget_store(store.clone())).await;
    let two = Api::with(|builder| builder.budget_store(store.clone())).await;
    for api in [&one, &two, &one] {
        assert_eq!(api.send(request(api, uses(3))).await.outcome(), served());
    }
    check_spent(&two.send(request(&two, uses(3))).await, None);
    // the twin: one with a store of its own
    let alone = Api::new().await;
    assert_eq!(alone.send(request(&alone, uses(3))).await.outcome(), served());
}

#[tokio::test]
async fn counts_in_memory_end_with_the_process() {
    let api = Api::new().await;
    assert_eq!(api.send(request(&api, uses(1))).await.outcome(), served());
    check_spent(&api.send(request(&api, uses(1))).await, None);
    let restarted = api.restarted().await;
    restarted.clock.advance(common::SETTLED);
    assert_eq!(restarted.send(request(&restarted, uses(1))).await.outcome(), served());
}

#[tokio::test]
async fn a_store_without_room_or_out_of_reach_is_ours() {
    let full = Api::with(|builder| builder.budget_limits(BudgetLimits { total: 1, per_owner: 2 })).await;
    assert_eq!(full.send(request(&full, uses(2))).await.outcome(), served());
    let other = full.request_with_token(&full.issuer.sign(&claims(&full, "task_2", uses(1))));
    let answer = full.send(other).await;
    assert_eq!(answer.outcome(), refused(503, "budget_store_full"));
    assert!(answer.field("retry-after").is_some());
    assert_eq!(full.send(request(&full, uses(2))).await.outcome(), served(), "what is known goes on");
    let broken = Api::with(|builder| builder.budget_store(Arc::new(RefuseBudgets))).await;
    assert_eq!(broken.send(request(&broken, uses(1))).await.outcome(), refused(503, "budget_store_unavailable"));
    assert_eq!(broken.send(broken.request("GET", "/files")).await.outcome(), served(), "the twin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_spend_exactly_what_there_is() {
    const ALL: usize = 20;
    let store = Arc::new(MemoryBudgets::new(BudgetLimits::default()));
    let one = Api::with(|builder| builder.budget_store(store.clone())).await;
    let two = Api::with(|builder| builder.budget_store(store.clone())).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let api = if number % 2 == 0 { &one } else { &two };
        let (app, request) = (api.app(), request(api, uses(20)));
        tasks.spawn(async move { common::send(&app, request).await.outcome() });
    }
    let outcomes = tasks.join_all().await;
    let count = |wanted: &(u16, String)| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!((count(&served()), count(&refused(429, "budget_spent"))), (ALL, 60 - ALL));
}
