//! Budgets of root tokens, counted under the task, and under the agent where the task is its own (DEL-45).

use serde_json::{Value, json};

use crate::make::case::{budget_spent, forbidden, invalid_proof, invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, OWNER, TASK};
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::{BudgetSetting, Callers, Expected};

pub(super) fn cases() -> Vec<Case> {
    [tasks(), own_tasks(), rates(), refusals(), bounded(), nobody_pays()].into_iter().flatten().collect()
}

const RULES: &str = "DEL-45";
const ACCEPTED: Expected = Expected::Accepted;

/// The `number`th request of a task that the owner asked for, with this budget.
fn asked(number: u8, budget: &Value) -> Draft {
    of_task(number, TASK, "owner", budget)
}

fn of_task(number: u8, task: &str, trigger: &str, budget: &Value) -> Draft {
    let by = if trigger == "self" { Who::Agent.did().to_string() } else { OWNER.to_owned() };
    Draft::good().proof_claims(json!({"jti": format!("proof-{number}")})).claims(json!({
        "budget": budget, "task": {"id": task, "intent": "", "leaf": 7, "trigger": {"type": trigger, "by": by}}
    }))
}

fn uses(max: u64) -> Value {
    json!({"max_uses": max})
}

fn tasks() -> Vec<Case> {
    let other_token = |draft: Draft| draft.claims(json!({"jti": "tok_other", "iat": NOW - 30}));
    let other_task = |number, budget: &Value| of_task(number, "task_other", "owner", budget);
    vec![
        right("token-budget", RULES, "a token with a budget of one use, for the first time", asked(1, &uses(1))),
        wrong("budget-task-spent", budget_spent(), RULES, "a second use of a budget of one", asked(2, &uses(1)))
            .after(asked(1, &uses(1)), ACCEPTED)
            .twin("budget-task-last-use"),
        right("budget-task-last-use", RULES, "the second use of a budget of two", asked(2, &uses(2)))
            .after(asked(1, &uses(2)), ACCEPTED),
        wrong(
            "budget-task-spent-by-another-token",
            budget_spent(),
            RULES,
            "the task's one use was by another token of it",
            other_token(asked(2, &uses(1))),
        )
        .after(asked(1, &uses(1)), ACCEPTED)
        .twin("budget-of-another-task"),
        right(
            "budget-of-another-task",
            RULES,
            "another task that the owner asked for has its own",
            other_task(2, &uses(1)),
        )
        .after(asked(1, &uses(1)), ACCEPTED),
        wrong(
            "budget-task-spent-under-less",
            budget_spent(),
            RULES,
            "two uses were within a token's budget of three; a token of the same task has a budget of two",
            asked(3, &uses(2)),
        )
        .after(asked(1, &uses(3)), ACCEPTED)
        .after(asked(2, &uses(3)), ACCEPTED)
        .twin("budget-task-last-use"),
    ]
}

fn own_tasks() -> Vec<Case> {
    let own = |number, task: &str| of_task(number, task, "self", &uses(1));
    vec![
        wrong(
            "budget-self-agent-spent",
            budget_spent(),
            RULES,
            "an agent makes itself a second task: its budget is the same",
            own(2, "task_other"),
        )
        .after(own(1, TASK), ACCEPTED)
        .twin("budget-of-another-task"),
        right(
            "budget-self-of-another-agent",
            RULES,
            "another agent's task of its own",
            of_task(2, "task_other", "self", &uses(1)).of(Who::OtherAgent),
        )
        .after(own(1, TASK), ACCEPTED),
        right(
            "budget-self-then-asked",
            RULES,
            "the owner asks for a task when the agent has spent what it may on its own",
            of_task(2, "task_other", "owner", &uses(1)),
        )
        .after(own(1, TASK), ACCEPTED),
    ]
}

fn rates() -> Vec<Case> {
    let rate = |uses: u64| json!({"rate": {"uses": uses, "seconds": 10}});
    // the window begins at NOW, a multiple of ten
    let later = |number, budget: &Value, seconds: u64| asked(number, budget).at(NOW + seconds);
    vec![
        wrong("budget-rate-spent", budget_spent(), RULES, "a second use in the last second of a window for one", {
            later(2, &rate(1), 9)
        })
        .after(asked(1, &rate(1)), ACCEPTED)
        .twin("budget-rate-next-window"),
        right("budget-rate-next-window", RULES, "a second later: the next window", later(2, &rate(1), 10))
            .after(asked(1, &rate(1)), ACCEPTED),
        right("budget-rate-twice", RULES, "two uses in a window for two", later(2, &rate(2), 9))
            .after(asked(1, &rate(2)), ACCEPTED),
        wrong(
            "budget-total-spent-in-the-next-window",
            budget_spent(),
            RULES,
            "the rate would allow it, the total not",
            later(2, &json!({"max_uses": 1, "rate": {"uses": 1, "seconds": 10}}), 10),
        )
        .after(asked(1, &json!({"max_uses": 1, "rate": {"uses": 1, "seconds": 10}})), ACCEPTED)
        .twin("budget-rate-next-window"),
    ]
}

/// What is refused for another reason, or by a budget, uses nothing.
fn refusals() -> Vec<Case> {
    let two = || uses(2);
    let elsewhere = |draft: Draft| draft.claims(json!({"scope": "files:write"}));
    vec![
        right("budget-replay-is-not-counted", RULES, "a proof sent twice is one use", asked(2, &two()))
            .after(asked(1, &two()), ACCEPTED)
            .after(asked(1, &two()), invalid_proof("proof_replayed")),
        right("budget-without-scope-is-not-counted", RULES, "a request without the scope is no use", {
            asked(2, &uses(1))
        })
        .after(elsewhere(asked(1, &uses(1))), forbidden("insufficient_scope", "files:read")),
        wrong(
            "budget-spent-uses-up-the-proof",
            invalid_proof("proof_replayed"),
            "DEL-45 P-02",
            "a proof that a spent budget refused, with a token of another task",
            of_task(2, "task_other", "owner", &uses(1)),
        )
        .after(asked(1, &uses(1)), ACCEPTED)
        .after(asked(2, &uses(1)), budget_spent())
        .twin("budget-of-another-task"),
    ]
}

fn bounded() -> Vec<Case> {
    let held = |draft: Draft, total: usize, per_owner: usize| {
        draft.set(|setting| setting.budgets = Some(BudgetSetting::Bounded { total, per_owner }))
    };
    let broken = |draft: Draft| draft.set(|setting| setting.budgets = Some(BudgetSetting::Unavailable));
    let two_counts = json!({"max_uses": 5, "rate": {"uses": 5, "seconds": 60}});
    let other = || of_task(2, "task_other", "owner", &uses(1));
    vec![
        wrong(
            "budget-store-full",
            unavailable("budget_store_full"),
            "DEL-45 P-17",
            "the store holds all it may",
            held(other(), 1, 2),
        )
        .after(asked(1, &uses(1)), ACCEPTED)
        .twin("budget-store-of-two"),
        right("budget-store-of-two", RULES, "a store that holds one count more", held(other(), 2, 2))
            .after(asked(1, &uses(1)), ACCEPTED),
        wrong(
            "budget-store-full-remembers",
            budget_spent(),
            "DEL-45 P-17",
            "the store is full and knows what is spent",
            held(asked(3, &uses(1)), 1, 2),
        )
        .after(asked(1, &uses(1)), ACCEPTED)
        .after(other(), unavailable("budget_store_full"))
        .twin("budget-store-of-two"),
        wrong(
            "budget-share-full",
            unavailable("budget_share_full"),
            "DEL-45 P-18",
            "an owner has used up its share of the store",
            held(asked(1, &two_counts), 9, 1),
        )
        .twin("budget-share-of-two"),
        right("budget-share-of-two", "DEL-45 P-18", "a share that holds one count more", {
            held(asked(1, &two_counts), 9, 2)
        }),
        wrong(
            "budget-store-unavailable",
            unavailable("budget_store_unavailable"),
            "DEL-45 P-17",
            "the store cannot be asked",
            broken(asked(1, &uses(1))),
        )
        .twin("budget-none-at-a-broken-store"),
        right("budget-none-at-a-broken-store", RULES, "a request without a budget does not ask the store", {
            broken(Draft::good())
        }),
    ]
}

fn nobody_pays() -> Vec<Case> {
    vec![
        wrong(
            "owner-budget",
            invalid_token("restriction_unsupported"),
            "DEL-45 RAR-09",
            "an owner's own token with a budget: there is no task to pay",
            Draft::good_owner().claims(json!({"budget": uses(5)})).route(Callers::Owners, &["owner:self"]),
        )
        .twin("good-owner"),
    ]
}
