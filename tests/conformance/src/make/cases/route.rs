//! What the route asks for.

use serde_json::json;

use crate::make::Case;
use crate::make::case::{forbidden, right, wrong};
use crate::make::draft::Draft;
use crate::vector::Callers;

pub(super) fn cases() -> Vec<Case> {
    [scopes(), callers()].into_iter().flatten().collect()
}

fn with(scope: &str) -> Draft {
    Draft::good().claims(json!({"scope": scope}))
}

fn scopes() -> Vec<Case> {
    let short =
        |name, about, draft| wrong(name, forbidden("insufficient_scope", "files:read"), "ERR-02 P-08", about, draft);
    let both = |draft: Draft| draft.route(Callers::Agents, &["files:read files:list"]);
    let either = |draft: Draft| draft.route(Callers::Agents, &["files:read", "files:all"]);
    vec![
        short("scope-other", "another scope", with("files:write")),
        short("scope-prefix", "a scope that is the beginning of the right one", with("files")),
        short("scope-longer", "a scope that begins with the right one", with("files:read:all")),
        short("scope-capitals", "the scope in capitals", with("FILES:READ")),
        short("scope-empty", "an empty scope", with("")),
        short("scope-missing", "no scope at all", Draft::good().without_claims(&["scope"])),
        short("scope-wildcard", "a wildcard, which is a scope like any other", with("files:*")),
        wrong(
            "scope-one-of-two",
            forbidden("insufficient_scope", "files:list files:read"),
            "ERR-02",
            "one of two scopes that are both needed",
            both(Draft::good()),
        )
        .twin("scope-both"),
        right("scope-both", "ERR-02", "both scopes that are needed", both(with("files:list files:read"))),
        right("scope-alternative", "ERR-02", "the second of two alternatives", either(with("files:all"))),
        wrong(
            "scope-no-alternative",
            forbidden("insufficient_scope", "files:read"),
            "ERR-02",
            "neither of two alternatives; the first is named",
            either(with("files")),
        )
        .twin("scope-alternative"),
        right("scope-none-asked", "ERR-02", "a route that asks for a good token only", {
            with("").route(Callers::Agents, &[""])
        }),
    ]
}

fn callers() -> Vec<Case> {
    vec![
        wrong(
            "owner-at-agents-route",
            forbidden("caller_not_permitted", "owner:self"),
            "P-10",
            "an owner in person at a route for agents",
            Draft::good_owner().route(Callers::Agents, &["owner:self"]),
        )
        .twin("good-owner"),
        wrong(
            "agent-at-owners-route",
            forbidden("caller_not_permitted", "files:read"),
            "P-10",
            "an agent at a route for owners",
            Draft::good().route(Callers::Owners, &["files:read"]),
        ),
        right("agent-at-route-for-both", "P-10", "an agent at a route for both", {
            Draft::good().route(Callers::AgentsAndOwners, &["files:read"])
        }),
        right("owner-at-route-for-both", "P-10", "an owner at a route for both", {
            Draft::good_owner().route(Callers::AgentsAndOwners, &["owner:self"])
        }),
    ]
}
