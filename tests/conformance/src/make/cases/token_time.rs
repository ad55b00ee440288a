//! The access token's times, both sides of each edge.

use serde_json::{Value, json};

use crate::make::case::{invalid_token, right, wrong};
use crate::make::draft::Draft;
use crate::make::{Case, NOW};

pub(super) fn cases() -> Vec<Case> {
    [ends(), starts(), lives(), forms()].into_iter().flatten().collect()
}

fn with(changes: Value) -> Draft {
    Draft::good().claims(changes)
}

fn ends() -> Vec<Case> {
    vec![
        right("token-exp-leeway", "AT-16", "30 seconds past its end", with(json!({"exp": NOW - 30}))),
        wrong("token-expired", invalid_token("token_expired"), "AT-16", "31 seconds past its end", {
            with(json!({"exp": NOW - 31}))
        })
        .twin("token-exp-leeway"),
    ]
}

fn starts() -> Vec<Case> {
    let early = |name, rules, about, changes: Value| {
        wrong(name, invalid_token("token_not_yet_valid"), rules, about, with(changes))
    };
    vec![
        right("token-nbf-leeway", "AT-17", "30 seconds before its beginning", with(json!({"nbf": NOW + 30}))),
        early("token-nbf-future", "AT-17", "31 seconds before its beginning", json!({"nbf": NOW + 31}))
            .twin("token-nbf-leeway"),
        right(
            "token-iat-leeway",
            "AT-17",
            "made 30 seconds ahead of the server's clock",
            with(json!({"iat": NOW + 30})),
        ),
        early("token-iat-future", "AT-17", "made 31 seconds ahead of the server's clock", json!({"iat": NOW + 31}))
            .twin("token-iat-leeway"),
        right("token-nbf-past", "AT-17", "a beginning in the past", with(json!({"nbf": NOW - 1000}))),
    ]
}

fn lives() -> Vec<Case> {
    vec![
        right("token-life-longest", "AT-21 P-10", "made to live the hour its issuer may give", {
            with(json!({"iat": NOW, "exp": NOW + 3600}))
        }),
        wrong(
            "token-life-too-long",
            invalid_token("token_lifetime_exceeded"),
            "AT-21 P-10",
            "made to live a second more",
            with(json!({"iat": NOW, "exp": NOW + 3601})),
        )
        .twin("token-life-longest"),
        right("token-life-none", "AT-16", "it ends in the second in which it was made: the leeway still holds", {
            with(json!({"iat": NOW, "exp": NOW}))
        }),
        wrong(
            "token-life-backwards",
            invalid_token("token_claims_incomplete"),
            "AT-18",
            "it ends a second before it was made",
            with(json!({"iat": NOW, "exp": NOW - 1})),
        ),
    ]
}

fn forms() -> Vec<Case> {
    let malformed = |name, rules, about, draft| wrong(name, invalid_token("token_malformed"), rules, about, draft);
    vec![
        malformed("token-exp-missing", "AT-18", "no `exp`", Draft::good().without_claims(&["exp"])),
        malformed("token-exp-text", "AT-18", "`exp` is a text", with(json!({"exp": (NOW + 240).to_string()}))),
        malformed("token-exp-fraction", "AT-18 DEL-43", "`exp` is a fraction", with(json!({"exp": 1_795_262_640.5}))),
        malformed("token-exp-huge", "BCP-16", "`exp` is 2^53", with(json!({"exp": 9_007_199_254_740_992_u64}))),
        malformed("token-exp-negative", "AT-18", "`exp` is negative", with(json!({"exp": -1}))),
        malformed("token-iat-missing", "AT-18", "no `iat`", Draft::good().without_claims(&["iat"])),
        malformed("token-iat-text", "AT-18", "`iat` is a text", with(json!({"iat": "1795262400"}))),
        malformed("token-nbf-text", "TH33 AT-18", "`nbf` is the text `0`", with(json!({"nbf": "0"}))),
    ]
}
