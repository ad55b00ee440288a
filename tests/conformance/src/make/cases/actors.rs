//! Confirmation and actors: whose key, and whose act.

use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{invalid_token, right, wrong};
use crate::make::draft::Draft;
use crate::make::keys::{Who, to_hex};

pub(super) fn cases() -> Vec<Case> {
    [confirmations(), acts()].into_iter().flatten().collect()
}

fn with(changes: Value) -> Draft {
    Draft::good().claims(changes)
}

fn malformed(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_token("token_malformed"), rules, about, draft)
}

fn confirmations() -> Vec<Case> {
    let jkt = Who::Agent.jkt();
    vec![
        wrong(
            "token-cnf-missing",
            invalid_token("token_unbound"),
            "TH13 DPOP-103 CNF-01",
            "a token bound to no key",
            Draft::good().without_claims(&["cnf"]),
        ),
        wrong(
            "token-cnf-of-another-key",
            invalid_token("holder_mismatch"),
            "TH12 DPOP-35",
            "a token bound to another key",
            with(json!({"cnf": {"jkt": Who::OtherAgent.jkt()}})),
        ),
        malformed("token-cnf-text", "CNF-01", "`cnf` is a text", with(json!({"cnf": jkt}))),
        malformed("token-cnf-array", "CNF-01 P-07", "`cnf` is an array", with(json!({"cnf": [jkt]}))),
        malformed("token-cnf-null", "CNF-01 P-07", "`cnf` is null", with(json!({"cnf": null}))),
        malformed("token-cnf-empty", "CNF-01 CNF-03", "`cnf` is empty", with(json!({"cnf": {}}))),
        malformed("token-cnf-other-method", "CNF-03", "a confirmation that nobody can check here", {
            with(json!({"cnf": {"x5t#S256": jkt}}))
        }),
        malformed("token-cnf-jkt-number", "CNF-06", "`jkt` is a number", with(json!({"cnf": {"jkt": 7}}))),
        malformed("token-cnf-jkt-hex", "CNF-06", "`jkt` in hexadecimal", {
            with(json!({"cnf": {"jkt": to_hex(Who::Agent.key().public().thumbprint().as_bytes())}}))
        }),
        malformed(
            "token-cnf-jkt-padded",
            "CNF-06",
            "`jkt` with padding",
            with(json!({"cnf": {"jkt": format!("{jkt}=")}})),
        ),
        malformed("token-cnf-jkt-short", "CNF-06", "`jkt` of 42 characters", with(json!({"cnf": {"jkt": &jkt[..42]}}))),
        right("token-cnf-other-members", "CNF-03", "another confirmation beside `jkt`", {
            with(json!({"cnf": {"jkt": jkt, "x5t#S256": "AA"}}))
        }),
    ]
}

fn acts() -> Vec<Case> {
    let agent = Who::Agent.did().to_string();
    let other = Who::OtherAgent.did().to_string();
    let nested = |levels: usize| {
        (0..levels).rev().fold(Value::Null, |inner, level| {
            let sub = if level == 0 { Who::Agent.did().to_string() } else { format!("did:example:{level}") };
            if inner.is_null() { json!({"sub": sub}) } else { json!({"sub": sub, "act": inner}) }
        })
    };
    vec![
        wrong(
            "token-act-of-another",
            invalid_token("actor_mismatch"),
            "ACT-09 ACT-02",
            "the actor is not the client",
            with(json!({"act": {"sub": other}})),
        ),
        wrong(
            "token-client-of-another",
            invalid_token("actor_mismatch"),
            "ACT-09 DK-14",
            "client and actor are another agent, the key is ours",
            with(json!({"client_id": other, "act": {"sub": other}})),
        ),
        wrong(
            "token-client-not-a-did",
            invalid_token("actor_mismatch"),
            "DK-14 P-05",
            "client and actor are no DID",
            with(json!({"client_id": "client-7", "act": {"sub": "client-7"}})),
        ),
        wrong(
            "token-client-other-spelling",
            invalid_token("actor_mismatch"),
            "P-05 DK-02",
            "client and actor in a second spelling of the DID",
            {
                let key = [&[0xed, 1][..], &Who::Agent.key().public().to_bytes()].concat();
                let did = format!("did:key:{}", multibase::encode(multibase::Base::Base64Url, key));
                with(json!({"client_id": did, "act": {"sub": did}}))
            },
        ),
        wrong(
            "token-act-nested",
            invalid_token("actor_mismatch"),
            "ACT-09 DEL-31",
            "an actor behind the agent, and no chain by which the agent acts for it",
            with(json!({"act": {"sub": agent, "act": {"sub": Who::OtherAgent.did().as_str()}}})),
        ),
        malformed("token-act-text", "ACT-08", "`act` is a text", with(json!({"act": agent}))),
        malformed("token-act-array", "ACT-08 P-07", "`act` is an array", with(json!({"act": [agent]}))),
        malformed("token-act-null", "ACT-08 P-07", "`act` is null", with(json!({"act": null}))),
        malformed(
            "token-act-without-sub",
            "ACT-01 ACT-08",
            "an actor without `sub`",
            with(json!({"act": {"iss": "x"}})),
        ),
        malformed("token-act-sub-empty", "ACT-01", "an actor with an empty `sub`", with(json!({"act": {"sub": ""}}))),
        malformed("token-act-inner-text", "ACT-08", "the inner `act` is a text", {
            with(json!({"act": {"sub": agent, "act": "x"}}))
        }),
        malformed("token-act-twice", "ACT-08", "an actor twice in the chain", {
            with(json!({"act": {"sub": agent, "act": {"sub": agent}}}))
        }),
        malformed("token-act-too-deep", "ACT-08 P-07", "ten levels of `act`", with(json!({"act": nested(10)}))),
        right("token-act-other-members", "ACT-04", "members without meaning inside `act`", {
            with(json!({"act": {"sub": agent, "exp": 1, "iss": "https://other.example"}}))
        }),
    ]
}
