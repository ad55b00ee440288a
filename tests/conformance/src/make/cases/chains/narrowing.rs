//! No hop has more than the one before it, in any dimension (DEL-20 to DEL-26).

use serde_json::json;

use super::{both, exchanged};
use crate::make::draft::{Draft, OTHER_RESOURCE, RESOURCE};
use crate::make::{Case, NOW};

pub(super) fn cases() -> Vec<Case> {
    [scopes(), resources(), budgets(), ends()].into_iter().flatten().collect()
}

fn scopes() -> Vec<Case> {
    let widened = |name: &str, rules, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "scope_widened", rules, about, mistake).collect::<Vec<_>>()
    };
    [
        widened(
            "scope-added",
            "DEL-20",
            "the second hop adds a scope that the root has and the first hop not",
            &|draft| draft.hop_claims(2, json!({"scope": "files:read files:write"})),
        ),
        widened("scope-above-the-root", "DEL-20", "the first hop has a scope that the root has not", &|draft| {
            draft.hop_claims(1, json!({"scope": "files:read files:delete"}))
        }),
        widened("scope-below-a-prefix", "TH39 DEL-20", "`files:read` below `files`", &|draft| {
            draft
                .hop_claims(1, json!({"scope": "files files:write"}))
                .root_claims(json!({"scope": "files files:write"}))
        }),
        widened("scope-prefix", "TH39 DEL-20", "`files` below `files:read`", &|draft| {
            draft.hop_claims(2, json!({"scope": "files files:read"}))
        }),
        widened("scope-capitals", "TH39 DEL-20", "`Files:read` below `files:read`", &|draft| {
            draft.hop_claims(2, json!({"scope": "Files:read files:read"}))
        }),
        widened("scope-wildcard", "DEL-20", "`files:*` in the parent is a scope like any other", &|draft| {
            draft.hop_claims(1, json!({"scope": "files:*"})).root_claims(json!({"scope": "files:*"}))
        }),
    ]
    .concat()
}

fn resources() -> Vec<Case> {
    let widened = |name: &str, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "resource_widened", "DEL-21", about, mistake).collect::<Vec<_>>()
    };
    [
        widened("resource-added", "the second hop adds a resource that the root has and the first hop not", &|draft| {
            draft.hop_claims(2, json!({"resource": [RESOURCE, OTHER_RESOURCE]}))
        }),
        widened("resource-above-the-root", "the first hop has a resource that the root has not", &|draft| {
            draft.hop_claims(1, json!({"resource": [RESOURCE, "https://third.example"]}))
        }),
        widened("resource-below-a-path", "a path below a resource is another resource", &|draft| {
            draft.hop_claims(2, json!({"resource": [RESOURCE, "https://api.example/files"]}))
        }),
        widened("resource-with-a-slash", "a resource with a slash behind it is another one", &|draft| {
            draft.hop_claims(2, json!({"resource": [RESOURCE, "https://api.example/"]}))
        }),
    ]
    .concat()
}

fn budgets() -> Vec<Case> {
    let ten = || json!({"budget": {"max_uses": 10, "rate": {"uses": 2, "seconds": 60}}});
    let widened = |name: &str, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "budget_widened", "DEL-45", about, |draft| mistake(draft.hop_claims(1, ten()))).collect::<Vec<_>>()
    };
    let second = |budget: serde_json::Value| move |draft: Draft| draft.hop_claims(2, json!({"budget": budget.clone()}));
    let rate = |uses: u64, seconds: u64| json!({"max_uses": 10, "rate": {"uses": uses, "seconds": seconds}});
    let mut cases = [
        widened("budget-dropped", "the second hop drops the budget", &|draft| draft),
        widened(
            "budget-larger",
            "the second hop has a larger budget",
            &second(json!({"max_uses": 11, "rate": {"uses": 2, "seconds": 60}})),
        ),
        widened("budget-rate-dropped", "the second hop drops the rate", &second(json!({"max_uses": 10}))),
        widened(
            "budget-total-dropped",
            "the second hop drops the total",
            &second(json!({"rate": {"uses": 2, "seconds": 60}})),
        ),
        widened("budget-rate-larger", "the second hop has a larger rate", &second(rate(3, 60))),
        widened("budget-rate-of-another-span", "a slower rate, in spans that do not begin with the parent's", &{
            second(rate(2, 90))
        }),
    ]
    .concat();
    cases.push(exchanged(
        "budget-of-the-root-dropped",
        "budget_widened",
        "DEL-45",
        "the root has a budget, no hop has",
        |draft| draft.root_claims(json!({"budget": {"max_uses": 100}})),
    ));
    cases
}

fn ends() -> Vec<Case> {
    let widened = |name: &str, about: &str, mistake: &dyn Fn(Draft) -> Draft| {
        both(name, "expiry_widened", "DEL-24 DEL-25", about, mistake).collect::<Vec<_>>()
    };
    [
        widened("exp-a-second-later", "the second hop ends a second after the first", &|draft| {
            draft.hop_claims(2, json!({"exp": NOW + 541}))
        }),
        widened("exp-after-the-root", "the first hop ends a second after the root", &|draft| {
            draft.hop_claims(1, json!({"exp": NOW + 841}))
        }),
        widened("iat-before-the-parent", "the second hop is a second older than the first", &|draft| {
            draft.hop_claims(2, json!({"iat": NOW - 50}))
        }),
        widened("iat-before-the-root", "the first hop is a second older than the root", &|draft| {
            draft.hop_claims(1, json!({"iat": NOW - 61}))
        }),
    ]
    .concat()
}
