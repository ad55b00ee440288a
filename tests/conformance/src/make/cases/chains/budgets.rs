//! Budgets of hops and of tokens made from them, counted under the hops' names (DEL-45).

use serde_json::{Value, json};

use super::good::bare;
use super::{ACCEPTED, asking, exchanged};
use crate::make::case::{budget_spent, right, wrong};
use crate::make::draft::{Draft, OWNER, TASK};
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::Evidence;

pub(super) fn cases() -> Vec<Case> {
    [hops(), ends(), siblings(), tokens(), evidence()].into_iter().flatten().collect()
}

const RULES: &str = "DEL-45";

fn uses(max: u64) -> Value {
    json!({"budget": {"max_uses": max}})
}

/// The `number`th request with such a chain, in a task that the owner asked for.
fn numbered(draft: Draft, number: u8) -> Draft {
    let task = json!({"id": TASK, "intent": "", "leaf": 7, "trigger": {"type": "owner", "by": OWNER}});
    let proof = json!({"jti": format!("proof-{number}")});
    draft.root_claims(json!({"task": task})).claims(json!({"task": task})).proof_claims(proof)
}

/// In both forms.
fn forms() -> [(&'static str, Draft); 2] {
    [("offline", Draft::offline(2)), ("exchanged", Draft::exchanged(2))]
}

/// Budgets of these sizes for root and hops, the last also for an exchanged token.
fn within(draft: Draft, root: Option<u64>, first: u64, second: u64) -> Draft {
    let draft = if draft.is_exchanged() { draft.claims(uses(second)) } else { draft };
    let draft = draft.hop_claims(1, uses(first)).hop_claims(2, uses(second));
    match root {
        Some(root) => draft.root_claims(uses(root)),
        None => draft,
    }
}

fn hops() -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, draft) in forms() {
        let request = |number, max| numbered(within(draft.clone(), None, 5, max), number);
        cases.extend([
            wrong(
                format!("{form}-budget-hop-spent"),
                budget_spent(),
                RULES,
                format!("{form}: a second use of a last hop with a budget of one"),
                request(2, 1),
            )
            .after(request(1, 1), ACCEPTED)
            .twin(format!("{form}-budget-hop-last-use")),
            right(
                format!("{form}-budget-hop-last-use"),
                RULES,
                format!("{form}: the second use of a budget of two, counted once in each hop"),
                request(2, 2),
            )
            .after(request(1, 2), ACCEPTED),
        ]);
    }
    // its budget is remembered as long as the hop is good
    let ending =
        |number, max| numbered(within(Draft::offline(2), None, 5, max), number).hop_claims(2, json!({"exp": NOW - 30}));
    cases.extend([
        wrong(
            "offline-budget-hop-spent-in-leeway",
            budget_spent(),
            "DEL-45 DEL-25",
            "offline: a second use in the last second of a hop with a budget of one",
            ending(2, 1),
        )
        .after(ending(1, 1).at(NOW - 1), ACCEPTED)
        .twin("offline-budget-hop-in-leeway"),
        right(
            "offline-budget-hop-in-leeway",
            "DEL-45 DEL-25",
            "offline: the second use of a budget of two in that second",
            ending(2, 2),
        )
        .after(ending(1, 2).at(NOW - 1), ACCEPTED),
    ]);
    cases
}

/// The last hop ended as long ago as clocks may differ: its budget is counted to the end.
fn ends() -> Vec<Case> {
    let ended =
        |number, max| numbered(within(Draft::offline(2), None, 5, max), number).hop_claims(2, json!({"exp": NOW - 30}));
    vec![
        wrong(
            "offline-budget-in-leeway-spent",
            budget_spent(),
            RULES,
            "offline: a second use of a hop with a budget of one, 30 seconds behind its end",
            ended(2, 1),
        )
        .after(ended(1, 1), ACCEPTED)
        .twin("offline-budget-in-leeway"),
        right("offline-budget-in-leeway", RULES, "offline: the second of two uses, 30 seconds behind the end", {
            ended(2, 2)
        })
        .after(ended(1, 2), ACCEPTED),
    ]
}

/// The same first hop, and a second to somebody else.
fn to_another(draft: Draft) -> Draft {
    let (agent, delegate, first) = (Who::Agent.did(), Who::OtherAgent, Who::Delegate(1).did());
    let draft = draft.hop_for(2, delegate).proof_by(delegate);
    if !draft.is_exchanged() {
        return draft;
    }
    let act = json!({"sub": first.as_str(), "act": {"sub": agent.as_str()}});
    draft.claims(json!({
        "client_id": delegate.did().as_str(), "cnf": {"jkt": delegate.jkt()}, "jti": "tok_sibling",
        "act": {"sub": delegate.did().as_str(), "act": act}
    }))
}

fn siblings() -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, draft) in forms() {
        let one = |number, root, first| numbered(within(draft.clone(), root, first, 1), number);
        let other = |number, root, first| numbered(to_another(within(draft.clone(), root, first, 1)), number);
        // another first hop to the same delegate
        let again = |number, root| one(number, Some(root), 1).hop_claims(1, json!({"jti": "hop_again"}));
        cases.extend([
            wrong(
                format!("{form}-budget-first-hop-spent"),
                budget_spent(),
                RULES,
                format!("{form}: below a first hop of one use, a second delegate after another used it"),
                other(2, None, 1),
            )
            .after(one(1, None, 1), ACCEPTED)
            .twin(format!("{form}-budget-first-hop-last-use")),
            right(
                format!("{form}-budget-first-hop-last-use"),
                RULES,
                format!("{form}: the same below a first hop of two uses"),
                other(2, None, 2),
            )
            .after(one(1, None, 2), ACCEPTED),
            wrong(
                format!("{form}-budget-root-spent"),
                budget_spent(),
                RULES,
                format!("{form}: the root's one use was below another first hop"),
                again(2, 1),
            )
            .after(one(1, Some(1), 1), ACCEPTED)
            .twin(format!("{form}-budget-root-last-use")),
            right(
                format!("{form}-budget-root-last-use"),
                RULES,
                format!("{form}: a root of two uses below two first hops"),
                again(2, 2),
            )
            .after(one(1, Some(2), 1), ACCEPTED),
            right(
                format!("{form}-budget-refused-is-not-counted"),
                RULES,
                format!("{form}: what a spent hop refuses costs its task nothing"),
                other(4, Some(2), 2),
            )
            .after(one(1, Some(2), 2), ACCEPTED)
            .after(one(2, Some(2), 2), budget_spent())
            .after(one(3, Some(2), 2), budget_spent()),
        ]);
    }
    cases
}

fn tokens() -> Vec<Case> {
    // the token's own budget is smaller than its last hop's
    let made = |number, id: &str, own: u64, hop: u64| {
        let draft = within(Draft::exchanged(2), None, 5, hop).claims(uses(own)).claims(json!({"jti": id}));
        numbered(draft, number)
    };
    vec![
        wrong("exchanged-budget-token-spent", budget_spent(), RULES, "the token has one use, its last hop five", {
            made(2, "tok_a", 1, 5)
        })
        .after(made(1, "tok_a", 1, 5), ACCEPTED)
        .twin("exchanged-budget-token-last-use"),
        right("exchanged-budget-token-last-use", RULES, "the token has two uses", made(2, "tok_a", 2, 5))
            .after(made(1, "tok_a", 2, 5), ACCEPTED),
        wrong(
            "exchanged-budget-of-a-second-token",
            budget_spent(),
            RULES,
            "a second token of the same hop: the hop has one budget",
            made(2, "tok_b", 1, 1),
        )
        .after(made(1, "tok_a", 1, 1), ACCEPTED)
        .twin("exchanged-budget-token-last-use"),
        wrong(
            "exchanged-budget-of-the-token-alone",
            budget_spent(),
            RULES,
            "no hop has a budget, the token has",
            numbered(Draft::exchanged(2).claims(uses(1)), 2),
        )
        .after(numbered(Draft::exchanged(2).claims(uses(1)), 1), ACCEPTED)
        .twin("exchanged-budget-token-last-use"),
        wrong(
            "exchanged-budget-spent-offline",
            budget_spent(),
            RULES,
            "the same hops: one use offline, then another by the token made from them",
            numbered(within(Draft::exchanged(2).root_claims(json!({"del_offline": true})), None, 5, 1), 2),
        )
        .after(numbered(within(Draft::offline(2), None, 5, 1), 1), ACCEPTED)
        .twin("exchanged-budget-token-last-use"),
    ]
}

fn evidence() -> Vec<Case> {
    let budgeted = || within(Draft::exchanged(2), None, 5, 5);
    vec![
        exchanged(
            "on-word-budget",
            "evidence_required",
            "DEL-45 DEL-31",
            "no evidence, and a token with a budget: nobody is known to pay",
            |_| bare(budgeted(), Evidence::Optional),
        )
        .twin("exchanged-budget-with-evidence-nobody-asked-for"),
        right(
            "exchanged-budget-with-evidence-nobody-asked-for",
            RULES,
            "exchanged: the same token with its evidence",
            asking(budgeted(), Evidence::Optional, 8192, 5),
        ),
    ]
}
