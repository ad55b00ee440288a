//! The access token's claims, one by one.

use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{forbidden, invalid_token, right, wrong};
use crate::make::draft::{Draft, RESOURCE};

pub(super) fn cases() -> Vec<Case> {
    [issuers(), audiences(), names(), scopes(), profiles(), restrictions(), environments()]
        .into_iter()
        .flatten()
        .collect()
}

fn with(changes: Value) -> Draft {
    Draft::good().claims(changes)
}

fn without(name: &str) -> Draft {
    Draft::good().without_claims(&[name])
}

fn malformed(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_token("token_malformed"), rules, about, draft)
}

fn issuers() -> Vec<Case> {
    let stranger = |name, about, iss: &str| {
        wrong(name, invalid_token("issuer_not_trusted"), "AT-13 BCP-06", about, with(json!({"iss": iss})))
    };
    vec![
        malformed("token-iss-missing", "AT-18 AT-04", "no `iss`", without("iss")),
        stranger("token-iss-other", "another issuer", "https://evil.example"),
        stranger("token-iss-slash", "the issuer with a slash behind it", "https://registry.example/"),
        stranger("token-iss-capitals", "the issuer in capitals", "https://Registry.example"),
        stranger("token-iss-port", "the issuer with its default port", "https://registry.example:443"),
        stranger("token-iss-prefix", "an issuer that ours is a prefix of", "https://registry.example.evil.example"),
    ]
}

fn audiences() -> Vec<Case> {
    let other = |name, rules, about, aud: Value| {
        wrong(name, invalid_token("audience_mismatch"), rules, about, with(json!({"aud": aud})))
    };
    vec![
        malformed("token-aud-missing", "AT-18 BCP-07", "no `aud`", without("aud")),
        malformed("token-aud-empty", "AT-14 BCP-07", "`aud` is an empty array", with(json!({"aud": []}))),
        malformed("token-aud-number", "AT-18", "`aud` is a number", with(json!({"aud": 7}))),
        malformed("token-aud-not-a-uri", "RES-01", "`aud` is no absolute URI", with(json!({"aud": "api.example"}))),
        other("token-aud-other", "AT-14", "another resource", json!("https://other.example")),
        other("token-aud-slash", "AT-14", "our identifier with a slash behind it", json!(["https://api.example/"])),
        other("token-aud-prefix", "TH31 AT-14", "a prefix of our identifier", json!(["https://api.exam"])),
        other(
            "token-aud-longer",
            "TH31 AT-14",
            "our identifier is a prefix of it",
            json!(["https://api.example.evil.example"]),
        ),
        other("token-aud-capitals", "AT-14", "our identifier in capitals", json!(["https://API.example"])),
        other("token-aud-issuer", "AT-14 P-10", "the issuer itself", json!(["https://registry.example"])),
        right("token-aud-text", "AT-14", "`aud` is a text", with(json!({"aud": RESOURCE}))),
        right("token-aud-several", "AT-14", "our identifier is one of several", {
            with(json!({"aud": ["https://other.example", RESOURCE]}))
        }),
    ]
}

fn names() -> Vec<Case> {
    vec![
        malformed("token-sub-missing", "AT-18 AT-04", "no `sub`", without("sub")),
        malformed("token-sub-empty", "AT-18", "`sub` is empty", with(json!({"sub": ""}))),
        malformed("token-client-id-missing", "AT-18 AT-04", "no `client_id`", without("client_id")),
        malformed("token-jti-missing", "AT-18 AT-04", "no `jti`", without("jti")),
        malformed("token-jti-number", "AT-18", "`jti` is a number", with(json!({"jti": 7}))),
        malformed("token-handle-number", "AT-18", "`handle` is a number", with(json!({"handle": 7}))),
    ]
}

fn scopes() -> Vec<Case> {
    vec![
        malformed("token-scope-array", "AT-18", "`scope` is an array", with(json!({"scope": ["files:read"]}))),
        malformed("token-scope-null", "AT-18 P-07", "`scope` is null", with(json!({"scope": null}))),
        malformed(
            "token-scope-two-blanks",
            "AT-07",
            "two blanks between scopes",
            with(json!({"scope": "files:read  a"})),
        ),
        malformed("token-scope-twice", "AT-07", "one scope twice", with(json!({"scope": "files:read files:read"}))),
        malformed("token-scope-quote", "AT-07 ERR-05", "a quote in a scope", with(json!({"scope": "files:read \""}))),
        right("token-scope-several", "AT-07", "several scopes", with(json!({"scope": "a files:read z"}))),
    ]
}

fn profiles() -> Vec<Case> {
    let incomplete = |name, about, names: &[&str]| {
        let draft = Draft::good().without_claims(names);
        wrong(name, invalid_token("token_claims_incomplete"), "AT-18 P-08", about, draft)
    };
    vec![
        incomplete("token-task-missing", "no `task`", &["task"]),
        incomplete("token-act-missing", "no `act`", &["act"]),
        incomplete("token-depth-missing", "no `del_depth`", &["del_depth", "del_max_depth"]),
        wrong(
            "token-of-nobody",
            invalid_token("token_claims_incomplete"),
            "AT-18 P-08",
            "none of them, for an UNCLAIMED agent",
            {
                with(json!({"sub": crate::make::keys::Who::Agent.did().as_str()})).without_claims(&[
                    "act",
                    "task",
                    "del_depth",
                    "del_max_depth",
                ])
            },
        )
        .twin("good-unclaimed"),
        malformed("token-max-depth-alone", "P-08", "`del_max_depth` without `del_depth`", without("del_depth")),
        malformed("token-offline-alone", "P-08", "`del_offline` without `del_depth`", {
            Draft::good().without_claims(&["del_depth", "del_max_depth"]).claims(json!({"del_offline": true}))
        }),
        malformed("token-depth-negative", "DEL-43 AT-18", "`del_depth` is negative", with(json!({"del_depth": -1}))),
        malformed("token-depth-fraction", "DEL-43 AT-18", "`del_depth` is a fraction", with(json!({"del_depth": 0.5}))),
        malformed("token-task-text", "AT-18", "`task` is a text", with(json!({"task": "task_x"}))),
        malformed("token-task-array", "AT-18 P-07", "`task` is an array of its members", {
            with(json!({"task": ["task_x", "", 1, {"type": "self", "by": "x"}]}))
        }),
        malformed("token-trigger-unknown", "AT-18", "a trigger nobody knows", {
            with(json!({"task": {"id": "task_x", "intent": "", "leaf": 1, "trigger": {"type": "magic", "by": "x"}}}))
        }),
        malformed("token-nulls", "AT-18 P-07", "`nbf` is null", with(json!({"nbf": null}))),
    ]
}

fn restrictions() -> Vec<Case> {
    let refused = |name, about, changes: Value| {
        wrong(name, invalid_token("restriction_unsupported"), "RAR-09 P-08", about, with(changes))
    };
    vec![
        wrong(
            "token-details",
            forbidden("tool_refused", ""),
            "RAR-09 P-08",
            "a caller with tools at a route that declares none",
            with(json!({"authorization_details": [{"type": "attenuating_agent_token", "tools": {}}]})),
        ),
        refused("token-details-type", "`authorization_details` of a type that nobody applies here", {
            json!({"authorization_details": [{"type": "payment_initiation"}]})
        }),
        refused("token-details-null", "`authorization_details` is null", json!({"authorization_details": null})),
        refused("token-budget-unknown", "a member of `budget` that nobody knows", {
            json!({"budget": {"max_uses": 5, "per_day": 1}})
        })
        .twin("token-budget"),
        refused("token-budget-null", "`budget` is null", json!({"budget": null})).twin("token-budget"),
    ]
}

fn environments() -> Vec<Case> {
    let elsewhere = |name, about, draft| wrong(name, invalid_token("environment_mismatch"), "P-10", about, draft);
    vec![
        elsewhere("token-env-other", "a token of the test environment in production", with(json!({"env": "test"}))),
        elsewhere("token-env-missing", "a token without environment in production", without("env")),
        malformed("token-env-unknown", "AT-18", "an environment nobody knows", with(json!({"env": "moon"}))),
        right("env-of-server-missing", "P-10", "a server that does not say its environment takes all", {
            with(json!({"env": "test"})).set(|setting| setting.environment = None)
        }),
    ]
}
