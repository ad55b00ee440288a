//! Two issuers: nothing of one counts for the other.

use serde_json::{Value, json};

use crate::make::case::{forbidden, invalid_token, right, unavailable, wrong};
use crate::make::draft::{Draft, ISSUER, OWNER, RESOURCE, SECOND_ISSUER, key_set};
use crate::make::keys::Who;
use crate::make::{Case, NOW};
use crate::vector::{Callers, Expected, IssuerSetting, Revocation, StatusSetting, TrustRecord};

pub(super) fn cases() -> Vec<Case> {
    [speaking(), keys(), profiles(), statuses()].into_iter().flatten().collect()
}

fn record(issuer: &str, feed: Who) -> TrustRecord {
    TrustRecord {
        issuer: issuer.into(),
        profile: "handfast".into(),
        status: "feed".into(),
        feed_key: Some(feed.did().to_string()),
        status_key: None,
        status_origins: Vec::new(),
        resources: Some(vec![RESOURCE.into()]),
        scopes: Some("files:read".into()),
        subjects: Some(vec!["owner:".into()]),
        agent_status: Vec::new(),
        max_lifetime: 3600,
    }
}

fn known(revoked: Vec<Revocation>) -> StatusSetting {
    StatusSetting::Known { as_of: NOW - 5, revoked }
}

/// A server that trusts two registries.
fn two(draft: Draft) -> Draft {
    draft.set(|setting| {
        setting.issuers = vec![
            IssuerSetting { trust: record(ISSUER, Who::Feed), keys: key_set(Who::Issuer), status: known(Vec::new()) },
            IssuerSetting {
                trust: record(SECOND_ISSUER, Who::SecondFeed),
                keys: key_set(Who::SecondIssuer),
                status: known(Vec::new()),
            },
        ];
    })
}

fn of_second(draft: Draft) -> Draft {
    draft
        .claims(json!({"iss": SECOND_ISSUER}))
        .token_header(json!({"kid": Who::SecondIssuer.jkt()}))
        .token_signed_by(Who::SecondIssuer)
}

fn second() -> Draft {
    two(of_second(Draft::good()))
}

fn trust(draft: Draft, place: usize, change: impl FnOnce(&mut TrustRecord)) -> Draft {
    draft.set(|setting| change(&mut setting.issuers[place].trust))
}

fn budget(max_uses: u64) -> Value {
    json!({"budget": {"max_uses": max_uses}})
}

fn speaking() -> Vec<Case> {
    let refused = |name, rules, about, draft| {
        wrong(name, invalid_token("issuer_not_trusted"), rules, about, draft).twin("issuer-second")
    };
    vec![
        right("issuer-first", "BCP-06 P-10", "the first of two trusted issuers", two(Draft::good())),
        right("issuer-second", "BCP-06 P-10", "the same agent, owner id and scope at the second", second()),
        right(
            "issuer-second-budget",
            "DEL-45 P-10",
            "the budget of the same task and agent was spent with a token of the first",
            second().claims(budget(1)).proof_claims(json!({"jti": "proof-2"})),
        )
        .after(two(Draft::good()).claims(budget(1)), Expected::Accepted),
        refused("issuer-for-another-resource", "P-10 AT-13", "an issuer that may not speak for this resource", {
            trust(second(), 1, |record| record.resources = Some(vec!["https://other.example".into()]))
        }),
        refused("issuer-beyond-its-scopes", "P-10", "an issuer gives a scope it may not give, besides one it may", {
            second().claims(json!({"scope": "files:read files:write"}))
        }),
        refused("issuer-beyond-its-subjects", "P-10", "an issuer names a subject it may not name", {
            second().claims(json!({"sub": "user:alice"}))
        }),
        right("issuer-within-its-subjects", "P-10", "a subject with another of its prefixes", {
            trust(second(), 1, |record| record.subjects = Some(vec!["owner:".into(), "user:".into()]))
                .claims(json!({"sub": "user:alice"}))
        }),
    ]
}

fn keys() -> Vec<Case> {
    vec![
        wrong(
            "issuer-key-of-the-other",
            invalid_token("token_key_unknown"),
            "BCP-06 P-04",
            "the second issuer's name, the first one's key",
            two(Draft::good().claims(json!({"iss": SECOND_ISSUER}))),
        )
        .twin("issuer-second"),
        wrong(
            "issuer-kid-of-the-other",
            invalid_token("token_signature_invalid"),
            "BCP-06 P-04",
            "both issuers use one `kid`, and the first signs as the second",
            {
                let draft = two(Draft::good().claims(json!({"iss": SECOND_ISSUER})));
                draft.set(|setting| {
                    let kid = Who::Issuer.jkt();
                    setting.issuers[1].keys.keys[0].insert("kid".into(), kid);
                })
            },
        )
        .twin("issuer-second"),
    ]
}

fn profiles() -> Vec<Case> {
    let plain = |draft: Draft| {
        let draft = draft.without_claims(&["act", "task", "del_depth", "del_max_depth", "env", "handle"]);
        let draft = draft.claims(json!({"client_id": "client-7", "sub": "user:alice"}));
        trust(draft, 1, |record| {
            record.profile = "rfc9068".into();
            record.subjects = Some(vec!["user:".into(), "owner:".into()]);
        })
    };
    let details = json!({"authorization_details": []});
    vec![
        right("issuer-rfc9068", "AT-04 AT-12", "a plain RFC 9068 token of an issuer of that profile", plain(second())),
        right(
            "issuer-rfc9068-owner-like",
            "AT-20 P-10",
            "a plain token whose subject looks like an owner's id: an agent all the same",
            plain(second()).claims(json!({"sub": OWNER})),
        ),
        wrong(
            "issuer-rfc9068-no-owner",
            forbidden("caller_not_permitted", "files:read"),
            "AT-20 P-10",
            "the same at a route for owners",
            plain(second()).claims(json!({"sub": OWNER})).route(Callers::Owners, &["files:read"]),
        )
        .twin("issuer-rfc9068-owner-like"),
        wrong(
            "issuer-rfc9068-as-handfast",
            invalid_token("token_claims_incomplete"),
            "P-08",
            "the same of an issuer of profile `handfast`",
            trust(plain(second()), 1, |record| record.profile = "handfast".into()),
        )
        .twin("issuer-rfc9068"),
        wrong(
            "issuer-rfc9068-unbound",
            invalid_token("token_unbound"),
            "TH13 DPOP-103",
            "a plain token bound to no key",
            plain(second()).without_claims(&["cnf"]),
        )
        .twin("issuer-rfc9068"),
        wrong(
            "issuer-rfc9068-of-another-key",
            invalid_token("holder_mismatch"),
            "TH12 DPOP-35",
            "a plain token bound to another key",
            plain(second()).claims(json!({"cnf": {"jkt": Who::OtherAgent.jkt()}})),
        )
        .twin("issuer-rfc9068"),
        wrong(
            "issuer-rfc9068-details",
            invalid_token("restriction_unsupported"),
            "RAR-09",
            "a plain token with details nobody applies",
            plain(second()).claims(details),
        )
        .twin("issuer-rfc9068"),
        wrong(
            "issuer-rfc9068-budget",
            invalid_token("restriction_unsupported"),
            "RAR-09 DEL-45",
            "a plain token with a budget and a task, whatever its issuer means by them",
            plain(second()).claims(budget(5)).claims(json!({"task": {
                "id": "task_x", "intent": "", "leaf": 7, "trigger": {"type": "owner", "by": OWNER}
            }})),
        )
        .twin("issuer-rfc9068"),
        right("issuer-rfc9068-actors", "ACT-03", "a plain token with two actors", plain(second()).claims(actors())),
        wrong(
            "issuer-rfc9068-actor-revoked",
            invalid_token("agent_revoked"),
            "ACT-10 TH44",
            "its earlier actor is revoked",
            {
                let draft = plain(second()).claims(actors());
                revoke(draft, 1, "agent", Who::OtherAgent.did().as_str())
            },
        )
        .twin("issuer-rfc9068-actors"),
    ]
}

fn actors() -> Value {
    json!({"act": {"sub": Who::Agent.did().as_str(), "act": {"sub": Who::OtherAgent.did().as_str()}}})
}

fn revoke(draft: Draft, place: usize, kind: &str, id: &str) -> Draft {
    let entry = Revocation { kind: kind.into(), id: id.into(), cut: None };
    draft.set(|setting| setting.issuers[place].status = known(vec![entry]))
}

fn statuses() -> Vec<Case> {
    let did = Who::Agent.did().to_string();
    let listed = |draft| trust(draft, 1, |record| record.agent_status = vec![ISSUER.into()]);
    let without = |draft: Draft, lifetime: u64| {
        trust(draft, 1, |record| {
            record.status = "none".into();
            record.feed_key = None;
            record.max_lifetime = lifetime;
        })
        .set(|setting| setting.issuers[1].status = StatusSetting::NotFollowed)
    };
    vec![
        right(
            "issuer-agent-revoked-elsewhere",
            "P-11 P-10",
            "the agent is revoked at the other issuer, which is not asked",
            revoke(second(), 0, "agent", &did),
        ),
        wrong(
            "issuer-agent-revoked-where-listed",
            invalid_token("agent_revoked"),
            "P-11",
            "the agent is revoked at an issuer whose word on agents counts",
            revoke(listed(second()), 0, "agent", &did),
        )
        .twin("issuer-agent-revoked-elsewhere"),
        wrong(
            "issuer-key-revoked-where-listed",
            invalid_token("key_compromised"),
            "P-11",
            "the agent's key is revoked at an issuer whose word on keys counts",
            revoke(listed(second()), 0, "key", &Who::Agent.jkt()),
        )
        .twin("issuer-agent-revoked-elsewhere"),
        right(
            "issuer-task-revoked-where-listed",
            "P-10",
            "a task of the same id is revoked where only agents and keys count",
            revoke(listed(second()), 0, "task", crate::make::draft::TASK),
        ),
        wrong(
            "issuer-listed-unknown",
            unavailable("status_unknown"),
            "P-17 P-11",
            "nothing is known of an issuer whose word counts",
            listed(second()).set(|setting| setting.issuers[0].status = StatusSetting::Unknown),
        )
        .twin("issuer-second"),
        right("issuer-without-status", "P-11", "an issuer without a status source, a token of five minutes", {
            without(second(), 300)
        }),
        wrong(
            "issuer-without-status-long",
            invalid_token("token_lifetime_exceeded"),
            "P-11",
            "the same, and a second more",
            without(second(), 300).claims(json!({"exp": NOW + 241})),
        )
        .twin("issuer-without-status"),
    ]
}
